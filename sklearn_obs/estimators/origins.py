"""Find the variable from which each column of a fitted transformer is computed."""

from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder
from sklearn.utils.validation import check_is_fitted


def input_groups_of(fitted_transformer: Any) -> np.ndarray:
    """Return the variable of each column of a fitted transformer, for `input_groups`.

    The one-hot columns of a category belong to one variable, as do the bins of a number, or a
    column and its indicator of missing values. Their label is the name of the column of X that they
    are computed from.

    Parameters
    ----------
    fitted_transformer : object
        A fitted OneHotEncoder, KBinsDiscretizer, scaler, imputer or feature selector, or a Pipeline
        or ColumnTransformer of these. A classifier or regressor at the end of a Pipeline is
        ignored. Each column of another transformer, such as PCA, is a variable on its own.

    Returns
    -------
    ndarray of shape (n_features_out,), object
        The label of each column that the transformer returns, or None for a column that is a
        variable on its own.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the transformer is not fitted.
    TypeError
        If it is no transformer, or has no `get_feature_names_out` or no `n_features_in_`.

    See Also
    --------
    input_importances : The importance of each variable for a network.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.compose import make_column_transformer
    >>> from sklearn.preprocessing import OneHotEncoder, StandardScaler
    >>> from sklearn_obs import input_groups_of
    >>> X = np.array([["red", 1.0], ["blue", 2.0], ["green", 4.0]], dtype=object)
    >>> columns = make_column_transformer((OneHotEncoder(), [0]), (StandardScaler(), [1]))
    >>> input_groups_of(columns.fit(X)).tolist()
    ['x0', 'x0', 'x0', 'x1']
    """
    if not hasattr(fitted_transformer, "fit"):
        raise TypeError(
            f"Got a {type(fitted_transformer).__name__}, but expected a fitted transformer."
        )
    for search, inside in (("sparsities_", "estimator_"), ("best_estimator_", "best_estimator_")):
        if hasattr(fitted_transformer, search):
            raise TypeError(
                f"Got a {type(fitted_transformer).__name__}, but expected a fitted transformer. Of "
                f"a search for a Pipeline, pass `{inside}[:-1]`."
            )
    check_is_fitted(fitted_transformer)
    seen = fitted_transformer
    while isinstance(seen, Pipeline):  # its attributes are those of its first step
        steps = [part for _, part in seen.steps if not _is_idle(part)]
        seen = steps[0] if steps else None
    names = getattr(seen, "feature_names_in_", None)
    if names is None:
        n_features = getattr(seen, "n_features_in_", None)
        if n_features is None:
            raise TypeError(
                f"Got a {type(fitted_transformer).__name__} without `n_features_in_`, but expected "
                "a transformer that says how many columns it was fitted on. Write a list of labels."
            )
        names = [f"x{i}" for i in range(n_features)]
    labels = _labels(fitted_transformer, [str(name) for name in names])
    found = np.empty(len(labels), object)
    found[:] = labels
    return found


def _labels(step, labels):
    """Labels of the columns that a fitted step returns, given those of the columns it takes."""
    if _is_idle(step):
        return labels
    if isinstance(step, Pipeline):
        for _, part in step.steps:
            if _is_idle(part) or not (is_classifier(part) or is_regressor(part)):
                labels = _labels(part, labels)  # a network at the end does not change them
        return labels
    if isinstance(step, ColumnTransformer):
        return _side_by_side(step, labels)
    if isinstance(step, OneHotEncoder):
        return np.repeat(np.array(labels, object), _n_categories(step)).tolist()
    if isinstance(step, KBinsDiscretizer) and step.encode != "ordinal":
        return np.repeat(np.array(labels, object), step.n_bins_).tolist()
    return _by_name(step, labels)


def _is_idle(step):
    return step is None or (isinstance(step, str) and step == "passthrough")


def _side_by_side(step, labels):
    places = step.output_indices_
    found: list[Any] = [None] * max((where.stop for where in places.values()), default=0)
    names = list(getattr(step, "feature_names_in_", ()))
    for name, part, chosen in step.transformers_:
        mine = [labels[i] for i in indices(chosen, names, len(labels))]
        if mine and _says(part):
            found[places[name]] = _labels(part, mine)
    return found


def _says(part):
    """Whether a part of a ColumnTransformer returns columns and can name them."""
    return _is_idle(part) or hasattr(part, "get_feature_names_out")


def _n_categories(encoder):
    """Number of columns that each feature is encoded in."""
    numbers = np.array([len(values) for values in encoder.categories_])
    dropped = encoder.drop_idx_
    if dropped is not None:
        numbers -= [index is not None for index in dropped]
    for number, rare in enumerate(getattr(encoder, "infrequent_categories_", [])):
        if rare is not None:
            numbers[number] -= len(rare) - 1
    return numbers


def _by_name(step, labels):
    """Labels by name: a column that keeps its name keeps its label, and others get None."""
    try:
        names = getattr(step, "feature_names_in_", None)
        before = [f"x{i}" for i in range(len(labels))] if names is None else names.tolist()
        after = step.get_feature_names_out(None if names is not None else np.array(before, object))
    except AttributeError as error:
        raise TypeError(
            f"Got a {type(step).__name__} without `get_feature_names_out`, but expected a "
            "transformer that names the columns that it returns. Write a list of labels."
        ) from error
    label = dict(zip(before, labels, strict=True))
    label |= {f"missingindicator_{name}": label[name] for name in before}
    return [label.get(name) for name in after]


def indices(chosen, names, n):
    """Integer indices of columns given as in a ColumnTransformer: names, numbers, mask or slice."""
    if isinstance(chosen, str):
        return np.array([names.index(chosen)])
    if isinstance(chosen, slice):
        ends = [
            names.index(end) if isinstance(end, str) else end for end in (chosen.start, chosen.stop)
        ]
        if isinstance(chosen.stop, str):
            ends[1] += 1  # a slice of names includes its end
        return np.arange(n)[slice(*ends, chosen.step)]
    chosen = np.atleast_1d(np.asarray(chosen))
    if chosen.dtype.kind in "OUS":
        return np.array([names.index(name) for name in chosen], int)
    return np.arange(n)[chosen if chosen.size else chosen.astype(int)]
