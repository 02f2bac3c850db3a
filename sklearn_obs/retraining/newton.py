"""Retraining by Newton's method: conjugate gradients on the exact Gauss-Newton matrix.

Around theta, the loss is approximated over the trainable parameters by::

    m(d) = f + g'd + 1/2 d'(G + lambda I) d        G = J'(d2l/dz2)J, the penalty included

Conjugate gradients approach the minimum of m by products G v, and G is never formed. Their
preconditioner is the inverse of G + lambda I for few parameters, and of its unit blocks for many;
it may have been computed at an earlier theta. As in the method of Levenberg and Marquardt, lambda
depends on the ratio::

    rho = (f(theta) - f(theta + d)) / (m(0) - m(d))     of actual to predicted decrease

with m taken without lambda. lambda is raised if rho < 1/4, and lowered if rho > 3/4. A step that
does not lower f is shortened. If it still does not, it is not taken, and lambda is raised.

References
----------
Martens, J. (2010). Deep learning via Hessian-free optimization. ICML.
Schraudolph, N. (2002). Fast curvature matrix-vector products for second-order gradient descent.
Neural Computation 14.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from sklearn_obs.curvature import STRUCTURES, Measurement, factor_diagonal
from sklearn_obs.network import (
    Network,
    Objective,
    forward,
    gauss_newton_times,
    loss_and_gradient,
    sample_batches,
)
from sklearn_obs.retraining.outcome import Retrained, Watcher

LEAST_EPOCHS = 4  # a gradient, a preconditioner, one product and the loss after the step
CG_STEPS = 5  # most products in a step: more are better spent on the next step
CG_RTOL = 0.1  # relative residual at which a step ends, in the preconditioner's norm
REFRESH = 40  # epochs after which the preconditioner is computed anew
EXACT_SIZE = 300  # up to this many parameters it is exact
LEAST_LAMBDA = 1e-4  # as a share of the mean diagonal, if the damping of pruning is less
DROP, RISE, LEAP = 2 / 3, 3 / 2, 10  # factors of lambda after a good, poor and failed step
SHRINKING, SHRINKINGS = 4, 3  # divisor of a step that does not lower f, and how often
FAILURES = 5  # this many steps in a row that do not lower f count as converged
FTOL = 1e-9  # relative decrease of f that counts as none


def newton(
    network: Network,
    trainable: np.ndarray,
    objective: Objective,
    measure: Callable[[Network], Measurement],
    *,
    epochs: int,
    tol: float,
    damping: float,
    batch_bytes: int,
    watch: Watcher | None = None,
) -> Retrained:
    """Minimise the loss f in at most `epochs` epochs.

    A gradient (with the loss), a product G v and a preconditioner each count as one epoch. The
    result is converged if no component of the gradient exceeds `tol`, or if f no longer falls.

    Parameters
    ----------
    network : Network
    trainable : ndarray of shape (n_parameters,), bool
        The parameters to train; all others stay as they are.
    objective : Objective
    measure : callable
        Network -> `Measurement` of its Gauss-Newton matrix, used by the preconditioner.
    epochs : int
        With fewer than `LEAST_EPOCHS`, the network stays as it is.
    tol : float
    damping : float
        The first lambda, as a fraction of the mean diagonal of G.
    batch_bytes : int
        If the activations of all layers take no more bytes than this, they are kept between
        products, and not computed again.
    watch : callable, default=None
        Called with the trainable parameters and their gradient at each point.

    Returns
    -------
    Retrained
    """
    theta = network.theta.astype(np.float64)
    (keep,) = np.nonzero(trainable)
    penalty = np.where(keep < network.layout.n_coefs, objective.penalty, 0.0)
    x = theta[keep]

    def at(x):
        theta[keep] = x
        moved = network.with_theta(theta)
        with np.errstate(over="ignore", invalid="ignore"):  # a step that is too long is taken back
            f, g = loss_and_gradient(moved, objective)
        g = g[keep].astype(np.float64)
        if watch is not None:
            watch(x, g)
        return moved, f, g

    here, f, g = at(x)
    n_epochs, n_failed = 1, 0
    damping = max(damping, LEAST_LAMBDA)
    invert, built = None, 0.0
    converged = np.abs(g).max() <= tol
    while not converged:
        left = epochs - n_epochs  # a step takes a product and the loss at its end
        stale = invert is None or n_epochs - built > REFRESH
        if left < 2 + (invert is None):
            break
        if stale and left >= 3:
            measured = measure(here)
            if invert is None:
                mean = (factor_diagonal(measured)[keep] + penalty).mean()
                if not np.isfinite(mean):  # weights so large that their squares overflow
                    break
                lambda_ = damping * mean or np.linalg.norm(g)  # without curvature: length 1
            invert, built = _preconditioner(measured, keep, penalty + lambda_), n_epochs
            n_epochs += 1
        times = partial(_times, _values(here, objective, batch_bytes), here, objective, keep)
        n_steps = min(CG_STEPS, epochs - n_epochs - 1)
        with np.errstate(over="ignore", invalid="ignore"):  # a step with overflow is not taken
            d, predicted, n_products = _conjugate_gradients(
                lambda v, times=times: times(v) + penalty * v, invert, g, lambda_, n_steps
            )
        n_epochs += n_products
        share, there, f_there = 1.0, None, np.inf
        for _ in range(min(1 + SHRINKINGS, epochs - n_epochs)):
            there, f_there, g_there = at(x + share * d)
            n_epochs += 1
            if f_there < f:
                break
            share /= SHRINKING
        if not f_there < f:
            n_failed += 1
            # the next step, |d| <= |g| / lambda, is then no longer than the one that failed
            with np.errstate(over="ignore"):
                lambda_ = max(LEAP * lambda_, np.linalg.norm(g) / (share * np.linalg.norm(d)))
            built = -np.inf
            converged = n_failed == FAILURES
            continue
        rho = (f - f_there) / predicted
        lambda_ *= RISE if share < 1 or rho < 0.25 else DROP if rho > 0.75 else 1
        n_failed = n_failed + 1 if f - f_there <= FTOL * f else 0
        x, here, f, g = x + share * d, there, f_there, g_there
        converged = np.abs(g).max() <= tol or n_failed == FAILURES
    theta[keep] = x
    return Retrained(network.with_theta(theta), n_epochs, bool(converged))


def _conjugate_gradients(times, invert, g, lambda_, n_steps):
    """The step d, the decrease of m (without lambda) for it, and the number of products."""
    d, r = np.zeros_like(g), -g
    z = invert(r)
    p, rz = z, r @ z
    enough = CG_RTOL**2 * rz
    n_products = 0
    while n_products < n_steps:
        n_products += 1
        q = times(p) + lambda_ * p
        alpha = rz / (p @ q)
        d = d + alpha * p
        r = r - alpha * q
        z = invert(r)
        rz, rz_before = r @ z, rz
        if rz <= enough:
            break
        p = z + (rz / rz_before) * p
    # d'(G + lambda I) d = -(g + r)'d, since r = -g - (G + lambda I) d
    return d, 0.5 * ((r - g) @ d) + 0.5 * lambda_ * (d @ d), n_products


def _values(network, objective, batch_bytes):
    """A function: slice of samples -> activations of all layers, which are kept if they fit."""
    n_units = sum(b.size for b in network.intercepts)
    fits = objective.n_samples * n_units * network.coefs[0].itemsize <= batch_bytes
    kept = {}

    def values(rows):
        if rows.start in kept:
            return kept[rows.start]
        h = forward(network, objective.X[rows])
        if fits:
            kept[rows.start] = h
        return h

    return values


def _times(values, network, objective, keep, v):
    """G v over the parameters `keep`, without the penalty."""
    direction = np.zeros(network.layout.n_parameters)
    direction[keep] = v
    product = np.zeros(keep.size)
    for rows in sample_batches(objective.n_samples):
        shares = objective.shares[rows]
        product += gauss_newton_times(network, values(rows), shares, direction)[keep]
    return product


def _preconditioner(measured, keep, ridge):
    """The function v -> C v, with C the inverse of G + diag(ridge), or of its unit blocks."""
    structure = "full" if keep.size <= EXACT_SIZE else "unit"
    inverse = STRUCTURES[structure].invert(measured, keep, ridge)
    if structure == "full":
        C = inverse.columns(np.arange(keep.size))
        return lambda v: C @ v
    blocks = [
        (block.index, block.inverse().columns(np.arange(block.index.size)))
        for block in inverse.blocks()
    ]

    def times(v):
        product = np.empty_like(v)
        for index, C in blocks:
            product[index] = C @ v[index]
        return product

    return times
