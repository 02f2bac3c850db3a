"""Variables: sets of inputs that belong together, such as the one-hot columns of a category."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np


def checked_labels(input_groups: Any, n_features: int, names: np.ndarray | None) -> list[Hashable]:
    """A list of n_features labels, one for each input; None for a variable of one input.

    Parameters
    ----------
    input_groups : array-like of shape (n_features,), callable or None
        The parameter of the estimators.
    n_features : int
    names : ndarray of shape (n_features,) or None
        Feature names, which are passed to a callable.

    Raises
    ------
    ValueError
        If `input_groups` is of another kind or length, or a callable and there are no names.
    """
    if input_groups is None:
        return [None] * n_features
    if callable(input_groups):
        if names is None:
            raise ValueError(
                "Got a callable as input_groups, which needs the names of the features, but X has "
                "none. Pass X as a DataFrame. In a Pipeline, call "
                "`set_output(transform='pandas')` on the step before."
            )
        input_groups = input_groups(names)
    labels = [None if _is_missing(label) else label for label in as_sequence(input_groups)]
    if len(labels) != n_features:
        raise ValueError(
            f"Got input_groups with {len(labels)} labels, but X has {n_features} features. "
            "Expected a label for each feature of the network, or None for a feature on its own."
        )
    return labels


def as_sequence(input_groups: Any) -> list[Any]:
    """The labels as a list, from any kind of sequence.

    Raises
    ------
    ValueError
        If `input_groups` is not a sequence of labels.
    """
    try:
        labels = None if isinstance(input_groups, (str, bytes, dict)) else list(input_groups)
        if labels is not None and np.ndim(input_groups if hasattr(input_groups, "ndim") else 0) < 2:
            set(labels)  # raises TypeError if the labels cannot be hashed
            return labels
    except TypeError:  # not iterable, or labels that are lists themselves
        pass
    raise ValueError(
        f"Got input_groups={input_groups!r}, but expected a label for each feature, a callable "
        "that returns them for `feature_names_in_`, or None."
    )


def _is_missing(label):
    """Whether a label is None, nan, or pandas's NA or NaT."""
    nan = isinstance(label, (float, np.floating)) and np.isnan(label)
    return label is None or nan or type(label).__name__ in ("NAType", "NaTType")


def variables_of(labels: Sequence[Hashable]) -> tuple[np.ndarray, ...]:
    """The indices of the inputs of each variable; variables are ordered by their first input."""
    found: dict[Hashable, list[int]] = {}
    for number, label in enumerate(labels):
        found.setdefault((label is None, number if label is None else label), []).append(number)
    return tuple(np.array(inputs) for inputs in found.values())
