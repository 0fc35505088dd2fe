"""Files that a user may have: valid ones, and valid ones after an accident."""

import string
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from tests.contracts import draw

# What a slip of the pen, another program or a quarrel with a parser puts into a text.
SCRAPS = (
    *("nan", "inf", "-inf", "1e999999999", "-1e-999999999", "1e400", "9" * 400, "9" * 5000, "0x" + "f" * 500, "-0.0"),
    *("[" * 3000, "{a=" * 600, "]]", "[[", '"' * 3, "'''", '"', "=", ",", ";", "\t", "#", ".", "\\", "\x00", "\x1f"),
    *("\ufeff", "\u2028", "\x85", "\u0663", "٣", "true", "1979-05-27", "[]", "{}", '""', "null", "3 nm", '"3 nm"'),
    *('"1e999999999 nm"', '"inf nm"', '"nan T"', '"1e400 nm"', '"-3 nm"', '"3 parsec"', "1_0", "a.b.c", "\r", "\n\n"),
)


@st.composite
def damaged(draw_one: st.DrawFn, whole: st.SearchStrategy[str]) -> bytes:
    """The bytes of a valid text after one to three accidents."""
    content = draw_one(whole).encode()
    for _ in range(draw_one(st.integers(1, 3))):
        content = _accident(draw_one, content)
    return content


def _accident(draw_one: st.DrawFn, content: bytes) -> bytes:
    kinds = ["flip", "cut", "scrap", "swap", "twice", "lose", "code", "lines", "words"]
    kind, size = draw_one(st.sampled_from(kinds)), len(content)
    place = draw_one(st.integers(0, max(size - 1, 0)))
    lines = content.splitlines(keepends=True) or [b""]
    line = draw_one(st.integers(0, len(lines) - 1))
    if kind == "flip":
        return content[:place] + bytes([draw_one(st.integers(0, 255))]) + content[place + 1 :]
    if kind == "cut":
        return content[:place]
    if kind == "scrap":
        scrap = draw_one(st.one_of(st.sampled_from(SCRAPS), st.text(max_size=5)))
        return content[:place] + scrap.encode("utf-8", "surrogatepass") + content[place:]
    if kind == "swap":
        other = draw_one(st.integers(0, len(lines) - 1))
        lines[line], lines[other] = lines[other], lines[line]
    elif kind == "twice":
        lines.insert(line, lines[line])
    elif kind == "lose":
        del lines[line]
    elif kind == "words":
        return _swap_words(draw_one, content)
    elif kind == "code":
        text = content.decode("utf-8", "replace")
        return text.encode(draw_one(st.sampled_from(["utf-16", "utf-8-sig", "latin-1", "utf-32"])), "replace")
    else:
        return content.replace(b"\n", draw_one(st.sampled_from([b"\r\n", b"\r", b"\n\n", b""])))
    return b"".join(lines)


def _swap_words(draw_one: st.DrawFn, content: bytes) -> bytes:
    """Put a scrap in the place of what stands behind an equals sign or a comma."""
    for mark in draw_one(st.permutations([b"= ", b","])):
        parts = content.split(mark)
        if len(parts) > 1:
            index = draw_one(st.integers(1, len(parts) - 1))
            end = parts[index].find(b"\n")
            rest = parts[index][end:] if end >= 0 else b""
            parts[index] = draw_one(st.sampled_from(SCRAPS)).encode() + rest
            return mark.join(parts)
    return content


# --- valid stacks -----------------------------------------------------------------------------------------------------

NAMES = st.text(string.ascii_letters + string.digits + " -_µ", min_size=1, max_size=8).map(str.strip).filter(bool)
_UNITS = {"nm": 1e-9, "um": 1e-6, "m": 1.0, "Å": 1e-10}


def _length(draw_one: st.DrawFn, least: float = 1e-10, most: float = 1e-5) -> str:
    unit = draw_one(st.sampled_from(sorted(_UNITS)))
    return f'"{draw_one(draw.sizes(least, most)) / _UNITS[unit]!r} {unit}"'


@st.composite
def stacks(draw_one: st.DrawFn) -> str:
    """A file that describes a stack, each material and contact in full."""
    metals = draw_one(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    magnetic = {name: draw_one(st.booleans()) for name in metals}
    flipping = {name: draw_one(st.booleans()) for name in metals}
    layers = draw_one(st.lists(st.sampled_from(metals), min_size=1, max_size=5))
    text = [f'current_density = "{draw_one(draw.signed(1e-3, 1e14))!r} A/m^2"']
    if draw_one(st.booleans()):
        text.append(f'title = "{draw_one(NAMES)}"')
    for number, name in enumerate(layers):
        end = number in (0, len(layers) - 1) and len(layers) > 1
        lead = end and flipping[name] and draw_one(st.booleans())
        text += ["[[layer]]", f'material = "{name}"', f"thickness = {'inf' if lead else _length(draw_one)}"]
        if magnetic[name]:
            text.append(f'angle = "{draw_one(draw.between(-360, 360))!r} deg"')
            if draw_one(st.booleans()):
                text.append(f'anisotropy_field = "{draw_one(draw.sizes(1e-3, 1e4))!r} mT"')
    for name in dict.fromkeys(layers):
        rho = draw_one(st.sampled_from(["resistivity", "valet_fert_resistivity"]))
        flips = _length(draw_one, 1e-9, 1e-5) if flipping[name] else "inf"
        text += [f'[material."{name}"]', f'{rho} = "{draw_one(draw.sizes(1e-10, 1e-5))!r} Ohm m"']
        text += [f"spin_diffusion_length = {flips}"]
        if magnetic[name]:
            text += [f"beta = {draw_one(draw.between(-0.99, 0.99))!r}", f"alpha = {draw_one(draw.sizes(1e-4, 1.0))!r}"]
    for pair in dict.fromkeys(frozenset(pair) for pair in pairwise(layers)):
        left, right = (*pair, *pair)[:2]
        text += [f'[interface."{left}/{right}"]', 'valet_fert_resistance = "0.5 fOhm m^2"']
        if magnetic[left] or magnetic[right]:
            text.append(f"gamma = {draw_one(draw.between(-0.99, 0.99))!r}")
            text.append(f'mixing_conductance = "{draw_one(draw.sizes(1e10, 1e17))!r} S/m^2"')
    return "\n".join(text) + "\n"


# --- valid tables of materials ----------------------------------------------------------------------------------------

RECORD_UNITS = {"1": 1.0, "K": 1.0, "nm": 1e-9, "nOhm m": 1e-9, "S/m^2": 1.0, "1e15 S/m^2": 1e15, "emu/cm^3": 1e3}


@st.composite
def records(draw_one: st.DrawFn) -> dict[str, Any]:
    """One quantity: what the file says and what must come back."""
    unit = draw_one(st.sampled_from(sorted(RECORD_UNITS)))
    record = {"value": draw_one(draw.signed(1e-9, 1e9)), "unit": unit, "verified": draw_one(st.booleans())}
    if draw_one(st.booleans()):
        record["uncertainty"] = draw_one(st.one_of(draw.sizes(1e-9, 1e9), st.just([0.5, 0.25]), st.just(0)))
    if draw_one(st.booleans()):
        record["temperature"] = draw_one(draw.between(0.0, 1e4))
    for name in ("locator", "note"):
        if record["verified"] or draw_one(st.booleans()):
            record[name] = draw_one(NAMES)
    return record


def written(records_by_name: dict[str, dict[str, Any]]) -> str:
    """The file that holds records as quantities of one material."""
    text = ["[source.one]", 'citation = "A. Author"', 'doi = "10.1000/1"', "[material.own]"]
    for name, record in records_by_name.items():
        entries = [f"{key} = {_toml(value)}" for key, value in record.items()]
        text.append(f'"{name}" = {{ source = "one", {", ".join(entries)} }}')
    return "\n".join(text) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)


TABLES = st.dictionaries(NAMES, records(), min_size=1, max_size=3)


# --- valid columns ----------------------------------------------------------------------------------------------------


@st.composite
def columns(draw_one: st.DrawFn) -> tuple[str, dict[str, list[float]]]:
    """A CSV file with thicknesses in nm, perhaps widths in mT, and what must come back."""
    count, wide = draw_one(st.integers(1, 4)), draw_one(st.booleans())
    numbers = {
        name: [draw_one(draw.signed(1e-300, 1e300)) for _ in range(count)] for name in ("thickness", "linewidth")
    }
    header = ["thickness [nm]"] + (["linewidth_mT"] if wide else [])
    names = ["thickness"] + (["linewidth"] if wide else [])
    rows = [",".join(repr(numbers[name][row]) for name in names) for row in range(count)]
    if draw_one(st.booleans()):
        rows.insert(0, "# a remark, of any kind")
    factor = {"thickness": 1e-9, "linewidth": 1e-3}
    return (
        "\n".join([",".join(header), *rows]) + "\n",
        {name: [value * factor[name] for value in numbers[name]] for name in names},
    )
