"""Sparsity 0 is scikit-learn's network bit for bit, and networks go to and fro unchanged."""

import copy

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import (
    load_iris,
    make_classification,
    make_multilabel_classification,
    make_regression,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import scale

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor

DENSE = {"hidden_layer_sizes": (7, 5), "max_iter": 8, "random_state": 0}
PAIRS = [
    pytest.param(OBSPrunedMLPClassifier, MLPClassifier, id="classifier"),
    pytest.param(OBSPrunedMLPRegressor, MLPRegressor, id="regressor"),
]


def data(ours):
    X, y = make_classification(90, 6, n_informative=4, n_classes=3, random_state=0)
    return (X, y) if ours is OBSPrunedMLPClassifier else (X, X[:, 0] * X[:, 1] + y)


def assert_same_network(ours, theirs, X):
    for a, b in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    if hasattr(theirs, "predict_proba"):
        np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))
        np.testing.assert_array_equal(ours.predict_log_proba(X), theirs.predict_log_proba(X))


VARIANTS = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.05},
    "lbfgs": {"solver": "lbfgs"},
    "early_stopping": {"early_stopping": True},
    "small_batches": {"batch_size": 13, "shuffle": False},
    "tanh": {"activation": "tanh"},
    "logistic": {"activation": "logistic"},
    "identity": {"activation": "identity"},
    "no_hidden_layer": {"hidden_layer_sizes": ()},
    "int_hidden_layer": {"hidden_layer_sizes": 4},
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_sparsity_0_is_scikit_learns_network(ours, theirs, variant):
    X, y = data(ours)
    parameters = DENSE | VARIANTS[variant]
    mine = ours(**parameters, target_sparsity=0, retrain_epochs=5, step=3).fit(X, y)
    dense = theirs(**parameters).fit(X, y)
    assert_same_network(mine, dense, X)
    assert mine.to_sklearn().loss_ == dense.loss_  # ours is measured on all samples at the end
    assert mine.n_iter_ == dense.n_iter_
    assert mine.n_rounds_ == 0
    if variant != "lbfgs":
        assert mine.loss_curve_ == dense.loss_curve_
    if variant == "early_stopping":
        assert mine.validation_scores_ == dense.validation_scores_


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_sparsity_0_with_sample_weights(ours, theirs, solver):
    X, y = data(ours)
    sample_weight = np.random.default_rng(0).uniform(0.1, 3, len(y))
    sample_weight[:5] = 0  # absent, also from scikit-learn's batches
    mine = ours(**DENSE, solver=solver, target_sparsity=0).fit(X, y, sample_weight=sample_weight)
    dense = theirs(**DENSE, solver=solver).fit(X[5:], y[5:], sample_weight=sample_weight[5:])
    assert_same_network(mine, dense, X)
    unweighted = theirs(**DENSE, solver=solver).fit(X[5:], y[5:])
    assert not np.array_equal(unweighted.coefs_[0], mine.coefs_[0])


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_sparsity_0_in_float32(ours, theirs, solver):
    X, y = data(ours)
    X = X.astype(np.float32)
    mine = ours(**DENSE, solver=solver, target_sparsity=0).fit(X, y)
    dense = theirs(**DENSE, solver=solver).fit(X, y)
    assert_same_network(mine, dense, X)
    assert mine.predict(X).dtype == dense.predict(X).dtype


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_sparsity_0_with_sparse_X(ours, theirs, solver):
    X, y = data(ours)
    X = csr_array(np.where(np.abs(X) > 0.5, X, 0))
    mine = ours(**DENSE, solver=solver, target_sparsity=0).fit(X, y)
    assert_same_network(mine, theirs(**DENSE, solver=solver).fit(X, y), X)


def test_sparsity_0_with_random_state_instance():
    X, y = data(OBSPrunedMLPClassifier)
    parameters = DENSE | {"random_state": np.random.RandomState(3)}
    mine = OBSPrunedMLPClassifier(**parameters, target_sparsity=0).fit(X, y)
    parameters["random_state"] = np.random.RandomState(3)
    assert_same_network(mine, MLPClassifier(**parameters).fit(X, y), X)


def problem(name):
    """X, y and scikit-learn's fitted network."""
    X, y = load_iris(return_X_y=True)
    X = scale(X)
    classifier, regressor = MLPClassifier(**DENSE), MLPRegressor(**DENSE)
    if name == "binary":
        y = (y == 1).astype(int)
    elif name == "strings":
        y = np.array(["setosa", "versicolor", "virginica"])[y]
    elif name == "binary strings":
        y = np.where(y == 1, "yes", "no")
    elif name == "multilabel":
        X, y = make_multilabel_classification(80, 5, n_classes=4, random_state=0)
    elif name == "no hidden layer":
        classifier.set_params(hidden_layer_sizes=())
    elif name == "regression":
        return X, X[:, 0], regressor.fit(X[:, 1:], X[:, 0])
    elif name == "multi-output regression":
        X, y = make_regression(80, 5, n_targets=3, random_state=0)
        return X, y, regressor.fit(X, scale(y))
    elif name == "regression without hidden layer":
        return X, y, regressor.set_params(hidden_layer_sizes=()).fit(X, y)
    elif name == "float32":
        X = X.astype(np.float32)
    elif name == "early stopping":
        classifier.set_params(early_stopping=True, solver="sgd")
    elif name == "lbfgs":
        classifier.set_params(solver="lbfgs", hidden_layer_sizes=3)
    return X, y, classifier.fit(X, y)


PROBLEMS = [
    "binary",
    "multiclass",
    "strings",
    "binary strings",
    "multilabel",
    "no hidden layer",
    "regression",
    "multi-output regression",
    "regression without hidden layer",
    "float32",
    "early stopping",
    "lbfgs",
]


def ours_of(theirs):
    regression = isinstance(theirs, MLPRegressor)
    return OBSPrunedMLPRegressor if regression else OBSPrunedMLPClassifier


@pytest.mark.parametrize("name", PROBLEMS)
def test_there_and_back(name):
    X, _, theirs = problem(name)
    X = X[:, : theirs.n_features_in_]
    mine = ours_of(theirs).from_sklearn(theirs)
    assert_same_network(mine, theirs, X)
    back = mine.to_sklearn()
    assert type(back) is type(theirs)
    assert_same_network(mine, back, X)
    assert back.get_params() == theirs.get_params()
    assert back.n_features_in_ == theirs.n_features_in_
    assert back.n_iter_ == theirs.n_iter_
    assert back.loss_ == theirs.loss_
    if hasattr(theirs, "classes_"):
        np.testing.assert_array_equal(back.classes_, theirs.classes_)


@pytest.mark.parametrize("name", PROBLEMS)
def test_from_sklearn_then_prune(name):
    X, y, theirs = problem(name)
    X = X[:, : theirs.n_features_in_]
    before = copy.deepcopy(theirs)
    mine = ours_of(theirs).from_sklearn(theirs, retrain_epochs=2, step=0.5)
    assert mine.sparsity_ == 0
    assert mine.prune(X, y, target_sparsity=0.5) is mine
    n_weights = sum(W.size for W in theirs.coefs_)
    assert mine.n_weights_ == n_weights - round(0.5 * n_weights)
    assert_same_network(mine, mine.to_sklearn(), X)
    # the network that was taken is as it was
    assert vars(theirs).keys() == vars(before).keys()
    arrays, arrays_before = (m.coefs_ + m.intercepts_ for m in (theirs, before))
    for a, b in zip(arrays, arrays_before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert theirs.loss_ == before.loss_
    assert theirs.get_params() == before.get_params()
    if hasattr(before, "loss_curve_"):
        assert theirs.loss_curve_ == before.loss_curve_


def test_fit_is_from_sklearn_and_prune():
    X, y, theirs = problem("multiclass")
    pruning = {"target_sparsity": 0.7, "retrain_epochs": 3}
    fitted = OBSPrunedMLPClassifier(**DENSE, **pruning).fit(X, y)
    pruned = OBSPrunedMLPClassifier.from_sklearn(theirs, **pruning).prune(X, y)
    assert_same_network(fitted, pruned, X)
    assert fitted.loss_ == pruned.loss_


@pytest.mark.parametrize("way", ["from", "to"])
def test_networks_share_no_memory(way):
    X, y, theirs = problem("multiclass")
    mine = OBSPrunedMLPClassifier.from_sklearn(theirs)
    if way == "to":
        theirs = mine.to_sklearn()
    p, curve = mine.predict_proba(X), list(mine.loss_curve_)
    theirs.partial_fit(X, y)  # goes on where it was, in place
    assert not np.array_equal(theirs.predict_proba(X), p)
    np.testing.assert_array_equal(mine.predict_proba(X), p)
    assert mine.loss_curve_ == curve


def test_feature_names_are_kept():
    X, y = load_iris(return_X_y=True, as_frame=True)
    theirs = MLPClassifier(**DENSE).fit(X, y)
    mine = OBSPrunedMLPClassifier.from_sklearn(theirs)
    np.testing.assert_array_equal(mine.feature_names_in_, X.columns)
    back = mine.to_sklearn()
    np.testing.assert_array_equal(back.feature_names_in_, X.columns)
    np.testing.assert_array_equal(back.predict(X), theirs.predict(X))  # a warning is an error
    renamed = pd.DataFrame(X.to_numpy(), columns=list("abcd"))
    with pytest.raises(ValueError, match="feature names should match"):
        mine.predict(renamed)
    assert not hasattr(
        OBSPrunedMLPClassifier.from_sklearn(theirs.fit(X.to_numpy(), y)), "feature_names_in_"
    )


def test_from_sklearn_takes_parameters():
    _, _, theirs = problem("lbfgs")
    mine = OBSPrunedMLPClassifier.from_sklearn(theirs, damping=0.3, structure="full")
    assert mine.damping == 0.3
    assert mine.structure == "full"
    assert mine.solver == "lbfgs"
    assert (
        mine.get_params()
        == OBSPrunedMLPClassifier(
            **{**DENSE, "hidden_layer_sizes": 3}, solver="lbfgs", damping=0.3, structure="full"
        ).get_params()
    )
    with pytest.raises(ValueError, match=r"Got damping=-1, but expected .* non-negative"):
        OBSPrunedMLPClassifier.from_sklearn(theirs, damping=-1)
    with pytest.raises(ValueError, match="Invalid parameter 'dampening'"):
        OBSPrunedMLPClassifier.from_sklearn(theirs, dampening=1)


@pytest.mark.parametrize(
    "ours, wrong, message",
    [
        (OBSPrunedMLPClassifier, MLPRegressor(), "Got a MLPRegressor, .* fitted MLPClassifier"),
        (OBSPrunedMLPRegressor, MLPClassifier(), "Got a MLPClassifier, .* fitted MLPRegressor"),
        (OBSPrunedMLPClassifier, LogisticRegression(), "Got a LogisticRegression, but expected"),
        (OBSPrunedMLPClassifier, None, "Got a NoneType, but expected a fitted MLPClassifier"),
    ],
)
def test_from_sklearn_refuses_other_classes(ours, wrong, message):
    with pytest.raises(TypeError, match=message):
        ours.from_sklearn(wrong)


def test_the_loss_comes_from_the_network():
    X, y, _ = problem("multiclass")
    theirs = MLPRegressor(**DENSE, loss="poisson").fit(X, y + 1.0)
    assert OBSPrunedMLPRegressor.from_sklearn(theirs).loss == "poisson"
    with pytest.raises(ValueError, match=r"Got loss='squared_error', but it comes from the net"):
        OBSPrunedMLPRegressor.from_sklearn(theirs, loss="squared_error")


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_unfitted(ours, theirs):
    with pytest.raises(NotFittedError, match=f"This {theirs.__name__} instance is not fitted"):
        ours.from_sklearn(theirs())
    with pytest.raises(NotFittedError, match=f"This {ours.__name__} instance is not fitted"):
        ours().to_sklearn()


@pytest.mark.parametrize("name, value", [("hidden_layer_sizes", (9,)), ("activation", "tanh")])
def test_from_sklearn_takes_no_other_network(name, value):
    theirs = MLPClassifier(**DENSE).fit(*data(OBSPrunedMLPClassifier))
    with pytest.raises(ValueError, match=rf"Got {name}=.*, but it comes from the network"):
        OBSPrunedMLPClassifier.from_sklearn(theirs, **{name: value})
