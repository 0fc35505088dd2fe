"""The built book asks no server for anything: scripts that call one are left out.

What the theme's pages lack for screen readers is mended here as well.
"""

from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

__all__ = ["setup"]

# Jupyter Book always loads it; it adds the address of a server to every page, twice, which is a script error.
_UNUSED = "sphinx_thebe"
_UNUSED_STYLE = "sphinx-thebe.css"

# docutils puts entries of this role, now deprecated, into a list, which screen readers then find empty.
_ENTRY, _LIST_ITEM = 'role="doc-biblioentry"', 'role="listitem"'


def _silence_unused(app: Sphinx, _config: Config) -> None:
    for event, listeners in app.events.listeners.items():
        kept = [listener for listener in listeners if listener.handler.__module__.split(".")[0] != _UNUSED]
        app.events.listeners[event] = kept


def _mend_page(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    styles = context.get("css_files", [])
    context["css_files"] = [style for style in styles if _UNUSED_STYLE not in str(getattr(style, "filename", style))]
    if "body" in context:
        context["body"] = context["body"].replace(_ENTRY, _LIST_ITEM)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to the events of Sphinx."""
    app.connect("config-inited", _silence_unused)
    app.connect("html-page-context", _mend_page, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
