"""The points of a sweep in one SQLite file: each is there whole or not at all, whatever ends the process."""

import io
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Checkpoint", "opened"]

_Arrays = dict[str, NDArray[Any]]
_MARK = 0x73776570  # "swep", where SQLite keeps the kind of a file
_TABLES = (
    "CREATE TABLE made_with (what TEXT PRIMARY KEY, shown TEXT NOT NULL, fingerprint TEXT NOT NULL)",
    "CREATE TABLE results (point TEXT, name TEXT, value BLOB NOT NULL, PRIMARY KEY (point, name))",
)


class Checkpoint:
    """Results by the canonical texts of their points, in an open file."""

    def __init__(self, file: str, connection: sqlite3.Connection) -> None:
        self._file = file
        self._connection = connection

    def agree(self, made_with: Mapping[str, tuple[str, str]]) -> None:
        """Store what a sweep is made with, or refuse a file that was made with anything else.

        ``made_with`` holds how a message shows each item, and its fingerprint.
        """
        rows = self._connection.execute("SELECT what, shown, fingerprint FROM made_with").fetchall()
        if not rows:
            with _transaction(self._connection):
                entries = [(what, *item) for what, item in made_with.items()]
                self._connection.executemany("INSERT INTO made_with VALUES (?, ?, ?)", entries)
            return
        there = {what: (shown, fingerprint) for what, shown, fingerprint in rows}
        for what in [*made_with, *sorted(set(there) - set(made_with))]:
            old, new = there.get(what, ("not used", "")), made_with.get(what, ("not used", ""))
            if old[1] != new[1]:
                shown = f"{what} is {old[0]} there, {new[0]} here" if old[0] != new[0] else f"{what} has changed"
                raise ValueError(
                    f"{self._file} was made by another sweep: {shown}: sweep as it was made, or pass another file"
                )

    def load(self, points: Iterable[str]) -> dict[str, _Arrays]:
        """Return the results of those points that are there."""
        wanted, found = set(points), dict[str, _Arrays]()
        for point, name, value in self._connection.execute("SELECT point, name, value FROM results"):
            if point in wanted:
                found.setdefault(point, {})[name] = self._array(value)
        return found

    def add(self, point: str, results: _Arrays) -> None:
        """Store the results of one point, all of them or none."""
        rows = []
        for name, array in results.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            rows.append((point, name, content.getvalue()))
        with _transaction(self._connection):
            self._connection.executemany("INSERT INTO results VALUES (?, ?, ?)", rows)

    def _array(self, value: bytes) -> NDArray[Any]:
        try:
            return np.asarray(np.lib.format.read_array(io.BytesIO(value), allow_pickle=False))
        except ValueError as error:
            raise ValueError(_damaged(self._file, error)) from None


@contextmanager
def opened(path: Path) -> Iterator[Checkpoint]:
    """Open or begin a checkpoint, for one sweep at a time.

    Raises:
        ValueError: there is another kind of file, or one that is damaged or in use, or no folder for it.
        OSError: the file cannot be read or written.
    """
    file = f"checkpoint = '{path}'"
    if not path.parent.is_dir():
        raise ValueError(f"{file} is in a folder that does not exist: make the folder first")
    if path.exists() and not path.is_file():
        raise ValueError(f"{file} is no file: pass the path of one, such as {path.name or 'sweep'}.db")
    # The head of the file, not SQLite, so that a file of another kind is not written to, whatever is wrong with it.
    head = _head(path) if path.exists() else b""
    if head and (head[:15] != b"SQLite format 3" or int.from_bytes(head[68:72]) != _MARK):
        raise ValueError(f"{file} is no checkpoint of a sweep: pass another path; the file was left as it is")
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            _begin(connection)
            yield Checkpoint(file, connection)
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise ValueError(f"{file} is in use by another sweep: wait for its end, or pass another file") from None
        raise OSError(f"{file}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise ValueError(_damaged(file, error)) from error


def _begin(connection: sqlite3.Connection) -> None:
    """Take the file for this process, and make its tables in one step if they are not there."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    with _transaction(connection):
        if not connection.execute("SELECT name FROM sqlite_master").fetchall():
            connection.execute(f"PRAGMA application_id = {_MARK}")
            for table in _TABLES:
                connection.execute(table)
    # Commits are appended to one more file, which is gone at the end: a hundred times as fast as waiting for the disk,
    # nothing is lost when the process is killed, and a power cut costs the last points at most.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # after some errors SQLite has rolled back by itself
            connection.execute("ROLLBACK")
        raise


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(100)


def _damaged(file: str, error: Exception) -> str:
    return f"{file} is damaged ({error}): restore it, or pass another file"
