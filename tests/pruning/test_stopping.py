import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracles import jacobian
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from small_nets import ESTIMATORS, small

from sklearn_obs import OBSPrunedMLPRegressor
from sklearn_obs.estimators.attributes import network_of
from sklearn_obs.estimators.run import objective_of
from sklearn_obs.network import forward
from sklearn_obs.stopping import (
    effective_parameters,
    one_standard_error,
    prediction_error,
    saliency_rule,
)

X, y = load_iris(return_X_y=True)


def test_the_saliency_rule_stops_before_the_first_that_is_too_large():
    model = small(step=1, retrain_epochs=0, target_sparsity=0.9).fit(X, y)
    path = model.pruning_path_
    before = np.concatenate([path["label_loss"][:1], path["label_loss"][:-1]])
    shares = path["saliency"] / before  # one weight a round
    middle = np.median(shares)
    assert 0 < np.argmax(shares >= middle) == saliency_rule(path, share=middle) < shares.size
    assert saliency_rule(path, share=1e9) == path["removed"].size
    assert saliency_rule(path, share=1e-30) == np.argmax(path["saliency"] > 0)


def test_the_saliency_rule_needs_saliencies():
    model = small(criterion="magnitude").fit(X, y)
    with pytest.raises(ValueError, match=r"no saliencies.*criterion='obs' or 'obd'"):
        saliency_rule(model.pruning_path_)
    with pytest.raises(ValueError, match=r"share=0, but expected a number > 0"):
        saliency_rule(small().fit(X, y).pruning_path_, share=0)


def test_one_standard_error_is_of_the_best_network():
    # best: row 1, mean 0.8 and standard error 0.1; row 3 is 0.1 below it
    scores = np.array([[0.7, 0.8], [0.7, 0.9], [0.6, 0.7], [0.7, 0.7], [0.6, 0.6]])
    assert one_standard_error(scores + 1e-12 * np.array([[0], [0], [0], [1], [0]])) == 3
    assert one_standard_error(scores[::-1][:4]) == 3  # the best is the last
    for bad in (scores[:, :1], scores[0], scores * np.nan):
        with pytest.raises(ValueError, match="at least two scores"):
            one_standard_error(bad)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("alpha", [0.01, 1])
def test_effective_parameters_are_the_trace(cls, alpha):
    model = small(cls, hidden_layer_sizes=(3,), activation="tanh", alpha=alpha, solver="lbfgs")
    model.set_params(target_sparsity=0.3).fit(X, y)
    assert model.n_dead_weights_ == 0
    network = network_of(model, vars(model))
    targets = model._encode(y, getattr(model, "classes_", None))
    objective = objective_of(model, vars(model), X, targets, None)
    mask = np.concatenate([m.ravel() for m in (*model.masks_, *model.intercept_masks_)])

    def outputs(theta):  # of the output layer before its activation
        last = network.with_theta(theta)
        return forward(last, X)[-2] @ last.coefs[-1] + last.intercepts[-1]

    J = jacobian(outputs, network.theta, 1e-6)[..., mask]
    p = forward(network, X)[-1]
    H = np.zeros((mask.sum(),) * 2)
    for J_t, p_t in zip(J, p, strict=True):
        B = np.eye(1) if p_t.size == 1 else np.diag(p_t) - np.outer(p_t, p_t)
        H += J_t.T @ B @ J_t / len(X)
    D = np.diag(np.where(np.flatnonzero(mask) < network.layout.n_coefs, objective.penalty, 0.0))
    expected = np.trace(H @ np.linalg.pinv(H + D, hermitian=True))
    assert_allclose(effective_parameters(model, X, y), expected, rtol=1e-4)


def test_a_linear_network_without_penalty_has_the_parameters_of_a_linear_model():
    model = OBSPrunedMLPRegressor((), solver="lbfgs", alpha=0, target_sparsity=0, max_iter=500)
    model.set_params(weight_decay=0).fit(X, y)
    assert_allclose(effective_parameters(model, X, y), 5, rtol=1e-8)


def test_effective_parameters_of_an_unfitted_estimator():
    with pytest.raises(NotFittedError):
        effective_parameters(small(), X, y)


def test_prediction_error_of_squares_is_right_for_linear_models():
    # the mean over noise of the loss on new noise, at the same rows
    rng = np.random.default_rng(0)
    n, p = 30, 10
    Z, estimates, truths = rng.standard_normal((n, p - 1)), [], []
    for _ in range(2000):
        noise, new = rng.standard_normal((2, n))
        fitted = LinearRegression().fit(Z, noise).predict(Z)
        estimates.append(prediction_error(np.mean((fitted - noise) ** 2), n, p, squared=True))
        truths.append(np.mean((fitted - new) ** 2))
    error = np.hypot(np.std(estimates), np.std(truths)) / 2000**0.5
    assert abs(np.mean(estimates) - np.mean(truths)) < 4 * error
    assert_allclose(np.mean(truths), 1 + p / n, atol=4 * error)


def test_prediction_error_by_hand():
    assert_allclose(prediction_error([1, 2], 100, [20, 0], squared=True), [1.5, 2])
    assert_allclose(prediction_error([1, 2], 100, [20, 0], squared=False), [1.2, 2])
    assert_array_equal(prediction_error([1.0], 10, [10], squared=True), [np.inf])
