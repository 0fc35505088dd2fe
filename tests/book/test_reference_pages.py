"""The part Reference: the API pages show every public name and where it is used, the other pages what they say."""

import importlib
import inspect
import re
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from pybtex.database import parse_file

from spinlib import conventions
from tests.book.ledger_copy import EXTENSIONS, entries
from tools.contents import pages
from tools.notebooks import ROOT, chapters
from tools.precomputed import stored

sys.path.insert(0, str(EXTENSIONS))
api_names, api_signature, api_text, api_uses, environment, symbols = (
    importlib.import_module(name)
    for name in ("api_names", "api_signature", "api_text", "api_uses", "environment", "symbols")
)

HTML = ROOT / "_build" / "html"
PAPERS = ("KK", "RHP", "WD04", "BTBK", "WD11")


@cache
def page(name):
    """A page of the built book."""
    path = HTML / f"{name}.html"
    if not path.is_file():
        pytest.fail(f"{path.name} is not in _build/html: make book first", pytrace=False)
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@cache
def anchors(name):
    """The elements of a page by their ids."""
    return {element["id"]: element for element in page(name).find_all(id=True)}


def public():
    """Every public name by the modules' own lists, found without the extension."""
    for path in sorted((ROOT / "spinlib").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if "._" not in module and module != "spinlib":
            listed = importlib.import_module(module).__all__
            modules = {other.stem for other in path.parent.glob("*.py")} if path.stem == "__init__" else set()
            yield from (f"{module}.{name}" for name in listed if name not in modules)


def entry(name):
    """The entry of a public object on the page of its room."""
    found = anchors(f"book/api/{name.split('.')[1]}").get(api_names.api_id(name))
    assert found is not None, name
    return found.find_parent("dl", class_="py")


# --- the package ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(public()))
def test_api_every_public_name_has_its_entry(name):
    documented = api_names.same_as(name)
    assert documented
    item = api_names.object_of(documented)
    module, _, last = name.rpartition(".")
    assert getattr(importlib.import_module(module), last) is item
    text = entry(documented).get_text(" ")
    assert last in text
    if callable(item):
        sentence = re.sub(r":[a-z]+:`~?[\w.]*`", "", inspect.getdoc(item).partition("\n")[0])
        words = re.findall(r"[a-z]{4,}", sentence)
        assert [word for word in words if word not in text] == []


def test_api_index_leads_to_every_entry():
    links = {link["href"].partition("#")[2] for link in page("book/api").select("ul.api-names a")}
    assert links == set(api_names.catalogue())


def test_api_rooms_have_their_pages():
    own = {path.stem for path in (ROOT / "book" / "api").glob("*.md")}
    assert own == set(api_names.rooms())
    assert {f"book/api/{room}" for room in own} <= pages(ROOT / "_toc.yml")
    for room in own:
        text = (ROOT / "book" / "api" / f"{room}.md").read_text(encoding="utf-8")
        assert f"api-room:: {room}\n" in text
        assert f"`spinlib.{room}`" in text


def test_api_names_take_any_way_to_an_object():
    for way, name in {
        "spinlib.accumulation.closed_forms.decay_rate": "spinlib.accumulation.decay_rate",
        "spinlib.dynamics._generalized.GeneralizedLLG": "",
        "spinlib.circuit.InterfaceConductance.total": "spinlib.circuit.InterfaceConductance.total",
        "spinlib.units.hbar": "spinlib.units.hbar",
        "spinlib.circuit._solve": "",
        "spinlib.circuit.nothing": "",
        "spinlib.circuit.InterfaceConductance.nothing": "",
        "numpy.array": "",
        "": "",
    }.items():
        assert api_names.same_as(way) == name


@pytest.mark.parametrize(
    ("code", "used"),
    [
        ("from spinlib.circuit import spin_valve as valve\nvalve()", {"spinlib.circuit.spin_valve"}),
        ("import spinlib.units as u\nx = 3 * u.nm", {"spinlib.units.nm"}),
        ("import spinlib.units\nx = spinlib.units.nm", {"spinlib.units.nm"}),
        ("from spinlib import plotting\nplotting.publish(1, '2')", {"spinlib.plotting.publish"}),
        ("from spinlib.accumulation.closed_forms import ring_of", set()),
        ("spin_valve()", set()),
        ("from numpy import transport\ntransport()", set()),
    ],
)
def test_api_uses_are_found_whatever_a_chapter_calls_them(code, used):
    assert set(api_uses._used(f"# Page\n\n```{{code-cell}} ipython3\n:tags: [hide-input]\n\n{code}\n```\n")) == used


@pytest.mark.parametrize("name", list(api_names.catalogue()))
def test_api_entries_lead_to_their_chapters_and_equations(name):
    links = {link["href"] for link in entry(name).select("a[href]")}
    uses, computed = api_uses.chapters_of(ROOT).get(name, []), api_uses.entries_of(ROOT).get(name, [])
    for chapter in uses[:1] if len(uses) > 12 else uses:
        assert f"../{Path(chapter).name}.html" in links
        assert name.rpartition(".")[2] in (ROOT / f"{chapter}.md").read_text(encoding="utf-8")
    for one in computed:
        target = f"ledger-{one.paper.lower()}-{one.label}" if one.section else one.anchor
        assert any(link.endswith(f"#{target}") for link in links), target
    if not uses and name not in api_uses.givers_of():
        assert "none names it" in entry(name).get_text(" ")


def test_api_every_call_of_the_ledger_is_shown():
    found = api_uses.entries_of(ROOT)
    for one in entries():
        if one.where:  # a statement has no call
            continue
        for call in one.code:
            name = api_names.same_as(call)
            assert name, call
            assert one in found[name if name in found else name.rpartition(".")[0]]


def test_api_docstrings_are_read_as_plain_text():
    for line, expected in {
        "|a| and lambda_- of ``|b_|``": r"\|a\| and lambda\_- of ``|b_|``",
        r"\|a\| stays": r"\|a\| stays",
        "see :func:`run_` and x_1": "see :func:`run_` and x_1",
        ">>> a | b_": ">>> a | b_",
    }.items():
        assert api_text.as_rst([line]) == [expected]
    assert api_text.as_rst(["Units", "=====", "", "One."]) == [".. rubric:: Units", "", "", "One."]
    assert api_text.as_rst(["f is", "    a sum", "", "Two", "lines:", "    / g"]) == [
        "f is", "    a sum", "", "Two", "lines:", "/ g",
    ]  # fmt: skip


def test_api_signatures_are_those_of_the_source():
    for name, part in {
        "spinlib.circuit.spin_transfer_torque": "gyromagnetic_ratio: ArrayLike = free_electron",
        "spinlib.circuit.spin_valve": "interface1: spinlib.circuit.InterfaceConductance",
        "spinlib.circuit.InterfaceConductance": "thin: bool = False",
        "spinlib.scattering.stack.transport": "source: Literal['left', 'right'] = 'left'",
    }.items():
        assert part in api_signature.signature(api_names.object_of(name), method=False)[0]
    arguments, result = api_signature.signature(api_names.object_of("spinlib.circuit.spin_valve"), method=False)
    assert "*, voltage1" in arguments
    assert result == "spinlib.circuit.SpinValveState"
    for name, item in api_names.catalogue().items():
        if item.kind == "function":
            given = api_signature.signature(api_names.object_of(name), method=False)[0]
            for argument in inspect.signature(api_names.object_of(name)).parameters:
                assert re.search(rf"[(* ]{argument}\b", given), (name, argument)


# --- symbols ----------------------------------------------------------------------------------------------------------


def tokens(latex):
    """The letters and commands of a formula, without what only changes their look."""
    plain = re.sub(r"\\mathrm\{[^}]*\}|\{?\\rm\s[^}]*\}?", " ", latex)
    look = r"\\(?:mathbf|boldsymbol|mathcal|displaystyle|left|right|[bB]igg?[lr]?)(?![a-zA-Z])"
    return re.findall(r"\\[A-Za-z]+|[^\s{}\\]", re.sub(look, " ", plain))


def stands_in(latex, symbol):
    """Whether a formula has the symbol."""
    whole, part = tokens(latex), tokens(symbol)
    return any(whole[n : n + len(part)] == part for n in range(len(whole)))


FORMULAS = {
    (one.paper, one.label): [one.latex, one.printed] for one in entries() if one.section
}  # the right one, and what is printed where it differs
SYMBOLS = symbols.load(ROOT)
QUANTITIES = [row for group in SYMBOLS["quantities"] for row in group["rows"]]


@pytest.mark.parametrize("row", QUANTITIES, ids=lambda row: row["quantity"])
def test_symbols_stand_where_the_page_says(row):
    for line in row["papers"]:
        paper, number, symbol = symbols.printed(line)
        assert any(stands_in(latex, symbol) for latex in FORMULAS[paper, number]), line


@pytest.mark.parametrize("row", SYMBOLS["clashes"], ids=lambda row: row["letter"])
def test_symbols_clashes_stand_where_the_page_says(row):
    meanings = set()
    for line in row["rows"]:
        paper, number, meaning = symbols.clash(line)
        assert any(stands_in(latex, row["letter"]) for latex in FORMULAS[paper, number]), line
        assert meaning
        meanings.add(meaning)
    assert len(meanings) > 1 or len(row["rows"]) > 1


@pytest.mark.parametrize(
    ("latex", "symbol", "found"),
    [
        (r"-\frac{\gamma\hbar}{2eM_s\mathcal V}\,\mathbf m", r"\mathbf m", True),
        (r"-\frac{\gamma\hbar}{2eM_s\mathcal V}\,\mathbf m", "M_s", True),
        (r"-\frac{\gamma\hbar}{2eM_s\mathcal V}\,\mathbf m", "V", True),
        (r"\Gamma\,\mathbf M_0\times", r"\gamma", False),
        (r"\mathrm{Im}\,Z", "I", False),
        (r"l_{\rm diff}^{-2}", "d", False),
        (r"\sigma_\uparrow", r"\sigma_\downarrow", False),
    ],
)
def test_symbols_are_looked_up_whole(latex, symbol, found):
    assert stands_in(latex, symbol) is found


@pytest.mark.parametrize("row", QUANTITIES, ids=lambda row: row["quantity"])
def test_symbols_have_a_name_in_the_package(row):
    name = f"{row['of']}.{row['name']}"
    if not api_names.same_as(name) and not hasattr(importlib.import_module(row["of"].rpartition(".")[0]), row["name"]):
        assert row["name"] in inspect.signature(api_names.object_of(row["of"])).parameters


def names_of(item):
    """Arguments, fields and methods of a public object, and the arguments of the methods."""
    own = {name for name in dir(item) if inspect.isclass(item) and not name.startswith("_")}
    calls = [item, *(getattr(item, name) for name in own)]
    return own.union(*(inspect.signature(call).parameters for call in calls if callable(call)))


def test_symbols_notes_name_what_exists():
    calls = [api_names.object_of(name) for name, item in api_names.catalogue().items() if item.kind != "data"]
    known = set().union(*map(names_of, calls), api_names.rooms())
    known |= {name.rpartition(".")[2] for name in api_names.catalogue()}
    for row in (*QUANTITIES, *SYMBOLS["clashes"]):
        for name in re.findall(r"`([\w.]+)`", row.get("note", "") + row.get("here", "")):
            assert name.rpartition(".")[2] in known, name


# --- exercises, environment, bibliography -----------------------------------------------------------------------------


@pytest.mark.parametrize("chapter", chapters(), ids=lambda path: path.stem)
def test_exercises_of_every_chapter_are_listed_with_a_folded_solution(chapter):
    text = chapter.read_text(encoding="utf-8")
    count = len(re.findall(r"^:{3,}\{admonition\} Exercise$", text, re.MULTILINE))
    assert count >= 1
    assert len(re.findall(r"^:{3,}\{admonition\} Solution\n:class: dropdown$", text, re.MULTILINE)) == count
    name = chapter.relative_to(ROOT).with_suffix("").as_posix()
    built = (HTML / f"{name}.html").read_text(encoding="utf-8")
    expected = ["exercise", *(f"exercise-{n}" for n in range(2, count + 1))]
    links = [link["href"] for link in page("book/exercises").select("ul.exercises a[href]")]
    for anchor in expected:
        assert re.search(rf'<div class="[^"]*\badmonition\b[^"]*" id="{anchor}"', built)
        assert f"{chapter.stem}.html#{anchor}" in links
    assert "Solution" not in page("book/exercises").find("article").get_text()


def test_environment_names_the_packages_of_the_lock():
    lock = (ROOT / "requirements.lock.txt").read_text(encoding="utf-8")
    locked = environment.locked()
    assert len(locked) == len(re.findall(r"^[\w.-]+==", lock, re.MULTILINE))
    shown = page("book/environment").get_text(" ")
    for name, number, _ in locked:
        assert f"{name} {number}" in re.sub(r"\s+", " ", shown)
    for name in ("numpy", "scipy", "numba", "sphinx"):
        assert (name, metadata.version(name)) in {(row[0], row[1]) for row in locked}


def test_environment_shows_the_seconds_of_every_notebook():
    rows = {}
    for row in page("book/environment").select("#how-long-the-notebooks-take tr")[1:]:
        name, seconds = (cell.get_text(" ", strip=True) for cell in row.select("td"))
        rows[row.find("a")["href"] if row.find("a") else name] = float(seconds)
    total = rows.pop(f"all {len(chapters())}")
    assert set(rows) == {f"{chapter.stem}.html" for chapter in chapters()}
    assert min(rows.values()) > 0
    assert total == pytest.approx(sum(rows.values()), abs=0.5 + 0.05 * len(rows))


def test_environment_lists_every_ensemble():
    shown = page("book/environment").find(id="ensembles").get_text(" ")
    files = stored()
    assert files
    for path in files:
        assert path.relative_to(ROOT).as_posix() in shown


@cache
def references():
    return parse_file(str(ROOT / "book" / "references.bib")).entries


def test_bibliography_has_no_entry_that_nobody_cites():
    sources = [ROOT / "intro.md", *(ROOT / "book").rglob("*.md"), *(ROOT / "book" / "ledger").glob("*.yml")]
    roles = [re.findall(r"\{cite[\w:]*\}`([^`]*)`", path.read_text(encoding="utf-8")) for path in sources]
    cited = {key.strip() for found in roles for role in found for key in role.split(",")}
    assert set(references()) - cited == set()


def test_bibliography_says_where_each_source_is():
    shown = page("book/bibliography")
    links = {link["href"] for link in shown.select("a[href]")}
    for key, reference in references().items():
        fields = reference.fields
        assert {"doi", "eprint", "note"} & set(fields), key
        if "doi" in fields:
            assert re.fullmatch(r"10\.\d{4,9}/\S+", fields["doi"])
            assert f"https://doi.org/{fields['doi']}" in links
        if "eprint" in fields:
            assert any(link.endswith(f"arxiv.org/abs/{fields['eprint']}") for link in links)
        if not {"doi", "eprint"} & set(fields):
            assert fields["note"] == "No DOI found"


def test_bibliography_begins_with_the_five_papers():
    sections = page("book/bibliography").select("article section section")
    first, second = (section.get_text(" ") for section in sections[:2])
    for key, reference in references().items():
        words = re.sub(r"[{}]", "", reference.fields["title"])[:25]
        if re.fullmatch(r"[A-Za-z, -]+", words):  # no accent, no quote, no command
            shown = first if key in PAPERS else second
            assert words.lower() in " ".join(shown.lower().split()), key


def test_every_conversion_is_executed_on_its_page():
    """The page *Conventions* says so."""
    page = (ROOT / "book" / "conventions.md").read_text(encoding="utf-8")
    cells = re.findall(r"^```\{code-cell\}.*?^```$", page, flags=re.MULTILINE | re.DOTALL)
    called = {name for cell in cells for name in re.findall(r"\bconventions\.(\w+)\(", cell)}
    assert called == set(conventions.__all__)
