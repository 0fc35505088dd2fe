"""The page of materials shows every value of the table, as it stands there, under the badge that it has earned."""

import os
import re
import shutil
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tools.notebooks import GLUE, execute, figures, read

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = ROOT / "book" / "materials.md"

# The page once more, written by hand: material | quantity | value, uncertainty, unit, temperature | ✓ or ?.
# A value, a unit or a status that changes in the table must be changed here, by someone who knows why.
PAGE = """
Co | ρ* | 75 nΩ m at 4.2 K | ?
Co | β | 0.46 at 4.2 K | ?
Co | lsf | 60 nm at 4.2 K | ?
Co beside PyCu/Cu | lsf | 2 nm | ?
Co nanowire | lsf | (59 ± 18) nm at 77 K | ?
permalloy | ρ* | 290 nΩ m at 4.2 K | ?
permalloy | β | 0.76 at 4.2 K | ?
permalloy | lsf | 5.5 nm at 4.2 K | ?
Cu | ρ | 6 nΩ m at 4.2 K | ?
Cu | lsf | 100 nm | ✓
Cu sputtered | lsf | 450 nm at 4.2 K | ?
Cu lateral valve | lsf | (200 ± 20) nm at 10 K | ?
permalloy spin valve | lsf | (5.5 ± 1) nm | ✓
permalloy nanowire | lsf | (4.3 ± 1) nm | ✓
permalloy multilayer | β | 0.65 ± 0.1 at 4.2 K | ?
permalloy computed | ρ | (35 ± 1.5) nΩ m | ✓
permalloy computed | α | 0.0046 ± 0.0001 at 0 K | ✓
Ni | lsf | (21 ± 2) nm at 4.2 K | ?
Al | lsf | (400 ± 50) nm | ✓
Pt | lsf | (3.4 ± 0.4) nm | ✓
Pt | θSH | 0.056 ± 0.01 | ✓
Pt | ρ | 173 nΩ m | ?
Pd98.7Fe1.3 | lsf | (9.6 ± 2) nm at 4.2 K | ✓
Cu(2.1% Ge) | lsf | 117 (+10, −6) nm | ✓
Ag(3.6% Sn) | lsf | (39 ± 3) nm | ✓
Co | Ms | 1446 emu/cm³ at 0 K | ?
Co | Vat | 11.08 Å³ | ?
Co | A | 580 meV Å² | ✓
Co | TC | (1393 ± 5) K | ✓
Co neutron scattering | A | 510 meV Å² | ✓
Co film in Cu | Ms | 1333 emu/cm³ | ✓
Co film in Cu, evaporated | Ms | 1131 emu/cm³ | ✓
Cu | γe | 96.8 J/(m³ K²) | ?
Ni | Ms | 510 emu/cm³ at 0 K | ?
Ni | Vat | 10.94 Å³ | ?
Ni | A | 422 meV Å² | ✓
Ni | TC | (627.5 ± 3.5) K | ✓
Ni | γe | 1077.4 J/(m³ K²) | ?
Ni neutron scattering | A | 555 meV Å² | ✓
Fe | Ms | 1740 emu/cm³ at 0 K | ?
Fe | Vat | 11.78 Å³ | ?
Fe | A | 280 meV Å² | ✓
Fe | TC | (1044.5 ± 0.5) K | ✓
Fe neutron scattering | A | 330 meV Å² | ✓
Fe neutron scattering | TC | 1042 K | ✓
Gd | Ms | 2060 emu/cm³ at 0 K | ?
Gd | Vat | 33.1 Å³ | ?
Gd | TC | 292 K | ?
Pt | γe | 748.1 J/(m³ K²) | ?
Ni M3TM | TC | 627 K | ?
Ni M3TM | asf | 0.185 | ?
Ni M3TM | gep | 4.05 10¹⁸ W/(m³ K) | ?
Ni M3TM | μat | 0.62 μ_B | ?
Ni M3TM | ED | 36 meV | ?
Ni M3TM | γe | 5435 J/(m³ K²) | ?
Ni M3TM | Cp | 2.33 MJ/(m³ K) | ?
Ni M3TM | R | 17.2 ps⁻¹ | ?
Co M3TM | TC | 1388 K | ?
Co M3TM | asf | 0.15 | ?
Co M3TM | gep | 4.05 10¹⁸ W/(m³ K) | ?
Co M3TM | μat | 1.72 μ_B | ?
Co M3TM | ED | 35.7 meV | ?
Co M3TM | γe | 5300 J/(m³ K²) | ?
Co M3TM | Cp | 2.07 MJ/(m³ K) | ?
Co M3TM | R | 25.3 ps⁻¹ | ?
Gd M3TM | TC | 297 K | ?
Gd M3TM | asf | 0.08 | ?
Gd M3TM | gep | 0.21 10¹⁸ W/(m³ K) | ?
Gd M3TM | μat | 7.55 μ_B | ?
Gd M3TM | ED | 17 meV | ?
Gd M3TM | γe | 225 J/(m³ K²) | ?
Gd M3TM | Cp | 1.51 MJ/(m³ K) | ?
Gd M3TM | R | 0.092 ps⁻¹ | ?
Co film in Cu | Ks | −0.5 erg/cm² | ✓
Co film, sputtered | g | 2.25 | ?
Co film, sputtered | G | 4.5 10⁸ s⁻¹ | ?
Co/Cu/Co pillar | b/j | 1.5e−07 Oe cm²/A at 4.2 K | ✓
Co/Cu/Co pillar | a/b | 5 at 4.2 K | ✓
Ni film on W(110) | τM | (300 ± 70) fs | ✓
Ni film on W(110) | τR | (3.2 ± 0.2) ps | ✓
Ni film | τM | (130 ± 40) fs | ✓
Co film | τM | 300 fs | ?
Co/Pd multilayer | τM | (100 ± 25) fs | ✓
Co/Pd multilayer | ΔM/M | 0.44 | ✓
Gd(0001) film | τM | 700 fs | ✓
Gd 4f | τM | 750 fs | ✓
Gd 4f | τ2 | 40 ps | ✓
permalloy wall | β/α | 1 | ✓
permalloy wall oscillating | β/α | 8 | ✓
V-doped permalloy wall | β/α | 10 | ✓
permalloy vortex | β/α | 20 | ✓
permalloy transverse wall | β/α | 1.3 | ✓
permalloy vortex wall | β/βt | 7 | ✓
CoNi wall | β/α | 1 | ✓
FePt wall | β/α | 1 | ✓
Co/Cu | AR* | 0.51 fΩ m² at 4.2 K | ?
Co/Cu | γ | 0.77 at 4.2 K | ?
Co/Cu | δ | 0.33 (+0.03, −0.08) | ?
permalloy/Cu | AR* | 0.5 fΩ m² at 4.2 K | ?
permalloy/Cu | γ | 0.7 at 4.2 K | ?
permalloy/Cu multilayer | γ | 0.76 ± 0.1 at 4.2 K | ?
Co/Pt | AR* | (0.74 ± 0.15) fΩ m² at 4.2 K | ✓
Co/Pt | γ | 0.58 ± 0.12 at 4.2 K | ✓
Co/Pt | δ | 0.9 (+0.5, −0.2) at 4.2 K | ✓
Co/Ni | AR↑ | 0.03 (+0.02, −0.03) fΩ m² | ✓
Co/Ni | AR↓ | (1 ± 0.07) fΩ m² | ✓
Co/Ni | δ | 0.35 ± 0.05 | ✓
Co90Fe10/Cu | δ | 0.19 ± 0.04 | ✓
Co/Ru | δ | 0.34 (+0.04, −0.02) | ✓
Cu(111) | GSh | 0.558 10¹⁵ S/m² | ?
Cu/Co(111) clean | G↑ | 0.42 10¹⁵ S/m² | ?
Cu/Co(111) clean | G↓ | 0.38 10¹⁵ S/m² | ?
Cu/Co(111) clean | Re G↑↓ | 0.546 10¹⁵ S/m² | ?
Cu/Co(111) clean | Im G↑↓ | 0.015 10¹⁵ S/m² | ?
Cu/Co(111) alloyed | G↑ | 0.42 10¹⁵ S/m² | ?
Cu/Co(111) alloyed | G↓ | 0.33 10¹⁵ S/m² | ?
Cu/Co(111) alloyed | Re G↑↓ | 0.564 10¹⁵ S/m² | ?
Cu/Co(111) alloyed | Im G↑↓ | −0.042 10¹⁵ S/m² | ?
Au/Fe(001) clean | G↑ | 0.4 10¹⁵ S/m² | ?
Au/Fe(001) clean | G↓ | 0.08 10¹⁵ S/m² | ?
Au/Fe(001) clean | Re G↑↓ | 0.466 10¹⁵ S/m² | ?
Au/Fe(001) clean | Im G↑↓ | 0.005 10¹⁵ S/m² | ?
Au/Fe(001) alloyed | G↑ | 0.39 10¹⁵ S/m² | ?
Au/Fe(001) alloyed | G↓ | 0.18 10¹⁵ S/m² | ?
Au/Fe(001) alloyed | Re G↑↓ | 0.462 10¹⁵ S/m² | ?
Au/Fe(001) alloyed | Im G↑↓ | 0.003 10¹⁵ S/m² | ?
Cr/Fe(001) clean | G↑ | 0.14 10¹⁵ S/m² | ?
Cr/Fe(001) clean | G↓ | 0.36 10¹⁵ S/m² | ?
Cr/Fe(001) clean | Re G↑↓ | 0.623 10¹⁵ S/m² | ?
Cr/Fe(001) clean | Im G↑↓ | 0.05 10¹⁵ S/m² | ?
Cr/Fe(001) alloyed | G↑ | 0.26 10¹⁵ S/m² | ?
Cr/Fe(001) alloyed | G↓ | 0.34 10¹⁵ S/m² | ?
Cr/Fe(001) alloyed | Re G↑↓ | 0.61 10¹⁵ S/m² | ?
Cr/Fe(001) alloyed | Im G↑↓ | 0.052 10¹⁵ S/m² | ?
Pt/YIG | g | 1.3 10¹⁸ m⁻² | ✓
Pt/permalloy | g | 21 10¹⁸ m⁻² | ?
"""
COLUMNS = ("material, quantity", "value, status", "source, where, how")
WORDS = {"✓": "✓ verified", "?": "? unverified"}
CLASSES = {"✓": "ledger-badge ledger-verified", "?": "ledger-badge"}
UNITS = {
    "1": "",
    "nm": " nm",
    "nOhm m": " nΩ m",
    "fOhm m^2": " fΩ m²",
    "1e15 S/m^2": " 10¹⁵ S/m²",
    "1e18 m^-2": " 10¹⁸ m⁻²",
    "K": " K",
    "ps": " ps",
    "fs": " fs",
    "ps^-1": " ps⁻¹",
    "Å^3": " Å³",
    "meV": " meV",
    "meV Å^2": " meV Å²",
    "mu_B": " μ_B",
    "emu/cm^3": " emu/cm³",
    "erg/cm^2": " erg/cm²",
    "1e8 s^-1": " 10⁸ s⁻¹",
    "Oe cm^2/A": " Oe cm²/A",
    "J/(m^3 K^2)": " J/(m³ K²)",
    "MJ/(m^3 K)": " MJ/(m³ K)",
    "1e18 W/(m^3 K)": " 10¹⁸ W/(m³ K)",
}


class Tables(HTMLParser):
    """Head and rows of tables: the text of each cell, its links and the classes of its badges."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.heads: list[list[str]] = []
        self.rows: list[list[dict]] = []
        self.regions: list[dict] = []
        self._cells: list[dict] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "div":
            self.regions.append(found)
        elif tag == "tr":
            self._cells = []
        elif tag in ("td", "th"):
            self._cells.append({"text": "", "links": [], "badges": [], "head": found.get("scope")})
        elif tag == "a":
            self._cells[-1]["links"].append(found["href"])
        elif tag == "span" and "class" in found:
            self._cells[-1]["badges"].append(found["class"])
        elif tag == "br":
            self._cells[-1]["text"] += "\n"

    def handle_endtag(self, tag):
        if tag != "tr":
            return
        if self._cells[0]["head"] == "col":
            self.heads.append([cell["text"] for cell in self._cells])
        else:
            self.rows.append(self._cells)
        self._cells = []

    def handle_data(self, data):
        if self._cells:
            self._cells[-1]["text"] += data


def html_of(executed):
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    return [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]


def texts(row):
    return [cell["text"].strip() for cell in row]


def named(row):
    """Material, symbol and name in spinlib."""
    material, quantity = texts(row)[0].split("\n")
    return material, *quantity.rsplit(" ", 1)


def written(number):
    """As the page writes it: 0.4 for 0.40, with a minus sign."""
    return f"{number:.10g}".replace("-", "−")


def stated(record):
    """Value, uncertainty, unit and temperature as the page must write them."""
    number, unit, spread = written(record["value"]), UNITS[record["unit"]], record.get("uncertainty")
    if isinstance(spread, list):
        text = f"{number} (+{written(spread[0])}, −{written(spread[1])}){unit}"
    elif spread is None:
        text = number + unit
    else:
        text = f"({number} ± {written(spread)}){unit}" if unit else f"{number} ± {written(spread)}"
    return f"{text} at {record['temperature']:.10g} K" if "temperature" in record else text


def expected(path):
    """What the page must say of every record of the table at ``path``, read without spinlib."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    for name, records in content["material"].items():
        for key, record in records.items():
            source = content["source"][record["source"]]
            remarks = [record[part] for part in ("locator", "note") if part in record]
            yield (
                (name, key),
                {
                    "value": [stated(record), WORDS["✓" if record["verified"] else "?"]],
                    "source": [source["citation"], *remarks],
                    "links": [f"https://doi.org/{source['doi']}"] if "doi" in source else [],
                },
            )


def said(tables):
    """The same, from the page."""
    for row in tables.rows:
        name, _, key = named(row)
        value, source = (text.split("\n") for text in texts(row)[1:])
        yield (name, key), {"value": value, "source": source, "links": row[2]["links"]}


def glued(executed):
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    found = {}
    for output in outputs:
        scrap = output.get("metadata", {}).get(GLUE)
        if scrap:
            found[scrap["name"]] = output["data"][f"{scrap['mime_prefix']}text/plain"]
    return found


@pytest.fixture(scope="module")
def page():
    return execute(read(CHAPTER), CHAPTER.parent)


@pytest.fixture(scope="module")
def tables(page):
    return Tables("".join(html_of(page)))


def test_invariant_the_page_is_the_one_written_here(tables):
    marks = {word: mark for mark, word in WORDS.items()}
    found = []
    for row in tables.rows:
        value, word = texts(row)[1].split("\n")
        found.append(" | ".join([*named(row)[:2], value, marks[word]]))
    assert found == PAGE.strip().splitlines()


def test_invariant_the_page_says_what_the_table_says(tables):
    rows = list(said(tables))
    assert dict(rows) == dict(expected(ROOT / "spinlib" / "materials.toml"))
    assert len(rows) == len(dict(rows)), "a value is shown twice"


def test_invariant_a_badge_is_a_word_and_never_says_more_than_the_table(tables):
    content = tomllib.loads((ROOT / "spinlib" / "materials.toml").read_text(encoding="utf-8"))["material"]
    for row in tables.rows:
        name, _, key = named(row)
        mark = "✓" if content[name][key]["verified"] is True else "?"
        assert texts(row)[1].endswith(f"\n{WORDS[mark]}")
        assert row[1]["badges"] == [CLASSES[mark]]
        assert sum(len(cell["badges"]) for cell in row) == 1
        if mark == "✓":
            assert row[2]["links"], f"{name} {key} is verified and links to nothing"
            assert "\n" in texts(row)[2], f"{name} {key} is verified and names no place"


def test_invariant_counts_on_the_page(page, tables):
    content = tomllib.loads((ROOT / "spinlib" / "materials.toml").read_text(encoding="utf-8"))["material"]
    flags = [record["verified"] for records in content.values() for record in records.values()]
    numbers = glued(page)
    counts = [numbers[name] for name in ("values", "verified", "unverified")]
    assert counts == [str(len(flags)), str(sum(flags)), str(len(flags) - sum(flags))]
    below = [re.findall(r"<p>(\d+) values, (\d+) verified\.</p>", html) for html in html_of(page)]
    assert [sum(int(pair[k]) for [pair] in below) for k in (0, 1)] == [len(flags), sum(flags)]


def test_invariant_the_other_recollection_is_stated_as_unverified(page):
    numbers = glued(page)
    assert [numbers[f"other-{part}"] for part in ("minority", "mixing", "sharvin")] == ["0.36", "0.55", "0.58"]
    [sentence] = re.findall(r".*glue:text\}`other-sharvin`.*", CHAPTER.read_text(encoding="utf-8"))
    assert "all unverified" in sentence


def test_invariant_wide_tables_scroll_in_a_box_that_the_keyboard_reaches(tables):
    assert tables.heads == [list(COLUMNS)] * 7
    labels = [region["aria-label"] for region in tables.regions]
    assert len(set(labels)) == 7
    for region in tables.regions:
        assert region["role"] == "region"
        assert region["tabindex"] == "0"
        assert "overflow-x: auto" in region["style"]
    assert all(row[0]["head"] == "row" for row in tables.rows)


def test_invariant_the_figure_of_unverified_values_says_so(page):
    [(name, record)] = figures(page).items()
    [options] = [
        cell.metadata["mystnb"]["figure"] for cell in page.cells if "figure" in cell.metadata.get("mystnb", {})
    ]
    assert options["name"] == name
    assert "unverified" in options["caption"]
    assert [text["text"] for text in record["axes"][0]["texts"]] == ["? unverified"]
    content = tomllib.loads((ROOT / "spinlib" / "materials.toml").read_text(encoding="utf-8"))["material"]
    keys = {"majority": "majority_conductance", "minority": "minority_conductance", "mixing": "mixing_conductance_real"}
    drawn = [line["y"] for line in record["axes"][0]["lines"]]
    for line, key in zip(drawn, keys.values(), strict=False):
        records = [material[key] for material in content.values() if key in material]
        assert line == [record["value"] for record in records]
        assert not any(record["verified"] for record in records), "then the caption is out of date"


def test_invariant_the_page_follows_the_table(tmp_path, monkeypatch):
    """Another value and other flags in the table: the page shows them, and only them."""
    shutil.copytree(ROOT / "spinlib", tmp_path / "spinlib", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "spinlib" / "materials.toml"
    text = before = path.read_text(encoding="utf-8")
    changes = (
        (r"(\[material\.Co\]\nvalet_fert_resistivity = \{ value = )75\b", r"\g<1>80"),
        (r"(spin_hall_angle = .*verified = )true", r"\1false"),
        (r"(minority_conductance = \{ value = 0\.38, .*)verified = false", r'\1locator = "Table 1", verified = true'),
        (r"uncertainty = \[0\.5, 0\.2\]", "uncertainty = [0.5, 0.3]"),
    )
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, text)
        assert count == 1, pattern
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    changed = dict(said(Tables("".join(html_of(execute(read(CHAPTER), CHAPTER.parent))))))
    assert changed == dict(expected(path))
    old = dict(expected(ROOT / "spinlib" / "materials.toml"))
    assert before == (ROOT / "spinlib" / "materials.toml").read_text(encoding="utf-8")
    different = {key for key in old if old[key] != changed[key]}
    assert different == {
        ("Co", "valet_fert_resistivity"),
        ("Pt", "spin_hall_angle"),
        ("Co/Pt", "spin_memory_loss"),
        ("Cu/Co(111) clean", "minority_conductance"),
    }
