"""Look at a built page as a reader does: load it in Chromium from its file, and list what is wrong with it.

Each check is a function that returns one line per problem, so that the tests can run it on damaged pages too.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page

from tools.browser import browser, chromium, settle

__all__ = [
    "CHECKS",
    "DESK",
    "PHONE",
    "Finding",
    "Report",
    "book_pages",
    "browser",
    "chromium",
    "copy_problems",
    "examine",
    "formula_problems",
    "image_problems",
    "keyboard_problems",
    "open_tab",
    "overflow_problems",
    "set_aside",
    "violations",
    "visit",
]

DESK, PHONE = 1280, 390
CHECKS = ("requests", "console", "formulas", "images", "overflow", "keyboard", "copying")


@dataclass(frozen=True)
class Finding:
    """One element that breaks one rule of axe-core, with the impact serious or critical."""

    rule: str
    selector: str
    summary: str


@dataclass
class Report:
    """What is wrong with a page: lines by check, and findings of axe-core."""

    lines: dict[str, list[str]] = field(default_factory=lambda: {check: [] for check in CHECKS})
    axe: list[tuple[str, Finding]] = field(default_factory=list)


def book_pages(html: Path) -> list[Path]:
    """Every page that a reader can open; `_static` holds templates of the theme."""
    return sorted(page for page in html.rglob("*.html") if "_static" not in page.relative_to(html).parts)


@contextmanager
def open_tab(running: Browser, **settings: Any) -> Iterator[Page]:
    """A tab with a profile of its own, for one page after the other: the first one costs more than the next two."""
    # Reduced motion: colours in transition would be measured half way. Offline: a page that asks a server is reported,
    # and the tests need no network.
    context = running.new_context(reduced_motion="reduce", locale="en", offline=True, **settings)
    tab = context.new_page()
    tab.set_default_timeout(60_000)  # a busy machine may need half of it
    try:
        yield tab
    finally:
        context.close()


@contextmanager
def visit(tab: Page, path: Path, width: int, report: Report | None = None) -> Iterator[Page]:
    """Load a page from its file in the light theme; requests and errors go into ``report``.

    The tab forgets the page afterwards: what it stored, its theme, its width.
    """
    report = report or Report()
    requests, console = report.lines["requests"], report.lines["console"]
    listeners: dict[Any, Callable[[Any], None]] = {
        "request": lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else requests.append(r.url),
        "requestfailed": lambda r: requests.append(f"failed: {r.url}") if r.url.startswith("file:") else None,
        "console": lambda message: console.append(message.text) if message.type == "error" else None,
        "pageerror": lambda error: console.append(f"uncaught: {error}"),
    }
    tab.set_viewport_size({"width": width, "height": 844})
    tab.emulate_media(color_scheme="light", reduced_motion="reduce")
    for event, listener in listeners.items():
        tab.on(event, listener)
    try:
        tab.goto(path.resolve().as_uri(), wait_until="load")
        settle(tab)
        try:
            yield tab
        finally:
            tab.evaluate("localStorage.clear(), sessionStorage.clear()")
    finally:
        for event, listener in listeners.items():
            tab.remove_listener(event, listener)
        tab.goto("about:blank")


def _set_theme(page: Page, theme: Literal["light", "dark"]) -> None:
    """Change the scheme of the system, which the theme of the book follows."""
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    if page.evaluate("'theme' in document.documentElement.dataset"):
        page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
    settle(page)


def formula_problems(page: Page) -> list[str]:
    """Formulas that are not set, or set with an error, drawings that lack a glyph, and TeX left in the text."""
    found: list[str] = page.evaluate(
        r"""() => {
            const problems = [], short = text => text.trim().replace(/\s+/g, " ").slice(0, 80);
            const formulas = document.querySelectorAll(".math"), set = document.querySelectorAll("mjx-container");
            if (formulas.length !== set.length) problems.push(`${formulas.length} formulas, ${set.length} are set`);
            for (const formula of formulas)
                if (formula.querySelectorAll("mjx-container").length !== 1)
                    problems.push(`not set: ${short(formula.textContent)}`);
            for (const bad of document.querySelectorAll("mjx-merror, merror, [data-mjx-error], [data-mml-node=merror]"))
                problems.push(`error in a formula: ${bad.dataset.mjxError ?? short(bad.textContent)}`);
            // MathJax shows a command that it does not know in red.
            for (const bad of document.querySelectorAll("mjx-container [fill=red]"))
                problems.push(`unknown command in ${short(bad.closest(".math")?.textContent ?? "a formula")}`);
            for (const glyph of document.querySelectorAll("mjx-container use"))
                if (!document.getElementById(glyph.getAttribute("href").slice(1)))
                    problems.push(`a glyph is missing: ${glyph.getAttribute("href")}`);
            const raw = /\\\(|\\\[|\$\$|\\begin\{/;
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            for (let node = walker.nextNode(); node; node = walker.nextNode())
                if (raw.test(node.data) && !node.parentElement.closest("script, style, pre, code, mjx-container"))
                    problems.push(`raw TeX: ${short(node.data)}`);
            if (raw.test(document.title)) problems.push(`raw TeX in the title: ${document.title}`);
            return problems;
        }"""
    )
    return found


def image_problems(page: Page) -> list[str]:
    """Images that have not loaded, and images without a text that says what they show."""
    found: list[str] = page.evaluate(
        r"""async () => {
            const problems = [];
            for (const image of document.images) {
                const name = (image.getAttribute("src") ?? "").slice(0, 80), alt = (image.alt ?? "").trim();
                image.loading = "eager";
                try { await image.decode(); } catch { /* its width tells */ }
                if (!image.naturalWidth) problems.push(`not loaded: ${name}`);
                if (!alt) problems.push(`no alt text: ${name}`);
                // Without an alt text of its own, Sphinx writes the file name.
                else if (/\.(svg|png|jpe?g|gif)$/i.test(alt)) problems.push(`alt text is a file name: ${alt}`);
            }
            return problems;
        }"""
    )
    return found


def overflow_problems(page: Page) -> list[str]:
    """A page, text or formula that is too wide; only code and tables may scroll. A line that begins with a comma."""
    found: list[str] = page.evaluate(
        r"""() => {
            const problems = [], wide = document.documentElement.scrollWidth, room = window.innerWidth;
            const name = element => element.tagName.toLowerCase() + [...element.classList].map(c => "." + c).join("");
            if (wide > room) {
                const outside = [...document.body.querySelectorAll("*")].filter(
                    element => element.getBoundingClientRect().right > room + 1);
                problems.push(`the page is ${wide} px wide on ${room}: ${outside.slice(0, 3).map(name).join(", ")}`);
            }
            for (const formula of document.querySelectorAll("span.math")) {
                const next = formula.nextSibling, end = formula.getBoundingClientRect();
                if (next?.nodeType !== Node.TEXT_NODE || !/^[),.;:!?]/.test(next.data) || !end.width) continue;
                const range = document.createRange();
                range.setStart(next, 0);
                range.setEnd(next, 1);
                if (range.getBoundingClientRect().left < end.right - 2)
                    problems.push(`a line begins with ${next.data.trim().slice(0, 40)}`);
            }
            const may = "pre, mjx-container, .math, .pst-scrollable-table-container, .output, [role=region]";
            for (const element of document.body.querySelectorAll("*")) {
                if (element.scrollWidth <= element.clientWidth + 1 || element.closest(may)) continue;
                if (["auto", "scroll"].includes(getComputedStyle(element).overflowX))
                    problems.push(`${name(element)} scrolls sideways: ${element.scrollWidth} > ${element.clientWidth}`);
            }
            for (const formula of document.querySelectorAll('mjx-container[display="true"]')) {
                const image = formula.querySelector("svg"), room = formula.parentElement.clientWidth;
                if (!image || formula.closest("table")) continue;
                const width = Math.round(image.getBoundingClientRect().width);
                if (width > room + 1) {
                    const place = formula.closest("section, dl");
                    problems.push(`a formula under #${place ? place.id : "top"} is ${width} px wide on ${room}`);
                }
            }
            return problems;
        }"""
    )
    return found


def keyboard_problems(page: Page) -> list[str]:
    """Boxes that scroll sideways and that the keyboard cannot reach."""
    page.evaluate(  # the theme waits 300 ms before it gives tab stops
        """() => {
            const {loadEventEnd} = performance.getEntriesByType("navigation")[0];
            return new Promise(done => setTimeout(done, loadEventEnd + 400 - performance.now()));
        }"""
    )
    found: list[str] = page.evaluate(
        r"""() => [...document.body.querySelectorAll("*")]
            .filter(box => ["auto", "scroll"].includes(getComputedStyle(box).overflowX))
            .filter(box => box.scrollWidth > box.clientWidth + 1 && box.tabIndex !== 0)
            .map(box => `no tab stop: ${box.tagName.toLowerCase()} ${box.textContent.trim().slice(0, 60)}`)"""
    )
    return found


def copy_problems(page: Page) -> list[str]:
    """Code without a button that copies it, buttons that copy anything else, and printed text that has a button."""
    found: list[str] = page.evaluate(
        r"""() => {
            let copied;
            document.addEventListener("copy", event => { copied = event.target.value; });
            const trim = text => text.replace(/^\n+|\n+$/g, ""), short = text => JSON.stringify(text.slice(0, 60));
            const buttons = [...document.querySelectorAll("button.copybtn")];
            const boxes = document.querySelectorAll("div:not(.output) > div.highlight > pre").length;
            const problems = buttons.length === boxes ? [] : [`${boxes} boxes of code, ${buttons.length} copy buttons`];
            const prompt = /^(>>>|\.\.\.|\$) /;
            for (const button of buttons) {
                const box = document.querySelector(button.dataset.clipboardTarget);
                const lines = trim(box.textContent).split("\n"), typed = lines.filter(line => prompt.test(line));
                const code = (typed.length ? typed : lines).map(line => line.replace(prompt, "")).join("\n");
                if (button.closest(".output")) problems.push(`a button copies what was printed: ${short(code)}`);
                copied = null;
                button.click();
                if (copied === null) problems.push(`a button copies nothing: ${short(code)}`);
                else if (trim(copied) !== code) problems.push(`${short(trim(copied))} is copied for ${short(code)}`);
            }
            return problems;
        }"""
    )
    return found


# Of what axe-core would look at thousands of times, what tells it nothing is taken out while it looks.
_SET_ASIDE = r"""() => {
    const back = window.spinlibBack = [];
    const swap = (box, children) => {
        const own = [...box.childNodes];
        back.push(() => box.replaceChildren(...own));
        box.replaceChildren(...children);
    };
    // Code repeats a dozen colours; one word of each is measured, in each kind of box, the others are plain text.
    const seen = new Set();
    for (const code of document.querySelectorAll("pre:has(> span)")) {
        const box = [code, ...["div.highlight", "[class*=highlight-]", ".cell_output"].map(box => code.closest(box))];
        const parts = [""];
        for (const word of code.childNodes) {
            const kind = [word, ...box].map(element => element?.className).join("|");
            if (word.localName === "span" ? seen.has(kind) : word.nodeType === Node.TEXT_NODE)
                parts.push(parts.pop() + word.textContent);
            else {
                if (word.textContent.trim()) seen.add(kind);
                parts.push(word.cloneNode(true), "");
            }
        }
        swap(code, parts);
    }
    // The strokes of a formula, hidden from screen readers: no text, no name and nothing that takes the focus.
    const more = ":not(g, path, use, rect, line, defs, svg), [role], [tabindex], [aria-label], [aria-labelledby]";
    for (const image of document.querySelectorAll("mjx-container > svg[aria-hidden=true]"))
        if (!image.querySelector(more)) swap(image, []);
    // The same formula spoken: its text stays, the thousands of tags around single letters have neither name nor focus.
    const named = "[id], [role], [tabindex], [href], [aria-hidden], [aria-label], [aria-labelledby]";
    for (const spoken of document.querySelectorAll("mjx-assistive-mml > math"))
        if (!spoken.querySelector(named)) swap(spoken, [spoken.textContent]);
}"""
_PUT_BACK = """() => {
    window.spinlibBack.forEach(put => put());
    document.querySelectorAll("[data-shade]").forEach(box => delete box.dataset.shade);
}"""

# A page repeats a few dozen shades thousands of times. The contrast of a text depends on its colour, its size and all
# that lies behind it: of each kind of box and shade the first, the middle and the last text are measured, since one
# may be hidden behind something. Of text without two signs and a letter, axe-core says nothing.
_SOME_OF_EACH_SHADE = r"""measured => {
    document.querySelectorAll("[data-shade]").forEach(box => delete box.dataset.shade);
    const behind = new Map(), shades = new Map();
    const back = box => {
        if (box && !behind.has(box)) {
            const {backgroundColor, backgroundImage, opacity, filter} = getComputedStyle(box);
            behind.set(box, [backgroundColor, backgroundImage, opacity, filter, back(box.parentElement)].join());
        }
        return behind.get(box);
    };
    for (const box of document.body.querySelectorAll("*")) {
        const texts = [...box.childNodes].filter(node => node.nodeType === Node.TEXT_NODE);
        const own = texts.map(node => node.data).join("").trim(), field = box.matches("input, select, textarea");
        if (!field && (own.length < 2 || !/[\p{L}\p{N}]/u.test(own))) continue;
        if (!box.checkVisibility({visibilityProperty: true})) continue;
        const {color, fontSize, fontWeight, textShadow, position} = getComputedStyle(box);
        const disabled = box.closest(":disabled, [aria-disabled=true]") !== null;
        const kind = [box.localName, box.getAttribute("class"), disabled];
        const shade = [...kind, color, fontSize, fontWeight, textShadow, position, back(box)].join("|");
        shades.set(shade, [...(shades.get(shade) ?? []), box]);
    }
    for (const shade of measured) shades.delete(shade);
    for (const alike of shades.values())
        for (const part of [0, 0.5, 1]) alike[Math.floor(part * (alike.length - 1))].dataset.shade = "";
    return [...shades.keys()];
}"""
# Texts outside of landmarks take long to find, and are never called serious.
_RULES = """axe.configure({rules: [
    {id: "color-contrast", selector: "[data-shade]"},
    {id: "region", enabled: false},
]})"""


# What a change of the colours alone can break.
_OF_COLOURS = ["color-contrast", "link-in-text-block"]


@contextmanager
def set_aside(page: Page) -> Iterator[None]:
    """Take out what axe-core need not look at, and put it back."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
        page.evaluate(_RULES)
    page.evaluate(_SET_ASIDE)
    yield
    page.evaluate(_PUT_BACK)


def violations(page: Page, measured: set[str], of_colours: bool = False) -> list[Finding]:
    """What axe-core calls serious or critical, on a page from which much is set aside.

    Shades in ``measured`` are passed over, and those of the page are added. ``of_colours`` leaves out what has nothing
    to do with them, and all if there is no new shade.
    """
    shades: list[str] = page.evaluate(_SOME_OF_EACH_SHADE, sorted(measured))
    measured.update(shades)
    if of_colours and not shades:
        return []
    # With preload, axe asks for style sheets by a request that browsers refuse for files.
    options = {"preload": False, "resultTypes": ["violations"], **({"runOnly": _OF_COLOURS} if of_colours else {})}
    result: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [
        Finding(rule["id"], " ".join(map(str, node["target"])), node["failureSummary"].replace("\n", " "))
        for rule in result["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def examine(tab: Page, path: Path, measured: set[str] | None = None) -> Report:
    """All checks of one page: on a phone in both themes, then, as on a screen that is turned, at a desk in both.

    axe-core looks at the phone in the light theme and at the desk in the dark one. In light at the desk it measures the
    shades that no phone shows, and of them those that are not in ``measured`` from the pages before.
    """
    report, measured = Report(), set() if measured is None else measured
    with visit(tab, path, PHONE, report) as page:
        report.lines["formulas"] += formula_problems(page)
        report.lines["images"] += image_problems(page)
        report.lines["overflow"] += [f"light: {line}" for line in overflow_problems(page)]
        report.lines["keyboard"] += keyboard_problems(page)
        with set_aside(page):
            here: set[str] = set()
            report.axe += [("phone, light", finding) for finding in violations(page, here)]
            _set_theme(page, "dark")
            report.lines["overflow"] += [f"dark: {line}" for line in overflow_problems(page)]
            page.set_viewport_size({"width": DESK, "height": 844})
            settle(page)
            report.axe += [("desk, dark", finding) for finding in violations(page, set())]
            _set_theme(page, "light")
            shades = here | measured
            report.axe += [("desk, light", finding) for finding in violations(page, shades, of_colours=True)]
            measured |= shades - here
        report.lines["copying"] += copy_problems(page)
    for check, lines in report.lines.items():
        report.lines[check] = list(dict.fromkeys(lines))
    return report
