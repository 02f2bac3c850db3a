"""Retraining of the survivors: the parameters where `free` is True move, no other is touched.

lbfgs runs in the space of the free parameters alone, on all rows. adam runs on mini-batches::

    m <- beta_1 m + (1 - beta_1) g          v <- beta_2 v + (1 - beta_2) g^2
    theta <- theta - rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)

with g = 0 where not free, so that moments of removed weights stay 0 as well. A callable `watch` is
handed the free parameters and their gradient at each point where one is taken.

References
----------
Liu, D. C. and Nocedal, J. (1989). On the limited memory BFGS method for large scale optimization.
Mathematical Programming 45.
Kingma, D. and Ba, J. (2015). Adam: a method for stochastic optimization. ICLR.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from sklearn_obs.network import Network, Objective, loss_and_gradient, row_batches


@dataclass(frozen=True)
class Retrained:
    """The network after retraining, and what that cost."""

    network: Network
    epochs: int  # passes over the data
    converged: bool  # False where the passes ran out


class _PassesSpent(Exception):
    pass


def lbfgs(network, free, objective, *, epochs, tol, watch=None):
    """At most `epochs` evaluations of f and its gradient; the best point seen is returned.

    Converged means that no component of the gradient exceeds `tol`, or f no longer falls.
    """
    theta = network.theta.astype(np.float64)
    best_loss, best = np.inf, theta[free]
    n_passes = 0

    def value_and_gradient(x):
        nonlocal best_loss, best, n_passes
        if n_passes == epochs:
            raise _PassesSpent
        n_passes += 1
        theta[free] = x
        value, gradient = loss_and_gradient(network.with_theta(theta), objective)
        if watch is not None:
            watch(x, gradient[free])
        if value < best_loss:
            best_loss, best = value, x.copy()
        return value, gradient[free]

    try:
        options = {"maxiter": epochs, "maxfun": epochs, "gtol": tol}
        with np.errstate(over="ignore", invalid="ignore"):  # a step too far is taken back
            found = minimize(value_and_gradient, best, jac=True, method="L-BFGS-B", options=options)
        converged = found.status == 0
    except _PassesSpent:
        converged = False
    theta[free] = best
    return Retrained(network.with_theta(theta), n_passes, converged)


def adam(
    network,
    free,
    objective,
    *,
    epochs,
    tol,
    rng,
    batch_size,
    learning_rate,
    beta_1,
    beta_2,
    epsilon,
    n_iter_no_change,
    watch=None,
):
    """`epochs` passes in shuffled mini-batches, fewer once the loss stops falling by `tol`."""
    theta = network.theta.copy()
    live = network.with_theta(theta, copy=False)  # its arrays are views of theta
    (moving,) = np.nonzero(free)
    x = theta[moving]  # all arithmetic on what is free alone, in the network's dtype
    m, v, change = np.zeros_like(x), np.zeros_like(x), np.empty_like(x)
    n_penalised = np.searchsorted(moving, network.n_coefs)
    n_rows = objective.X.shape[0]
    n_steps, n_passes, n_stalled, best_loss = 0, 0, 0, np.inf
    while n_passes < epochs and n_stalled <= n_iter_no_change:
        shuffled, epoch_loss = rng.permutation(n_rows), 0.0
        for rows in row_batches(n_rows, batch_size):
            chosen = np.sort(shuffled[rows])
            share = objective.row_weight[chosen].sum()
            batch = Objective(
                objective.X[chosen], objective.y[chosen], objective.row_weight[chosen] / share, 0.0
            )
            value, g = loss_and_gradient(live, batch)
            g = g[moving].astype(x.dtype, copy=False)
            W = x[:n_penalised]
            g[:n_penalised] += objective.penalty * W
            if watch is not None:
                watch(x, g)
            epoch_loss += share * (value + 0.5 * objective.penalty * float(W @ W))
            n_steps += 1
            m *= beta_1
            m += (1 - beta_1) * g
            v *= beta_2
            g *= g
            v += (1 - beta_2) * g
            rate = learning_rate * (1 - beta_2**n_steps) ** 0.5 / (1 - beta_1**n_steps)
            np.sqrt(v, out=change)
            change += epsilon
            np.divide(m, change, out=change)
            x -= rate * change
            theta[moving] = x
        n_passes += 1
        n_stalled = n_stalled + 1 if epoch_loss > best_loss - tol else 0
        best_loss = min(best_loss, epoch_loss)
    return Retrained(live, n_passes, n_stalled > n_iter_no_change)
