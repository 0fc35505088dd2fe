"""Write the nbval references anew: `make reference`, or `make_reference.py <chapter stem> …` for some of them.

What changed is printed, old and new: it belongs into CHANGELOG.md with its cause.
"""

import difflib
import json
import re
import sys
from pathlib import Path

import nbformat

from tools.isolation import write_whole
from tools.notebooks import REFERENCE, chapters, execute, figures, read, reference_paths, text_only


def one_line_arrays(data: object) -> str:
    """JSON with one line for each innermost array, so that a changed curve is one changed line."""
    text = json.dumps(data, indent=1, ensure_ascii=False)
    return re.sub(r"\[([^\[\]{}\"]*)\]", lambda match: f"[{' '.join(match[1].split())}]", text) + "\n"


def write(path: Path, text: str) -> None:
    """Write, and show the lines that differ from what was there."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if old == text:
        return
    diff = difflib.unified_diff(old.splitlines(), text.splitlines(), "old", "new", n=0, lineterm="")
    shown = [line[:160] for line in diff] if old else ["(new)"]
    print(f"{path.name}:", *shown[:60], *(["…"] if len(shown) > 60 else []), sep="\n  ")
    write_whole(path, text)


def main(stems: list[str]) -> None:
    REFERENCE.mkdir(exist_ok=True)
    known = {chapter.stem: chapter for chapter in chapters()}
    unknown = set(stems) - set(known)
    if unknown:
        sys.exit(f"no such chapter: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    for stem, chapter in known.items():
        if stems and stem not in stems:
            continue
        print(f"executing {stem} …", flush=True)
        executed = execute(read(chapter), chapter.parent)
        notebook, data = reference_paths(chapter)
        write(notebook, nbformat.writes(text_only(executed)) + "\n")
        write(data, one_line_arrays(figures(executed)))
    if not stems:
        kept = {path for chapter in known.values() for path in reference_paths(chapter)}
        for stale in {*REFERENCE.glob("*.ipynb"), *REFERENCE.glob("*.figures.json")} - kept:
            print(f"{stale.name}: its chapter is gone, removed")
            stale.unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
