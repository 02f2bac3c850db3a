"""What is printed of a table, of the networks, and of the columns that the pruned one reads."""

from dataclasses import dataclass

import numpy as np
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, r2_score, root_mean_squared_error

from sklearn_obs.command.model import minus_log_loss, pipeline_of
from sklearn_obs.export.size import sizes

MANY = 20  # values of a column of text, or names, that are too many to go unsaid, or to be listed
BAR = 24  # characters
TOO_MUCH = 0.01  # accuracy or R2 that a user may not have meant to give for size
SHUFFLED = {"rows": 1000, "times": 5, "columns": 500}  # at most, for importances of columns


def listed(names):
    """Names with commas, the first of them if there are many."""
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return ", ".join(names[:MANY]) + more or "nothing"


def summary(options, table, n_train, n_test):
    """The table in a line."""
    what = f"'{options.target}' is a number"
    if table.classification:
        classes, counts = np.unique(table.y, return_counts=True)
        shares = [
            f"{label} {_percent(n / len(table.y))}"
            for label, n in zip(classes, counts, strict=True)
        ]
        what = f"'{options.target}' has {len(classes)} classes ({listed(shares)})"
    columns = f"{len(table.columns)} columns ({len(table.text)} of text)"
    return f"{options.data}: {n_train} training rows, {n_test} test rows, {columns}; {what}"


def notes(table):
    """What was done to the file that its owner might not expect."""
    yield from table.notes
    if table.n_left_out:
        yield f"rows without a target, left out: {table.n_left_out}"
    for why, names in table.left_out.items():
        yield f"{listed(list(map(repr, names)))} left out: {why}"
    if table.truths:
        yield f"true and false are 1 and 0 in {listed(list(map(repr, table.truths)))}"
    for name, (line, cell) in table.words.items():
        n_values = len(set(table.columns[name]))
        if name in table.dates:
            yield (
                f"{name!r} holds dates (line {line}: {cell!r}), an input for each of its "
                f"{n_values} values; make numbers of them (a year, a month), or --drop {name}"
            )
        elif name in table.mixed:
            yield (
                f"{name!r} is text, as line {line} has {cell!r}, though most of its cells are "
                f"numbers; if all should be, change the file, or --drop {name}"
            )
        elif n_values > MANY:
            yield (
                f"{name!r} is text (line {line}: {cell!r}), an input for each of its {n_values} "
                f"values; if it should be numbers, change the file, or --drop {name}"
            )


class Scores:
    """How models do on the test rows."""

    def __init__(self, table, y, X_test, y_test):
        self.table, self.X, self.y, self.rows = table, X_test, y_test, []
        self.classes = np.unique([*y, *y_test]) if table.classification else None

    def add(self, name, model):
        """Score one more model."""
        predicted = model.predict(self.X)
        if self.table.classification:
            figures = accuracy_score(self.y, predicted), self.loss(model)
        else:
            figures = r2_score(self.y, predicted), root_mean_squared_error(self.y, predicted)
        self.rows.append((name, _n_weights(model), *figures))

    def loss(self, model):
        """The log loss on the test rows."""
        return -minus_log_loss(model, self.X, self.y, self.classes)

    def lines(self):
        """A table of all models."""
        metrics = ("accuracy", "log loss") if self.table.classification else ("R2", "error")
        cells = [(f"on the {len(self.y)} test rows", "weights", *metrics)]
        for name, n, score, loss in self.rows:
            cells.append((name, f"{n:,}", f"{score:.3f}", _short(loss)))
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for first, *rest in cells:
            numbers = (cell.rjust(n) for cell, n in zip(rest, widths[1:], strict=True))
            yield "  ".join([first.ljust(widths[0]), *numbers])

    def verdict(self, *, chosen):
        """In words: what pruning has cost, and whether any of it is worth having.

        `chosen` says whether cross-validation has chosen how much was pruned.
        """
        constant, linear, dense, pruned = (Row(*row) for row in self.rows)
        classes = self.table.classification
        difference = round(pruned.score, 3) - round(dense.score, 3)
        how = f"{100 * abs(difference):.1f} points {'above' if difference > 0 else 'below'}"
        yield (
            f"Pruning has left {pruned.n_weights:,} of {dense.n_weights:,} weights; "
            f"{'accuracy' if classes else 'R2'} is {how if difference else 'the same as'} that of "
            "the dense network."
        )
        if difference < -TOO_MUCH and not chosen:
            yield (
                "If that is too much, give a smaller --sparsity, or none: then it is chosen by "
                "cross-validation."
            )
        if classes:
            yield (
                "The log loss is small where what happens was given a high probability; confident "
                "mistakes make it large."
            )
        else:
            yield (
                "R2 is 1 for perfect predictions and 0 for the mean. The error is the root of the "
                "mean square, in the target's units."
            )
        if pruned.loss >= constant.loss:
            yield f"It is no better than {constant.name}: these columns say little of the target."
        elif classes and pruned.score <= constant.score:
            yield (
                f"By accuracy it is no better than {constant.name}, as that class is so common; "
                "its log loss is smaller. Use predict_proba, and choose the probability from "
                "which on to act."
            )
        if linear.loss <= pruned.loss and linear.score >= pruned.score:
            yield f"The {linear.name} is as good or better here, and simpler."


@dataclass(frozen=True)
class Row:
    """How one model does."""

    name: str
    n_weights: int
    score: float  # accuracy or R2
    loss: float  # log loss or root mean squared error


def _n_weights(model):
    last = pipeline_of(model)[-1]
    if hasattr(last, "n_weights_"):
        return last.n_weights_
    return np.size(last.coef_) if hasattr(last, "coef_") else 0


def chosen(search, sparsity):
    """How the sparsity came about."""
    if search is None:
        return f"--sparsity {sparsity:g}: {_percent(sparsity)} of the weights are to be removed."
    folds = f"in {len(search.scores_)}-fold cross-validation of the training rows"
    if not sparsity:
        return (
            f"No weight could be spared {folds}: the network stays as it is. --sparsity 0.9 "
            "removes 90 %."
        )
    return (
        f"The sparsity, {_percent(sparsity)}, is the largest that is within a standard error of "
        f"the best {folds}."
    )


def columns_read(model, table, scores, seed):
    """Lines of the columns that the network reads, the most important first, and the others."""
    net = pipeline_of(model)[-1]
    inputs = pipeline_of(model)[:-1].get_feature_names_out()
    read = _columns_of(inputs[net.inputs_], table)
    n = len(table.columns)
    yield f"It reads {len(read)} of {n} columns" + (":" if read else ".")
    if not read:
        return
    if len(read) > SHUFFLED["columns"]:
        yield f"  {listed(read)}"
        return
    worth = dict(zip(table.columns, _worth(model, scores, seed), strict=True))
    read.sort(key=lambda name: -worth[name][0])
    longest, most = max(map(len, read[:MANY])), max(worth[read[0]][0], 1e-12)
    for name in read[:MANY]:
        mean, spread = worth[name]
        bar = "#" * max(0, round(BAR * mean / most))
        yield f"  {name.ljust(longest)}  {_short(mean):>9} ± {_short(spread):<8} {bar}".rstrip()
    if len(read) > MANY:
        yield f"  and {len(read) - MANY} more"
    what = "log loss" if table.classification else "error"
    yield f"(by how much the {what} grows if the column is shuffled in the test rows)"
    if rest := [name for name in table.columns if name not in set(read)]:
        yield f"It does not read {listed(rest)}."


def _columns_of(inputs, table):
    """The columns that inputs come from, of text one for all of its values."""
    found = set(inputs)
    read = [name for name in table.columns if name in found]
    for name in table.text:
        values = {f"{name}_{value}" for value in table.columns[name]}
        if values & found:
            read.append(name)
    return read


def _worth(model, scores, seed):
    """(mean, standard deviation) of the loss that shuffling each column adds."""
    scoring = "neg_root_mean_squared_error"
    if scores.table.classification:

        def scoring(model, X, y):
            return minus_log_loss(model, X, y, scores.classes)

    found = permutation_importance(
        model,
        scores.X,
        scores.y,
        scoring=scoring,
        n_repeats=max(1, min(SHUFFLED["times"], 500 // scores.X.shape[1])),
        max_samples=min(SHUFFLED["rows"], len(scores.y)),
        random_state=seed,
    )
    return zip(found.importances_mean, found.importances_std, strict=True)


def room(model, dtype):
    """What the network takes, in a line."""
    columns = sizes(model, dtype)
    c = f"{columns['c_bytes'][-1]:,} as C, " if "c_bytes" in columns else ""
    return (
        f"Its numbers take {c}{columns['onnx_bytes'][-1]:,} bytes as ONNX; those of the dense "
        f"network {columns['dense_bytes'][-1]:,}. A prediction takes "
        f"{columns['multiply_adds'][-1]:,} multiplications, not {columns['weights'][-1]:,}."
    )


def _short(number):
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _percent(share):
    return f"{100 * share:.3g} %"
