"""The points of a sweep in one SQLite file: each is there whole or not at all, whatever ends the process."""

import io
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["Checkpoint", "opened"]

_Arrays = dict[str, NDArray[Any]]
_MARK = 0x73776570  # "swep", where SQLite keeps the kind of a file
_TABLES = (
    "CREATE TABLE made_with (what TEXT PRIMARY KEY, shown TEXT NOT NULL, fingerprint TEXT NOT NULL)",
    "CREATE TABLE results (point TEXT, name TEXT, value BLOB NOT NULL, digest BLOB NOT NULL, "
    "PRIMARY KEY (point, name))",
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
        if not self._connection.execute("SELECT 1 FROM results LIMIT 1").fetchone():  # nothing to be kept apart from
            with _transaction(self._connection):
                self._connection.execute("DELETE FROM made_with")
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
        for point, name, value, digest in self._connection.execute("SELECT point, name, value, digest FROM results"):
            if point in wanted:
                if digest != _digest(point, name, value):
                    raise ValueError(_damaged(self._file, f"{name} at {point} is not what was stored"))
                found.setdefault(point, {})[name] = np.lib.format.read_array(io.BytesIO(value), allow_pickle=False)
        if len({frozenset(each) for each in found.values()}) > 1:
            raise ValueError(_damaged(self._file, "points lack results"))
        return found

    def add(self, point: str, results: _Arrays) -> None:
        """Store the results of one point, all of them or none."""
        rows = []
        for name, array in results.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            rows.append((point, name, content.getvalue(), _digest(point, name, content.getvalue())))
        with _transaction(self._connection):
            self._connection.executemany("INSERT INTO results VALUES (?, ?, ?, ?)", rows)


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
    in_use = f"{file} is in use by another sweep: wait for its end, or pass another file"
    with path.open("rb+" if path.exists() else "xb+") as stream:
        if not _alone(stream):
            raise ValueError(in_use)
        # The head of the file, not SQLite, so that a file of another kind is not written to, whatever is wrong with it.
        head = stream.read(100)
        if head and (head[:15] != b"SQLite format 3" or int.from_bytes(head[68:72]) != _MARK):
            raise ValueError(f"{file} is no checkpoint of a sweep: pass another path; the file was left as it is")
        try:
            with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
                _begin(connection)
                yield Checkpoint(file, connection)
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF  # text that is none has no code
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise ValueError(in_use) from None
            if isinstance(error, sqlite3.OperationalError) and code != sqlite3.SQLITE_CORRUPT:
                raise OSError(f"{file}: {error}") from error
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


def _alone(stream: BinaryIO) -> bool:
    """Lock an open file until it is closed.

    The locks of SQLite are those of the process: they end when anything in it reads the file and closes it.
    """
    try:
        import fcntl
    except ImportError:  # Windows, where locks are those of an open file
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _digest(point: str, name: str, value: bytes) -> bytes:
    return sha256(f"{len(point)} {point} {name}\n".encode() + value).digest()[:8]


def _damaged(file: str, error: object) -> str:
    return f"{file} is damaged ({error}): restore it, or pass another file"
