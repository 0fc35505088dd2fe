"""One line on a terminal that says how far a sweep is."""

import sys
import time

__all__ = ["Progress"]

_PAUSE = 0.1  # s between two looks


class Progress:
    """Rewrites a line of standard error; by default only if that is a terminal, so that no output has it."""

    def __init__(self, total: int, done: int, shown: bool | None) -> None:
        self._total, self._done, self._first = total, done, done
        self._begin, self._last, self._width = time.monotonic(), -1.0, 0
        self._shown = sys.stderr is not None and (sys.stderr.isatty() if shown is None else shown)
        self._write()

    def step(self) -> None:
        """Count one point."""
        self._done += 1
        if self._done == self._total or time.monotonic() - self._last >= _PAUSE:
            self._write()

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            self._write()
            self._put("\n")

    def _write(self) -> None:
        if not self._shown:
            return
        self._last = time.monotonic()
        line = self.line(self._last - self._begin)
        self._put("\r" + line.ljust(self._width))
        self._width = len(line)

    @staticmethod
    def _put(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    def line(self, seconds: float) -> str:
        """Return the line at a time after the beginning."""
        text = f"sweep: {self._done} of {self._total} points"
        own = self._done - self._first
        if not own or not seconds:
            return text
        if self._done == self._total:
            return f"{text} in {_span(seconds)}"
        return f"{text}, {own / seconds:.3g} per s, {_span(seconds / own * (self._total - self._done))} left"


def _span(seconds: float) -> str:
    """Return a time as it is read."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
