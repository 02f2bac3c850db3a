"""Sentences that describe a table and a network."""

import shutil
from textwrap import fill

import numpy as np

from sklearn_obs.command.model import by_class
from sklearn_obs.export.size import sizes

WIDTH = 98
MANY = 20  # text columns of more values get a note, and longer lists of names are cut


def say(text):
    """Print a sentence, wrapped to the width of the terminal or, if that is less, to `WIDTH`."""
    width = min(WIDTH, shutil.get_terminal_size((WIDTH + 1, 24)).columns - 1)
    print(fill(text, max(width, 20), break_long_words=False, break_on_hyphens=False))


def listed(names):
    """Names with commas between them, and only the first `MANY`."""
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return ", ".join(names[:MANY]) + more or "nothing"


def percent(share):
    """A share, such as 0.25, as a percentage."""
    return f"{100 * share:.3g}%"


def short(number):
    """A number as text, with three digits if it is below 100, else whole."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def summary(options, table, n_train, n_test):
    """A sentence that describes the table."""
    what = f"{options.target!r} is a number"
    if table.classification:
        classes, counts = np.unique(table.y, return_counts=True)
        shares = [
            f"{label} {percent(n / len(table.y))}" for label, n in zip(classes, counts, strict=True)
        ]
        what = f"{options.target!r} has {len(classes)} classes ({listed(shares)})"
    quarter = "a quarter of each class" if by_class(table) else "a quarter"
    columns = f"{len(table.columns)} columns ({len(table.text)} of text)"
    return (
        f"{options.data}: {n_train} training rows, {n_test} test rows ({quarter}, drawn at random),"
        f" {columns}; {what}"
    )


def notes(table, target):
    """Yield what was done to the file that its owner might not expect."""
    yield from table.notes
    if table.n_left_out:
        yield f"rows without a target are left out: {table.n_left_out}"
    if table.guessed:
        yield (
            f"{target!r} has {len(set(table.y.tolist()))} different whole numbers, which are "
            "treated as classes; --task regression treats them as numbers"
        )
    for why, names in table.left_out.items():
        yield f"columns with {why} are left out: {listed(list(map(repr, names)))}"
    if table.truths:
        yield f"true and false are 1 and 0 in {listed(list(map(repr, table.truths)))}"
    if table.gaps:
        gaps = [f"{name!r} ({np.isnan(table.columns[name]).sum()})" for name in table.gaps]
        yield f"missing numbers are filled with the mean of the training rows: {listed(gaps)}"
    if table.empty:
        empty = [f"{name!r} ({n_rows})" for name, n_rows in table.empty.items()]
        yield f"missing cells among text count as a word of their own: {listed(empty)}"
    for name, (line, cell) in table.words.items():
        n_values = len(set(table.columns[name]))
        if name in table.dates:
            yield (
                f"{name!r} contains dates (line {line}: {cell!r}) and becomes an input for each of "
                f"its {n_values} values; convert them to numbers (such as year and month), or use "
                f"--drop {name}"
            )
        elif name in table.mixed:
            yield (
                f"{name!r} is text, because line {line} has {cell!r}, although most of its cells "
                "are numbers; if all of them should be numbers, change the file, or use "
                f"--drop {name}"
            )
        elif n_values > MANY:
            yield (
                f"{name!r} is text (line {line}: {cell!r}) and becomes an input for each of its "
                f"{n_values} values; if it should be numbers, change the file, or use --drop {name}"
            )


def network(net, hidden, stopped, table):
    """A sentence that describes the network."""
    words = " (a column of text has one for each of its words)" if table.text else ""
    end = f"; its training stopped at the limit of {net.max_iter} iterations" if stopped else ""
    units = " and ".join(map(str, hidden)) or "no"
    outputs = "1 output" if net.n_outputs_ == 1 else f"{net.n_outputs_} outputs"
    return (
        f"The network has {net.n_features_in_} inputs{words}, {units} hidden units and "
        f"{outputs}{end}."
    )


def chosen(search, sparsity):
    """A sentence that says how many weights are removed, and why."""
    if search is None:
        return f"{percent(sparsity)} of its weights are removed, as given by --sparsity."
    how = f"cross-validation ({search.cv.get_n_splits()} folds of the training rows)"
    if not sparsity:
        return (
            f"All of its weights remain: by {how}, the network is worse if some are removed. "
            "With --sparsity 0.9, 90% are removed anyway."
        )
    most = ", the most that was tried" if sparsity == search.sparsities_[-1] else ""
    return (
        f"{percent(sparsity)} of its weights are removed{most}: by {how}, its score is then within "
        "one standard error of the best."
    )


def room(model, dtype, input_dtype):
    """A sentence that says how many bytes the weights take."""
    columns = sizes(model, dtype, input_dtype)
    c = f"{columns['c_bytes'][-1]:,} bytes in C and " if "c_bytes" in columns else ""
    return (
        f"Its weights take {c}{columns['onnx_bytes'][-1]:,} bytes in ONNX. Before pruning they "
        f"took {columns['dense_bytes'][-1]:,} bytes in float32. The code comes in addition."
    )
