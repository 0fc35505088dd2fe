r"""Media, layers and interfaces of parallel channels (public through :mod:`spinlib.diffusion`, conventions there)."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._modes import decompose
from spinlib._validate import not_negative, number, positive, positive_or_inf, require

__all__ = ["CHANNELS", "Interface", "Layer", "Medium", "reverse"]

_Real = NDArray[np.float64]

CHANNELS = ("s_up", "s_down", "d_up", "d_down")
_PARTNER = (1, 0, 3, 2)


def _asymmetry(name: str, value: object, *, closed: bool) -> float:
    """Return an asymmetry between -1 and 1, the ends included if ``closed``, or refuse it."""
    found = number(name, value)
    inside = abs(found) <= 1 if closed else abs(found) < 1
    require(name, found, inside, "is no asymmetry of two channels", f"pass |{name}| {'<=' if closed else '<'} 1")
    return found


def _rate(sigma: float, other: float, length: float, names: str) -> float:
    """Return G = 1/[l^2 (1/sigma + 1/sigma')], 0 for l = inf alone, or refuse what leaves the range of floats."""
    with np.errstate(all="ignore"):
        rate = float(1 / ((1 / np.float64(sigma) + 1 / np.float64(other)) * np.square(length)))
    if not (np.isfinite(rate) and sigma and other and (rate or length == inf)):
        given = f"{sigma:.4g} S/m and {other:.4g} S/m with a length of {length:.4g} m"
        raise ValueError(f"{names} give a relaxation of {rate} S/m^3, of {given}: pass SI values, lengths in m or inf")
    return rate


def _mapping(name: str, value: object, example: str) -> Mapping[Any, Any]:
    """Return a mapping, or refuse what is none."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} = {value!r} is no mapping: pass a dictionary such as {example}")
    return value


def _channel_count(channels: object) -> int:
    if channels not in (2, 4) or isinstance(channels, bool):
        raise ValueError(f"channels = {channels!r} is not 2 or 4: pass 2 (up, down) or 4 {CHANNELS}")
    return 4 if channels == 4 else 2


def _square(name: str, value: ArrayLike, size: int) -> _Real:
    """Return a matrix of rates between channels: symmetric, not negative, zero diagonal; or refuse it."""
    matrix = not_negative(name, value)
    if matrix.shape != (size, size):
        raise ValueError(f"{name} has shape {matrix.shape}: pass ({size}, {size}), a row and a column for each channel")
    diagonal = matrix.diagonal()
    require(f"diagonal of {name}", diagonal, diagonal == 0, "is not 0", "a channel does not relax into itself: pass 0")
    require(name, matrix, matrix == matrix.T, "differs from its transpose", "pass the same rate for (i, j) and (j, i)")
    return _kept(matrix)


def _kept(array: _Real) -> _Real:
    """Return a copy that cannot be written to."""
    copy = np.array(array, dtype=np.float64)
    copy.flags.writeable = False
    return copy


def _sized(name: str, array: _Real) -> _Real:
    """Return a vector over two or four channels, or refuse its shape."""
    if array.shape not in ((2,), (4,)):
        raise ValueError(f"{name} has shape {array.shape}: pass 2 (up, down) or 4 {CHANNELS} numbers")
    return array


@dataclass(frozen=True, eq=False)
class Medium:
    r"""A homogeneous medium of parallel channels (WD11 7-9; WD04 1, 2).

    J_i = -(sigma_i/e) d mu_i/dz and the rate from channel i to channel j is G_ij (mu_i - mu_j)/e.

    Args:
        conductivity: sigma_i [S/m], ``(n,)``, >= 0; n = 2 (up, down) or 4 (s_up, s_down, d_up, d_down), up the
            majority. 0 is a frozen channel: it carries no current, and relaxation does not reach it.
        relaxation: G = e L [S/m^3], ``(n, n)``, symmetric, >= 0, zero diagonal.

    Raises:
        ValueError: a conductivity or rate is negative or not finite, all conductivities are 0, ``relaxation`` is not
            symmetric or has a diagonal, a shape is another.

    >>> iron = Medium([1.5, 0.5], [[0.0, 6.0], [6.0, 0.0]])
    >>> iron.total_conductivity, iron.diffusion_lengths.tolist()  # 6 (1/1.5 + 1/0.5) = 4^2
    (2.0, [0.25])
    """

    conductivity: _Real
    relaxation: _Real

    if TYPE_CHECKING:  # whatever makes such arrays is accepted

        def __init__(self, conductivity: ArrayLike, relaxation: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        sigma = _sized("conductivity", not_negative("conductivity", self.conductivity))
        if not sigma.any():
            raise ValueError(f"conductivity = {sigma.tolist()} has no open channel: pass one sigma_i > 0 in S/m")
        object.__setattr__(self, "conductivity", _kept(sigma))
        object.__setattr__(self, "relaxation", _square("relaxation", self.relaxation, len(sigma)))

    def __repr__(self) -> str:
        """Show the conductivities and the decay lengths."""
        sigma = ", ".join(f"{value:.4g}" for value in self.conductivity)
        lengths = ", ".join(f"{value:.4g}" for value in self.diffusion_lengths)
        return f"<Medium: conductivity ({sigma}) S/m, diffusion lengths ({lengths}) m>"

    @classmethod
    def valet_fert(
        cls, resistivity: float, beta: float = 0.0, spin_diffusion_length: float = inf, channels: int = 2
    ) -> Self:
        r"""Return the medium of Valet-Fert parameters: rho_up(down) = 2 rho* (1 -+ beta), l^-2 = G (rho_up + rho_down).

        Args:
            resistivity: rho* [Ohm m], positive; the resistivity of the medium is rho* (1 - beta^2).
            beta: asymmetry of the resistivities, -1 < beta < 1; positive if the majority conducts better.
            spin_diffusion_length: l [m], positive; infinite without relaxation.
            channels: 2, or 4 with both d channels frozen.

        Raises:
            ValueError: ``resistivity`` or the length is not positive, |beta| >= 1, ``channels`` is not 2 or 4, the
                relaxation leaves the range of floats.

        >>> Medium.valet_fert(1.0, 0.5, 2.0).conductivity.tolist()
        [1.0, 0.3333333333333333]
        """
        rho = number("resistivity", resistivity, positive)
        beta = _asymmetry("beta", beta, closed=False)
        length = positive_or_inf("spin_diffusion_length", spin_diffusion_length)
        n = _channel_count(channels)
        sigma, relaxation = np.zeros(n), np.zeros((n, n))
        sigma[:2] = 1 / (2 * rho * (1 - beta)), 1 / (2 * rho * (1 + beta))
        relaxation[0, 1] = relaxation[1, 0] = _rate(sigma[0], sigma[1], length, "resistivity and spin_diffusion_length")
        return cls(sigma, relaxation)

    @classmethod
    def four_channel(
        cls, conductivity: Mapping[str, float], relaxation: Mapping[tuple[str, str], float] | None = None
    ) -> Self:
        """Return a medium of named channels; those that are not named are frozen.

        Args:
            conductivity: sigma [S/m] of each open channel: ``s_up``, ``s_down``, ``d_up``, ``d_down``.
            relaxation: G [S/m^3] of each pair that relaxes, such as ``("s_down", "d_down")``; once per pair.

        Raises:
            ValueError: a name is unknown, a pair is given twice or joins a channel with itself, or as for
                :class:`Medium`.

        >>> cobalt = Medium.four_channel({"s_up": 4.0, "s_down": 2.0, "d_down": 1.0}, {("s_down", "d_down"): 6.0})
        >>> cobalt.total_conductivity, cobalt.diffusion_lengths.tolist()  # 6 (1/2 + 1/1) = 3^2
        (7.0, [0.3333333333333333])
        """
        sigma, rates = np.zeros(4), np.zeros((4, 4))
        for name, value in _mapping("conductivity", conductivity, "{'s_up': 1e7, 's_down': 4e6}").items():
            sigma[_index("conductivity", name)] = number(f"conductivity[{name!r}]", value, not_negative)
        given = _mapping("relaxation", {} if relaxation is None else relaxation, "{('s_up', 's_down'): 1e22}")
        for pair, value in given.items():
            if not isinstance(pair, tuple) or len(pair) != 2 or pair[0] == pair[1]:
                raise ValueError(f"relaxation names {pair!r}: pass pairs of two channels, such as ('s_up', 's_down')")
            i, j = (_index("relaxation", name) for name in pair)
            if (pair[1], pair[0]) in given:
                raise ValueError(f"relaxation names {pair!r} and its mirror image: pass each pair once")
            rates[i, j] = rates[j, i] = number(f"relaxation[{pair!r}]", value, not_negative)
        return cls(sigma, rates)

    @classmethod
    def s_d(
        cls,
        conductivity: float,
        beta: float,
        *,
        minority_conductivity: float | None = None,
        minority_beta: float | None = None,
        spin_diffusion_length: float = inf,
        s_d_length: float = inf,
    ) -> Self:
        r"""Return the three-channel ferromagnet of WD04 (3), (7): d_up frozen, s_up - s_down and s_down - d_down relax.

        sigma_s (1 - beta_s) = sigma_down (1 + beta_down) = 2 sigma_s,down leaves three free numbers of the four.

        Args:
            conductivity: sigma_s = sigma_s,up + sigma_s,down [S/m], positive.
            beta: beta_s = (sigma_s,up - sigma_s,down)/sigma_s, between -1 and 1.
            minority_conductivity: sigma_down = sigma_s,down + sigma_d,down [S/m], at least sigma_s,down; or
            minority_beta: beta_down = (sigma_s,down - sigma_d,down)/sigma_down, above -1, at most 1. Give one.
            spin_diffusion_length: l_sf [m] of spin flip alone, l_sf^-2 = G_s (1/sigma_s,up + 1/sigma_s,down).
            s_d_length: l_sd [m] of s-d relaxation alone, l_sd^-2 = G_sd (1/sigma_s,down + 1/sigma_d,down).

        Raises:
            ValueError: both or neither of ``minority_conductivity`` and ``minority_beta``, or one out of range; a
                relaxation leaves the range of floats.

        >>> nickel = Medium.s_d(14.0, 3 / 7, minority_beta=3 / 13)
        >>> nickel.conductivity.round(12).tolist()
        [10.0, 4.0, 0.0, 2.5]
        """
        s = number("conductivity", conductivity, positive)
        beta = _asymmetry("beta", beta, closed=False)
        up, down = s * (1 + beta) / 2, s * (1 - beta) / 2
        if (minority_conductivity is None) == (minority_beta is None):
            raise ValueError(
                f"minority_conductivity = {minority_conductivity!r} and minority_beta = {minority_beta!r}: pass "
                "exactly one, since sigma_s (1 - beta_s) = sigma_down (1 + beta_down) fixes the other"
            )
        if minority_beta is not None:
            ratio = _asymmetry("minority_beta", minority_beta, closed=True)
            require("minority_beta", ratio, ratio > -1, "leaves no s channel", "pass -1 < minority_beta <= 1")
            d_down = down * (1 - ratio) / (1 + ratio)
        else:
            minority = number("minority_conductivity", minority_conductivity, positive)
            remedy = f"pass at least conductivity (1 - beta)/2 = {down:.6g} S/m"
            d_down = minority - down if abs(minority - down) > 1e-12 * down else 0.0
            require("minority_conductivity", minority, d_down >= 0, "is below that of its s channel", remedy)
        flip, merge = (
            positive_or_inf("spin_diffusion_length", spin_diffusion_length),
            positive_or_inf("s_d_length", s_d_length),
        )
        rates = {("s_up", "s_down"): _rate(up, down, flip, "conductivity and spin_diffusion_length")}
        if d_down:
            rates["s_down", "d_down"] = _rate(down, d_down, merge, "conductivity of the minority and s_d_length")
        return cls.four_channel({"s_up": up, "s_down": down, "d_down": d_down}, rates)

    @property
    def channels(self) -> int:
        """Number of channels, 2 or 4."""
        return len(self.conductivity)

    @property
    def total_conductivity(self) -> float:
        """sigma_t, sum of the conductivities [S/m]."""
        return float(self.conductivity.sum())

    @property
    def diffusion_lengths(self) -> _Real:
        """Decay lengths of the accumulations [m], ascending; one for each channel that relaxation ties to another."""
        kappa = decompose(self.conductivity, self.relaxation).kappa
        return np.sort(1 / kappa[kappa > 0])


def _index(argument: str, name: object) -> int:
    """Return the number of a channel, or refuse its name."""
    if name not in CHANNELS:
        remedy = f"pass {', '.join(CHANNELS)} (for sums and asymmetries see Medium.s_d)"
        raise ValueError(f"{argument} names the channel {name!r}: {remedy}")
    return CHANNELS.index(str(name))


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer of a stack.

    Args:
        medium: what it is made of.
        thickness: d [m], positive; infinite for a lead, which only an outer layer of a stack can be.

    Raises:
        ValueError: the thickness is not positive, ``medium`` is none.

    >>> Layer(Medium.valet_fert(5e-9), 3e-9).thickness
    3e-09
    """

    medium: Medium
    thickness: float

    def __post_init__(self) -> None:
        if not isinstance(self.medium, Medium):
            raise ValueError(f"medium = {self.medium!r} is no Medium: pass Layer(Medium(...), thickness)")
        object.__setattr__(self, "thickness", positive_or_inf("thickness", self.thickness))


@dataclass(frozen=True, eq=False)
class Interface:
    r"""Contact of two layers: mu_i(left) - mu_i(right) = e r_i J_i in each channel.

    Args:
        resistance: r_i [Ohm m^2], ``(n,)``, >= 0: 0 is transparent, inf lets no current pass.
        relaxation: g [S/m^2] between channels inside the contact, ``(n, n)`` as in :class:`Medium`, or None (zeros
            become None). The
            contact is then a layer of no thickness with the conductances 1/r_i, so relaxation excludes r_i = 0. A
            channel that is frozen beside it still carries what relaxes inside; r_i = inf closes it there, too.

    Raises:
        ValueError: a resistance is negative or NaN, ``relaxation`` is none, or it reaches a channel with r_i = 0.

    >>> Interface([2.0, 4.0]).resistance.tolist()
    [2.0, 4.0]
    """

    resistance: _Real
    relaxation: _Real | None = None

    if TYPE_CHECKING:  # whatever makes such arrays is accepted

        def __init__(self, resistance: ArrayLike, relaxation: ArrayLike | None = None) -> None: ...

    def __post_init__(self) -> None:
        try:
            given = np.asarray(self.resistance)
        except ValueError:  # ragged
            given = not_negative("resistance", self.resistance)
        blocked = np.asarray(given == inf)
        bare = np.where(blocked, 0.0, given) if blocked.any() else given
        r = _sized("resistance", not_negative("resistance", bare))
        object.__setattr__(self, "resistance", _kept(np.where(blocked, inf, r)))
        if self.relaxation is None:
            return
        g = _square("relaxation", self.relaxation, len(r))
        shorted = (g > 0).any(axis=1) & (r == 0) & ~blocked
        remedy = "pass r_i > 0, since relaxation needs a voltage across the contact"
        require("resistance", r, ~shorted, "belongs to a channel that relaxes in the contact", remedy)
        object.__setattr__(self, "relaxation", g if g.any() else None)

    def __repr__(self) -> str:
        """Show the resistances."""
        values = ", ".join(f"{value:.4g}" for value in self.resistance)
        return f"<Interface: resistance ({values}) Ohm m^2{', relaxing' if self.relaxation is not None else ''}>"

    @classmethod
    def valet_fert(
        cls, resistance: float, gamma: float = 0.0, spin_memory_loss: float = 0.0, channels: int = 2
    ) -> Self:
        r"""Return the contact of Valet-Fert parameters: r_up(down) = 2 r_b* (1 -+ gamma), g = delta^2/(r_up + r_down).

        Args:
            resistance: r_b* [Ohm m^2], >= 0; the contact has AR = r_b* (1 - gamma^2) between equal potentials.
            gamma: asymmetry, -1 <= gamma <= 1; positive if the majority passes better.
            spin_memory_loss: delta >= 0, thickness of an equivalent layer over its spin diffusion length.
            channels: 2, or 4 with both d channels blocked.

        Raises:
            ValueError: a value is out of range, or delta > 0 where a channel has no resistance.

        >>> Interface.valet_fert(1.0, 0.5).resistance.tolist()
        [1.0, 3.0]
        """
        r = number("resistance", resistance, not_negative)
        gamma = _asymmetry("gamma", gamma, closed=True)
        delta = number("spin_memory_loss", spin_memory_loss, not_negative)
        n = _channel_count(channels)
        values = np.full(n, inf)
        values[:2] = 2 * r * (1 - gamma), 2 * r * (1 + gamma)
        require("resistance", r, np.isfinite(values[:2]).all(), "leaves the range of floats", "pass Ohm m^2")
        if not delta:
            return cls(values)
        remedy = "pass resistance > 0 and |gamma| < 1, or spin_memory_loss=0"
        require("spin_memory_loss", delta, values[:2].all(), "needs a resistance in both channels", remedy)
        relaxation = np.zeros((n, n))
        relaxation[0, 1] = relaxation[1, 0] = delta * delta / (4 * r)
        return cls(values, relaxation)


_Item = TypeVar("_Item", Medium, Layer, Interface)


def reverse(item: _Item) -> _Item:
    """Return the medium, layer or interface of a reversed magnet: up and down exchanged.

    Args:
        item: what to reverse, of two or four channels. A frozen d_up becomes a frozen d_down.

    Raises:
        ValueError: ``item`` is none of the three.

    >>> reverse(Medium.valet_fert(1.0, 0.5)).conductivity.tolist()
    [0.3333333333333333, 1.0]
    """
    if isinstance(item, Layer):
        return Layer(reverse(item.medium), item.thickness)  # type: ignore[return-value]
    if isinstance(item, Medium):
        order = list(_PARTNER[: item.channels])
        relaxation = item.relaxation[np.ix_(order, order)]
        return Medium(item.conductivity[order], relaxation)  # type: ignore[return-value]
    if isinstance(item, Interface):
        order = list(_PARTNER[: len(item.resistance)])
        inside = None if item.relaxation is None else item.relaxation[np.ix_(order, order)]
        return Interface(item.resistance[order], inside)
    raise ValueError(f"item = {item!r} has no channels: pass a Medium, a Layer or an Interface")
