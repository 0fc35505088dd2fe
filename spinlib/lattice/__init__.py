"""Scattering matrices of lattice models, and the damping and torques that follow from them (BTBK 66-83).

:mod:`~spinlib.lattice.leads`, :mod:`~spinlib.lattice.green`, :mod:`~spinlib.lattice.models`,
:mod:`~spinlib.lattice.damping` and :mod:`~spinlib.lattice.torque_correlation`; importing the package imports none of
them.

Conventions
===========

Units
    hbar = e = 1. Energies are in units of the hopping, lengths in lattice constants a, conductances in e^2/h. Only
    :func:`~spinlib.lattice.damping.resistivity` returns SI.

Geometry
    Transport is along z through layers l = 0 .. L-1, the left lead ends at layer -1, the right one starts at layer L.
    Site i = i_x N_y + i_y of a layer; index of a layer in the order (site, orbital, spin), spin up along +z first.
    ``coupling[l]`` = <l|H|l+1>. A twist (theta_x, theta_y) [rad] closes a layer: psi(x + N_x) = exp(i theta_x) psi(x).

Magnet
    The exchange energy is -(Delta/2) m.sigma, m the direction of the majority *spin* (the moment is opposite); the
    spin-orbit energy xi L.S with S = sigma/2.

Scattering matrix
    S = [[r, t'], [t, r']], modes of unit flux, row = outgoing, left lead first; S = -1 + i W^dagger G W with
    W W^dagger = i(Sigma - Sigma^dagger). Phases refer to the first and last layer.

Pumping
    Q_alpha = Im sum_beta Tr(dS_alpha,beta S_alpha,beta^dagger): Q_alpha/2 pi electrons enter the sample through lead
    alpha per unit of the parameter. T_ij = Re Tr(dS_i^dagger dS_j). Derivatives of a uniform m are along two
    directions across m, per rad; those of a wall are along its centre, per a.

From here to circuits
    Majority first: Tr r_up r_down^dagger is the conjugate of what :mod:`spinlib.circuit` takes for the moment.
"""

__all__: list[str] = []
