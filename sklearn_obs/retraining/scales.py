"""Training of a network of few bits: of the scale of each unit, and of the intercepts.

The weights of unit j are w_ij = s_j z_ij. The integers z_ij are fixed, so::

    df/ds_j = sum_i z_ij df/dw_ij
"""

import numpy as np
from scipy.optimize import minimize

from sklearn_obs.network import Network, Objective, loss_and_gradient


class _EpochsSpent(Exception):
    pass


def train_scales(
    network: Network,
    integers: list[np.ndarray],
    scales: list[np.ndarray],
    free: np.ndarray,
    objective: Objective,
    *,
    epochs: int,
) -> tuple[Network, list[np.ndarray]]:
    """Train by L-BFGS, with `epochs` evaluations of the loss and its gradient besides the first.

    Parameters
    ----------
    network : Network
        Its weights are `integers` times `scales`.
    integers : list of ndarray of shape (fan_in, fan_out)
    scales : list of ndarray of shape (fan_out,)
        Positive, and they stay positive.
    free : ndarray of shape (n_parameters,), bool
        The intercepts to train.
    objective : Objective
    epochs : int

    Returns
    -------
    (Network, list of ndarray of shape (fan_out,))
        The best network found, and its scales.
    """
    layout = network.layout
    ends = np.cumsum([s.size for s in scales])
    moving = np.flatnonzero(free)
    theta = network.theta.astype(np.float64)

    def at(x):
        new = np.split(x[: ends[-1]], ends[:-1])
        theta[moving] = x[ends[-1] :]
        _, intercepts = layout.split(theta)
        W = [Z * s.astype(network.dtype) for Z, s in zip(integers, new, strict=True)]
        coefs = tuple(each.astype(network.dtype, copy=False) for each in W)
        b = tuple(each.astype(network.dtype) for each in intercepts)
        return Network(coefs, b, network.activation, network.out_activation), new

    least, best, n_evaluated = np.inf, None, 0

    def value_and_gradient(x):
        nonlocal least, best, n_evaluated
        if n_evaluated > epochs:
            raise _EpochsSpent
        n_evaluated += 1
        value, gradient = loss_and_gradient(at(x)[0], objective)
        if best is None or value < least:
            least, best = value, x.copy()
        coefs, _ = layout.split(gradient)
        of_scales = [(Z * g).sum(axis=0) for Z, g in zip(integers, coefs, strict=True)]
        return value, np.concatenate([*of_scales, gradient[moving]]).astype(np.float64)

    start = np.concatenate([*scales, theta[moving]]).astype(np.float64)
    positive = [(np.finfo(network.dtype).tiny, None)] * ends[-1] + [(None, None)] * moving.size
    options = {"maxiter": epochs, "maxfun": epochs + 1}
    with np.errstate(over="ignore", invalid="ignore"):  # a step that is too long is taken back
        try:
            method = {"method": "L-BFGS-B", "bounds": positive, "options": options}
            minimize(value_and_gradient, start, jac=True, **method)
        except _EpochsSpent:
            pass
    return at(start if best is None else best)
