"""Retraining by L-BFGS: all samples in each step, in the space of the trainable parameters alone.

References
----------
Liu, D. C. and Nocedal, J. (1989). On the limited memory BFGS method for large scale optimization.
Mathematical Programming 45.
"""

import numpy as np
from scipy.optimize import minimize

from sklearn_obs.network import Network, Objective, loss_and_gradient
from sklearn_obs.retraining.outcome import Retrained, Watcher


class _EpochsSpent(Exception):
    pass


def lbfgs(
    network: Network,
    trainable: np.ndarray,
    objective: Objective,
    *,
    epochs: int,
    tol: float,
    watch: Watcher | None = None,
) -> Retrained:
    """At most `epochs` evaluations of f and its gradient; the best point seen is returned.

    Converged means that no component of the gradient exceeds `tol`, or f no longer falls.

    Parameters
    ----------
    network : Network
    trainable : ndarray of shape (n_parameters,), bool
        The parameters that move; no other is touched.
    objective : Objective
    epochs : int
    tol : float
    watch : callable, default=None
        Called with the trainable parameters and their gradient at each point.

    Returns
    -------
    Retrained
    """
    theta = network.theta.astype(np.float64)
    best_loss, best = np.inf, theta[trainable]
    n_epochs = 0

    def value_and_gradient(x):
        nonlocal best_loss, best, n_epochs
        if n_epochs == epochs:
            raise _EpochsSpent
        n_epochs += 1
        theta[trainable] = x
        value, gradient = loss_and_gradient(network.with_theta(theta), objective)
        if watch is not None:
            watch(x, gradient[trainable])
        if value < best_loss:
            best_loss, best = value, x.copy()
        return value, gradient[trainable]

    try:
        options = {"maxiter": epochs, "maxfun": epochs, "gtol": tol}
        with np.errstate(over="ignore", invalid="ignore"):  # a step too far is taken back
            found = minimize(value_and_gradient, best, jac=True, method="L-BFGS-B", options=options)
        converged = found.status == 0
    except _EpochsSpent:
        converged = False
    theta[trainable] = best
    return Retrained(network.with_theta(theta), n_epochs, converged)
