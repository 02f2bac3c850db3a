"""The cells of a file as text, with the line that each row is in.

Text files are read by Python's `csv`, which counts lines and is strict about quotes. Other files
are read by pandas.
"""

import csv
import io
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

SEPARATORS = ",;\t|"
SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".xlsx")
DECIMAL = r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?|NA|NaN|NULL"
SAMPLE = 200  # lines from which the separator is found


@dataclass(frozen=True)
class Cells:
    """The cells of a file below its header."""

    frame: Any  # pandas.DataFrame of str, without surrounding blanks; "" in empty cells
    lines: np.ndarray  # (n_rows,) the line of the file in which each row ends
    notes: list[str]  # what the owner of the file may not expect


def cells_of(path):
    """The cells of a file, whose kind is given by the suffix.

    Raises
    ------
    ImportError
        If pandas is missing, or a package that it needs for this kind of file.
    ValueError
        If the file is not of the kind that its name says; the message says where.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            f"{path} needs pandas to be read: python -m pip install 'sklearn-obs[csv]'"
        ) from error
    if not Path(path).is_file():
        raise ValueError(f"there is no file {str(path)!r}")
    suffix = Path(path).suffix.lower()
    if suffix in (".parquet", ".xlsx"):
        read = pd.read_parquet if suffix == ".parquet" else pd.read_excel
        try:
            values = read(path)
        except ImportError as error:
            raise ImportError(f"{path}: {str(error).splitlines()[0]}") from None
        except (ValueError, OSError) as error:
            raise ValueError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
        names = [
            "" if re.fullmatch(r"Unnamed: \d+", str(name)) else str(name) for name in values.columns
        ]
        frame = values.astype(object).where(values.notna(), "").astype(str)
        rows, lines, notes = frame.to_numpy(object), np.arange(2, len(frame) + 2), []
    else:
        (names, *rows), (_, *lines), notes, separator = _of_text(path)
        cells = _named(path, names, rows, np.array(lines, int), notes)
        return _with_points(cells) if separator == ";" else cells
    return _named(path, names, rows, np.array(lines, int), notes)


def _of_text(path):
    """(records with the header first, their lines, notes, the separator)."""
    text, notes = _decoded(path)
    n_before = 0
    if said := re.match(r"sep=(.)\r?\n", text, re.IGNORECASE):
        separator, n_before, text = said[1], 1, text[said.end() :]
    else:
        separator = _separator(text)
    # strict: what follows a closing quote must be a separator, and every quote must be closed
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    records, lines, start = [], [], n_before + 1
    try:
        for record in reader:
            line, start = reader.line_num + n_before, reader.line_num + n_before + 1
            if not any(cell.strip() for cell in record):
                continue
            if records and len(record) != len(records[0]):
                raise ValueError(
                    f"line {line} of {path} has {len(record)} cells, but its header has "
                    f"{len(records[0])}"
                )
            records.append(record)
            lines.append(line)
    except csv.Error as error:
        what = "a quote is opened and not closed" if "end of data" in str(error) else str(error)
        raise ValueError(f"line {start} of {path} is not CSV: {what}") from None
    if not records:
        raise ValueError(f"{path} is empty")
    return records, lines, notes, separator


def _decoded(path):
    """The text of a file, and notes about its encoding."""
    content = Path(path).read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        notes = []
        if encoding == "cp1252":
            notes.append(f"{path} is not UTF-8: it was read as Windows-1252")
        return text, notes
    raise ValueError(f"{path} is not a text file: save it as 'CSV UTF-8'")


def _separator(text):
    """The separator by which most lines have as many cells as the header."""
    sample = text.splitlines(keepends=True)[:SAMPLE]

    def fit(separator):
        widths = [len(record) for record in csv.reader(sample, delimiter=separator) if record]
        return sum(width == widths[0] for width in widths) if widths and widths[0] > 1 else 0

    return max(SEPARATORS, key=fit)


def _named(path, names, rows, lines, notes):
    """The `Cells` with names of columns. Columns without one are left out, with a note."""
    import pandas as pd

    names = [str(name).strip() for name in names]
    kept = [j for j, name in enumerate(names) if name]
    for name in dict.fromkeys(names):
        if name and names.count(name) > 1:
            raise ValueError(f"{path} has several columns with the name {name!r}")
    frame = pd.DataFrame(np.array([*rows], object).reshape(len(rows), len(names)))
    frame = frame.apply(lambda column: column.str.strip()) if len(rows) else frame.astype(str)
    nameless = [j for j, name in enumerate(names) if not name]
    filled = [j + 1 for j in nameless if (frame[j] != "").any()]
    if filled:
        what = "column" if len(filled) == 1 else "columns"
        numbers = ", ".join(map(str, filled))
        notes = [*notes, f"columns without a name are left out (an index?): {what} {numbers}"]
    frame = frame[kept].set_axis([names[j] for j in kept], axis="columns")
    return Cells(frame, lines, notes)


def _with_points(cells):
    """Turn decimal commas into points: programs write commas if they do not separate cells."""
    frame, commas = cells.frame.copy(), []
    for name in frame:
        column = frame[name]
        filled = column[column != ""]
        if filled.str.fullmatch(DECIMAL).all() and filled.str.contains(",").any():
            frame[name] = column.str.replace(",", ".")
            commas.append(repr(name))
    notes = [f"decimal commas are read as points in {', '.join(commas)}"] if commas else []
    return replace(cells, frame=frame, notes=[*cells.notes, *notes])
