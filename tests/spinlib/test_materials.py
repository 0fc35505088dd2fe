"""Literature values: exact units, honest flags, and a refusal for every way a record can mislead."""

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spinlib
from spinlib.materials import Quantity, material, materials, read_materials
from spinlib.units import angstrom, k_B, meV, mu_B
from tests.bad_input import Refusal, refusals

PACKAGE = Path(spinlib.__file__).parent
BASE: dict[str, Any] = {"value": 5.5e-9, "unit": "nm", "source": "A. Author, J. Phys. 1, 2 (2003)", "verified": False}
RECORD = 'value = 5.5, unit = "nm", source = "A", verified = false'


def quantity(**changes: Any) -> Quantity:
    return Quantity(**(BASE | changes))


def table(record: str, source: str = 'citation = "A. Author (2003)"') -> str:
    return f'source.A = {{ {source} }}\n[material."Co/Cu"]\nlength = {{ {record} }}\n'


@pytest.fixture
def own_table(tmp_path: Path) -> Any:
    def read(text: str) -> Any:
        path = tmp_path / "own.toml"
        path.write_text(text, encoding="utf-8")
        return read_materials(path)

    return read


# --- the shipped table ------------------------------------------------------------------------------------------------


def every() -> list[tuple[str, str]]:
    return [(name, key) for name, keys in materials().items() for key in keys]


# Where a line was read. The text of arXiv has arXiv's DOI; the journal's needs the journal's own text or abstract.
CATALOGUE = "abstract, in a library catalogue"
LISTING = "abstract of the arXiv listing, in an index"
VERSION_1 = "abstract of the arXiv listing (version 1), in an index"
REVISED = "abstract of the arXiv listing (revised December 2013), in an index"
AR5IV = "abstract of the manuscript, as ar5iv renders it"
VANITY = "abstract of the manuscript, as arXiv Vanity renders it"
JOURNALS = "abstract, in an index of journals"
CAPTION = "caption of Fig. 3, at the publisher"
TABLE_5 = "Table 5, experimental row of {}, in a text copy of the arXiv manuscript"

# What was read in its source, entered here a second time by the reader: what repr shows of it, and the DOI.
READ = {
    ("Cu", "spin_diffusion_length"): ("100 nm", "Sec. 2.1, text on Fig. 2(a)", "10.11648/j.nano.20180601.13"),
    ("permalloy spin valve", "spin_diffusion_length"): ("(5.5 ± 1) nm", CATALOGUE, "10.1109/20.619480"),
    ("permalloy nanowire", "spin_diffusion_length"): ("(4.3 ± 1) nm", CATALOGUE, "10.1103/PhysRevB.60.477"),
    ("permalloy computed", "resistivity"): (
        "(35 ± 1.5) nOhm m",
        "Sec. IV.A.1, text below Fig. 4",
        "10.48550/arXiv.1108.0385",
    ),
    ("permalloy computed", "gilbert_damping"): (
        "0.0046 ± 0.0001 at 0 K",
        "Sec. IV.A.1, text above Fig. 5, and caption of Fig. 5",
        "10.48550/arXiv.1108.0385",
    ),
    ("Al", "spin_diffusion_length"): ("(400 ± 50) nm", LISTING, "10.48550/arXiv.cond-mat/0606802"),
    ("Pt", "spin_diffusion_length"): ("(3.4 ± 0.4) nm", AR5IV, "10.48550/arXiv.1312.2717"),
    ("Pt", "spin_hall_angle"): ("0.056 ± 0.01", AR5IV, "10.48550/arXiv.1312.2717"),
    ("Pd98.7Fe1.3", "spin_diffusion_length"): ("(9.6 ± 2) nm at 4.2 K", VANITY, "10.48550/arXiv.0908.4375"),
    ("Cu(2.1% Ge)", "spin_diffusion_length"): ("(117 +10 -6) nm", VERSION_1, "10.48550/arXiv.0809.2250"),
    ("Ag(3.6% Sn)", "spin_diffusion_length"): ("(39 ± 3) nm", VERSION_1, "10.48550/arXiv.0809.2250"),
    ("permalloy wall", "nonadiabaticity_over_damping"): ("1", "Sec. V, third paragraph", "10.48550/arXiv.1108.0385"),
    ("permalloy wall oscillating", "nonadiabaticity_over_damping"): (
        "8",
        "Sec. V, third paragraph",
        "10.48550/arXiv.1108.0385",
    ),
    ("V-doped permalloy wall", "nonadiabaticity_over_damping"): (
        "10",
        "Sec. V, third paragraph",
        "10.48550/arXiv.1108.0385",
    ),
    ("permalloy vortex", "nonadiabaticity_over_damping"): ("20", "Sec. V, third paragraph", "10.48550/arXiv.1108.0385"),
    ("permalloy transverse wall", "nonadiabaticity_over_damping"): (
        "1.3",
        "Sec. V, fourth paragraph",
        "10.48550/arXiv.1108.0385",
    ),
    ("permalloy vortex wall", "nonadiabaticity_over_transverse_wall"): (
        "7",
        "Sec. V, fourth paragraph",
        "10.48550/arXiv.1108.0385",
    ),
    ("CoNi wall", "nonadiabaticity_over_damping"): ("1", "Sec. V, fifth paragraph", "10.48550/arXiv.1108.0385"),
    ("FePt wall", "nonadiabaticity_over_damping"): ("1", "Sec. V, fifth paragraph", "10.48550/arXiv.1108.0385"),
    ("Co/Pt", "valet_fert_resistance"): ("(0.74 ± 0.15) fOhm m^2 at 4.2 K", REVISED, "10.48550/arXiv.1310.4364"),
    ("Co/Pt", "gamma"): ("0.58 ± 0.12 at 4.2 K", REVISED, "10.48550/arXiv.1310.4364"),
    ("Co/Pt", "spin_memory_loss"): ("0.9 +0.5 -0.2 at 4.2 K", REVISED, "10.48550/arXiv.1310.4364"),
    ("Co/Ni", "majority_resistance"): ("(0.03 +0.02 -0.03) fOhm m^2", VERSION_1, "10.48550/arXiv.1012.4388"),
    ("Co/Ni", "minority_resistance"): ("(1 ± 0.07) fOhm m^2", VERSION_1, "10.48550/arXiv.1012.4388"),
    ("Co/Ni", "spin_memory_loss"): ("0.35 ± 0.05", VERSION_1, "10.48550/arXiv.1012.4388"),
    ("Co90Fe10/Cu", "spin_memory_loss"): ("0.19 ± 0.04", LISTING, "10.48550/arXiv.1012.4099"),
    ("Co/Ru", "spin_memory_loss"): ("0.34 +0.04 -0.02", LISTING, "10.48550/arXiv.1104.3095"),
    ("Co film in Cu", "saturation_magnetization"): ("1333 emu/cm^3", LISTING, "10.48550/arXiv.cond-mat/0509036"),
    ("Co film in Cu", "surface_anisotropy"): ("-0.5 erg/cm^2", LISTING, "10.48550/arXiv.cond-mat/0509036"),
    ("Co film in Cu, evaporated", "saturation_magnetization"): (
        "1131 emu/cm^3",
        LISTING,
        "10.48550/arXiv.cond-mat/0509036",
    ),
    ("Co/Cu/Co pillar", "effective_field_per_current_density"): (
        "1.5e-07 Oe cm^2/A at 4.2 K",
        LISTING,
        "10.48550/arXiv.cond-mat/0405617",
    ),
    ("Co/Cu/Co pillar", "torque_over_effective_field"): ("5 at 4.2 K", LISTING, "10.48550/arXiv.cond-mat/0405617"),
    ("Co", "spin_wave_stiffness"): ("580 meV Å^2", TABLE_5.format("fcc Co"), "10.48550/arXiv.2501.08251"),
    ("Co", "curie_temperature"): ("(1393 ± 5) K", TABLE_5.format("fcc Co"), "10.48550/arXiv.2501.08251"),
    ("Co neutron scattering", "spin_wave_stiffness"): (
        "510 meV Å^2",
        TABLE_5.format("fcc Co"),
        "10.48550/arXiv.2501.08251",
    ),
    ("Ni", "spin_wave_stiffness"): ("422 meV Å^2", TABLE_5.format("fcc Ni"), "10.48550/arXiv.2501.08251"),
    ("Ni", "curie_temperature"): ("(627.5 ± 3.5) K", TABLE_5.format("fcc Ni"), "10.48550/arXiv.2501.08251"),
    ("Ni neutron scattering", "spin_wave_stiffness"): (
        "555 meV Å^2",
        TABLE_5.format("fcc Ni"),
        "10.48550/arXiv.2501.08251",
    ),
    ("Fe", "spin_wave_stiffness"): ("280 meV Å^2", TABLE_5.format("bcc Fe"), "10.48550/arXiv.2501.08251"),
    ("Fe", "curie_temperature"): ("(1044.5 ± 0.5) K", TABLE_5.format("bcc Fe"), "10.48550/arXiv.2501.08251"),
    ("Fe neutron scattering", "spin_wave_stiffness"): (
        "330 meV Å^2",
        TABLE_5.format("bcc Fe"),
        "10.48550/arXiv.2501.08251",
    ),
    ("Fe neutron scattering", "curie_temperature"): ("1042 K", JOURNALS, "10.1063/1.2163453"),
    ("Ni film on W(110)", "demagnetization_time"): ("(300 ± 70) fs", JOURNALS, "10.1103/PhysRevLett.90.247201"),
    ("Ni film on W(110)", "recovery_time"): ("(3.2 ± 0.2) ps", JOURNALS, "10.1103/PhysRevLett.90.247201"),
    ("Ni film", "demagnetization_time"): ("(130 ± 40) fs", LISTING, "10.48550/arXiv.1002.1656"),
    ("Co/Pd multilayer", "demagnetization_time"): ("(100 ± 25) fs", CAPTION, "10.1038/ncomms2007"),
    ("Co/Pd multilayer", "demagnetization_amplitude"): ("0.44", CAPTION, "10.1038/ncomms2007"),
    ("Gd(0001) film", "demagnetization_time"): ("700 fs", LISTING, "10.48550/arXiv.1103.1512"),
    ("Gd 4f", "demagnetization_time"): ("750 fs", JOURNALS, "10.1103/PhysRevLett.106.127401"),
    ("Gd 4f", "slow_demagnetization_time"): ("40 ps", JOURNALS, "10.1103/PhysRevLett.106.127401"),
    ("Pt/YIG", "mixing_channel_density"): ("1.3 x 1e18 m^-2", AR5IV, "10.48550/arXiv.1302.7091"),
}


@pytest.mark.parametrize(("name", "key"), every(), ids=lambda text: text.replace(" ", "-"))
def test_invariant_shipped_record(name: str, key: str) -> None:
    item = material(name, key)
    assert np.isfinite(item.value)
    assert re.search(r"\(\d{4}\)", item.source), "a source has a year"
    shown = repr(item)
    assert "\n" not in shown
    assert item.source in shown
    assert item.verified is ((name, key) in READ)
    if item.verified:
        written, locator, doi = READ[name, key]
        assert shown.startswith(f"{written} [verified; ")
        assert (item.locator, item.doi) == (locator, doi)
    else:
        assert " [unverified; " in shown


def test_invariant_what_was_read_is_shipped() -> None:
    assert set(READ) <= set(every())


def test_invariant_the_doi_is_that_of_the_text_that_was_read() -> None:
    """Two texts of one work may differ, as they do in the spin Hall angle of platinum."""
    seen = set()
    for item in (material(name, key) for name, key in every()):
        if item.verified:
            locator, doi = str(item.locator), str(item.doi)
            archived = re.search(r"arXiv:(\S+)", item.source)
            if re.search("arXiv|ar5iv", locator):
                assert archived is not None
                assert doi == f"10.48550/arXiv.{archived[1]}"
                seen.add("archive")
            elif re.search("library catalogue|index of journals", locator):
                assert archived is None
                assert not doi.startswith("10.48550/")
                seen.add("journal")
    assert seen == {"archive", "journal"}


def test_limit_units_are_exact() -> None:
    assert material("Co", "valet_fert_resistivity").value == 75e-9
    assert material("permalloy", "spin_diffusion_length").value == 5.5e-9
    assert material("Co/Cu", "valet_fert_resistance").value == 0.51e-15
    assert material("Cu/Co(111) alloyed", "mixing_conductance_imaginary").value == -4.2e13
    assert material("Cu(111)", "sharvin_conductance").value == 5.58e14
    assert material("Pt/YIG", "mixing_channel_density").value == 1.3e18
    assert material("Ni", "saturation_magnetization").value == 510e3
    assert material("Ni", "atomic_volume").value == 10.94e-30
    assert material("Ni film", "demagnetization_time").value == 130e-15
    assert material("Ni M3TM", "electron_phonon_coupling").value == 4.05e18
    assert material("Ni M3TM", "lattice_heat_capacity").value == 2.33e6
    assert material("Ni M3TM", "electron_heat_coefficient").value == 5435
    assert material("Ni M3TM", "m3tm_rate").value == 17.2e12


def test_limit_units_that_rest_on_constants() -> None:
    # Against the package's units, to rounding: there the products are those of floats.
    assert material("Fe", "spin_wave_stiffness").value == pytest.approx(280 * meV * angstrom**2, rel=1e-14, abs=0)
    assert material("Ni M3TM", "debye_energy").value == pytest.approx(36 * meV, rel=1e-14, abs=0)
    assert material("Co M3TM", "magnetic_moment").value == pytest.approx(1.72 * mu_B, rel=1e-14, abs=0)


def test_limit_in_unit_returns_what_the_source_writes() -> None:
    # Exactly, for every record: division of floats would turn 0.558e15/1e15 and others into 0.5579999999999999.
    shipped = tomllib.loads((PACKAGE / "materials.toml").read_text(encoding="utf-8"))["material"]
    for name, key in every():
        record = shipped[name][key]
        stated = record.get("uncertainty")
        assert material(name, key).in_unit() == (record["value"], tuple(stated) if isinstance(stated, list) else stated)
    assert quantity(uncertainty=1e-9).in_unit() == (5.5, 1.0)
    assert quantity(unit="1e18 m^-2", value=1.3e18).in_unit() == (1.3, None)
    # 0.3e-9/1e-9 of floats is 0.30000000000000004.
    assert quantity(uncertainty=(0.3e-9, 2e-9)).in_unit() == (5.5, (0.3, 2.0))


def test_limit_repr_shows_the_unit_as_written() -> None:
    assert repr(material("Co", "beta")).startswith("0.46 at 4.2 K [unverified; J. Bass")
    assert repr(material("Cu(111)", "sharvin_conductance")).startswith("0.558 x 1e15 S/m^2 [unverified; K. Xia")
    full = quantity(uncertainty=0.5e-9, temperature=4.2, doi="10.1/2", locator="Table 3", note="film", verified=True)
    assert repr(full) == "(5.5 ± 0.5) nm at 4.2 K [verified; A. Author, J. Phys. 1, 2 (2003), Table 3, film]"
    assert repr(quantity(unit="1", value=0.4, uncertainty=0.1)).startswith("0.4 ± 0.1 [unverified;")
    assert repr(quantity(uncertainty=(1e-9, 0.5e-9), temperature=4.2)).startswith(
        "(5.5 +1 -0.5) nm at 4.2 K [unverified;"
    )
    assert repr(quantity(unit="1", value=0.9, uncertainty=(0.5, 0.2))).startswith("0.9 +0.5 -0.2 [unverified;")


def test_invariant_interface_conductances_are_physical() -> None:
    # |G_mix - G_Sh| <= G_Sh follows from |rho| <= 1, and no channel conducts better than a perfect one.
    for interface in ("Cu/Co(111) clean", "Cu/Co(111) alloyed"):
        sharvin = material("Cu(111)", "sharvin_conductance").value
        real, imaginary = (material(interface, f"mixing_conductance_{part}").value for part in ("real", "imaginary"))
        assert abs(complex(real, imaginary) - sharvin) <= sharvin
        for spin in ("majority", "minority"):
            assert 0 < material(interface, f"{spin}_conductance").value < sharvin


def test_invariant_mixing_conductance_has_its_lower_bound() -> None:
    # Re G_mix >= (G_majority + G_minority)/2 for any unitary scattering without spin flip, channel by channel.
    interfaces = [name for name, keys in materials().items() if "mixing_conductance_real" in keys]
    assert len(interfaces) == 6
    for name in interfaces:
        mean = (material(name, "majority_conductance").value + material(name, "minority_conductance").value) / 2
        assert material(name, "mixing_conductance_real").value >= mean


def test_invariant_conductances_leave_room_for_the_sharvin_conductance() -> None:
    # |rho|^2 <= R_up R_down is linear in G_Sh: it needs G_Sh >= (|G_mix|^2 - G_up G_dn) / (2 Re G_mix - G_up - G_dn).
    def least(interface: str) -> float:
        up, down, real, imaginary = (
            material(interface, key).value
            for key in (
                "majority_conductance",
                "minority_conductance",
                "mixing_conductance_real",
                "mixing_conductance_imaginary",
            )
        )
        bound = (real**2 + imaginary**2 - up * down) / (2 * real - up - down)
        assert bound > max(up, down), interface
        return bound

    bounds = {name: least(name) for name, keys in materials().items() if "mixing_conductance_real" in keys}
    copper = [bound for name, bound in bounds.items() if name.startswith("Cu/")]
    assert len(bounds) == 6
    assert len(copper) == 2
    assert max(copper) < material("Cu(111)", "sharvin_conductance").value
    # What the test tells apart: the first digit of the clean mixing conductance read as 7 instead of 5.
    up, down, real = 0.42, 0.38, 0.746
    assert (real**2 - up * down) / (2 * real - up - down) > 0.558


@pytest.mark.parametrize(("metal", "lattice"), [("Ni", "fcc"), ("Co", "hcp"), ("Gd", "hcp")])
def test_invariant_m3tm_rate_follows_from_the_other_parameters(metal: str, lattice: str) -> None:
    """R = 8 a_sf g_ep k_B T_C^2 V_at / [(mu_at/mu_B) E_D^2] within the rounding of its factors, E_D foremost."""

    def of(key: str) -> float:
        return material(f"{metal} M3TM", key).value

    rate = 8 * of("spin_flip_probability") * of("electron_phonon_coupling") * k_B * of("curie_temperature") ** 2
    rate *= material(metal, "atomic_volume").value * mu_B / (of("magnetic_moment") * of("debye_energy") ** 2)
    assert rate == pytest.approx(of("m3tm_rate"), rel=0.06, abs=0)
    # What the test tells apart: another cell's volume, or the moment of another metal.
    assert abs(1 - {"fcc": 4, "hcp": 2}[lattice] * rate / of("m3tm_rate")) > 0.5


def test_invariant_saturation_and_moment_agree() -> None:
    # M_s of the ground state times the volume of an atom is the moment of an atom; the M3TM takes rounded ones.
    for metal, within in (("Ni", 0.05), ("Co", 0.01), ("Gd", 0.04)):
        moment = material(metal, "saturation_magnetization").value * material(metal, "atomic_volume").value
        assert moment == pytest.approx(material(f"{metal} M3TM", "magnetic_moment").value, rel=within, abs=0)


def test_invariant_a_film_loses_its_magnetisation_before_it_recovers() -> None:
    fast, slow = (material("Gd 4f", f"{kind}demagnetization_time").value for kind in ("", "slow_"))
    assert fast < slow
    lost, back = (material("Ni film on W(110)", key).value for key in ("demagnetization_time", "recovery_time"))
    assert lost < back
    assert 0 < material("Co/Pd multilayer", "demagnetization_amplitude").value < 1


@pytest.mark.parametrize("quantity_name", ["beta", "gamma", "spin_hall_angle"])
def test_invariant_asymmetries_lie_between_minus_one_and_one(quantity_name: str) -> None:
    found = [material(name, key).value for name, key in every() if key == quantity_name]
    assert found
    assert all(-1 < value < 1 for value in found)


def test_invariant_the_listing_cannot_change_the_table() -> None:
    materials().clear()
    assert "Co" in materials()
    with pytest.raises(dataclasses.FrozenInstanceError):
        material("Co", "beta").value = 1.0  # type: ignore[misc]


# --- tables of one's own ----------------------------------------------------------------------------------------------


def test_invariant_own_table(own_table: Any) -> None:
    text = table(
        'value = 5.5, unit = "nm", uncertainty = 1, temperature = 4.2, source = "A", locator = "Table 1", '
        'verified = true, note = "sputtered"',
        'citation = "A. Author (2003)", doi = "10.1/2"',
    )
    item = own_table(text)["Co/Cu"]["length"]
    assert item == Quantity(
        5.5e-9, "nm", "A. Author (2003)", True, 1e-9, 4.2, doi="10.1/2", locator="Table 1", note="sputtered"
    )


def test_invariant_own_table_with_two_uncertainties(own_table: Any) -> None:
    item = own_table(table(RECORD + ", uncertainty = [0.3, 2]"))["Co/Cu"]["length"]
    assert item.uncertainty == (0.3e-9, 2e-9)
    assert item == quantity(source="A. Author (2003)", uncertainty=[0.3e-9, 2e-9])


def test_limit_what_is_not_stated_is_none(own_table: Any) -> None:
    item = own_table(table(RECORD))["Co/Cu"]["length"]
    assert (item.uncertainty, item.temperature, item.doi, item.locator, item.note) == (None,) * 5


@pytest.mark.parametrize("number", [np.float64(1), np.float32(1), np.int64(1), 1])
def test_limit_numbers_become_floats(number: Any) -> None:
    item = quantity(value=number, uncertainty=number, temperature=number)
    assert [type(x) for x in (item.value, item.uncertainty, item.temperature)] == [float] * 3
    assert repr(item).startswith("(1000000000 ± 1000000000) nm at 1 K")


def test_bad_input_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_materials(tmp_path / "gone.toml")


@refusals(
    Refusal("unknown material", material, {"name": "Kryptonite", "quantity": "beta"}, ("name = 'Kryptonite'", "'Co'")),
    Refusal("unknown quantity", material, {"name": "Co", "quantity": "gamma"}, ("quantity = 'gamma'", "'beta'")),
    Refusal("list as name", material, {"name": ["Co"], "quantity": "beta"}, ("name = ['Co']", "pass one of 'Co'")),
    Refusal("no name", material, {"name": None, "quantity": "beta"}, ("name = None", "pass one of 'Co'")),
    Refusal("list as quantity", material, {"name": "Co", "quantity": ["beta"]}, ("quantity = ['beta']", "'beta'")),
    Refusal("nan", quantity, {"value": float("nan")}, ("value = nan", "finite number in SI")),
    Refusal("infinity", quantity, {"value": float("inf")}, ("value = inf", "finite number in SI")),
    Refusal("text as value", quantity, {"value": "5.5"}, ("value = '5.5'", "finite number in SI")),
    Refusal("truth as value", quantity, {"value": True}, ("value = True", "finite number in SI")),
    Refusal("complex value", quantity, {"value": 1j}, ("value = 1j", "finite number in SI")),
    Refusal("negative uncertainty", quantity, {"uncertainty": -1e-9}, ("uncertainty = -1e-09", "uncertainty >= 0")),
    Refusal("negative downwards", quantity, {"uncertainty": (1e-9, -1e-9)}, ("uncertainty = -1e-09", "is negative")),
    Refusal("one of a pair", quantity, {"uncertainty": (1e-9,)}, ("uncertainty = (1e-09,)", "two, upwards and down")),
    Refusal(
        "three uncertainties", quantity, {"uncertainty": [1, 2, 3]}, ("uncertainty = [1, 2, 3]", "one number for ±")
    ),
    Refusal("text in a pair", quantity, {"uncertainty": (1e-9, "1")}, ("uncertainty = '1'", "finite number in SI")),
    Refusal("truth as uncertainty", quantity, {"uncertainty": True}, ("uncertainty = True", "finite number in SI")),
    Refusal("truth as temperature", quantity, {"temperature": False}, ("temperature = False", "finite number in SI")),
    Refusal("negative temperature", quantity, {"temperature": -4.2}, ("temperature = -4.2", "temperature >= 0")),
    Refusal("nan temperature", quantity, {"temperature": float("nan")}, ("temperature = nan", "finite number")),
    Refusal("unknown unit", quantity, {"unit": "furlong"}, ("unit = 'furlong'", "'nm'")),
    Refusal("no unit", quantity, {"unit": None}, ("unit = None", "'nm'")),
    Refusal("no source", quantity, {"source": " "}, ("source = ' '", "pass the source in words")),
    Refusal("source None", quantity, {"source": None}, ("source = None", "pass the source in words")),
    Refusal("empty doi", quantity, {"doi": ""}, ("doi = ''", "pass the doi in words")),
    Refusal("verified in words", quantity, {"verified": "yes"}, ("verified = 'yes'", "True or False")),
    Refusal("verified without doi", quantity, {"verified": True, "locator": "Table 1"}, ("doi is None", "pass doi")),
    Refusal("verified without place", quantity, {"verified": True, "doi": "10.1/2"}, ("locator is None", "pass loc")),
)
def test_bad_input_materials(refusal: Refusal) -> None:
    refusal.check()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("value = ", ("is not TOML", "correct the line")),
        (table(RECORD + ", value = 6"), ("is not TOML", "correct the line")),
        ("[source.A]\ncitation = 'x'", ("file lacks material", "add it")),
        (table(RECORD) + "[units]\n", ("file has the unknown entry units", "write one of material, source")),
        ("material = 3\nsource = 4", ("material = 3 is not a table", "write [material]")),
        ("source = {}\nmaterial.Co = 3", ("material.Co = 3 is not a table", "write")),
        ("source = {}\nmaterial.Co.beta = 0.46", ("Co.beta = Decimal('0.46') is not a table", "write")),
        (table('value = 1, unit = "nm", source = "A"'), ("Co/Cu.length lacks verified", "add it")),
        (table(RECORD + ", uncertanty = 1"), ("unknown entry uncertanty", "write one of locator, note")),
        (table(RECORD.replace('"A"', '"B"')), ("source = 'B' is not listed", "add a table [source.B]")),
        (table(RECORD.replace('"A"', '["A"]')), ("source = ['A'] is not listed", "add a table")),
        (table(RECORD, 'title = "x"'), ("source.A lacks citation", "add it")),
        (table(RECORD, 'citation = "x", url = "y"'), ("source.A has the unknown entry url", "citation, doi")),
        (table(RECORD.replace("nm", "furlong")), ("Co/Cu.length: unit = 'furlong'", "write one of '1'")),
        (table(RECORD.replace('"nm"', "[1]")), ("Co/Cu.length: unit = [1]", "write one of '1'")),
        (table(RECORD.replace("5.5", "nan")), ("Co/Cu.length: value = nan", "finite number")),
        (table(RECORD.replace("5.5", "1e999")), ("Co/Cu.length: value = inf", "finite number")),
        (table(RECORD.replace("5.5", '"5.5"')), ("Co/Cu.length: value = '5.5'", "without quotes")),
        (table(RECORD.replace("5.5", "true")), ("Co/Cu.length: value = True", "without quotes")),
        (table(RECORD + ', temperature = "cold"'), ("Co/Cu.length: temperature = 'cold'", "without quotes")),
        (table(RECORD + ", uncertainty = -1"), ("Co/Cu.length: uncertainty = -1e-09", "uncertainty >= 0")),
        (table(RECORD + ", uncertainty = [1, -2]"), ("Co/Cu.length: uncertainty = -2e-09", "uncertainty >= 0")),
        (
            table(RECORD + ", uncertainty = [1]"),
            ("Co/Cu.length: uncertainty = [1] is no pair", "upwards and downwards"),
        ),
        (table(RECORD + ", uncertainty = [1, true]"), ("Co/Cu.length: uncertainty = True", "without quotes")),
        (table(RECORD.replace("false", "true")), ("Co/Cu.length: verified = True", "doi is None")),
        (
            table(RECORD.replace("false", "true"), 'citation = "x", doi = "10.1/2"'),
            ("Co/Cu.length: verified = True", "locator is None"),
        ),
        (table(RECORD.replace("false", "'no'")), ("Co/Cu.length: verified = 'no'", "True or False")),
    ],
)
def test_bad_input_read_materials(text: str, says: tuple[str, ...], own_table: Any) -> None:
    with pytest.raises(ValueError) as caught:
        own_table(text)
    message = str(caught.value)
    assert "own.toml" in message
    for part in says:
        assert part in message, message


def test_invariant_every_line_of_the_table_is_listed() -> None:
    """A record that the reader dropped or made up would change the count."""
    text = (PACKAGE / "materials.toml").read_text(encoding="utf-8")
    assert len(re.findall(r"^\w+ = \{ value = ", text, re.MULTILINE)) == len(every())
