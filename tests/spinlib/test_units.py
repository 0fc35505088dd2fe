"""Units against their definitions, constants against relations that no table is needed for."""

import math
import subprocess
import sys

import pytest
from scipy import constants

from spinlib import units


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # exact in the SI of 2019
        ("e", 1.602176634e-19),
        ("h", 6.62607015e-34),
        ("k_B", 1.380649e-23),
        ("eV", 1.602176634e-19),
        ("meV", 1.602176634e-22),
        ("angstrom", 1e-10),
        ("nm", 1e-9),
        ("um", 1e-6),
        ("fs", 1e-15),
        ("ps", 1e-12),
        ("ns", 1e-9),
        ("GHz", 1e9),
        ("THz", 1e12),
        ("mT", 1e-3),
        ("mA", 1e-3),
        ("oersted", 1e-4),
        ("emu_per_cm3", 1e3),
    ],
)
def test_limit_definition(name: str, value: float) -> None:
    assert getattr(units, name) == pytest.approx(value, rel=1e-15, abs=0)


def test_invariant_all_names_are_listed_and_none_is_loaded_for_that() -> None:
    script = (
        "import sys; from spinlib import units; print(set(units.__all__) <= set(dir(units)), 'scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"


def test_limit_reduced_planck_constant() -> None:
    assert units.hbar == pytest.approx(units.h / (2 * math.pi), rel=1e-15, abs=0)


def test_limit_bohr_magneton_is_that_of_charge_and_mass() -> None:
    assert units.mu_B == pytest.approx(units.e * units.hbar / (2 * units.m_e), rel=1e-9, abs=0)


def test_limit_gyromagnetic_ratio_is_positive_and_that_of_the_free_electron() -> None:
    # g = 2 + alpha/pi + ...: Schwinger's term of the anomalous moment leaves 4e-6.
    anomaly = constants.fine_structure / (2 * math.pi)
    assert units.gyromagnetic_ratio == pytest.approx(2 * (1 + anomaly) * units.mu_B / units.hbar, rel=4e-6, abs=0)
    assert units.gyromagnetic_ratio / (2 * math.pi) == pytest.approx(28.025 * units.GHz, rel=1e-5, abs=0)


def test_limit_channel_conductance_is_half_the_conductance_quantum() -> None:
    assert 2 * units.e2_over_h == pytest.approx(constants.value("conductance quantum"), rel=1e-12, abs=0)
    assert 1 / units.e2_over_h == pytest.approx(25812.80745, rel=1e-9, abs=0)  # von Klitzing


def test_limit_vacuum_permeability() -> None:
    assert units.mu_0 == pytest.approx(4e-7 * math.pi, rel=1e-8, abs=0)
    # mu_0 e^2 c / 2h is the fine-structure constant.
    alpha = units.mu_0 * units.e**2 * constants.c / (2 * units.h)
    assert alpha == pytest.approx(constants.fine_structure, rel=1e-9, abs=0)


def test_limit_oersted_is_a_field_and_emu_a_moment() -> None:
    # 1 Oe = 1000/4 pi A/m by definition; mu_0 left 4 pi 1e-7 in 2019 by parts in 1e10.
    assert units.oersted / units.mu_0 == pytest.approx(1000 / (4 * math.pi), rel=1e-8, abs=0)
    # 4 pi M in gauss equals mu_0 M in 1e-4 T.
    assert units.mu_0 * units.emu_per_cm3 == pytest.approx(4 * math.pi * 1e-4, rel=1e-8, abs=0)


def test_invariant_every_name_is_a_positive_float() -> None:
    for name in units.__all__:
        value = getattr(units, name)
        assert type(value) is float, name
        assert value > 0, name


def test_limit_constants_are_those_of_codata() -> None:
    """The three that define the SI to the last digit, and the measured ones as SciPy's table has them."""
    assert (units.e, units.h, units.hbar, units.k_B) == (constants.e, constants.h, constants.hbar, constants.k)
    assert (units.m_e, units.mu_0) == (constants.m_e, constants.mu_0)
    assert units.mu_B == constants.value("Bohr magneton")
    assert units.gyromagnetic_ratio == constants.value("electron gyromag. ratio")


def test_bad_input_unknown_unit() -> None:
    with pytest.raises(AttributeError, match=r"module 'spinlib\.units' has no attribute 'furlong'"):
        units.furlong  # noqa: B018 - asking for it is what fails
