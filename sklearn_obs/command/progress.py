"""Progress on a terminal: one line, written over again and again, and gone at the end."""

import io
import shutil
import sys
from contextlib import contextmanager, redirect_stdout


class OneLine(io.TextIOBase):
    """A stream that shows its last line at the place of the one before."""

    def __init__(self, terminal, what):
        self.terminal, self.what, self.rest = terminal, what, ""

    def write(self, text):
        """Show where the last whole line of the text so far is: "Fold 2 of 5: ..." is so far."""
        *lines, self.rest = (self.rest + text).split("\n")
        if lines:
            self.show(f"{self.what} ... {lines[-1].partition(':')[0].lower()}")
        return len(text)

    def show(self, line):
        """Put the line where the last one was."""
        width = shutil.get_terminal_size().columns - 1
        print("\r" + line[:width].ljust(width), end="", file=self.terminal, flush=True)

    def clear(self):
        """Leave an empty line."""
        self.show("")
        print("\r", end="", file=self.terminal, flush=True)


@contextmanager
def progress(what):
    """Show what is done, and how far it is by what is printed; whether anyone sees it.

    It goes to the standard error if that is a terminal: files and pipes get results alone.
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
