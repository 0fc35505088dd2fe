"""Spin torque from scattering matrices, coherent and averaged over a disordered spacer (KK sections 1 and 2).

Nothing is imported with the package; take what you need from its modules:

* :mod:`~spinlib.scattering.smatrix`: coherent layers, 2N amplitudes a side (KK 2-11);
* :mod:`~spinlib.scattering.stack`: averaged layers, 4 x 4 matrices (KK 13-16), and transport through either kind;
* :mod:`~spinlib.scattering.random_matrix`: the ensemble of spacers behind the average (KK 12);
* :mod:`~spinlib.scattering.closed_forms`: KK 17-19 and the coefficients of a Slonczewski torque.

Conventions
===========

Geometry
    Layers are listed from left to right, +x points to the right. Layer k (0 <= k < L) lies between regions k and k +
    1; region 0 touches the left reservoir, region L the right one. Reservoirs are unpolarised unless stated.

Scattering matrix
    S = [[r, t'], [t, r']]. r and t belong to incidence from the left, r' and t' to incidence from the right. Modes
    carry unit flux. Row and column index = spin * N + channel, spin up first; N counts channels per spin.

Averaged layers
    Populations are X = x_0 + x.sigma with real x in the order (charge, x, y, z), and a block m acts on them as
    M_{mu,nu} = Tr[(sigma_mu ⊗ 1) m (sigma_nu ⊗ 1) m^dagger] / 2N. In the row-major order (uu, ud, du, dd) of X this is
    the average of m ⊗ m*, and X_ud is number 2. KK's Sigma-hat and the index 3 of KK (15) go with m* ⊗ m, which acts on
    the column-major order (uu, du, ud, dd).

Source
    ``source="left"``: the left reservoir fills each incoming mode (every channel, both spins) once, the right
    reservoir fills none, and electrons flow to the right. ``source="right"`` is the converse. Both reservoirs full,
    the equilibrium, is the sum of the two results. A polarised source fills 1 + p.sigma instead of 1: two electrons
    per channel still.

Conductance
    g = Tr t t^dagger / N in e^2/h per channel, both spins added, 0 <= g <= 2, positive for either source; a polarised
    source has g = Tr t (1 + p.sigma) t^dagger / N. In SI, N = A G_Sh h/e^2 channels per spin for an area A, and A R =
    R_Sh/g with the Sharvin resistance R_Sh of one spin (Ohm m^2).

Currents
    ``charge_current`` and ``spin_current`` are Tr sigma_mu (right movers - left movers)/N of each region, positive to
    the right. They count electrons, not the charge -e: ``charge_current`` is +g for ``source="left"`` and -g for
    ``"right"``.

Torque
    ``torque[k]`` = T_k is the spin angular momentum that layer k gains: ``spin_current[k] - spin_current[k + 1]``.
    Its unit is hbar/2 per channel for one electron in every incoming spin-resolved mode. If the electrochemical
    potential of the source rises by mu, the torque rises by N T_k/4 pi per unit of mu. With e > 0 an electron
    reservoir at voltage V has mu = -eV, so the slope against the source's voltage is -(eN/4 pi) T_k; it is +(eN/4 pi)
    T_k per volt of bias mu/e.

Torque per current
    ``torque_per_current`` = T_k/g: spin in hbar/2 per electron that crosses the stack. The torque in N m is (hbar/2e)
    (T_k/g) I_el, I_el > 0 the *electron* current in A away from the source; hbar/2e = h/4 pi e. The conventional
    current along the electron flow is -I_el, so torque/current is -(hbar/2e) T_k/g there. It is nan where g vanishes.

Angles and direction
    (theta, phi) is the direction n of the layer's **majority spin**, n = (sin theta cos phi, sin theta sin phi, cos
    theta); layers are turned by R = exp(-i phi sigma_z/2) exp(-i theta sigma_y/2). The spin of a layer is S_tot = M_s
    V/abs(gamma) long and obeys dn/dt = torque_perp/S_tot. Electron moments are antiparallel to electron spins: for
    the magnetisation m = -n reverse every vector (magnet, spin current, torque) and keep every scalar. KK calls n the
    moment.

What favours parallel alignment
    Electrons that pass layer a first pull the majority spin of b towards that of a (T_b along +m_a for T_up > T_down)
    and push a away from b. The opposite flow reverses both. In the averaged theory this holds for aligned phases;
    dephased layers and spin-dependent phases can reverse it, and so can the phase of a single ballistic channel.

Mixing parameters
    rho = Tr r_up r_down^dagger / N and tau = Tr t_up t_down^dagger / N, primed blocks for the other side, up =
    majority: this order fixes the sign of the imaginary parts. In the layer's frame the (x, y) block of r is [[Re
    rho, Im rho], [-Im rho, Re rho]]. Circuit theory puts the minority first: its mixing conductance is G_Sh conj(1 -
    rho), or G_Sh conj(1 - rho - tau) where transmitted spin counts too.

From KK to here
    KK counts regions 0..3 from the right (0: right lead), F_a between 0 and 1, F_b between 2 and 3, and writes 1 for
    left-going, 2 for right-going. Its junction is ``[F_b, N, F_a]`` with ``source="right"``; F_b lies along z, F_a at
    theta in the xz plane; its torque per voltage is -(eN/4 pi) T_b. The mirrored ``[F_a, N, F_b]`` with
    ``source="left"`` gives the same numbers once primed and unprimed blocks of each layer are exchanged. In the
    closed forms n = g_N/N, a = (T_up + T_down)/2 = g_a/N, delta_a = (T_up - T_down)/2 for layer a, b and delta_b
    likewise.

Units
    Probabilities, conductances and torques are per channel as above, angles in rad; only bulk layers know lengths (m)
    and rates (1/m).
"""

__all__ = ["closed_forms", "random_matrix", "smatrix", "stack"]
