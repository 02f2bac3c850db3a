"""Scores of models on the test rows: a table, and sentences that explain it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, r2_score, root_mean_squared_error
from sklearn.utils.class_weight import compute_sample_weight

from sklearn_obs.command.model import minus_log_loss, pipeline_of
from sklearn_obs.command.report import percent, short

TOO_MUCH = 0.01  # a loss of accuracy or R2 that a user may not have intended
TOO_GOOD = 0.999  # accuracy or R2 from which a column may contain the target
RARE = 0.5  # of 1 / n_classes: a class with a smaller share is rare
MOST_RARE = 3  # rare classes that are described


@dataclass(frozen=True)
class Row:
    """The scores of one model."""

    name: str
    n_weights: int
    score: float  # accuracy or R2
    loss: float  # log loss or root mean squared error
    # rare class -> how many of its rows are found, and false alarms
    found: Mapping[Any, tuple[int, int]] = field(default_factory=dict)


class Scores:
    """The models that have been scored, in the order of the table."""

    def __init__(self, table, y, X_test, y_test, class_weight=None):
        self.table, self.X, self.y, self.rows = table, X_test, y_test, []
        self.class_weight = class_weight
        self.classes = np.union1d(y, y_test) if table.classification else None
        self.rare = _rare(y_test) if table.classification else {}

    def add(self, name, model, predicted=None):
        """Score one more model; with `predicted`, what it predicts without probabilities."""
        loss = np.nan
        if self.table.classification:
            if predicted is None:
                predicted, loss = model.predict(self.X), -self.minus_loss(model, self.X, self.y)
            weights = compute_sample_weight(self.class_weight, self.y)
            score = accuracy_score(self.y, predicted, sample_weight=weights)
        else:
            predicted = model.predict(self.X) if predicted is None else predicted
            score = r2_score(self.y, predicted)
            loss = root_mean_squared_error(self.y, predicted)
        found = {}
        for label in self.rare:
            true, said = self.y == label, predicted == label
            found[label] = int((true & said).sum()), int((said & ~true).sum())
        self.rows.append(Row(name, _n_weights(model), score, loss, found))

    def minus_loss(self, model, X, y):
        """The negative log loss of a classifier on these rows."""
        return minus_log_loss(model, X, y, self.classes, self.class_weight)

    def lines(self):
        """Yield the lines of a table of all models."""
        metrics = self.metric, "log loss" if self.table.classification else "error"
        cells = [(f"on the {len(self.y)} test rows", "weights", *metrics)]
        for row in self.rows:
            cells.append((row.name, f"{row.n_weights:,}", f"{row.score:.3f}", _loss(row)))
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for first, *rest in cells:
            numbers = (cell.rjust(n) for cell, n in zip(rest, widths[1:], strict=True))
            yield "  ".join([first.ljust(widths[0]), *numbers])

    def verdict(self, model, *, chosen, target):
        """Yield sentences that explain the table: first warnings, then what pruning cost.

        `model` is the pruned one, and `chosen` says whether cross-validation has chosen the
        sparsity.
        """
        constant, linear, dense, pruned, *few_bits = self.rows
        classes = self.table.classification
        if classes:
            if self.class_weight:
                yield "All classes count the same here, however many rows they have."
            yield "Log loss: lower is better. Wrong predictions of high probability raise it most."
        else:
            yield (
                "R2: 1 is perfect, and 0 is as good as always the mean. Error: the root of the "
                f"mean squared error, in units of {target!r}."
            )
        if min(pruned.loss, linear.loss) >= constant.loss:
            yield f"No model is better than {constant.name}: the columns say little of {target!r}."
        elif pruned.loss >= constant.loss:
            yield f"The pruned network is no better than {constant.name}."
        elif classes and pruned.score <= constant.score:
            yield f"By {self.metric} it is no better than {constant.name}: that class is so common."
            yield from self._rare_class(model)
        if dense.loss > linear.loss and dense.n_weights > linear.n_weights:
            yield (
                f"Before pruning the network predicts worse than the {linear.name}. It probably "
                "overfits: try a larger --alpha, such as 1, or fewer --hidden units."
            )
        yield self._cost(dense, pruned)
        for row in few_bits:
            name = row.name[0].upper() + row.name[1:]
            apart = _apart(row, pruned)
            yield f"{name}, {self.metric} is {apart} that of the pruned network."
        if pruned.score - dense.score < -TOO_MUCH:
            yield "If that is too much, give a smaller --sparsity" + (
                ": cross-validation accepts a loss of one standard error."
                if chosen
                else ", or leave it out: then it is chosen by cross-validation."
            )
        after = few_bits[-1].name if few_bits else "after pruning"
        yield from self._rare_found(dense, (pruned, *few_bits)[-1], after)
        as_good = linear.loss <= min(pruned.loss, constant.loss) and linear.score >= pruned.score
        if as_good and linear.n_weights != dense.n_weights:  # as it is with --hidden 0
            yield (
                f"The {linear.name} predicts as well or better here: consider a linear model "
                f"(--hidden 0), if its {linear.n_weights:,} weights are not too many."
            )
        if pruned.score >= TOO_GOOD:
            yield f"That is almost perfect: does one of the columns contain {target!r}?"

    def _cost(self, dense, pruned):
        return (
            f"After pruning, {pruned.n_weights:,} of {dense.n_weights:,} weights remain; "
            f"{self.metric} is {_apart(pruned, dense)} that before pruning."
        )

    def _rare_found(self, dense, last, after):
        """Yield how many rows of each rare class were found before pruning, and are found now."""
        for label, n_rows in self.rare.items():
            (before, _), (now, n_alarms) = dense.found[label], last.found[label]
            yield (
                f"Of the {n_rows} test rows of the rare class {str(label)!r}, the network finds "
                f"{before} before pruning, and {now} {after}; false alarms: {n_alarms}."
            )
        fewer = any(last.found[label][0] < dense.found[label][0] for label in self.rare)
        missed = any(last.found[label][0] < n_rows for label, n_rows in self.rare.items())
        ways = ["a smaller --sparsity"] if fewer else []
        if not self.class_weight and last.score > self.rows[0].score:  # else: predict_proba
            ways.append("--class-weight balanced, with more false alarms")
        if missed and ways:
            yield f"To find more rows of rare classes, try {', or '.join(ways)}."

    @property
    def metric(self):
        """The name of the score."""
        if not self.table.classification:
            return "R2"
        return "balanced accuracy" if self.class_weight else "accuracy"

    def _rare_class(self, model):
        """Yield what predicting the rarer of two classes from lower probabilities would give."""
        classes = model.classes_
        if len(classes) != 2:
            yield "Its log loss is smaller: use predict_proba, not predict."
            return
        values, counts = np.unique(self.y, return_counts=True)
        rare = 0 if counts[values == classes[0]].sum() < len(self.y) / 2 else 1
        p, is_rare = model.predict_proba(self.X)[:, rare], self.y == classes[rare]
        level = is_rare.mean()
        alarm = p > level
        if is_rare.any() and alarm.any():
            yield (
                f"Use predict_proba, and act on lower probabilities of {str(classes[rare])!r} than "
                f"a half: here they are at most {p.max():.2f}. If you act above {level:.2g}, which "
                "is the share of such rows, you find "
                f"{percent(round(is_rare[alarm].sum() / is_rare.sum(), 2))} of them, and "
                f"{percent(round(is_rare[alarm].mean(), 2))} of the alarms are right."
            )


def _rare(y):
    """The rarest classes and their numbers of rows, if these are far below the average."""
    classes, counts = np.unique(y, return_counts=True)
    rarest = np.argsort(counts, kind="stable")[:MOST_RARE]
    few = RARE * len(y) / len(classes)
    return {classes[k]: int(counts[k]) for k in rarest if counts[k] < few}


def _loss(row):
    return "-" if np.isnan(row.loss) else short(row.loss)


def _apart(row, other):
    """By how much the score of a row is above or below another's, in words."""
    difference = round(row.score, 3) - round(other.score, 3)
    if not round(difference, 3):
        return "the same as"
    return f"{abs(difference):.3f} {'above' if difference > 0 else 'below'}"


def _n_weights(model):
    last = pipeline_of(model)[-1]
    if hasattr(last, "n_weights_"):
        return last.n_weights_
    return np.size(last.coef_) if hasattr(last, "coef_") else 0
