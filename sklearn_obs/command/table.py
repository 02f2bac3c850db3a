"""A table of one's own as columns of numbers and of text: what the words of a file mean."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_obs.command.cells import Cells, cells_of

MISSING = ["", "\\n", "na", "n/a", "#n/a", "#na", "nan", "-nan", "null", "<na>", "?"]
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
    mixed: list[str]  # columns of text most of whose cells are numbers
    truths: list[str]  # columns of true and false, as 1 and 0
    left_out: dict[str, list[str]]  # why -> columns
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
        """A frame of all columns."""
        import pandas as pd

        return pd.DataFrame(
            {name: pd.Series(values, dtype=values.dtype) for name, values in self.columns.items()}
        )


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
    y, classification = _target(y[there], target, task)
    columns: dict[str, np.ndarray] = {}
    words, dates, mixed, truths, left_out = {}, [], [], [], {}
    for name in (name for name in frame if name not in (target, *drop)):
        cells = frame.loc[there, name]
        missing = _missing(cells)
        numbers = _numbers(cells)
        known = cells.str.lower().map(TRUTH)
        is_truth = (known.notna() | missing).all()
        given = cells[~missing] if numbers is None else numbers[~missing]
        n_values = len(set(given))
        if not n_values:
            left_out.setdefault("empty", []).append(name)
        elif n_values == 1 and (numbers is not None or is_truth or not missing.any()):
            left_out.setdefault("one value only", []).append(name)
        elif numbers is not None:
            columns[name] = _checked(numbers, name)
        elif is_truth:
            columns[name] = known.to_numpy(np.float64)
            truths.append(name)
        else:
            line, word = _first_word(found, cells)
            is_date = _are_dates(cells[~missing])
            if n_values == len(cells):
                what = "dates" if is_date else "text"
                why = f"{what}, another in every row (line {line}: {word!r})"
                left_out[why] = [name]
                continue
            columns[name], words[name] = cells.to_numpy(object), (line, word)
            if is_date:
                dates.append(name)
            elif _is_word(cells)[0].sum() < (~missing).sum() / 2:
                mixed.append(name)
    if not columns:
        raise ValueError(f"{path} has no column to predict {target!r} from")
    n_left_out = int((~there).sum())
    return Table(
        columns, y, classification, n_left_out, words, dates, mixed, truths, left_out, found.notes
    )


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


def _missing(cells):
    """Where there is nothing, or a word that says so among numbers."""
    return cells.str.lower().isin(NO_NUMBER)


def _is_word(cells):
    """Where there is something that is no number; and the numbers."""
    import pandas as pd

    missing = _missing(cells)
    numbers = pd.to_numeric(cells.where(~missing), errors="coerce")
    return numbers.isna() & ~missing, numbers


def _numbers(cells):
    """float64 where every cell is a number or missing, else None."""
    is_word, numbers = _is_word(cells)
    return None if is_word.any() else numbers.to_numpy(np.float64)


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
    at = _is_word(cells)[0].idxmax()
    return int(found.lines[at]), cells[at]


def _are_dates(cells):
    import pandas as pd

    looks = cells.str.fullmatch(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T]\d{1,2}:\d{2}.*)?")
    return (
        bool(looks.all()) and pd.to_datetime(cells, errors="coerce", format="mixed").notna().all()
    )
