"""Transformers that map each column x to a linear function ``s x + t`` of it."""

from dataclasses import dataclass

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectorMixin
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted

from sklearn_obs.estimators.origins import indices

FOLDABLE = (
    "StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, feature selectors, 'passthrough', "
    "or a ColumnTransformer of these"
)


@dataclass(frozen=True)
class Columns:
    """Inputs of a network as scaled columns of X: ``X[:, source] * scale + shift``."""

    source: np.ndarray  # (n_net_inputs,), int
    scale: np.ndarray  # (n_net_inputs,)
    shift: np.ndarray  # (n_net_inputs,)

    def of(self, first):
        """These columns applied to the result of the columns `first`, as columns of X."""
        scale = self.scale * first.scale[self.source]
        shift = self.scale * first.shift[self.source] + self.shift
        return Columns(first.source[self.source], scale, shift)

    def __getitem__(self, chosen):
        return Columns(self.source[chosen], self.scale[chosen], self.shift[chosen])


def as_they_are(n):
    """The columns 0 to n - 1, neither scaled nor shifted."""
    return Columns(np.arange(n), np.ones(n), np.zeros(n))


def columns_of(step, n):
    """The `Columns` that a fitted transformer returns for `n` columns.

    Raises
    ------
    TypeError
        If it is not linear in each column; the message lists the transformers that are supported.
    """
    if step is None or step == "passthrough":
        return as_they_are(n)
    if isinstance(step, Pipeline):
        columns = as_they_are(n)
        for _, part in step.steps:
            columns = columns_of(part, len(columns.source)).of(columns)
        return columns
    check_is_fitted(step)
    if getattr(step, "clip", False):
        raise TypeError(
            f"Got {named(step)} with clip=True, but a clipped column cannot be folded into a "
            "network. Fit it with clip=False."
        )
    if isinstance(step, ColumnTransformer) and not step.transformer_weights:
        return _side_by_side(step)
    if isinstance(step, SelectorMixin):
        return as_they_are(n)[step.get_support()]
    if isinstance(step, FunctionTransformer) and step.func is None:
        return as_they_are(n)
    if isinstance(step, MinMaxScaler):
        return Columns(np.arange(n), step.scale_, step.min_)
    if isinstance(step, (StandardScaler, MaxAbsScaler, RobustScaler)):
        scale = np.ones(n) if step.scale_ is None else 1 / step.scale_
        centre = np.zeros(n)
        if isinstance(step, StandardScaler) and step.with_mean:
            centre = step.mean_
        if isinstance(step, RobustScaler) and step.with_centering:
            centre = step.center_
        return Columns(np.arange(n), scale, -centre * scale)
    raise TypeError(
        f"Got {named(step)}, but it cannot be folded into a network. Expected only {FOLDABLE}."
    )


def named(step):
    """A step with its article for a message, such as 'a PCA'."""
    return step if isinstance(step, str) else f"a {type(step).__name__}"


def _side_by_side(step):
    """The `Columns` of a ColumnTransformer, in the order of its parts."""
    everything = as_they_are(step.n_features_in_)
    names = list(getattr(step, "feature_names_in_", ()))
    parts = []
    for _, part, chosen in step.transformers_:
        if isinstance(part, str) and part == "drop":
            continue
        mine = everything[indices(chosen, names, step.n_features_in_)]
        if mine.source.size:
            parts.append(columns_of(part, mine.source.size).of(mine))
    return Columns(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("source", "scale", "shift")
        )
    )
