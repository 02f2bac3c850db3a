"""The user's table as columns of numbers and of text, converted from the cells of a file."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from sklearn_obs.command.cells import Cells, cells_of

MISSING = ["", "\\n", "na", "n/a", "#n/a", "#na", "nan", "-nan", "null", "<na>", "?"]
NO_NUMBER = [*MISSING, "none"]  # in columns of numbers; in text, "none" may be a word
TRUTH = {"true": 1.0, "false": 0.0}
LARGEST = 1e100  # scaling squares numbers, and squares of larger ones may overflow float64
NUMBER = r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?"
LEAST_ROWS = 10
FEW_WORDS = 0.1  # with a smaller share of words, a column is meant to be numbers
MOST_CLASSES = 20  # with more different whole numbers, a target is a number


@dataclass(frozen=True)
class Table:
    """The target, and the other columns."""

    columns: dict[str, np.ndarray]  # name -> (n_rows,) of float64 or object (text)
    y: np.ndarray  # (n_rows,)
    classification: bool
    n_left_out: int  # rows without a target
    words: dict[str, tuple[int, str]]  # column of text -> line and cell of its first word
    dates: list[str]  # columns of text that hold dates
    mixed: list[str]  # columns of text most of whose cells are numbers
    truths: list[str]  # columns of true and false, as 1 and 0
    left_out: dict[str, list[str]]  # reason -> columns
    guessed: bool  # whether whole numbers were taken for classes without --task
    notes: list[str]  # about the reading of the file
    lines: np.ndarray  # (n_rows,) the line of the file in which each row ends

    @property
    def text(self):
        """Names of the columns of text."""
        return list(self.words)

    @property
    def gaps(self):
        """Names of the columns of numbers in which some are missing."""
        return [n for n, c in self.columns.items() if c.dtype != object and np.isnan(c).any()]

    @property
    def empty(self):
        """Columns of text with missing cells -> number of these."""
        n = {
            name: np.isin(np.char.lower(self.columns[name].astype(str)), MISSING).sum()
            for name in self.text
        }
        return {name: n_missing for name, n_missing in n.items() if n_missing}

    def first_gap(self, name):
        """The line of the file in which the first number of a column is missing."""
        return int(self.lines[np.isnan(self.columns[name]).argmax()])

    def X(self):
        """A frame of all columns."""
        import pandas as pd

        return pd.DataFrame(
            {name: pd.Series(values, dtype=values.dtype) for name, values in self.columns.items()}
        )


def read_table(path, target, drop=(), task=None):
    """Read a file as a table, without rows whose target is missing.

    `task` is 'classification', 'regression' or None. If None, a target of text, or of at most 20
    different whole numbers, has classes.

    Raises
    ------
    ImportError
        If pandas, or what it needs for this kind of file, is not installed.
    ValueError
        If the file is missing, empty, ragged or not text, or has no such target, or only one value
        of it; the message says where.
    """
    found = cells_of(path)
    frame = found.frame
    drop = [name for given in drop for name in _dropped(given, frame)]
    for name in (target, *drop):
        if name not in frame:
            where = ". Is its first line a header?" if _are_numbers(frame) else ""
            raise ValueError(f"{path} has no column {name!r}{_near(name, frame)}{where}")
    if target in drop:
        raise ValueError(f"--drop {target}: this column is the target")
    y = frame[target]
    nothing = MISSING if _numbers(y) is None else NO_NUMBER
    there = ~y.str.lower().isin(nothing)
    if there.sum() < LEAST_ROWS:
        raise ValueError(
            f"{path} has {there.sum()} rows with a target, but at least {LEAST_ROWS} are needed"
        )
    y, classification, guessed = _target(y[there], target, task)
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
            left_out.setdefault("no values", []).append(name)
        elif n_values == 1 and (numbers is not None or is_truth or not missing.any()):
            left_out.setdefault("only one value", []).append(name)
        elif numbers is not None:
            columns[name] = _checked(numbers, name)
        elif is_truth:
            columns[name] = known.to_numpy(np.float64)
            truths.append(name)
        else:
            line, word = _first_word(found, cells)
            share = _is_word(cells)[0].sum() / (~missing).sum()
            if share < FEW_WORDS:
                raise ValueError(
                    f"column {name!r} has {word!r} in line {line}, but almost all of its cells are "
                    "numbers: correct the file, with an empty cell for an unknown number, or use "
                    f"--drop {name}"
                )
            is_date = _are_dates(cells[~missing])
            if n_values == len(cells):
                what = "dates" if is_date else "text"
                why = f"different {what} in every row (line {line}: {word!r})"
                left_out[why] = [name]
                continue
            columns[name], words[name] = cells.to_numpy(object), (line, word)
            if is_date:
                dates.append(name)
            elif share < 0.5:
                mixed.append(name)
    if not columns:
        raise ValueError(f"{path} has no column to predict {target!r} from")
    return Table(
        columns=columns,
        y=y,
        classification=classification,
        n_left_out=int((~there).sum()),
        words=words,
        dates=dates,
        mixed=mixed,
        truths=truths,
        left_out=left_out,
        guessed=guessed,
        notes=[*found.notes, *_doubts(frame, y if classification else y[:0])],
        lines=found.lines[there.to_numpy()],
    )


def _are_numbers(names):
    """Whether most names of columns are numbers, as in a file without a header."""
    numbers = [name for name in names if re.fullmatch(NUMBER, name)]
    return 2 * len(numbers) > len(list(names))


def _doubts(names, classes):
    """Notes on a header that may be missing, and on classes that may be meant to be one."""
    if _are_numbers(names):
        yield "most names of columns are numbers: is the first line of the file a header?"
    seen: dict[str, str] = {}
    for label in np.unique(classes).astype(str).tolist():
        plain = re.sub(r"[\W_]+", "", label).casefold()
        if plain and plain in seen:
            yield f"the classes {seen[plain]!r} and {label!r} differ only in how they are written"
        seen.setdefault(plain, label)


def _dropped(given, frame):
    """The names in one --drop: a single one, or several with commas between them."""
    names = [name.strip() for name in given.split(",")]
    return [given] if given in frame or not all(name in frame for name in names) else names


def _near(name, frame):
    """The end of a message about a missing column: a similar name, or all names."""
    lower = {each.lower(): each for each in frame}
    near = get_close_matches(name.lower(), lower, 1)
    if near:
        return f", but {lower[near[0]]!r}"
    return f"; it has {', '.join(map(repr, frame))}"


def _target(cells, name, task):
    """The values of the target, whether they are classes, and whether that was a guess."""
    numbers = _numbers(cells)
    n_different = cells.nunique()
    if n_different == 1:
        raise ValueError(f"the target {name!r} has only one value: {cells.iloc[0]!r}")
    if task is None:
        few_whole = numbers is not None and (numbers == np.round(numbers)).all()
        few = n_different <= min(MOST_CLASSES, len(cells) / 2)
        classes = numbers is None or (few_whole and few)
    else:
        classes = task == "classification"
    if not classes and numbers is None:
        raise ValueError(f"the target {name!r} contains text, but --task regression needs numbers")
    if not classes:
        return _checked(numbers, name), False, False
    if n_different > len(cells) / 2:
        raise ValueError(
            f"the target {name!r} has {n_different:,} different values in {len(cells):,} rows, "
            "which is too many for classes: choose another column, or use --task regression"
        )
    guess = task is None and numbers is not None and n_different > 2
    words = cells.tolist()  # the labels, as integers if all are written like integers
    for end in ("", r"\.0"):  # pandas writes 1.0 if others are missing
        if all(re.fullmatch(rf"(0|-?[1-9]\d{{0,17}}){end}", word) for word in words):
            return np.array([int(word.removesuffix(".0")) for word in words]), True, guess
    return np.array(words, str), True, guess


def _missing(cells):
    """A mask of cells that are empty, or have a word that says so among numbers."""
    return cells.str.lower().isin(NO_NUMBER)


def _is_word(cells):
    """A mask of cells that are neither numbers nor missing; and the numbers."""
    import pandas as pd

    missing = _missing(cells)
    numbers = pd.to_numeric(cells.where(~missing), errors="coerce")
    return numbers.isna() & ~missing, numbers


def _numbers(cells):
    """The cells as float64 if each is a number or missing, else None."""
    is_word, numbers = _is_word(cells)
    return None if is_word.any() else numbers.to_numpy(np.float64)


def _checked(numbers, name):
    """The numbers, after a check that they are finite and small enough to be scaled."""
    if np.isinf(numbers).any():
        raise ValueError(f"column {name!r} has infinite numbers")
    large = numbers[np.abs(numbers) > LARGEST]
    if large.size:
        raise ValueError(
            f"column {name!r} has the number {large[0]:g}, which is too large to scale"
        )
    return numbers


def _first_word(found: Cells, cells: Any) -> tuple[int, str]:
    """The line and the text of the first cell that is not a number."""
    at = _is_word(cells)[0].idxmax()
    return int(found.lines[at]), cells[at]


def _are_dates(cells):
    import pandas as pd

    looks = cells.str.fullmatch(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T]\d{1,2}:\d{2}.*)?")
    return (
        bool(looks.all()) and pd.to_datetime(cells, errors="coerce", format="mixed").notna().all()
    )
