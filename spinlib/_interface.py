"""One interface between a normal metal and a ferromagnet (public through :mod:`spinlib.circuit`, conventions there)."""

import warnings
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import finite, not_negative, number, positive, require, unitary
from spinlib.spin import cross_matrix
from spinlib.units import e2_over_h

__all__ = ["InterfaceConductance", "interface"]

_Real = NDArray[np.float64]


@dataclass(frozen=True)
class InterfaceConductance:
    r"""Conductances of one interface between a normal metal and a ferromagnet (BTBK 50-52).

    Args:
        majority: G_up, of electrons whose moment is parallel to m [S or S/m^2], >= 0.
        minority: G_down, of the others, same unit, >= 0.
        mixing: G_mix, complex, minority amplitude first, same unit, real part >= 0.
        sharvin: G_Sh = (e^2/h) times the channels of one spin in the normal metal, same unit, positive. Giving it says
            that the three are bare, that is seen from ideal leads; None says that they are those of a whole contact.
        thin: whether the mixing conductance contains the transmission term, see :meth:`from_scattering`.

    Raises:
        ValueError: a conductance is negative, not finite or not one number.

    Warns:
        UserWarning: bare conductances with 2 Re G_mix < G_up + G_down, |G_mix - G_Sh| > G_Sh or a G_up, G_down above
            G_Sh, which no reflection amplitudes have; only the transmission term of a thin magnet brings Re G_mix down.

    >>> InterfaceConductance(majority=3.0, minority=1.0, mixing=2.5).polarization
    0.5
    """

    majority: float
    minority: float
    mixing: complex
    sharvin: float | None = None
    thin: bool = field(default=False, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        for name in ("majority", "minority"):
            object.__setattr__(self, name, number(name, getattr(self, name), not_negative))
        given = finite("mixing", self.mixing, "pass one finite number", complex_allowed=True)
        if given.ndim:
            raise ValueError(f"mixing has shape {given.shape}: pass one number")
        mixing = complex(given)
        require(
            "Re mixing", mixing.real, mixing.real >= 0, "is negative", "pass Re mixing >= 0, in the unit of majority"
        )
        object.__setattr__(self, "mixing", mixing)
        if self.sharvin is not None:
            object.__setattr__(self, "sharvin", number("sharvin", self.sharvin, positive))
            largest = max(self.majority, self.minority)
            impossible = ""
            if largest > self.sharvin * (1 + 1e-12):
                impossible = f"conductance {largest:.6g} of one spin is above sharvin = {self.sharvin:.6g}"
            elif (radius := abs(mixing / self.sharvin - 1)) > 1 + 1e-12:
                impossible = f"|mixing - sharvin| / sharvin = {radius:.6g} is above 1"
            elif 2 * mixing.real < self.total * (1 - 1e-12) and not self.thin:
                impossible = f"2 Re mixing = {2 * mixing.real:.6g} is below majority + minority = {self.total:.6g}"
            if impossible:
                remedy = "leave out sharvin if the values are measured or corrected"
                warnings.warn(f"{impossible}, which no bare interface has: {remedy}", stacklevel=3)

    @classmethod
    def _from_valid(
        cls, majority: float, minority: float, mixing: complex, sharvin: float | None, *, thin: bool = False
    ) -> Self:
        """Build an interface from values that follow from valid ones, without the warning meant for what users pass."""
        interface = object.__new__(cls)
        values = {"majority": majority, "minority": minority, "mixing": mixing, "sharvin": sharvin, "thin": thin}
        for name, value in values.items():
            object.__setattr__(interface, name, value)
        return interface

    def _thick(self, name: str) -> Self:
        """Return the interface, or refuse one whose mixing conductance is not that of the current out of N."""
        if self.thin:
            raise ValueError(
                f"{name} contains the transmission term of a thin magnet, but what leaves N is needed here: "
                "pass from_scattering(..., transmission=False)"
            )
        return self

    @classmethod
    def from_scattering(
        cls, s_majority: ArrayLike, s_minority: ArrayLike, normal_channels: int, *, transmission: bool = False
    ) -> Self:
        r"""Return the conductances of a scattering region without spin flip (BTBK 50-52).

        G_s = (e^2/h) sum |t_s|^2 and G_mix = (e^2/h) sum(delta - r_down r_up^*), where r is the block of the normal
        metal and t leads into it, t = S[:n, n:].

        Args:
            s_majority: scattering matrix of majority electrons, ``(M, M)``, unitary; rows and columns of the
                ``normal_channels`` modes of the normal metal come first, those of the other lead follow.
            s_minority: the same for minority electrons; its size may differ if ``transmission`` is not set.
            normal_channels: n, number of modes per spin in the normal metal, 1 to M.
            transmission: whether sum t_down t_up^* is subtracted too, as in (60). Not set: the current that leaves N,
                and the torque if what is transmitted dephases in F (BTBK 62). Set: what a thin magnet that keeps the
                phases pumps into N, beside sinks on both sides; for ``pumped_spin_current`` and ``pumping_damping``. If
                S is symmetric it is also what the magnet absorbs from N. Circuits refuse it.

        Returns:
            Bare conductances [S] with ``sharvin`` = n e^2/h. They never warn.

        Raises:
            ValueError: a matrix is not square, not finite or not unitary to 1e-8; n is no integer in 1 to M; sizes that
                differ when ``transmission`` is set.

        >>> InterfaceConductance.from_scattering([[0, 1], [1, 0]], [[1, 0], [0, 1]], 1).mixing.real / e2_over_h
        1.0
        """
        up, down = unitary("s_majority", s_majority), unitary("s_minority", s_minority)
        smallest = min(len(up), len(down))
        if isinstance(normal_channels, bool) or not isinstance(normal_channels, int | np.integer):
            raise ValueError(f"normal_channels = {normal_channels!r} is no integer: pass one from 1 to {smallest}")
        n = int(normal_channels)
        require("normal_channels", n, 1 <= n <= smallest, "is out of range", f"pass an integer from 1 to {smallest}")
        if transmission and len(up) != len(down):
            raise ValueError(
                f"s_minority has {len(down)} modes and s_majority {len(up)}: pass equal sizes, or transmission=False"
            )
        columns = slice(None) if transmission else slice(n)
        mixing = n - np.vdot(up[:n, columns], down[:n, columns])
        conductances = [e2_over_h * float(np.sum(np.abs(s[:n, n:]) ** 2)) for s in (up, down)]
        # Equal matrices give 0 up to rounding, of either sign.
        exact = e2_over_h * complex(max(mixing.real, 0.0), mixing.imag)
        return cls._from_valid(
            conductances[0], conductances[1], exact, e2_over_h * n, thin=transmission and n < len(up)
        )

    @property
    def total(self) -> float:
        """G = G_up + G_down [unit of ``majority``]."""
        return self.majority + self.minority

    @property
    def polarization(self) -> float:
        """P = (G_up - G_down)/(G_up + G_down), in [-1, 1].

        Raises:
            ValueError: no charge passes the interface.
        """
        require("majority + minority", self.total, self.total > 0, "has no polarization", "pass a conducting interface")
        return (self.majority - self.minority) / self.total

    def sharvin_corrected(self) -> Self:
        r"""Return the conductances of the contact between diffusive metals, 1/G -> 1/G - 1/(2 G_Sh) (after BTBK 30).

        It removes the half of the lead resistance that the bare values count on the side of the normal metal.

        Returns:
            The three corrected conductances, ``sharvin`` None, so that nothing is corrected twice.

        Raises:
            ValueError: ``sharvin`` is None; majority, minority or Re mixing reaches 2 G_Sh; |G_mix - G_Sh| > G_Sh, for
                which the corrected Re G_mix would be negative; a thin magnet.

        >>> InterfaceConductance(1.0, 0.0, 1.0, sharvin=1.0).sharvin_corrected()
        InterfaceConductance(majority=2.0, minority=0.0, mixing=(2+0j), sharvin=None)
        """
        self._thick("the interface")
        if self.sharvin is None:
            raise ValueError("sharvin = None gives no lead resistance: pass sharvin, once, with bare conductances")
        twice = 2 * self.sharvin
        given = {"majority": self.majority, "minority": self.minority, "Re mixing": self.mixing.real}
        for name, value in given.items():
            remedy = f"pass bare conductances below 2 sharvin = {twice:.6g}"
            require(name, value, value < twice, "reaches twice the Sharvin conductance", remedy)
        radius = abs(self.mixing / self.sharvin - 1)
        remedy = "pass the mixing conductance of reflection amplitudes, G_Sh (1 - rho) with |rho| <= 1"
        require("|mixing - sharvin| / sharvin", radius, radius <= 1 + 1e-12, "is above 1", remedy)
        majority, minority = (g * twice / (twice - g) for g in (self.majority, self.minority))
        mixing = self.mixing * twice / (twice - self.mixing)
        return self._from_valid(majority, minority, complex(max(mixing.real, 0.0), mixing.imag), None)

    def with_backflow(self, *, conductivity: float, spin_diffusion_length: float, thickness: float) -> Self:
        r"""Return the interface with a diffusive normal metal as its sink, 1/G_mix -> 1/G_mix + 2/G_sink.

        G_sink = (conductivity/length) tanh(thickness/length). Spins that are pumped into a film pile up and flow back;
        the rest passes as through the returned conductance. Conductances are per area here. Precession slow on the
        spin-flip time of the film; ``sharvin`` is kept, the two corrections commute.

        Args:
            conductivity: of the normal metal, both spins together [S/m], positive.
            spin_diffusion_length: [m], positive.
            thickness: of the film, whose far side lets no spin out [m], >= 0.

        Returns:
            The interface with the smaller mixing conductance; 0 for a film of no thickness.

        Raises:
            ValueError: an argument is not finite, not one number or out of range; a thin magnet.

        >>> InterfaceConductance(0, 0, 2.0).with_backflow(conductivity=4.0, spin_diffusion_length=1.0, thickness=99.0)
        InterfaceConductance(majority=0.0, minority=0.0, mixing=(1+0j), sharvin=None)
        """
        self._thick("the interface")
        sigma = number("conductivity", conductivity, positive)
        length = number("spin_diffusion_length", spin_diffusion_length, positive)
        film = number("thickness", thickness, not_negative)
        sink = sigma / length * np.tanh(film / length)
        mixing = self.mixing * sink / (sink + 2 * self.mixing) if sink else 0j
        return self._from_valid(self.majority, self.minority, complex(mixing), self.sharvin)

    def _matrix(self, m: _Real) -> _Real:
        """Return the 4 x 4 matrix from (V_c, V_s) in N to (I_c, I_s), F at zero voltage (BTBK 4-6)."""
        matrix = np.empty((*m.shape[:-1], 4, 4))
        matrix[..., 0, 0] = self.total
        matrix[..., 0, 1:] = matrix[..., 1:, 0] = (self.majority - self.minority) * m
        matrix[..., 1:, 1:] = self.total * m[..., :, None] * m[..., None, :] + self._across(m)
        return matrix

    def _across(self, m: _Real) -> _Real:
        """Return the 3 x 3 matrix from V_s in N to the spin current that F absorbs across ``m`` (BTBK 6)."""
        tangential = np.eye(3) - m[..., :, None] * m[..., None, :]
        return np.asarray(2 * self.mixing.real * tangential - 2 * self.mixing.imag * cross_matrix(m))


def interface(name: str, value: object) -> InterfaceConductance:
    """Return ``value`` if it is an interface, or refuse it by name."""
    if not isinstance(value, InterfaceConductance):
        raise ValueError(f"{name} = {value!r} is no interface: pass an InterfaceConductance")
    return value
