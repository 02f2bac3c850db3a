"""A step after which numbers overflow is not taken, though saturated outputs hide it."""

import numpy as np
import pytest

from sklearn_obs.network import Network, Objective, loss, loss_and_gradient
from sklearn_obs.plan import AdamSettings
from sklearn_obs.retraining.adam import adam
from sklearn_obs.retraining.lbfgs import lbfgs

OVER = np.array([[1e30, 2.0], [3.0, 1e30]], np.float32)  # float32 holds no 1e60


@pytest.mark.parametrize("out", ["logistic", "softmax", "identity"])
def test_a_loss_is_infinite_where_numbers_overflow(out):
    network = Network((OVER, OVER), (np.zeros(2, np.float32),) * 2, "identity", out)
    X, y = np.ones((4, 2), np.float32), np.eye(2)[[0, 1, 0, 1]]
    objective = Objective(X, y, np.full(4, 0.25), 0.0)
    with np.errstate(over="ignore", invalid="ignore"):  # BLAS says what overflows, or does not
        f, gradient = loss_and_gradient(network, objective)
    assert f == np.inf
    assert loss(network, objective) == np.inf
    assert not gradient.any()


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_solvers_are_silent_where_squares_overflow(solver):
    """Gradients of 1e25 in float32: a warning would be an error here."""
    W = np.full((2, 2), 1e8, np.float32)
    network = Network((W, W), (np.zeros(2, np.float32),) * 2, "identity", "identity")
    X, y = np.ones((4, 2), np.float32), np.zeros((4, 2), np.float32)
    objective = Objective(X, y, np.full(4, 0.25), 0.0)
    everything = np.ones(network.layout.n_parameters, bool)
    if solver == "adam":
        rng = np.random.default_rng(0)
        done = adam(
            network, everything, objective, epochs=2, tol=0, rng=rng, settings=AdamSettings()
        )
    else:
        done = lbfgs(network, everything, objective, epochs=2, tol=0)
    assert loss(done.network, objective) <= loss(network, objective)
