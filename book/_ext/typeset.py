"""Formulas are set when the book is built: MathJax runs in V8, without a browser; pages hold drawings and no script.

Sphinx writes TeX; when its pages are there, each formula in them becomes an SVG, as MathJax in a browser would draw it,
beside MathML for screen readers. A page carries the outlines of its glyphs once. What was set is kept beside the pages,
so that the next build sets only what is new. A formula that MathJax refuses is a warning, which fails the build.
"""

import hashlib
import html
import json
import re
from dataclasses import asdict, dataclass, field
from importlib.metadata import files
from pathlib import Path

from py_mini_racer import MiniRacer
from sphinx.application import Sphinx
from sphinx.ext.mathjax import html_visit_displaymath, html_visit_math
from sphinx.util import logging

from tools.isolation import write_whole

__all__ = ["STYLE", "setup", "typeset_pages"]

STYLE = "mathjax.css"
"""Name of the style sheet of the formulas."""

_LOGGER = logging.getLogger(__name__)

_PARTS = ("startup", "core", "adaptors/liteDOM", "input/tex-full", "output/svg", "output/svg/fonts/tex",
          "a11y/assistive-mml")  # fmt: skip
# Errors are thrown, not drawn. Without newcommand no formula can change what the ones after it mean.
_CONFIG = """var MathJax = {
    startup: {ready() {}, typeset: false},
    tex: {
        tags: "none",
        packages: {"[-]": ["noundefined", "noerrors", "newcommand"]},
        formatError(_, error) { throw error; },
    },
    svg: {fontCache: "global"},
    options: {enableMenu: false},
}; 0"""
_START = r"""MathJax.startup.defaultReady();
const {adaptor, output} = MathJax.startup;
function set(formula) {
    try {
        const display = formula.startsWith("\\[");
        const drawn = adaptor.outerHTML(MathJax.tex2svg(formula.slice(2, -2), {display}));
        // Only a browser could measure a letter of its own fonts.
        const foreign = drawn.match(/<text[^>]*>([^<]*)/);
        return foreign ? ["", `the fonts of MathJax do not have ${foreign[1]}`] : [drawn, ""];
    } catch (error) { return ["", error.message]; }
}
const style = adaptor.textContent(MathJax.svgStylesheet());
const setAll = formulas => formulas.map(set);
const glyphs = () => adaptor.outerHTML(output.fontCache.getCache()); 0"""

# As Sphinx writes it: a number may stand before the TeX. With it what no line may begin or end with.
_FORMULA = re.compile(
    r"""(?P<before>\(?)
    (?P<start><(?P<tag>span|div)\ class="math\ notranslate[^>]*>\s*(?:<span\ class="eqno">.*?</span>)?)
    (?P<tex>.*?)(?P<end></(?P=tag)>)
    (?P<after>[-),.;:!?’”–/]*)""",
    re.DOTALL | re.VERBOSE,
)
_GLYPH = re.compile(r'<path id="([^"]+)" d="[^"]*"></path>')
_USED = re.compile(r'<use[^>]* href="#([^"]+)"')
_BODY = re.compile(r"<body[^>]*>")
# Notes of MathJax to itself, and what only XML or a browser of the past needs; rules of tables look for mtable.
_UNREAD = re.compile(
    r' (?:data-mml-node="(?!mtable)\w+"|data-c="\w+"|data-mjx-[\w-]+="[^"]*"|xmlns(?::xlink)?="[^"]*"'
    r'|role="img"|focusable="false"|unselectable="on"|style="position: relative;")'
)
_EMPTY = re.compile(r'<g(?: transform="[^"]*")?></g>')
_ALONE = re.compile(r'<g( transform="[^"]*")?><use href="([^"]+)"></use></g>')


def _mathjax() -> list[str]:
    """The scripts of the package that carries MathJax, in the order in which they build on each other."""
    found = {str(file).partition("static/mathjax/")[2]: file for file in files("sphinx-mathjax-offline") or []}
    return [Path(str(found[f"{part}.js"].locate())).read_text(encoding="utf-8") for part in _PARTS]


def _lean(drawn: str) -> str:
    """The same drawing with a third of the elements less: groups of nothing and groups of one glyph are dissolved."""
    drawn, emptied = _UNREAD.sub("", drawn).replace("xlink:href", "href"), 1
    while emptied:
        drawn, emptied = _EMPTY.subn("", drawn)
    return _ALONE.sub(r'<use\1 href="\2"></use>', drawn).replace("></use>", "/>").replace("#MJX-TEX-", "#G-")


@dataclass
class _Memory:
    """What MathJax has drawn: drawings by formula, outlines by the name of the glyph, and the style sheet of both."""

    state: str
    drawings: dict[str, str] = field(default_factory=dict)
    outlines: dict[str, str] = field(default_factory=dict)
    style: str = ""

    def typeset(self, formulas: list[str], scripts: list[str]) -> dict[str, str]:
        """Draw formulas; messages by formula that MathJax refuses."""
        with MiniRacer() as v8:  # left open, it would keep Python from ending
            for script in (_CONFIG, *scripts, _START):
                v8.eval(f"{script}\n;0")
            results = dict(zip(formulas, v8.call("setAll", formulas), strict=True))
            outlines = str(v8.eval("glyphs()")).replace('id="MJX-TEX-', 'id="G-')
            self.outlines.update((glyph[1], glyph[0]) for glyph in _GLYPH.finditer(outlines))
            self.style = str(v8.eval("style"))
        self.drawings.update((formula, _lean(drawn)) for formula, (drawn, error) in results.items() if not error)
        return {formula: error for formula, (_, error) in results.items() if error}


def _remembered(file: Path, scripts: list[str]) -> _Memory:
    """What the last build drew, unless MathJax or these lines have changed since."""
    own = Path(__file__).read_text(encoding="utf-8")
    state = hashlib.sha256("".join([*scripts, own]).encode()).hexdigest()
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return _Memory(**kept) if kept.get("state") == state else _Memory(state)


def _tex(content: str) -> str | None:
    """The formula that Sphinx wrote into a page, with its brackets; None if it is drawn already."""
    if "<mjx-container" in content:
        return None
    formula = html.unescape(content)
    return formula if formula.startswith((r"\(", r"\[")) else rf"\[{formula}\]"  # an environment has no brackets


def _page_set(text: str, memory: _Memory) -> str:
    """A page with its formulas drawn, and the outlines of their glyphs at its head."""

    def drawn(match: re.Match[str]) -> str:
        picture = memory.drawings.get(_tex(match["tex"]) or "")
        if not picture:
            return match[0]
        whole = f"{match['before']}{match['start']}{picture}{match['end']}{match['after']}"
        # Browsers break a line at any picture, even before a comma.
        together = match["tag"] == "span" and (match["before"] or match["after"])
        return f'<span class="house-together">{whole}</span>' if together else whole

    text = _FORMULA.sub(drawn, text)
    outlines = "".join(memory.outlines[name] for name in sorted(set(_USED.findall(text))) if name in memory.outlines)
    glyphs = f'<svg style="display: none" aria-hidden="true"><defs>{outlines}</defs></svg>'
    return _BODY.sub(lambda body: body[0] + glyphs, text, count=1)


def typeset_pages(folder: Path, memory_file: Path) -> list[tuple[str, str, str]]:
    """Set the formulas of all pages in a folder; page, formula and message of each that cannot be set.

    ``memory_file`` keeps the drawings for the next build.
    """
    scripts = _mathjax()
    memory = _remembered(memory_file, scripts)
    paths = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.relative_to(folder).parts]
    pages = {path: path.read_text(encoding="utf-8") for path in paths}
    wanted = {path: [_tex(match["tex"]) for match in _FORMULA.finditer(text)] for path, text in pages.items()}
    new = {formula for formulas in wanted.values() for formula in formulas if formula} - set(memory.drawings)
    refused = memory.typeset(sorted(new), scripts) if new else {}
    if new:
        write_whole(memory_file, json.dumps(asdict(memory)))
    write_whole(folder / "_static" / STYLE, memory.style)
    for path, text in pages.items():
        if any(wanted[path]):
            write_whole(path, _page_set(text, memory))
    return [
        (path.relative_to(folder).with_suffix("").as_posix(), formula, refused[formula])
        for path, formulas in wanted.items()
        for formula in dict.fromkeys(formulas)
        if formula in refused
    ]


def _on_finish(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        for page, formula, message in typeset_pages(Path(app.outdir), Path(app.outdir).parent / "formulas.json"):
            _LOGGER.warning("the formula %s cannot be set: %s", formula, message, location=(page, None))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the way of writing formulas and their style, and connect to the end of the build."""
    app.add_html_math_renderer("typeset", (html_visit_math, None), (html_visit_displaymath, None))
    app.add_css_file(STYLE)
    app.connect("build-finished", _on_finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
