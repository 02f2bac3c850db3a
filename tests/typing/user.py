"""The library as the docs teach it, for a type checker: ``python -m mypy`` reads it."""

from typing import assert_type

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

import sklearn_obs
from sklearn_obs import (
    OBSPrunedMLPClassifier,
    OBSPrunedMLPCV,
    OBSPrunedMLPRegressor,
    obs_pruning_path,
)
from sklearn_obs.curvature import STRUCTURES, BlockInverse, FullInverse, LowRankInverse, inverted
from sklearn_obs.elimination import Elimination, InverseHessian, eliminate
from sklearn_obs.stopping import one_standard_error


def first_steps() -> None:
    """README's ten lines."""
    X, y = load_digits(return_X_y=True)
    mlp = MLPClassifier((30,), alpha=1e-3, max_iter=1000, random_state=0).fit(X, y)
    clf = OBSPrunedMLPClassifier.from_sklearn(mlp).prune(X, y, target_sparsity=0.9)
    assert_type(clf, OBSPrunedMLPClassifier)
    assert_type(clf.coefs_, list[np.ndarray])
    assert_type(clf.n_weights_, int)
    assert_type(clf.predict_proba(X), np.ndarray)
    assert_type(clf.prune(X, y), OBSPrunedMLPClassifier)
    accuracy: float = clf.prune(X, y).score(X, y)
    losses = clf.pruning_path_["loss"]
    print(accuracy, losses.min(), clf.feature_importances_.argmax(), clf.compact().units_[0].size)


def parameters() -> None:
    """Values of several types."""
    OBSPrunedMLPClassifier((30,), target_sparsity=0.8, retrain_epochs=None, step=20, n_jobs=2)
    OBSPrunedMLPRegressor([10, 5], max_loss_increase=0.1, memory="cache", random_state=0)


def paths() -> None:
    """Several sparsities."""
    X, y = load_digits(return_X_y=True)
    path = obs_pruning_path(OBSPrunedMLPClassifier((30,)), X, y, sparsities=[0.8, 0.9])
    assert_type(path.n_weights, np.ndarray)
    assert_type(path.coefs[0], list[np.ndarray])
    search = OBSPrunedMLPCV(OBSPrunedMLPRegressor(), sparsities=np.array([0.5, 0.9])).fit(X, y)
    assert_type(search.scores_, np.ndarray)
    assert_type(one_standard_error(search.scores_.T), int)
    sklearn_obs.export.size_report(search.estimator_)


def structures() -> None:
    """Every structure is an inverse Hessian to a type checker."""
    inverses: list[InverseHessian] = [
        FullInverse(np.eye(2)),
        LowRankInverse(np.ones((2, 1)), np.ones(2)),
        BlockInverse([inverted(np.arange(2), FullInverse(np.eye(2)))]),
    ]
    for C in inverses:
        assert_type(eliminate(np.ones(2), C, 1), Elimination)
        assert_type(C.without([0]), InverseHessian)
    print(sorted(STRUCTURES))
