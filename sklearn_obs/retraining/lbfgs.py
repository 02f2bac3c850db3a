"""Retraining of the trainable parameters by L-BFGS, with all samples in each step.

References
----------
Liu, D. C. and Nocedal, J. (1989). On the limited memory BFGS method for large scale optimization.
Mathematical Programming 45.
"""

import numpy as np
from scipy.optimize import minimize

from sklearn_obs.network import Network, Objective, loss, loss_and_gradient
from sklearn_obs.retraining.outcome import Retrained, Watcher

SHORTENINGS = 4  # how often a step that has not lowered f is shortened


class _EpochsSpent(Exception):
    pass


class _Converged(Exception):
    pass


def lbfgs(
    network: Network,
    trainable: np.ndarray,
    objective: Objective,
    *,
    epochs: int,
    tol: float,
    least_decrease: float = 0.0,
    watch: Watcher | None = None,
) -> Retrained:
    """Minimise the loss f with `epochs` evaluations of f and its gradient, besides the first.

    The best point is returned. If no step has lowered f, the last one is shortened; evaluations for
    this do not count as epochs either. The result is converged if no component of the gradient
    exceeds `tol`, or if a step lowers f by less than `least_decrease` or SciPy's default `ftol`.

    Parameters
    ----------
    network : Network
    trainable : ndarray of shape (n_parameters,), bool
        The parameters to train; all others stay as they are.
    objective : Objective
    epochs : int
    tol : float
    least_decrease : float, default=0
    watch : callable, default=None
        Called with the trainable parameters and their gradient at each point.

    Returns
    -------
    Retrained
    """
    theta = network.theta.astype(np.float64)
    start = theta[trainable]
    least, best, n_evaluated = np.inf, start, 0
    seen: list[tuple] = []  # (x, f, gradient) at the start and at the last point

    def at(x):
        theta[trainable] = x
        return network.with_theta(theta)

    def value_and_gradient(x):
        nonlocal least, best, n_evaluated
        if n_evaluated > epochs:
            raise _EpochsSpent
        n_evaluated += 1
        value, gradient = loss_and_gradient(at(x), objective)
        if watch is not None:
            watch(x, gradient[trainable])
        seen[1:] = [(x.copy(), value, gradient[trainable])]
        if value < least:
            least, best = value, seen[-1][0]
        return value, gradient[trainable]

    def after_step(intermediate_result):
        after.append(float(intermediate_result.fun))
        if len(after) > 1 and after[-2] - after[-1] < least_decrease:
            raise _Converged

    after: list[float] = []  # f after each step
    with np.errstate(over="ignore", invalid="ignore"):  # a step that is too long is taken back
        try:
            options = {"maxiter": epochs, "maxfun": epochs + 1, "gtol": tol}
            method = {"method": "L-BFGS-B", "options": options, "callback": after_step}
            found = minimize(value_and_gradient, start, jac=True, **method)
            converged = found.status == 0
        except _EpochsSpent:
            converged = False
        except _Converged:
            converged = True
        if len(seen) > 1 and best is seen[0][0]:  # no step was short enough
            for x in _shorter(*seen):
                if loss(at(x), objective) < least:
                    best = x
                    break
    return Retrained(at(best), n_evaluated - 1, converged)


def _shorter(first, last):
    """Points between the first and the last one, in the order in which they are tried.

    The first is the minimum of the parabola f(t) = f_0 + s t + (f_1 - f_0 - s) t^2, at t = -s / (2
    (f_1 - f_0 - s)). Each later point is a quarter as far from the start as the one before.
    """
    (x, f_0, g), (x_1, f_1, _) = first, last
    step = x_1 - x
    s = float(g @ step)
    t = -s / (2 * (f_1 - f_0 - s)) if s < 0 and np.isfinite(f_1) else 1 / 4
    return [x + t / 4**k * step for k in range(SHORTENINGS)]
