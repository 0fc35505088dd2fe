"""How the pages of the ledger name things: ids, places, sections, numbers with nouns."""

import re

from docutils import nodes

from ledger_data import Entry  # isort: skip

__all__ = [
    "capital", "erratum_id", "first_sentence", "in_sentence", "place", "plural", "row_id", "section_title", "slug",
    "symbols", "title",
]  # fmt: skip

_GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "pi",
    "rho", "sigma", "tau", "phi", "varphi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Sigma",
    "Phi", "Psi", "Omega", "hbar", "nabla", "partial",
)  # fmt: skip


def slug(text: str) -> str:
    """Return the id that HTML makes of a text."""
    return str(nodes.make_id(text))


def row_id(entry: Entry) -> str:
    """Return the id of an entry on the ledger's own page; a figure and an equation may share a number."""
    kind = "" if entry.section or entry.where else "fig-"
    return slug(f"ledger-{kind}{entry.paper}-{entry.label}")


def erratum_id(entry: Entry) -> str:
    """Return the id of an entry among the errata."""
    return slug(f"erratum-{entry.paper}-{entry.label}")


def first_sentence(text: str) -> str:
    """Return a text up to its first full stop."""
    return re.split(r"(?<=\.)\s+(?=[A-Z$`*])", text.strip(), maxsplit=1)[0]


def title(entry: Entry) -> str:
    """Return what an entry is called: an equation by its number, a statement by its place in the paper."""
    return f"{entry.paper}, {entry.where}" if entry.where else f"{entry.paper} ({entry.label})"


def symbols(latex: str) -> list[str]:
    """Return the names of the symbols in a formula, as one types them: ``tau``, ``G``, ``G_up``."""
    plain = re.sub(r"\\(?:mathbf|mathrm|mathcal|boldsymbol|hat|tilde|bar|vec|dot|text)(?![a-z])|[{}]", "", latex)
    plain = re.sub(r"\\(up|down)arrow", r"\1", plain)
    greek = "|".join(_GREEK)
    found = re.findall(rf"\\({greek})(?![a-z])|(?<![\\A-Za-z_])([A-Za-z](?:_\w+)?)(?![A-Za-z])", plain)
    return sorted({word for pair in found for word in pair if word})


def place(entry: Entry) -> str:
    """Return how the book names the place that treats an entry."""
    match = re.fullmatch(r"(eq|fig)-([a-z0-9]+)-(\w+)", entry.anchor)
    if not match:
        return entry.anchor.replace("-", " ") or f"{entry.paper} Fig. {entry.label}"
    kind, key, number = match.groups()
    return f"({key.upper()} {number})" if kind == "eq" else f"{key.upper()} Fig. {number}"


def plural(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def capital(text: str) -> str:
    """Return the text with a capital."""
    return text[:1].upper() + text[1:]


def in_sentence(text: str) -> str:
    """Return a title as it stands in a sentence."""
    return text[:1].lower() + text[1:]


def section_title(section: str) -> str:
    """Return the title of a section of a paper."""
    return section if section.startswith("Appendix") else f"Section {section}"
