"""A step after which numbers overflow is not taken, though saturated outputs hide it."""

import numpy as np
import pytest

from sklearn_obs.network import Network, Objective, loss, loss_and_gradient

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
