"""A CSV file as columns of numbers and of text."""

import csv
import math
from dataclasses import dataclass

import numpy as np

MISSING = {"", "na", "n/a", "nan", "null", "?"}
NO_NUMBER = MISSING | {"none"}  # among numbers; it may well be a word among words
SEPARATORS = ",;\t"
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
    ValueError
        If the file is missing, empty, ragged or not text, has no such target or one of a single
        value; the message says where.
    """
    lines, cells = _cells(path)
    for name in (target, *drop):
        if name not in cells:
            names = ", ".join(map(repr, cells))
            raise ValueError(f"{path} has no column {name!r}; it has {names}")
    y = np.array(cells.pop(target), object)
    nothing = NO_NUMBER if all(map(_is_number, y)) else MISSING
    there = np.array([cell.lower() not in nothing for cell in y], bool)
    columns, words = {}, {}
    for name in (name for name in cells if name not in drop):
        column = np.array(cells[name], object)[there]
        values = _column(column, name)
        if values is not None:
            columns[name] = values
            if values.dtype == object:
                j = next(j for j, cell in enumerate(column) if not _is_number(cell))
                words[name] = (int(np.array(lines)[there][j]), column[j])
    if there.sum() < LEAST_ROWS:
        raise ValueError(
            f"{path} has {there.sum()} rows, but {LEAST_ROWS} are the least to learn from"
        )
    if not columns:
        raise ValueError(f"{path} has no column to predict {target!r} from")
    y = _column(y[there], target)
    different = np.unique(y)
    if len(different) == 1:
        raise ValueError(f"the target {target!r} has one value only: {different[0]!r}")
    whole = y.dtype != object and bool((y == np.round(y)).all())
    if task is None:
        classes = y.dtype == object or (whole and len(different) <= MOST_CLASSES)
    else:
        classes = task == "classification"
    if not classes and y.dtype == object:
        raise ValueError(f"the target {target!r} holds text: --task regression needs numbers")
    if classes and whole:
        y = y.astype(int)
    elif classes:
        y = y.astype(str)
    return Table(columns, y, classes, int((~there).sum()), words)


def _cells(path):
    """Numbers of the lines below the header; name -> the cells below it, as text."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            separator = max(SEPARATORS, key=first.count)
            reader = csv.reader(file, delimiter=separator)
            rows = [(reader.line_num, row) for row in reader if row]
    except FileNotFoundError:
        raise ValueError(f"there is no file {str(path)!r}") from None
    except UnicodeDecodeError:
        raise ValueError(
            f"{path} is not a CSV file of UTF-8 text: save it anew as 'CSV UTF-8'"
        ) from None
    except csv.Error as error:
        raise ValueError(f"{path} is not a CSV file: {error}") from None
    if not rows:
        raise ValueError(f"{path} is empty")
    (_, header), *lines = rows
    names = [name.strip() for name in header]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{path} has several columns of the name {name!r}")
    for number, row in lines:
        if len(row) != len(names):
            raise ValueError(
                f"line {number} of {path} has {len(row)} cells, but its header has {len(names)}"
            )
    cells = {name: [row[j].strip() for _, row in lines] for j, name in enumerate(names)}
    return [number for number, _ in lines], cells


def _column(cells, name):
    """float64 where every cell is a number or missing, else text; None for nothing but gaps."""
    if all(cell.lower() in NO_NUMBER for cell in cells):
        return None
    if not all(map(_is_number, cells)):
        return cells
    numbers = np.array([math.nan if c.lower() in NO_NUMBER else float(c) for c in cells])
    if np.isinf(numbers).any():
        raise ValueError(f"column {name!r} has infinite numbers")
    return numbers


def _is_number(cell):
    """Whether it is one, or says that it is missing."""
    try:
        float(cell)
    except ValueError:
        return cell.lower() in NO_NUMBER
    return True
