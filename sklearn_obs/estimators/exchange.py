"""To and from scikit-learn's own networks, by public means."""

from copy import copy

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_obs.estimators.fitted import DENSE_ATTRIBUTES
from sklearn_obs.estimators.parameters import DENSE_PARAMETERS


def check_source(mlp, dense_class):
    """Raise unless `mlp` is a fitted `dense_class` with a loss that can be pruned."""
    if not isinstance(mlp, dense_class):
        raise TypeError(
            f"Got a {type(mlp).__name__}, but expected a fitted {dense_class.__name__}."
        )
    if getattr(mlp, "loss", None) == "poisson":
        raise ValueError(
            "Got loss='poisson', but only networks of loss='squared_error' can be pruned."
        )
    check_is_fitted(mlp)


def plain(estimator, dense_class, targets):
    """A fitted `dense_class` with the estimator's network; `targets` are one row's."""
    # a step of training lays out all that scikit-learn keeps, then it is overwritten
    solver = "adam" if estimator.solver == "lbfgs" else estimator.solver  # lbfgs takes no steps
    shell = dense_class(
        hidden_layer_sizes=estimator.hidden_layer_sizes, solver=solver, random_state=0
    )
    zeros = np.zeros((1, estimator.n_features_in_), estimator.coefs_[0].dtype)
    shell.partial_fit(zeros, **targets)
    shell.set_params(**{name: getattr(estimator, name) for name in DENSE_PARAMETERS})
    shell.coefs_ = [W.copy() for W in estimator.coefs_]
    shell.intercepts_ = [b.copy() for b in estimator.intercepts_]
    for name in (*DENSE_ATTRIBUTES, "feature_names_in_"):
        if hasattr(estimator, name):
            setattr(shell, name, copy(getattr(estimator, name)))
    return shell
