"""Retraining by L-BFGS: all samples in each step, in the space of the trainable parameters alone.

References
----------
Liu, D. C. and Nocedal, J. (1989). On the limited memory BFGS method for large scale optimization.
Mathematical Programming 45.
"""

import numpy as np
from scipy.optimize import minimize

from sklearn_obs.network import Network, Objective, loss, loss_and_gradient
from sklearn_obs.retraining.outcome import Retrained, Watcher

SHORTENINGS = 4  # of a step that has not lowered f


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
    """At most `epochs` evaluations of f and its gradient beyond the one at the start.

    The best point is returned. If no step has lowered f, the last one is shortened; that, and the
    evaluation at the start, do not count as epochs. Converged means that no component of the
    gradient exceeds `tol`, or a step lowers f by less than `least_decrease`.

    Parameters
    ----------
    network : Network
    trainable : ndarray of shape (n_parameters,), bool
        The parameters that move; no other is touched.
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
    with np.errstate(over="ignore", invalid="ignore"):  # a step too far is taken back
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
    """Points on the way to the last one: the minimum of the parabola through f and its slope.

    f(t) = f_0 + s t + (f_1 - f_0 - s) t^2 has it at t = -s / (2 (f_1 - f_0 - s)); then a quarter of
    the way, and so on.
    """
    (x, f_0, g), (x_1, f_1, _) = first, last
    step = x_1 - x
    s = float(g @ step)
    t = -s / (2 * (f_1 - f_0 - s)) if s < 0 and np.isfinite(f_1) else 1 / 4
    return [x + t / 4**k * step for k in range(SHORTENINGS)]
