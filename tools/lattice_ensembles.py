"""Ensembles of disordered p-orbital magnets that chapters compare with: `python -m tools.lattice_ensembles [name …]`.

`thermal` (book/thermal_damping), `alloy` (book/alloy_damping) and `walls` (book/wall_damping): the means of batches, in
the order of `tools.lattice_members`. All of them take some ten minutes on two cores.
"""

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np

from tools import lattice_members as members
from tools.isolation import ROOT
from tools.precomputed import save

BATCHES = {"thermal": 20, "alloy": 20, "walls": 24, "bloch": 80, "bulk": 20}


def main(names: list[str]) -> None:
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:

        def batches(function: Callable[..., members.Numbers], count: int, cases: list[tuple[Any, ...]]) -> Any:
            jobs = [[pool.submit(function, *case, k) for k in range(count)] for case in cases]
            return np.array([[job.result() for job in case] for case in jobs])

        if "thermal" in names:
            data = batches(members.thermal, BATCHES["thermal"], [(k,) for k in range(len(members.DISPLACEMENTS))])
            lengths = [members.thermal_lengths(longest) for longest in members.DISPLACEMENTS.values()]
            store("thermal", "thermal_damping", displacement=list(members.DISPLACEMENTS), lengths=lengths, batches=data)
        if "alloy" in names:
            data = batches(members.alloy, BATCHES["alloy"], [(k,) for k in range(len(members.CONCENTRATIONS))])
            concentration, lengths = members.CONCENTRATIONS, members.ALLOY_LENGTHS
            store("alloy", "alloy_damping", concentration=concentration, lengths=lengths, batches=data)
        if "walls" in names:
            found = {}
            for kind in members.WALLS:
                count = BATCHES["bloch" if kind == "bloch" else "walls"]
                found[kind] = batches(members.walls, count, [(kind, k) for k in range(len(members.WIDTHS))])
            found["bulk"] = batches(members.bulk, BATCHES["bulk"], [(k,) for k in range(len(members.DIRECTIONS))])
            store("walls", "wall_damping", width=members.WIDTHS, directions=members.DIRECTIONS,
                  lengths=members.BULK_LENGTHS, **found)  # fmt: skip


def store(name: str, page: str, **arrays: Any) -> None:
    path = ROOT / "book" / page / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    save(path, arrays, command=f"python -m tools.lattice_ensembles {name}", seeds=list(range(max(BATCHES.values()))),
         code=["tools/lattice_ensembles.py"], versions=["numpy", "scipy"], replace=True)  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:] or ["thermal", "alloy", "walls"])
