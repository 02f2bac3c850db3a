"""The files of ``--export``: checked before the work is done, written after it."""

import shlex
import warnings
from importlib.util import find_spec

from sklearn_obs.command.report import listed
from sklearn_obs.export import export_c, export_onnx, export_skops
from sklearn_obs.export.c.text import header_name, prefix
from sklearn_obs.export.files import checked_path
from sklearn_obs.export.skops import other_types

HEADERS = {".c": (".h",), ".onnx": (), ".skops": ()}  # suffix -> those of files beside it
NEEDS = {".onnx": "skl2onnx", ".skops": "skops"}


def check_export(path, table, overwrite):
    """Raise ValueError before the work is done where the file could not be written after it."""
    suffix = path.suffix
    if suffix not in HEADERS:
        raise ValueError(f"--export {path}: the name has to end in {', '.join(HEADERS)}")
    try:
        checked_path(path, suffix, overwrite, HEADERS[suffix])
    except FileExistsError as error:
        raise ValueError(str(error).replace("pass overwrite=True", "pass --overwrite")) from None
    if suffix == ".c":
        _check_c(path, table)
    package = NEEDS.get(suffix)
    if package and find_spec(package) is None:
        raise ValueError(f"--export {path}: needs {package}: python -m pip install {package}")


def _check_c(path, table):
    try:
        header_name(path.with_suffix(".h"))
    except ValueError as error:
        raise ValueError(f"--export {path}: {error}") from None
    try:
        prefix(path)
    except ValueError:
        raise ValueError(
            f"--export {path}: the name has to begin with a letter, for functions in C to begin "
            "with it"
        ) from None
    words = table.words.items()
    problems = [f"{name!r} is text (line {line}: {cell!r})" for name, (line, cell) in words]
    problems += [f"{name!r} has missing numbers" for name in table.gaps]
    if problems:
        raise ValueError(
            f"--export {path}: C takes numbers only, but {listed(problems)}; leave columns out by "
            "--drop, or change the file, or export to .onnx or .skops"
        )


def export(model, path, table, test_data, options, metric):
    """Write the file; lines that say what there is to say of it, and what to do next."""
    writer = {".c": _c, ".onnx": _onnx, ".skops": _skops}[path.suffix]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lines = list(writer(model, path, table, test_data, options, metric))
    return [*lines, *(f"  note: {_in_options(warning.message)}" for warning in caught)]


def _in_options(message):
    return str(message).replace("dtype='float64'", "--dtype float64")


def _c(model, path, table, test_data, options, metric):
    written = export_c(
        model,
        path,
        dtype=options.dtype,
        test_data=test_data,
        feature_names=list(table.columns),
        overwrite=options.overwrite,
    )
    scales = ", scales of columns included" if options.dtype == "int8" else ""
    name = prefix(path)
    yield (
        f"{path}, {written.header.name}: {written.n_bytes:,} bytes of constants{scales}, "
        f"{metric} in {options.dtype} {written.exported_score:.3f}"
    )
    yield (
        f"  next: cc -std=c99 -Os -c {shlex.quote(str(path))}, and link with -lm; "
        f"{written.header.name} says what {name}_predict takes and returns"
    )


def _onnx(model, path, table, test_data, options, metric):
    X = table.columns if table.text else None
    written = export_onnx(
        model, path, X=X, sparse=True, test_data=test_data, overwrite=options.overwrite
    )
    yield f"{path}: {written.n_bytes:,} bytes, {metric} in float32 {written.exported_score:.3f}"
    what = f"{len(written.inputs)} inputs, one a column"
    if X is None:
        what = f"one input, X, of {len(table.columns)} columns in the order of the file"
    yield f"  next: onnxruntime.InferenceSession({str(path)!r}) in Python; it has {what}"


def _skops(model, path, table, test_data, options, metric):
    n_bytes = export_skops(model, path, overwrite=options.overwrite)
    yield f"{path}: {n_bytes:,} bytes"
    trusted = f", trusted={types}" if (types := other_types(path)) else ""
    yield (
        f"  next: from sklearn_obs.export import load_skops; "
        f"model = load_skops({str(path)!r}{trusted})"
    )
