"""Progress on a terminal: one line, written over again and again, and gone at the end."""

import io
import shutil
import sys
from contextlib import contextmanager, redirect_stdout


class OneLine(io.TextIOBase):
    """A stream that shows its last line at the place of the one before."""

    def __init__(self, terminal):
        self.terminal, self.rest = terminal, ""

    def write(self, text):
        """Show the last whole line of the text so far."""
        *lines, self.rest = (self.rest + text).split("\n")
        if lines:
            self.show(lines[-1])
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
def progress(line):
    """Show the line, and then what is printed; whether anyone sees it.

    It goes to the standard error if that is a terminal: files and pipes get results alone.
    """
    if not sys.stderr.isatty():
        yield False
        return
    one = OneLine(sys.stderr)
    one.show(line)
    try:
        with redirect_stdout(one):
            yield True
    finally:
        one.clear()
