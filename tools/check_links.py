"""Dead links of a built book: `check_links.py [directory]` lists them and exits 1."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["dead_links"]

# Attributes that name a file the page loads or leads to.
_TARGETS = {"href", "src", "poster", "data"}
# What a style sheet loads; names of other hosts that it merely mentions do no harm.
_LOADED_BY_STYLE = re.compile(r"""(?:url\(\s*|@import\s+)["']?((?:https?:)?//[^"')\s]+)""")


class _Page(HTMLParser):
    """The anchors of a page and what it points to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.requests: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is None:
                continue
            if name in ("id", "name"):
                self.anchors.add(value)
            elif name in _TARGETS:
                self.links.append(value)
                # A link may lead outside, on a click; nothing else may.
                if tag != "a" and not (tag == "link" and ("rel", "canonical") in attrs):
                    self.requests.append(value)


def dead_links(directory: Path) -> list[str]:
    """One line for each internal link without a target and each request to another host."""
    files = [page for page in sorted(directory.rglob("*.html")) if "_static" not in page.parts]  # there: templates
    pages = {page.resolve(): _Page(page.read_text(encoding="utf-8")) for page in files}
    problems = []
    for path, page in pages.items():
        name = path.relative_to(directory.resolve())
        for link in dict.fromkeys(page.links):
            url = urlsplit(link)
            if url.scheme or url.netloc:
                if link in page.requests and url.scheme != "data":
                    problems.append(f"{name}: loads {link}")
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            if not target.is_file():
                problems.append(f"{name}: {link} does not exist")
            elif url.fragment and target in pages and unquote(url.fragment) not in pages[target].anchors:
                problems.append(f"{name}: {link} has no such anchor")
    for style in sorted(directory.rglob("*.css")):
        loaded = dict.fromkeys(_LOADED_BY_STYLE.findall(style.read_text(encoding="utf-8")))
        problems += [f"{style.relative_to(directory)}: loads {url}" for url in loaded]
    return problems


if __name__ == "__main__":
    found = dead_links(Path(sys.argv[1] if len(sys.argv) > 1 else "_build/html"))
    print(*found, sep="\n")
    sys.exit(bool(found))
