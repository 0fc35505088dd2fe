"""The contract of sweeps: the result at a point follows from the point and the seed, not from the grid around it."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from spinlib.sweep import sweep
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw


def walk(length: float, turns: int, seed: np.random.Generator) -> dict[str, Any]:
    """A walk of random steps, and what it started from."""
    return {"end": length * seed.standard_normal(3).cumsum(), "given": length + turns}


def _alone(run: Any, function: Any, axes: Any, samples: int, seed: int, engine: str) -> None:
    """One point swept by itself, on reversed axes, gives the same bits; no two members are alike."""
    lengths, turns = axes["length"], axes["turns"]
    assert run["end"].shape == (len(lengths), len(turns), samples, 3)
    assert run.computed == len(lengths) * len(turns) * samples
    np.testing.assert_array_equal(run["given"][..., 0], np.add.outer(lengths, turns))
    last = sweep(function, {"turns": turns[-1:], "length": lengths[::-1]}, samples=samples, seed=seed, engine=engine)
    np.testing.assert_array_equal(last["end"][0, ::-1], run["end"][:, -1])
    ends = (run["end"] / np.reshape(lengths, (-1, 1, 1, 1))).reshape(-1, 3)
    assert len(np.unique(ends.round(12), axis=0)) == len(ends)


CONTRACTS = (
    Contract(
        "sweep.sweep",
        st.fixed_dictionaries(
            {
                "function": st.just(walk),
                "axes": st.tuples(
                    st.lists(draw.sizes(1e-9, 1e9), min_size=1, max_size=3, unique=True),
                    st.lists(st.integers(-9, 9), min_size=1, max_size=2, unique=True),
                ).map(lambda lists: dict(zip(("length", "turns"), lists, strict=True))),
                "samples": st.integers(1, 3),
                "seed": st.integers(0, 2**70),
                "engine": st.just("sequential"),
            }
        ),
        _alone,
        takes={"samples none": "no ensemble"},
    ),
)

_POINT = {"function": walk, "axes": {"length": [1.0], "turns": [1]}, "seed": 1, "engine": "sequential"}
LIMITS = (
    Limit("sweep.sweep", "seed", at=[0, 2**200], beyond=[-1, 0.5], says=("integer",), given=_POINT),
    Limit("sweep.sweep", "samples", at=[1], beyond=[0, 1.5], says=("integer",), given=_POINT),
    Limit("sweep.sweep", "workers", at=[1], beyond=[0, 1.5], says=("integer",), given=_POINT),
)


@contracts(*CONTRACTS)
def test_invariant_contract_sweep(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_sweep(row: Contract | Limit) -> None:
    row.check_refusals()
