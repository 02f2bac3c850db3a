"""A table of one's own as columns of numbers and of text: what the words of a file mean."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_obs.command.cells import Cells, cells_of

MISSING = ["", "na", "n/a", "#n/a", "#na", "nan", "-nan", "null", "<na>", "?"]
NO_NUMBER = [*MISSING, "none"]  # among numbers; it may well be a word among words
TRUTH = {"true": 1.0, "false": 0.0}
LARGEST = 1e100  # the squares of larger numbers, which scaling takes, are near the end of float64
LEAST_ROWS = 10
MOST_CLASSES = 20  # different whole numbers that are still taken for classes


@dataclass(frozen=True)
class Table:
    """The columns beside the target, and the target."""

    columns: dict[str, np.ndarray]  # name -> (n_rows,) of float64 or object (text)
    y: np.ndarray  # (n_rows,)
    classification: bool
    n_left_out: int  # rows without a target
    words: dict[str, tuple[int, str]]  # column of text -> line and cell of its first word
    dates: list[str]  # columns of text that hold dates
    truths: list[str]  # columns of true and false, as 1 and 0
    notes: list[str]  # what was done to read the file

    @property
    def text(self):
        """Names of the columns of text."""
        return list(self.words)

    @property
    def gaps(self):
        """Names of the columns of numbers in which some are missing."""
        return [n for n, c in self.columns.items() if c.dtype != object and np.isnan(c).any()]

    def X(self):
        """One array of all columns: of float64, or, with text, of object."""
        return np.column_stack([*self.columns.values()])


def read_table(path, target, drop=(), task=None):
    """The file as a table; rows whose target is missing are left out.

    `task` is 'classification', 'regression' or None: a target of text, or of at most 20 different
    whole numbers, then is of classes.

    Raises
    ------
    ImportError
        If pandas, or what it needs for this kind of file, is not installed.
    ValueError
        If the file is missing, empty, ragged or not text, has no such target or one of a single
        value; the message says where.
    """
    found = cells_of(path)
    frame = found.frame
    for name in (target, *drop):
        if name not in frame:
            names = ", ".join(map(repr, frame))
            raise ValueError(f"{path} has no column {name!r}; it has {names}")
    y = frame[target]
    nothing = MISSING if _numbers(y) is None else NO_NUMBER
    there = ~y.str.lower().isin(nothing)
    if there.sum() < LEAST_ROWS:
        raise ValueError(
            f"{path} has {there.sum()} rows, but {LEAST_ROWS} are the least to learn from"
        )
    columns: dict[str, np.ndarray] = {}
    words, dates, truths = {}, [], []
    for name in (name for name in frame if name not in (target, *drop)):
        cells = frame.loc[there, name]
        numbers = _numbers(cells)
        if cells.str.lower().isin(NO_NUMBER).all():
            continue
        if numbers is not None:
            columns[name] = _checked(numbers, name)
            continue
        known = cells.str.lower().map(TRUTH)
        missing = cells.str.lower().isin(NO_NUMBER)
        if (known.notna() | missing).all():
            columns[name] = known.to_numpy(np.float64)
            truths.append(name)
            continue
        columns[name] = cells.to_numpy(object)
        words[name] = _first_word(found, cells)
        if _are_dates(cells[~missing]):
            dates.append(name)
    if not columns:
        raise ValueError(f"{path} has no column to predict {target!r} from")
    y, classification = _target(y[there], target, task)
    n_left_out = int((~there).sum())
    return Table(columns, y, classification, n_left_out, words, dates, truths, found.notes)


def _target(cells, name, task):
    """The values of the target, and whether they are classes."""
    numbers = _numbers(cells)
    n_different = cells.nunique()
    if n_different == 1:
        raise ValueError(f"the target {name!r} has one value only: {cells.iloc[0]!r}")
    if task is None:
        few_whole = numbers is not None and (numbers == np.round(numbers)).all()
        classes = numbers is None or (few_whole and n_different <= MOST_CLASSES)
    else:
        classes = task == "classification"
    if not classes and numbers is None:
        raise ValueError(f"the target {name!r} holds text: --task regression needs numbers")
    if not classes:
        return _checked(numbers, name), False
    words = cells.tolist()  # which are the labels; as integers where those are written alike
    if all(re.fullmatch(r"0|-?[1-9]\d{0,17}", word) for word in words):
        return np.array(list(map(int, words))), True
    return np.array(words, str), True


def _numbers(cells):
    """float64 where every cell is a number or missing, else None."""
    import pandas as pd

    missing = cells.str.lower().isin(NO_NUMBER)
    numbers = pd.to_numeric(cells.where(~missing), errors="coerce")
    if (numbers.isna() & ~missing).any():
        return None
    return numbers.to_numpy(np.float64)


def _checked(numbers, name):
    """The numbers, which have to be finite, and small enough to be scaled."""
    if np.isinf(numbers).any():
        raise ValueError(f"column {name!r} has infinite numbers")
    large = numbers[np.abs(numbers) > LARGEST]
    if large.size:
        raise ValueError(
            f"column {name!r} has the number {large[0]:g}, which is too large to scale"
        )
    return numbers


def _first_word(found: Cells, cells: Any) -> tuple[int, str]:
    """The line and the cell of the first one that is no number."""
    import pandas as pd

    missing = cells.str.lower().isin(NO_NUMBER)
    is_word = pd.to_numeric(cells.where(~missing), errors="coerce").isna() & ~missing
    at = is_word.idxmax()
    return int(found.lines[at]), cells[at]


def _are_dates(cells):
    import pandas as pd

    looks = cells.str.fullmatch(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T]\d{1,2}:\d{2}.*)?")
    return (
        bool(looks.all()) and pd.to_datetime(cells, errors="coerce", format="mixed").notna().all()
    )
