from dataclasses import replace

import numpy as np
import pytest
from networks import random_network
from numpy.testing import assert_array_equal
from scipy.optimize import minimize

from sklearn_obs.curvature import Measurement
from sklearn_obs.network import Objective, loss, loss_and_gradient
from sklearn_obs.plan import AdamSettings
from sklearn_obs.retraining.adam import adam
from sklearn_obs.retraining.lbfgs import lbfgs
from sklearn_obs.retraining.newton import newton

ADAM = AdamSettings(batch_size=8, learning_rate=0.01)


@pytest.fixture
def pruned():
    """A network with a third of its weights removed, its objective and what may be trained."""
    network, X, y, v = random_network("tanh", "softmax", (5,), n_samples=60)
    trainable = np.random.default_rng(1).random(network.theta.size) < 2 / 3
    return (
        network.with_theta(np.where(trainable, network.theta, 0)),
        Objective(X, y, v, 1e-3),
        trainable,
    )


def retrain(solver, network, trainable, objective, epochs):
    if solver == "newton":
        data = (objective.X, objective.y, objective.shares)
        return newton(
            network,
            trainable,
            objective,
            lambda here: Measurement(here, *data, "ggn"),
            epochs=epochs,
            tol=1e-6,
            damping=0.02,
            batch_bytes=2**20,
        )
    if solver == "lbfgs":
        return lbfgs(network, trainable, objective, epochs=epochs, tol=1e-6)
    rng = np.random.default_rng(0)
    return adam(network, trainable, objective, epochs=epochs, tol=1e-6, rng=rng, settings=ADAM)


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "adam"])
def test_removed_weights_stay_exactly_zero_and_the_loss_falls(solver, pruned):
    network, objective, trainable = pruned
    retrained = retrain(solver, network, trainable, objective, 20)
    assert_array_equal(retrained.network.theta[~trainable], 0)
    assert np.all(retrained.network.theta[trainable] != network.theta[trainable])
    assert loss(retrained.network, objective) < 0.9 * loss(network, objective)
    assert retrained.epochs <= 20


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "adam"])
def test_what_is_not_trainable_does_not_move(solver, pruned):
    network, objective, trainable = pruned
    network = network.with_theta(network.theta + 0.1)
    retrained = retrain(solver, network, trainable, objective, 5)
    assert_array_equal(retrained.network.theta[~trainable], network.theta[~trainable])


def test_lbfgs_finds_the_minimum_over_the_trainable():
    # without a hidden layer, because only then there is one minimum
    network, X, y, v = random_network("tanh", "softmax", (), n_samples=60)
    trainable = np.random.default_rng(1).random(network.theta.size) < 2 / 3
    network, objective = network.with_theta(network.theta * trainable), Objective(X, y, v, 1e-3)
    retrained = lbfgs(network, trainable, objective, epochs=5000, tol=1e-7)
    assert retrained.converged
    _, gradient = loss_and_gradient(retrained.network, objective)
    assert np.abs(gradient[trainable]).max() < 1e-4  # f has stopped falling at 1e-9 relative

    def masked(theta):  # the same search in all parameters, what is removed held by the gradient
        value, gradient = loss_and_gradient(
            network.with_theta(np.where(trainable, theta, 0)), objective
        )
        return value, np.where(trainable, gradient, 0)

    oracle = minimize(masked, network.theta, jac=True, method="BFGS", options={"gtol": 1e-7})
    assert loss(retrained.network, objective) == pytest.approx(oracle.fun, rel=1e-5)


@pytest.mark.parametrize("epochs", [1, 2, 7])
def test_lbfgs_never_takes_more_passes_and_never_gets_worse(epochs, pruned):
    network, objective, trainable = pruned
    retrained = lbfgs(network, trainable, objective, epochs=epochs, tol=1e-6)
    assert retrained.epochs == epochs
    assert not retrained.converged
    assert loss(retrained.network, objective) <= loss(network, objective)


def test_adam_is_the_textbook_s(pruned):
    network, objective, trainable = pruned
    retrained = retrain("adam", network, trainable, objective, 2)
    theta, m, v, rng = network.theta.copy(), 0, 0, np.random.default_rng(0)
    t = 0
    for _ in range(2):
        order = rng.permutation(60)
        for start in range(0, 60, 8):
            rows = order[start : start + 8]
            share = objective.shares[rows]
            batch = Objective(
                objective.X[rows], objective.y[rows], share / share.sum(), objective.penalty
            )
            t, g = t + 1, loss_and_gradient(network.with_theta(theta), batch)[1] * trainable
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            theta = theta - 0.01 * (m / (1 - 0.9**t)) / (
                np.sqrt(v / (1 - 0.999**t)) + 1e-8 / np.sqrt(1 - 0.999**t)
            )
    # epsilon stands where Kingma and Ba's efficient form puts it; 16 steps of rounding
    np.testing.assert_allclose(retrained.network.theta, theta, atol=1e-12)


def test_adam_stops_when_the_loss_stops_falling(pruned):
    network, objective, trainable = pruned
    rng = np.random.default_rng(0)
    settings = replace(ADAM, n_iter_no_change=2)
    retrained = adam(network, trainable, objective, epochs=500, tol=1.0, rng=rng, settings=settings)
    assert retrained.converged
    assert retrained.epochs == 4  # one that counts as better than nothing, then three stalled


def test_dtype_is_kept(pruned):
    network, objective, trainable = pruned
    single = type(network)(
        tuple(W.astype(np.float32) for W in network.coefs),
        tuple(b.astype(np.float32) for b in network.intercepts),
        network.activation,
        network.out_activation,
    )
    for solver in ("newton", "lbfgs", "adam"):
        retrained = retrain(solver, single, trainable, objective, 5)
        assert {a.dtype for a in retrained.network.coefs} == {np.dtype(np.float32)}
