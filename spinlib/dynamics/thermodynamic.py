r"""The magnet as an open system: thermodynamics of the LLG equation with spin transfer (WD11 2, 6; WD04 III).

u is the unit vector of the moment, V, chi and Phi are *total* energies [J], gradients are taken on the unit sphere.
du/dt = L_F [u x grad(V + Phi) - grad(alpha V - chi)], WD11 (24): V + Phi turns u, alpha V - chi is descended. Fields
in J are h = M_s V B and add -h.u to V. With ``mobility=1`` and potentials without unit everything is dimensionless.
"""

from spinlib.dynamics._branches import quasi_static_path, switching_field
from spinlib.dynamics._equilibria import fixed_points, linear_response
from spinlib.dynamics._generalized import GeneralizedLLG, QuadraticPotential, landau_lifshitz_mobility
from spinlib.dynamics._transfer import onsager_matrix

__all__ = [
    "GeneralizedLLG",
    "QuadraticPotential",
    "fixed_points",
    "landau_lifshitz_mobility",
    "linear_response",
    "onsager_matrix",
    "quasi_static_path",
    "switching_field",
]
