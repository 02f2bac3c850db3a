"""Variables: which inputs belong together, such as the one-hot columns of a category."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np


def checked_labels(input_groups: Any, n_features: int, names: np.ndarray | None) -> list[Hashable]:
    """A label for each input, (n_features,); None for an input on its own.

    Parameters
    ----------
    input_groups : array-like of shape (n_features,), callable or None
        As the parameter of the estimators.
    n_features : int
    names : ndarray of shape (n_features,) or None
        What a callable gets.

    Raises
    ------
    ValueError
        If it is of another kind or length, or a callable and there are no names.
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
    """The labels as a list, from whatever holds them.

    Raises
    ------
    ValueError
        If it is no sequence of labels.
    """
    try:
        labels = None if isinstance(input_groups, (str, bytes, dict)) else list(input_groups)
        if labels is not None and np.ndim(input_groups if hasattr(input_groups, "ndim") else 0) < 2:
            set(labels)  # which asks whether they can be told apart
            return labels
    except TypeError:  # not iterable, or labels that are lists themselves
        pass
    raise ValueError(
        f"Got input_groups={input_groups!r}, but expected a label for each feature, a callable "
        "that returns them for `feature_names_in_`, or None."
    )


def _is_missing(label):
    """Whether a label is None, nan or pandas's NA, which compares to nothing."""
    nan = isinstance(label, (float, np.floating)) and np.isnan(label)
    return label is None or nan or type(label).__name__ in ("NAType", "NaTType")


def variables_of(labels: Sequence[Hashable]) -> tuple[np.ndarray, ...]:
    """The inputs of each variable, in the order of their first ones."""
    found: dict[Hashable, list[int]] = {}
    for number, label in enumerate(labels):
        found.setdefault((label is None, number if label is None else label), []).append(number)
    return tuple(np.array(inputs) for inputs in found.values())
