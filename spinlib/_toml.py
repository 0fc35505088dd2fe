"""TOML files of a user, read or refused by name, and their decimals, which may be larger than any float."""

import tomllib
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

__all__ = ["product", "toml"]


def toml(file: Path) -> dict[str, Any]:
    """Return the content of a TOML file, decimals as ``Decimal``, or refuse it by its name.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "own.toml"
    ...     _ = file.write_text("beta = 0.46")
    ...     toml(file)
    {'beta': Decimal('0.46')}
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{file.name} is not UTF-8 text: save it as plain text in UTF-8") from None
    try:
        content = tomllib.loads(text, parse_float=Decimal)
        _whole_numbers(content)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file.name} is not TOML ({error}): correct the line") from None
    except RecursionError:
        raise ValueError(f"{file.name} nests arrays or tables too deeply: write them side by side") from None
    except ValueError:  # of Python for thousands of digits, or of what follows
        raise ValueError(
            f"{file.name} holds an integer beyond 64 bits, which TOML does not have: write it as 1e20"
        ) from None
    return content


def _whole_numbers(item: Any) -> None:
    """Refuse an integer that TOML does not have, anywhere in a content."""
    if isinstance(item, int) and not -(2**63) <= item < 2**63:
        raise ValueError
    if isinstance(item, dict | list):
        for part in item.values() if isinstance(item, dict) else item:
            _whole_numbers(part)


def product(value: Decimal, factor: Decimal) -> float:
    """Return the product as a float, infinite if it is too large for one.

    >>> product(Decimal("1e999999999"), Decimal("1e9"))
    inf
    """
    with localcontext() as context:
        context.clear_traps()
        return float(value * factor)
