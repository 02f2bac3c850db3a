"""Progress on a terminal: one line that is overwritten again and again, and cleared at the end."""

import io
import shutil
import sys
from contextlib import contextmanager, redirect_stdout


class OneLine(io.TextIOBase):
    """A stream that shows its latest line in place of the one before."""

    def __init__(self, terminal, what):
        self.terminal, self.what, self.rest = terminal, what, ""

    def write(self, text):
        """Show the last complete line of the text so far, up to a colon: "fold 2 of 5"."""
        *lines, self.rest = (self.rest + text).split("\n")
        if lines:
            self.show(f"{self.what} ... {lines[-1].partition(':')[0].lower()}")
        return len(text)

    def show(self, line):
        """Overwrite the last line with this one."""
        width = shutil.get_terminal_size().columns - 1
        print("\r" + line[:width].ljust(width), end="", file=self.terminal, flush=True)

    def clear(self):
        """Leave an empty line."""
        self.show("")
        print("\r", end="", file=self.terminal, flush=True)


@contextmanager
def progress(what):
    """Show what is being done and, from what is printed, how far it is; yield whether it is shown.

    It is shown on the standard error if that is a terminal. Files and pipes get only results.
    """
    if not sys.stderr.isatty():
        yield False
        return
    one = OneLine(sys.stderr, what)
    one.show(f"{what} ...")
    try:
        with redirect_stdout(one):
            yield True
    finally:
        one.clear()
