r"""Closed form of the junction between a normal metal and a three-channel ferromagnet, WD04 section II and appendix B.

Channels are (s_up, s_down, d_up, d_down). The ferromagnet has d_up frozen, the normal metal both d channels. Potentials
are those of positive carriers and J flows along +z from the normal metal (z < 0) into the ferromagnet (z > 0). So for
J > 0 the spin accumulation is negative where s_up has a larger share of the total conductivity in the ferromagnet than
in the metal, and positive where its share of the s conductivity is smaller; in between the two relaxations decide.
The surface formulas contain Lambda_+ and Lambda_- only as 1/(Lambda_+ Lambda_-) and 1/Lambda_+ + 1/Lambda_-, and add
positive terms wherever the result has a fixed sign, so no ratio of lengths or conductivities costs digits; the spin
accumulation, which may vanish, keeps the digits of the larger of its two terms.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import hypot, inf, sqrt
from typing import NamedTuple

from spinlib._channels import CHANNELS, Medium
from spinlib._validate import number, require
from spinlib.units import e

__all__ = ["coupled_lengths", "normal_ferromagnet_junction"]

# Powers of these, as they occur in the formulas, are floats.
_CONDUCTIVITIES = (1e-30, 1e30)  # S/m
_RELAXATIONS = (1e-60, 1e60)  # S/m^3


@dataclass(frozen=True)
class CoupledLengths:
    """Lengths of the coupled diffusion of a three-channel ferromagnet, WD04 (7) and below (9), in m.

    Args:
        l_sd: of the s-d accumulation mu_s_down - mu_d_down alone; inf without s-d relaxation.
        lambda_s: coupling length through which the spin accumulation feeds it; inf without spin flips.
        l_sf: of the spin accumulation mu_s_up - mu_s_down alone; inf without spin flips.
        lambda_sd: coupling length through which the s-d accumulation feeds it; inf without s-d relaxation.
        lambda_plus: Lambda_+, the shorter length of the coupled modes, below both l_sd and l_sf.
        lambda_minus: Lambda_-, the longer one, above both; inf unless both relaxations act.
    """

    l_sd: float
    lambda_s: float
    l_sf: float
    lambda_sd: float
    lambda_plus: float
    lambda_minus: float


@dataclass(frozen=True)
class JunctionSolution:
    """Accumulations on both sides of a normal metal-ferromagnet junction and its resistance.

    For z < 0 mu_s_up - mu_s_down = a exp(z / l_N). For z > 0 mu_s_down - mu_d_down = b exp(-z / Lambda_+)
    + d exp(-z / Lambda_-), and mu_s_up - mu_s_down follows by WD04 (8).

    Args:
        spin_accumulation: a [J], mu_s_up - mu_s_down at the interface, continuous there.
        amplitude_plus: b [J], of the short mode.
        amplitude_minus: d [J], of the long mode.
        d_accumulation: b + d [J], mu_s_down - mu_d_down on the ferromagnetic side of the interface.
        lengths: of the ferromagnet.
        resistance: area resistance [ohm m^2] in excess of both bulk metals.
    """

    spin_accumulation: float
    amplitude_plus: float
    amplitude_minus: float
    d_accumulation: float
    lengths: CoupledLengths
    resistance: float


class _DecayRates(NamedTuple):
    """Decay rates [1/m^2] of a three-channel ferromagnet, none of them a small difference of large ones."""

    s_d: float  # 1/l_sd^2
    coupling_s: float  # 1/lambda_s^2
    spin_flip: float  # 1/l_sf^2
    coupling_s_d: float  # 1/lambda_sd^2
    plus: float  # 1/Lambda_+^2
    product: float  # 1/(Lambda_+ Lambda_-)
    s_d_above_minus: float  # 1/l_sd^2 - 1/Lambda_-^2
    s_d_below_plus: float  # 1/Lambda_+^2 - 1/l_sd^2

    @property
    def split(self) -> float:
        """1/Lambda_+^2 - 1/Lambda_-^2."""
        return self.s_d_above_minus + self.s_d_below_plus


def coupled_lengths(medium: Medium) -> CoupledLengths:
    r"""Return the diffusion and coupling lengths of a three-channel ferromagnet, WD04 (7) and below (9).

    1/l_sd^2 = G_sd (1/sigma_sdown + 1/sigma_ddown), 1/l_sf^2 = G_s (1/sigma_sup + 1/sigma_sdown),
    1/lambda_s^2 = G_s / sigma_sdown, 1/lambda_sd^2 = G_sd / sigma_sdown with G = e L, and
    1/Lambda_+-^2 = [1/l_sd^2 + 1/l_sf^2 +- sqrt((1/l_sd^2 - 1/l_sf^2)^2 + 4 / (lambda_s lambda_sd)^2)] / 2;
    Lambda_- is taken from 1/(Lambda_+ Lambda_-)^2 = G_s G_sd sigma_t / (sigma_sup sigma_sdown sigma_ddown), because the
    difference in the printed form loses it when one relaxation is much faster than the other.

    Args:
        medium: four-channel medium that conducts in s_up, s_down and d_down, with d_up frozen. G_s is the relaxation
            s_up-s_down [S/m^3], G_sd the relaxation s_down-d_down [S/m^3].

    Returns:
        Six lengths [m].

    Raises:
        ValueError: if the medium has two channels, conducts in other channels than these three, s_up and d_down
            relax into each other, which WD04 neglects, or a number is so large or small that its powers are no floats.

    >>> from spinlib.diffusion import Medium
    >>> magnet = Medium.four_channel(
    ...     {"s_up": 3.0, "s_down": 1.0, "d_down": 5.0}, {("s_up", "s_down"): 3.0, ("s_down", "d_down"): 5.0}
    ... )
    >>> lengths = coupled_lengths(magnet)
    >>> lengths.l_sf, round(lengths.lambda_plus, 12), round(lengths.lambda_minus, 12)
    (0.5, 0.333333333333, 1.0)
    """
    return _lengths(_decay_rates(medium, "medium"))


def normal_ferromagnet_junction(normal: Medium, ferromagnet: Medium, current_density: float = 1.0) -> JunctionSolution:
    r"""Return the exact solution of a normal metal on the left of a three-channel ferromagnet, WD04 (14) and (34)-(38).

    The spin current is shared by the metal's G_N l_N, with G_N the relaxation s_up-s_down of the normal metal and l_N
    its diffusion length, and the ferromagnet's modes; d carriers start from rest at the interface. The amplitudes obey
    the corrected (36), (37), (38). The resistance is (10) with the jumps of the mean potential at the interface.

    Args:
        normal: four-channel medium that conducts in s_up and s_down, with relaxation between them. The two may differ:
            beta_N of WD04 (16).
        ferromagnet: four-channel medium that conducts in s_up, s_down and d_down, with relaxation s_up-s_down and
            s_down-d_down, as for :func:`coupled_lengths`.
        current_density: J [A/m^2], positive from the normal metal to the ferromagnet.

    Returns:
        Accumulations [J], lengths [m] and resistance [ohm m^2].

    Raises:
        ValueError: if a medium has other channels than stated, a relaxation that must act is zero, one that must not
            act is not, or a number is so large or small that its powers are no floats.

    >>> from spinlib.diffusion import Medium
    >>> metal = Medium.four_channel({"s_up": 1.0, "s_down": 1.0}, {("s_up", "s_down"): 0.5})
    >>> magnet = Medium.four_channel(
    ...     {"s_up": 2.0, "s_down": 1.0, "d_down": 1.0}, {("s_up", "s_down"): 2.0, ("s_down", "d_down"): 1.0}
    ... )
    >>> junction = normal_ferromagnet_junction(metal, magnet)
    >>> round(136 * junction.resistance, 12)
    11.0
    """
    rates = _decay_rates(ferromagnet, "ferromagnet")
    current = number("current_density", current_density)
    up, down, _, d = (float(value) for value in ferromagnet.conductivity)
    g_s = _acts(ferromagnet, "ferromagnet", "s_up", "s_down")
    g_sd = _acts(ferromagnet, "ferromagnet", "s_down", "d_down")
    _conducts(normal, "normal", ("s_up", "s_down"))
    g_normal = _acts(normal, "normal", "s_up", "s_down")
    normal_up, normal_down = (float(value) for value in normal.conductivity[:2])
    share_up = normal_up / (normal_up + normal_down)  # of the current deep in the normal metal, (1 + beta_N)/2
    share_down = normal_down / (normal_up + normal_down)
    sink_normal = sqrt(g_normal * normal_up * share_down)  # G_N l_N: spin flips in N, per area

    root_sum = sqrt(rates.s_d + rates.spin_flip + 2 * rates.product)  # 1/Lambda_+ + 1/Lambda_-
    sink = sink_normal + g_s / root_sum
    drive = (up + down) * rates.product + g_sd * (up + down + d) / d
    norm = drive * sink + up * down * rates.product * (rates.s_d + rates.product) / root_sum
    mismatch = _mismatch(up, down, normal_up, normal_down)  # zero for beta_N = beta_s
    merged_mismatch = _mismatch(up, Fraction(down) + Fraction(d), normal_up, normal_down)
    # Accumulations per e J; only the spin accumulation has no sign of its own.
    d_accumulation = (root_sum * sink + share_down * up * rates.product) / norm
    spin = (mismatch * (rates.product + g_sd / d) + share_up * g_sd) / norm
    # (10) with the jumps of the mean potential at the interface, as a sum of positive terms.
    separate = rates.product * (mismatch**2 + d * (share_down**2 * up + share_up**2 * down))
    merged = g_sd / d * merged_mismatch**2
    resistance = (separate + merged + d * root_sum * sink) / ((up + down + d) * norm)

    unit = e * current
    plus = (d_accumulation * rates.s_d_above_minus - spin * rates.coupling_s) / rates.split
    minus = (d_accumulation * rates.s_d_below_plus + spin * rates.coupling_s) / rates.split
    return JunctionSolution(unit * spin, unit * plus, unit * minus, unit * d_accumulation, _lengths(rates), resistance)


def _decay_rates(medium: Medium, name: str) -> _DecayRates:
    """Return the decay rates of a three-channel ferromagnet, or refuse the medium by name."""
    _conducts(medium, name, ("s_up", "s_down", "d_down"))
    cross = float(medium.relaxation[0, 3])
    remedy = "pass 0, or use solve_stack, which takes any relaxation"
    require(f"relaxation[0, 3] of {name}", cross, cross == 0, "relaxes s_up into d_down, which WD04 neglects", remedy)
    up, down, _, d = (float(value) for value in medium.conductivity)
    g_s, g_sd = float(medium.relaxation[0, 1]), float(medium.relaxation[1, 3])
    coupling_s, coupling_s_d = g_s / down, g_sd / down
    s_d, spin_flip = coupling_s_d + g_sd / d, coupling_s + g_s / up
    product = sqrt(coupling_s * coupling_s_d) * sqrt((up + down + d) / up * (down / d))
    # 1/l_sd^2 divides the interval from 1/Lambda_-^2 to 1/Lambda_+^2; nearly equal lengths need the exact difference.
    gap = Fraction(g_sd) / Fraction(down) + Fraction(g_sd) / Fraction(d)
    gap -= Fraction(g_s) / Fraction(down) + Fraction(g_s) / Fraction(up)
    half = abs(float(gap / 2))
    larger = half + hypot(half, sqrt(coupling_s) * sqrt(coupling_s_d))
    smaller = coupling_s * coupling_s_d / larger if larger > 0 else 0.0
    above, below = (larger, smaller) if gap >= 0 else (smaller, larger)
    return _DecayRates(s_d, coupling_s, spin_flip, coupling_s_d, s_d + below, product, above, below)


def _mismatch(up: float, down: float | Fraction, normal_up: float, normal_down: float) -> float:
    """Return what would have to move from down to up for the shares of the normal metal [S/m], exact where small."""
    return float(Fraction(normal_up) * Fraction(down) - Fraction(normal_down) * Fraction(up)) / (
        normal_up + normal_down
    )


def _lengths(rates: _DecayRates) -> CoupledLengths:
    """Return the lengths; a mode that does not decay has an infinite one."""
    s_d, lambda_s, flip, lambda_sd, plus = (1 / sqrt(square) if square > 0 else inf for square in rates[:5])
    minus = sqrt(rates.plus) / rates.product if rates.product > 0 else inf
    return CoupledLengths(s_d, lambda_s, flip, lambda_sd, plus, minus)


def _conducts(medium: Medium, name: str, channels: tuple[str, ...]) -> None:
    """Refuse a medium that conducts in other channels than these or has numbers of an absurd size."""
    if not isinstance(medium, Medium):
        raise ValueError(f"{name} = {medium!r} is no Medium: pass a four-channel Medium")
    if medium.channels != len(CHANNELS):
        remedy = "pass a four-channel medium, as from Medium.s_d, or from Medium.valet_fert with channels=4"
        raise ValueError(f"{name} has {medium.channels} channels: {remedy}")
    remedy = f"pass a medium that conducts in {', '.join(channels)} alone (reverse exchanges up and down)"
    for channel, value in zip(CHANNELS, medium.conductivity, strict=True):
        problem = "is frozen" if channel in channels else "is not frozen"
        require(f"{channel} conductivity of {name}", value, (value > 0) == (channel in channels), problem, remedy)
    for what, unit, values, (low, high) in (
        ("conductivity", "S/m", medium.conductivity, _CONDUCTIVITIES),
        ("relaxation", "S/m^3", medium.relaxation, _RELAXATIONS),
    ):
        inside = (values == 0) | ((values >= low) & (values <= high))
        remedy = f"pass 0 or {low:.0e} to {high:.0e} {unit}"
        require(f"{what} of {name}", values, inside, "is out of the range of the closed form", remedy)


def _acts(medium: Medium, name: str, one: str, other: str) -> float:
    """Return the relaxation between two channels, or refuse one that does not act."""
    i, j = CHANNELS.index(one), CHANNELS.index(other)
    value = float(medium.relaxation[i, j])
    remedy = f"pass a positive {one}-{other} relaxation in S/m^3, or use solve_stack"
    require(f"relaxation[{i}, {j}] of {name}", value, value > 0, "leaves an accumulation that never decays", remedy)
    return value
