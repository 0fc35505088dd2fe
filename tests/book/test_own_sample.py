"""The page for one's own samples: its files are what they say, its fits are those of another route, yours go in."""

import json
import re
from math import inf
from pathlib import Path

import numpy as np
import pytest
import scipy.constants as si
from nbformat.v4 import new_code_cell
from scipy.optimize import curve_fit

from spinlib.columns import read_columns
from spinlib.diffusion import Interface, Layer, Medium, reverse, solve_stack
from spinlib.linewidth import fit_linewidths
from spinlib.stack_file import read_stack
from tests.spinlib.diffusion_routes import network
from tools.notebooks import execute, figures, named, read

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = ROOT / "book" / "own_sample.md"
FILES = ROOT / "book" / "own_sample"
MU_B, HBAR = si.physical_constants["Bohr magneton"][0], si.hbar
COPPER = Medium.valet_fert(6e-9, 0.0, 400e-9)


# --- the files --------------------------------------------------------------------------------------------------------


def width(thickness, frequency, offset, g_r, alpha, m_s, g, factor=2 / 3**0.5):
    """Linewidth [mT] of films [nm] with one side that pumps; frequencies [GHz]."""
    slope = alpha + g * MU_B * g_r / (4 * np.pi * m_s * thickness * 1e-9)
    return offset + 1e3 * factor * slope * 2 * np.pi * frequency * 1e9 * HBAR / (g * MU_B)


def valve(parameters, thickness, route=solve_stack):
    """AR of both states [fOhm m^2] of Cu | F t | Cu 10 nm | F t | Cu; l and t in nm."""
    resistivity, beta, length, contact, gamma = parameters
    film = Layer(Medium.valet_fert(resistivity * 1e-9, beta, length * 1e-9), thickness * 1e-9)
    face = Interface.valet_fert(contact * 1e-15, gamma)
    found = []
    for turn in (lambda item: item, reverse):
        layers = [Layer(COPPER, inf), film, Layer(COPPER, 10e-9), turn(film), Layer(COPPER, inf)]
        found.append(route(layers, [face, face, turn(face), turn(face)]).resistance * 1e15)
    return found


def lines(name):
    text = (FILES / name).read_text(encoding="utf-8").splitlines()
    head, *rest = text
    remarks = " ".join(line for line in rest if line.startswith("#"))
    return head, remarks, [line for line in rest if not line.startswith("#")]


def test_invariant_shipped_linewidths_are_what_they_say():
    head, remarks, body = lines("linewidths.csv")
    assert head == "thickness [nm],frequency [GHz],linewidth [mT],uncertainty [mT]"
    said = ("Synthetic", "g_r = 3e19", "alpha = 0.005", "M_s = 1.1e6", "g = 2.1;", "default_rng(12)")
    assert all(word in remarks for word in (*said, "0.8 0.6 0.5 0.4 0.3 mT"))
    films, frequency = np.array([2.5, 3.5, 5, 8, 14]), np.arange(5, 26, 4)
    thickness, frequency = (x.ravel() for x in np.meshgrid(films, frequency, indexing="ij"))
    exact = width(thickness, frequency, np.repeat([0.8, 0.6, 0.5, 0.4, 0.3], 6), 3e19, 0.005, 1.1e6, 2.1)
    sigma = np.round(0.05 + 0.01 * exact, 3)
    drawn = exact + sigma * np.random.default_rng(12).normal(size=exact.size)
    rows = zip(thickness, frequency, drawn, sigma, strict=True)
    assert body == [f"{d:g},{f:g},{w:.3f},{s:.3f}" for d, f, w, s in rows]


def test_invariant_shipped_resistances_are_what_they_say():
    """Drawn again with stacks that are solved to a hundred digits by another route."""
    head, remarks, body = lines("resistances.csv")
    assert head == "thickness [nm],parallel [fOhm m^2],antiparallel [fOhm m^2],uncertainty [fOhm m^2]"
    said = ("Synthetic", "rho* = 250", "beta = 0.7", "l = 8 nm", "AR* = 0.6", "gamma = 0.65", "default_rng(34)")
    assert all(word in remarks for word in (*said, "Cu: 6 nOhm m, l = 400 nm"))
    grid = [1, 2, 3, 5, 8, 12, 18, 30]
    truth = (250, 0.7, 8, 0.6, 0.65)
    exact = np.array([[float(value) for value in valve(truth, t, network)] for t in grid])
    drawn = exact + 0.02 * np.random.default_rng(34).normal(size=exact.shape)
    assert body == [f"{t:g},{p:.3f},{a:.3f},0.02" for t, (p, a) in zip(grid, drawn, strict=True)]


def test_invariant_the_shipped_stack_says_that_no_sample_was_measured():
    text = (FILES / "stack.toml").read_text(encoding="utf-8")
    assert "no sample was measured" in text
    assert len(read_stack(FILES / "stack.toml").sources) == 7


def test_invariant_each_case_reads_its_file_by_one_path():
    text = CHAPTER.read_text(encoding="utf-8")
    assert len(re.findall(r"^path = EXAMPLES .*# <- your file", text, re.MULTILINE)) == 3
    for name in ("linewidths.csv", "resistances.csv", "stack.toml"):
        assert len(re.findall(rf'^path = EXAMPLES / "{name}"', text, re.MULTILINE)) == 1
    assert "**synthetic**" in text


def test_invariant_inputs_are_called_unverified_while_they_are():
    sources = read_stack(FILES / "stack.toml").sources
    assert not any(entry.verified for entry in sources.values()), "then the page is out of date"
    text = CHAPTER.read_text(encoding="utf-8")
    assert "exact; inputs mostly unverified" in text
    assert "**Unverified inputs.**" in text


# --- the fits ---------------------------------------------------------------------------------------------------------


def test_peer_fit_of_the_linewidths():
    """The numbers of the page, and SciPy's."""
    dimensions = {"thickness": "length", "frequency": "frequency", "linewidth": "field", "uncertainty": "field"}
    data = read_columns(FILES / "linewidths.csv", dimensions)
    thickness, frequency, measured, sigma = data.values()
    gamma = 2.1 * MU_B / HBAR
    fit = fit_linewidths(frequency, measured, 1.1e6 * thickness, uncertainty=sigma, gyromagnetic_ratio=gamma)
    films = np.unique(thickness)

    def model(f, g_r, alpha, *offsets):
        offset = np.array(offsets)[np.searchsorted(films, thickness)]
        return width(1e9 * thickness, 1e-9 * f, offset, 1e19 * g_r, 1e-3 * alpha, 1.1e6, 2.1) * 1e-3

    found, covariance = curve_fit(model, frequency, measured, p0=np.ones(7), sigma=sigma, absolute_sigma=True)
    assert fit.mixing_channel_density == pytest.approx(1e19 * found[0], rel=1e-5, abs=0)
    assert fit.alpha == pytest.approx(1e-3 * found[1], rel=1e-5, abs=0)
    np.testing.assert_allclose(
        [fit.mixing_channel_density_error / 1e19, fit.alpha_error / 1e-3], np.sqrt(np.diag(covariance))[:2], rtol=1e-4
    )
    assert fit.mixing_channel_density / 1e19 == pytest.approx(3.07, abs=0.005)
    assert fit.alpha == pytest.approx(0.00493, abs=5e-6)
    # The truth that the file states, within three errors.
    assert abs(fit.mixing_channel_density - 3e19) < 3 * fit.mixing_channel_density_error
    assert abs(fit.alpha - 0.005) < 3 * fit.alpha_error


def test_peer_fit_of_the_resistances():
    """SciPy's other solver, with l in the place of 1/l^2: the numbers of the page, and the truth of the file."""
    dimensions = {"thickness": "length", "parallel": "area resistance", "antiparallel": "area resistance"}
    data = read_columns(FILES / "resistances.csv", dimensions, {"uncertainty": "area resistance"})
    grid, measured = 1e9 * data["thickness"], 1e15 * np.array([data["parallel"], data["antiparallel"]])

    def model(_, *parameters):
        return np.array([valve(parameters, t) for t in grid]).T.ravel()

    found, covariance = curve_fit(
        model, np.zeros(16), measured.ravel(), p0=[200, 0.6, 10, 0.5, 0.5], sigma=[0.02] * 16, absolute_sigma=True
    )
    errors = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(found, [250.149, 0.703, 8.01, 0.598, 0.637], rtol=2e-3)
    np.testing.assert_allclose(errors, [2.588, 0.00376, 0.258, 0.00407, 0.00794], rtol=0.01)
    assert np.all(np.abs(found - [250, 0.7, 8, 0.6, 0.65]) < 3 * errors)
    assert np.sum(((model(0, *found) - measured.ravel()) / 0.02) ** 2) == pytest.approx(7.5, abs=0.05)


def test_limit_one_state_or_thin_films_leave_parameters_open():
    """Standard errors from forward differences of the truth: the pattern that the page reports, within a fifth."""
    grid = np.array([1, 2, 3, 5, 8, 12, 18, 30])
    truth = np.array([250, 0.7, 8, 0.6, 0.65])

    def all_of(parameters):
        return np.array([valve(parameters, t) for t in grid]).T

    base = all_of(truth)
    slopes = np.array([(all_of(truth * (1 + 1e-5 * unit)) - base) / 1e-5 / 0.02 for unit in np.eye(5)])

    def errors(part):
        rows = part.reshape(5, -1).T
        return np.sqrt(np.diag(np.linalg.inv(rows.T @ rows)))

    # The exercise: thin magnets for the interface, the thickest for the length, and the smaller gain close to l.
    more = np.array([1, 4, 8, 12, 40])
    new = np.array([[valve(truth * (1 + 1e-5 * unit), t) for t in more] for unit in np.eye(5)])
    new = (new - np.array([valve(truth, t) for t in more])) / 1e-5 / 0.02
    gains = np.array([errors(np.dstack([slopes, new[:, k, :, None]])) for k in range(5)]) / errors(slopes)
    assert gains.max() <= 1 + 1e-9
    assert (gains[:, 3].argmin(), gains[:, 2].argmin()) == (0, 4)
    assert gains[2, 2] < min(gains[1, 2], gains[3, 2])

    shown = [  # of rho*, beta, l, AR*, gamma, as the page prints them; 1/l^2 has twice the error of l
        (slopes, [1.0, 0.5, 6.4, 0.7, 1.2]),
        (slopes[:, :1], [341.8, 172.6, 982.2, 258.3, 750.9]),
        (slopes[..., grid < 6], [12.7, 4.2, 225.5, 1.6, 3.6]),
        (slopes[..., grid > 6], [3.8, 2.0, 12.8, 5.3, 4.2]),
    ]
    for part, printed in shown:
        expected = np.array(printed) / [1, 1, 2, 1, 1]
        np.testing.assert_allclose(100 * errors(part), expected, rtol=0.2)


# --- files of one's own -----------------------------------------------------------------------------------------------

OWN_STACK = """
current_density = "-2 MA/cm^2"
layer = [
  { material = "Ta", thickness = "5 nm" },
  { material = "Fe", thickness = "0.006 um", angle = "0 deg" },
  { material = "Ag", thickness = "4 nm" },
  { material = "Fe", thickness = "20 Å", angle = "0 deg" },
  { material = "Ag", thickness = inf },
]
material.Ta = { resistivity = "180 uOhm cm", spin_diffusion_length = "2 nm" }
material.Ag = { resistivity = "1 uOhm cm", spin_diffusion_length = "150 nm" }
[material.Fe]
resistivity = "12 uOhm cm"
beta = 0.5
spin_diffusion_length = "9 nm"
saturation_magnetization = "1700 emu/cm^3"
[interface."Fe/Ag"]
valet_fert_resistance = "1 mOhm um^2"
gamma = 0.8
mixing_conductance = "12 e^2/h/nm^2"
[interface."Ta/Fe"]
valet_fert_resistance = "1 fOhm m^2"
gamma = 0.1
"""

ASK = """
import json
print(json.dumps({
    "g_r": [g_r, error], "alpha": [fit.alpha, fit.alpha_error], "best": best.tolist(), "errors": errors.tolist(),
    "ratio": ratio, "change": resistance[-1] - resistance[0],
}))
"""


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """The page on three files of another laboratory: other units, order, films, no uncertainties, no anisotropy."""
    folder = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(5)
    thickness, frequency = (x.ravel() for x in np.meshgrid([4, 7, 20], np.arange(6, 32, 2), indexing="ij"))
    readings = width(thickness, frequency, 0.4, 1.2e19, 0.011, 8e5, 2.05, factor=2)
    readings += 0.03 * rng.normal(size=readings.size)
    rows = [f"{10 * w:.3f},{f * 1e3:g},{d * 1e-9:g}" for w, f, d in zip(readings, frequency, thickness, strict=True)]
    (folder / "lines.csv").write_text("\n".join(["linewidth_Oe,frequency_MHz,thickness_m", *rows]))

    grid = [1.5, 3, 6, 10, 15, 22, 35, 50, 70]
    exact = np.array([valve((160, 0.55, 20, 0.4, 0.8), t) for t in grid])
    drawn = exact + 0.01 * rng.normal(size=exact.shape)
    rows = [f"{t:g},{a:.4f},{p:.4f},0.01" for t, (p, a) in zip(grid, drawn, strict=True)]
    head = "thickness [nm],antiparallel [mOhm um^2],parallel [mOhm um^2],uncertainty [mOhm um^2]"
    (folder / "valves.csv").write_text("\n".join([head, *rows]))
    (folder / "own.toml").write_text(OWN_STACK, encoding="utf-8")

    page = read(CHAPTER)
    changed = 0
    for start, new in (
        ('path = EXAMPLES / "linewidths.csv"', f"path = {str(folder / 'lines.csv')!r}"),
        ("sample = ", "sample = {'saturation_magnetization': 8e5, 'g_factor': 2.05}"),
        ("setup = ", "setup = {'interfaces': 1, 'kind': 'full_width'}"),
        ('path = EXAMPLES / "resistances.csv"', f"path = {str(folder / 'valves.csv')!r}"),
        ('path = EXAMPLES / "stack.toml"', f"path = {str(folder / 'own.toml')!r}"),
    ):
        for cell in page.cells:
            if cell.cell_type == "code" and (found := re.search(rf"^{re.escape(start)}.*$", cell.source, re.MULTILINE)):
                cell.source = cell.source.replace(found[0], new)
                changed += 1
    assert changed == 5
    page.cells.append(new_code_cell(ASK))
    done = execute(page, CHAPTER.parent)
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    return done, "".join(output.text for output in outputs if output.get("name") == "stdout")


def test_limit_the_page_runs_on_foreign_files(foreign):
    done, printed = foreign
    found = json.loads(printed.splitlines()[-1])
    for name, truth in (("g_r", 1.2e19), ("alpha", 0.011)):
        value, error = found[name]
        assert abs(value - truth) < 3 * error < 0.2 * truth
    truth = np.array([160, 0.55, (10 / 20) ** 2, 0.4, 0.8])
    assert np.all(np.abs(found["best"] - truth) < 3.5 * np.array(found["errors"]))
    assert np.all(found["errors"] < 0.2 * truth)
    # Nothing is said of the truth of the examples, and what the file does not state is asked for.
    assert "fit minus truth" not in printed
    assert "for a threshold, state alpha, anisotropy_field" in printed
    assert set(figures(done)) == {"fig-own-damping", "fig-own-resistance", "fig-own-stack"}
    glued = {name for cell in done.cells for _, name in named(cell)}
    assert {"own-length", "own-flip", "own-unverified"} <= glued


def test_limit_the_stack_of_another_laboratory(foreign):
    """Against a hundred digits of another route; the two theories of the page agree on it."""
    _, printed = foreign
    found = json.loads(printed.splitlines()[-1])
    ta, ag = Medium.valet_fert(1.8e-6, 0.0, 2e-9), Medium.valet_fert(1e-8, 0.0, 150e-9)
    fe = Medium.valet_fert(1.2e-7 / 0.75, 0.5, 9e-9)
    outer, face = Interface.valet_fert(1e-15, 0.1), Interface.valet_fert(1e-15, 0.8)
    areas = []
    for turn in (lambda item: item, reverse):
        layers = [Layer(ta, 5e-9), Layer(fe, 6e-9), Layer(ag, 4e-9), turn(Layer(fe, 2e-9)), Layer(ag, inf)]
        areas.append(float(network(layers, [outer, face, turn(face), turn(face)]).resistance))
    assert found["ratio"] == pytest.approx(areas[1] / areas[0] - 1, rel=1e-9, abs=0)
    assert found["change"] == pytest.approx(areas[1] - areas[0], rel=1e-9, abs=0)
