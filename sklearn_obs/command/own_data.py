"""``python -m sklearn_obs data.csv --target y``: from a CSV file to a pruned network in a file."""

import warnings
from importlib.util import find_spec

import numpy as np
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_obs.command.table import read_table
from sklearn_obs.estimators import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor
from sklearn_obs.export import export_c, export_onnx, export_skops
from sklearn_obs.export.c.text import header_name, prefix
from sklearn_obs.export.files import checked_path
from sklearn_obs.export.size import as_text, sizes
from sklearn_obs.export.skops import other_types

HEADERS = {".c": (".h",), ".onnx": (), ".skops": ()}  # suffix -> those of files beside it
NEEDS = {".onnx": "skl2onnx", ".skops": "skops"}
MANY = 20  # values of a column of text, or names, that are too many to go unsaid, or to be listed


def run(options):
    """Read, train, prune, report and export; raises ValueError or OSError with one clear line."""
    table = read_table(options.data, options.target, options.drop, options.task)
    for path in options.export:
        _check_export(path, table, options.overwrite)
    X, y = table.X(), table.y
    X, X_test, y, y_test = _split(table, X, y, options.seed)
    if table.classification and np.unique(y).size == 1:
        raise ValueError(
            f"all {len(y)} training rows of {options.data} have {options.target} = {y[0]}, because "
            "the other classes are too rare: give more rows of them, or another --seed"
        )
    model = _model(table, options)
    with warnings.catch_warnings():  # the initial training need not converge
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    metric = "accuracy" if table.classification else "R2"
    net, rows, targets = _parts(model, X, y)
    print(_summary(options, table, len(X), len(X_test), net))
    for note in _notes(table):
        print(f"note:   {note}")
    at = f"not converged in {net.n_iter_} iterations, " if net.n_iter_ == net.max_iter else ""
    print(f"dense:  {net.n_weights_} weights, {at}{metric} {model.score(X_test, y_test):.3f}")
    net.prune(rows, targets, target_sparsity=options.sparsity)
    idle = f" ({net.n_dead_weights_} of no effect)" if net.n_dead_weights_ else ""
    print(f"pruned: {net.n_weights_} weights{idle}, {metric} {model.score(X_test, y_test):.3f}")
    print(f"reads:  {_listed(_read(model, net, table))}\n")
    print(as_text(sizes(model, options.dtype)))
    if options.export:
        print()
    for path in options.export:
        print(_export(model, path, table, (X_test, y_test), options, metric))
    return 0


def _split(table, X, y, seed):
    """A quarter of the rows held out, and of each class its share where there are enough rows."""
    n_test, stratify = -(-len(y) // 4), None
    if table.classification:
        counts = np.unique(y, return_counts=True)[1]
        if counts.min() > 1 and len(counts) <= min(n_test, len(y) - n_test):
            stratify = y
    return train_test_split(X, y, test_size=n_test, random_state=seed, stratify=stratify)


def _check_export(path, table, overwrite):
    """Raise before the work is done where the file could not be written after it."""
    suffix = path.suffix
    if suffix not in HEADERS:
        raise ValueError(f"--export {path}: the name has to end in {', '.join(HEADERS)}")
    try:
        checked_path(path, suffix, overwrite, HEADERS[suffix])
    except FileExistsError as error:
        raise ValueError(str(error).replace("pass overwrite=True", "pass --overwrite")) from None
    if suffix == ".c":
        try:
            header_name(path.with_suffix(".h"))
        except ValueError as error:
            raise ValueError(f"--export {path}: {error}") from None
        try:
            prefix(path)
        except ValueError:
            raise ValueError(
                f"--export {path}: the name has to begin with a letter, for functions in C to "
                "begin with it"
            ) from None
        words = table.words.items()
        problems = [f"{name!r} is text (line {line}: {cell!r})" for name, (line, cell) in words]
        problems += [f"{name!r} has missing numbers" for name in table.gaps]
        if problems:
            raise ValueError(
                f"--export {path}: C takes numbers only, but {_listed(problems)}; leave columns "
                f"out by --drop, or change the file, or export to .onnx or .skops"
            )
    package = NEEDS.get(suffix)
    if package and find_spec(package) is None:
        raise ValueError(f"--export {path}: needs {package}: python -m pip install {package}")


def _model(table, options):
    """Scaled columns, and the dense network that is to be pruned."""
    numbers = [StandardScaler()]
    if table.gaps:
        numbers.append(SimpleImputer())  # of scaled columns: their means
    if table.text:
        text = [j for j, name in enumerate(table.columns) if name in table.text]
        rest = [j for j in range(len(table.columns)) if j not in text]
        parts = [(OneHotEncoder(handle_unknown="ignore", sparse_output=False), text)]
        if rest:
            parts.append((make_pipeline(*numbers), rest))
        steps = [make_column_transformer(*parts, verbose_feature_names_out=False)]
    else:
        steps = numbers
    estimator = OBSPrunedMLPClassifier if table.classification else OBSPrunedMLPRegressor
    net = estimator(
        options.hidden,
        target_sparsity=0,
        alpha=1e-3,
        max_iter=1000,
        n_iter_no_change=20,
        random_state=options.seed,
    )
    model = make_pipeline(*steps, net)
    if table.classification:
        return model
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def _parts(model, X, y):
    """The network, and the rows and targets that it sees."""
    pipeline = getattr(model, "regressor_", model)
    if pipeline is not model:
        y = model.transformer_.transform(y[:, None]).ravel()
    return pipeline[-1], pipeline[:-1].transform(X), y


def _summary(options, table, n_train, n_test, net):
    widths = "-".join(map(str, (net.n_features_in_, *options.hidden, net.n_outputs_)))
    kind = "regression"
    if table.classification:
        kind = f"{len(net.classes_)} classes"
    columns = f"{len(table.columns)} columns ({len(table.text)} of text)"
    return (
        f"{options.data}: {n_train} training rows, {n_test} test rows, {columns}; "
        f"{options.target!r}: {kind}; network {widths}"
    )


def _notes(table):
    """What was done to the file that its owner might not expect."""
    yield from table.notes
    if table.n_left_out:
        yield f"rows without a target, left out: {table.n_left_out}"
    if table.truths:
        yield f"true and false are 1 and 0 in {_listed(list(map(repr, table.truths)))}"
    for name, (line, cell) in table.words.items():
        n_values = len(set(table.columns[name]))
        if name in table.dates:
            yield (
                f"{name!r} holds dates (line {line}: {cell!r}), an input for each of its "
                f"{n_values} values; make numbers of them (a year, a month), or --drop {name}"
            )
        elif n_values > MANY:
            yield (
                f"{name!r} is text (line {line}: {cell!r}), an input for each of its {n_values} "
                f"values; if it should be numbers, change the file, or --drop {name}"
            )


def _listed(names):
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return ", ".join(names[:MANY]) + more or "nothing"


def _read(model, net, table):
    """Names of the net's inputs that are still read."""
    pipeline = getattr(model, "regressor_", model)
    names = pipeline[:-1].get_feature_names_out(list(table.columns))
    return [str(name) for name in names[net.inputs_]]


def _export(model, path, table, test_data, options, metric):
    """Write the file; what there is to say of it."""
    if path.suffix == ".c":
        written = export_c(
            model,
            path,
            dtype=options.dtype,
            test_data=test_data,
            feature_names=list(table.columns),
            overwrite=options.overwrite,
        )
        scales = ", scales of columns included" if options.dtype == "int8" else ""
        return (
            f"{path}, {written.header.name}: {written.n_bytes:,} bytes of constants{scales}, "
            f"{metric} in {options.dtype} {written.exported_score:.3f}"
        )
    if path.suffix == ".onnx":
        X = table.columns if table.text else None
        n_bytes = export_onnx(model, path, X=X, sparse=True, overwrite=options.overwrite)
    else:
        n_bytes = export_skops(model, path, overwrite=options.overwrite)
        if types := other_types(path):
            return f"{path}: {n_bytes:,} bytes; load_skops needs trusted={types}"
    return f"{path}: {n_bytes:,} bytes"
