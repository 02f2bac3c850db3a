"""The files of ``--export``: checked before training, written after it."""

import shlex
import warnings
from importlib.util import find_spec

import numpy as np

from sklearn_obs.command.report import MANY, listed
from sklearn_obs.export import export_c, export_onnx, export_skops
from sklearn_obs.export.c.text import header_name, prefix
from sklearn_obs.export.files import checked_path
from sklearn_obs.export.skops import other_types

HEADERS = {".c": (".h",), ".onnx": (), ".skops": ()}  # suffix -> suffixes of files beside it
NEEDS = {".onnx": "skl2onnx", ".skops": "skops"}


def check_export(path, table, options):
    """Raise ValueError, before training, if the file could not be written after it.

    Returns all paths that are to be written.
    """
    suffix = path.suffix
    if suffix not in HEADERS:
        raise ValueError(f"--export {path}: the name has to end in {', '.join(HEADERS)}")
    try:
        outputs = list(checked_path(path, suffix, options.overwrite, HEADERS[suffix]))
        if suffix == ".c" and options.test_vectors:
            test = path.with_name(f"{path.stem}_test.c")
            outputs += checked_path(test, suffix, options.overwrite)
    except FileExistsError as error:
        raise ValueError(str(error).replace("Pass overwrite=True", "Pass --overwrite")) from None
    if suffix == ".c":
        _check_c(path, table)
    package = NEEDS.get(suffix)
    if package and find_spec(package) is None:
        raise ValueError(f"--export {path} needs {package}: python -m pip install {package}")
    return outputs


def _check_c(path, table):
    try:
        header_name(path.with_suffix(".h"))
    except ValueError as error:
        raise ValueError(f"--export {path}: {error}") from None
    try:
        prefix(path)
    except ValueError:
        raise ValueError(
            f"--export {path}: the name has to begin with a letter, because the names of functions "
            "in C begin with it"
        ) from None
    if path.stem == "main":
        raise ValueError(
            f"--export {path}: choose another name, because main.c is your own program"
        )
    if problems := not_for_c(table):
        raise ValueError(
            f"--export {path}: C needs numbers only, but {listed(problems)}. Leave columns out by "
            "--drop, or change the file, or export to .onnx or .skops"
        )


def not_for_c(table):
    """A list of the reasons why C cannot take the columns, empty if it can."""
    words = table.words.items()
    return [f"{name!r} is text (line {line}: {cell!r})" for name, (line, cell) in words] + [
        f"{name!r} has missing numbers (the first in line {table.first_gap(name)})"
        for name in table.gaps
    ]


def suggestion(table):
    """A line that says what to do next, if nothing has been exported."""
    files = ["model.onnx", "model.skops"] if not_for_c(table) else ["model.c", "model.onnx"]
    what = {
        "model.c": "--export model.c writes a program in C",
        "model.onnx": "--export model.onnx writes a file for onnxruntime",
        "model.skops": "--export model.skops writes a file for Python",
    }
    return f"next: {', and '.join(what[file] for file in files)}"


def export(model, path, table, test_data, options, columns):
    """Write the file, and return lines that describe it and say what to do next.

    `columns` is the type of the columns in C.
    """
    writer = {".c": _c, ".onnx": _onnx, ".skops": _skops}[path.suffix]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lines = list(writer(model, path, table, test_data, options, columns))
    return [*lines, *(f"  note: {_in_options(warning.message)}" for warning in caught)]


def _metric(table):
    return "accuracy" if table.classification else "R2"


def _in_options(message):
    return str(message).replace("dtype='float64'", "--dtype float64")


def _c(model, path, table, test_data, options, columns):
    written = export_c(
        model,
        path,
        dtype=options.dtype,
        input_dtype=columns,
        test_data=test_data,
        test_vectors=options.test_vectors,
        feature_names=list(table.columns),
        overwrite=options.overwrite,
    )
    scales = " with the scales of columns" if options.dtype == "int8" else ""
    numbers = "whole numbers" if options.integer else options.dtype
    yield (
        f"{path}, {written.header.name}: {written.n_bytes:,} bytes of constants{scales}, "
        f"{_metric(table)} in {numbers} {written.exported_score:.3f}"
    )
    if options.integer:
        yield f"  {_of_x(table, columns, options)}"
    real = "double" if options.dtype == "float64" else "float"
    x, y = real if columns == "float32" else f"{columns}_t", "int32_t" if options.integer else real
    y = "" if table.classification else f", {y} *y"
    yield (
        f"  next: call int {prefix(path)}_predict(const {x} *x{y}) from a main.c; "
        f"{written.header.name} lists the columns of x"
    )
    source = shlex.quote(str(path))
    yield f"        and what it returns. Then: cc -std=c99 -Os main.c {source} -lm -o main"
    if written.test is not None:
        test = shlex.quote(str(written.test))
        yield f"  check: cc -std=c99 {test} {source} -lm -o check && ./check"
        yield f"         {written.test.name} says how to do this on an AVR"


def input_dtype(table, options):
    """The type of columns in C: float32, or with --integer the narrowest that holds them all.

    Raises
    ------
    ValueError
        If the type is given by --input-dtype, but does not hold them.
    """
    if not options.integer or not_for_c(table):
        return "float32"
    if options.input_dtype:
        for name, column in table.columns.items():
            if not _holds(options.input_dtype, column):
                limits = np.iinfo(options.input_dtype)
                raise ValueError(
                    f"--input-dtype {options.input_dtype} holds whole numbers from {limits.min} to "
                    f"{limits.max}, but column {name!r} has numbers from {column.min():g} to "
                    f"{column.max():g}: use int16 (-32768 to 32767) or float32, or leave it out"
                )
        return options.input_dtype
    for dtype in ("uint8", "int8", "int16"):
        if all(_holds(dtype, column) for column in table.columns.values()):
            return dtype
    return "float32"


def _of_x(table, columns, options):
    """A sentence on the numbers in x."""
    name, values = next(
        ((n, c) for n, c in table.columns.items() if not _holds("int16", c)), (None, None)
    )
    if columns == "float32" and name is not None and not options.input_dtype:
        wrong = next(value for value in values if not _holds("int16", np.array([value])))
        return f"x is float: column {name!r} has {wrong:g}, which is no int16"
    low = min(column.min() for column in table.columns.values())
    high = max(column.max() for column in table.columns.values())
    return f"x is {columns}: the columns go from {low:g} to {high:g}"


def _holds(dtype, column):
    if dtype == "float32":
        return True
    limits = np.iinfo(dtype)
    whole = (column == np.rint(column)).all()
    return whole and column.min() >= limits.min and column.max() <= limits.max


def _onnx(model, path, table, test_data, options, columns):
    X = table.columns if table.text else None
    written = export_onnx(
        model, path, X=X, sparse=True, test_data=test_data, overwrite=options.overwrite
    )
    score = f"{_metric(table)} in float32 {written.exported_score:.3f}"
    yield f"{path}: {written.n_bytes:,} bytes, {score}"
    names = list(table.columns)
    yield "  next: python -m pip install onnxruntime, and in Python, with a frame of new rows:"
    few = len(names) <= MANY
    yield f"        names = {names if few else '[...]  # those of ' + repr(options.data)}"
    yield f"        session = onnxruntime.InferenceSession({str(path)!r})"
    rows = '{"X": frame[names].to_numpy("float32")}'
    if X is not None:
        of = "name" if written.inputs == names else f"{written.inputs!r}[names.index(name)]"
        rows = (
            f"{{{of}: frame[[name]].fillna('' if name in {table.text} else float('nan'))"
            f".to_numpy(object if name in {table.text} else 'float32') for name in names}}"
        )
    yield f"        session.run(None, {rows})[0]"


def _skops(model, path, table, test_data, options, columns):
    n_bytes = export_skops(model, path, overwrite=options.overwrite)
    yield f"{path}: {n_bytes:,} bytes"
    trusted = f", trusted={types}" if (types := other_types(path)) else ""
    yield "  next, in Python: from sklearn_obs.export import load_skops"
    yield f"        model = load_skops({str(path)!r}{trusted})"
    yield "        model.predict(frame[list(model.feature_names_in_)])"
