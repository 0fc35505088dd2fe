"""Build the book into `_build/html`: executed notebooks, no warning, no dead link, no page forgotten.

Nothing is done when nothing has changed since a build that ended well; `--all` builds regardless.
"""

import shutil
import subprocess
import sys
import time

from tools.check_links import dead_links
from tools.contents import pages
from tools.isolation import DATA, LOCK, ROOT, alone, digest, write_whole

BUILD = ROOT / "_build"
HTML = BUILD / "html"
INDEX = HTML / "index.html"
STAMP = BUILD / "built-from"
EXECUTIONS = BUILD / ".jupyter_cache"
EXECUTED_WITH = BUILD / "executed-with"
RUNNING = BUILD / "running"

# Everything that the pages and the wheel in the downloads are made of.
SOURCES = ["_config.yml", "_toc.yml", "intro.md", "book", "spinlib", "tools", "pyproject.toml", "README.md", "LICENSE",
           "CITATION.cff"]  # fmt: skip


def forgotten_pages() -> list[str]:
    """Pages of `book/` that the table of contents does not name."""
    written = {page.relative_to(ROOT).with_suffix("").as_posix() for page in (ROOT / "book").rglob("*.md")}
    return sorted(written - pages(ROOT / "_toc.yml"))


def drop_stale_executions() -> None:
    """Forget executed notebooks that another library, lock or data file made, or that a killed run may have left half.

    The cache of Jupyter Book is keyed by the text of the cells alone.
    """
    data = [p for p in sorted((ROOT / "book").rglob("*")) if p.is_file() and p.suffix in DATA]
    state = f"{digest(ROOT / 'spinlib', LOCK, *data)} {sys.version}"
    if RUNNING.exists() or not EXECUTED_WITH.exists() or EXECUTED_WITH.read_text(encoding="utf-8") != state:
        shutil.rmtree(EXECUTIONS, ignore_errors=True)
    write_whole(EXECUTED_WITH, state)


def build(lock: int) -> list[str]:
    """Build afresh from executed notebooks; what is wrong with the result, line by line."""
    forgotten = forgotten_pages()
    if forgotten:
        return [f"{page}.md is in no part of _toc.yml" for page in forgotten]
    for leftover in (HTML, BUILD / ".doctrees"):
        shutil.rmtree(leftover, ignore_errors=True)
    jupyter_book = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    command = [*jupyter_book, "build", str(ROOT), "-n", "-W", "--keep-going", "--all"]
    built = subprocess.run(command, cwd=ROOT, check=False, pass_fds=[lock]).returncode == 0
    if not built or not INDEX.exists():
        return ["the build failed or warned; the messages are above"]
    # The theme makes index.html a redirect to the root document; readers get the page itself.
    shutil.copyfile(HTML / "intro.html", INDEX)
    return dead_links(HTML)


def state_of_sources() -> str:
    """Sources, lock and Python."""
    return f"{digest(*(ROOT / name for name in SOURCES), LOCK)} {sys.version}"


def state_of_pages() -> str:
    """The pages themselves, so that a lost or edited one is noticed."""
    return digest(HTML) if HTML.is_dir() else ""


def main(options: list[str], lock: int) -> None:
    began = time.monotonic()
    shown = INDEX.relative_to(ROOT)
    sources = state_of_sources()  # before the build: what changes while it runs is for the next one
    stamp = STAMP.read_text(encoding="utf-8") if STAMP.exists() else ""
    if "--all" not in options and stamp == f"{sources} {state_of_pages()}":
        print(f"The book is up to date: {shown}")
        return
    STAMP.unlink(missing_ok=True)
    drop_stale_executions()
    # Survives only if this process is killed: whatever it was writing is not to be trusted.
    write_whole(RUNNING, "")
    problems = build(lock)
    RUNNING.unlink(missing_ok=True)
    if problems:
        sys.exit("\n".join(["The book was not built:", *problems]))
    write_whole(STAMP, f"{sources} {state_of_pages()}")
    print(f"The book is built ({time.monotonic() - began:.0f} s): {shown}")


if __name__ == "__main__":
    with alone("build") as descriptor:
        main(sys.argv[1:], descriptor)
