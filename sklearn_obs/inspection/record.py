"""The record of all removed weights."""

from typing import Any

import numpy as np

from sklearn_obs.estimators.attributes import network_of
from sklearn_obs.estimators.inside import taken_apart
from sklearn_obs.inspection.places import places_of


def removed_weights(estimator: Any) -> dict[str, np.ndarray]:
    """List the weights that have been removed, in the order of removal.

    Parameters
    ----------
    estimator : object
        A fitted OBSPrunedMLPClassifier or OBSPrunedMLPRegressor, or a Pipeline or a search that
        contains one.

    Returns
    -------
    dict of ndarray of shape (n_removals,)
        The record, which can be passed to `pandas.DataFrame`. ``layer``, ``from`` and ``to`` give
        the weight ``coefs_[layer][from, to]``, where ``from`` is -1 for an intercept. ``round`` is
        the round, counted from 1. ``saliency`` is the predicted rise of the loss (nan if the
        criterion does not predict one). A weight that a swap brings back, and that is removed
        again, is listed twice.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If `estimator` is not fitted.
    TypeError
        If it contains no such network.

    See Also
    --------
    weight_saliencies : The saliencies of the remaining weights.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.inspection import removed_weights
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
    >>> clf = clf.set_params(target_sparsity=0.6).fit(scale(X), y)
    >>> record = removed_weights(clf)
    >>> list(record), len(record["layer"])
    (['layer', 'from', 'to', 'round', 'saliency'], 21)
    """
    _, estimator, _ = taken_apart(estimator)
    path = estimator.pruning_path_
    layer, origin, to = places_of(network_of(estimator, vars(estimator)).layout, path["removed"]).T
    return {
        "layer": layer,
        "from": origin,
        "to": to,
        "round": path["round"].copy(),
        "saliency": path["saliency"].copy(),
    }
