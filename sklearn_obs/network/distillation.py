"""Distillation: targets that mix the labels with another network's outputs.

Let p0 be the outputs of the dense network or of another teacher, y the labels, and 0 <= d <= 1. The
data term of a sample is::

    d l(p, p0) + (1 - d) l(p, y)  =  l(p, t) + c          t = d p0 + (1 - d) y

Its gradient in z is p - t, which is the gradient for the single target t. The constant c is 0 if l
is linear in its target, d (1 - d) / 2 |p0 - y|^2 for a squared error, and
d k(p0) + (1 - d) k(y) - k(t) with k(y) = y log y - y for Poisson's deviance. For the dense network
itself, p = p0. So with d = 1 the gradient is 0 in every sample, and the Gauss-Newton matrix equals
the Hessian.

References
----------
Hinton, G., Vinyals, O. and Dean, J. (2015). Distilling the knowledge in a neural network. NIPS Deep
Learning Workshop.
"""

from dataclasses import replace

import numpy as np

from sklearn_obs.network.layers import Network, Objective, forward, sample_batches
from sklearn_obs.network.losses import poisson_constants


def imitating(
    objective: Objective,
    dense: Network,
    distillation: float,
    taught: np.ndarray | None = None,
) -> Objective:
    """Make an objective whose targets contain the outputs of `dense`, or of a teacher.

    Parameters
    ----------
    objective : Objective
        Its labels may be None if `distillation` is 1.
    dense : Network
    distillation : float in [0, 1]
        The share d of the outputs in the targets.
    taught : ndarray of shape (n_samples, n_outputs), default=None
        The outputs of another teacher, which are used in place of those of `dense`.

    Returns
    -------
    Objective
    """
    if not distillation:
        return objective
    d, y = distillation, objective.labels
    p0 = outputs_of(dense, objective.X) if taught is None else taught.astype(dense.dtype)
    if d == 1 or y is None:
        return replace(objective, y=p0)
    constant = 0.0
    if dense.out_activation == "identity":
        apart = ((p0 - y) ** 2).sum(axis=1, dtype=np.float64)
        constant = 0.5 * d * (1 - d) * float(objective.shares @ apart)
    mixed = (d * p0 + (1 - d) * y).astype(p0.dtype)
    if dense.out_activation == "exp":
        k = d * poisson_constants(p0) + (1 - d) * poisson_constants(y) - poisson_constants(mixed)
        constant = float(objective.shares @ k.sum(axis=1, dtype=np.float64))
    return replace(objective, y=mixed, constant=constant)


def outputs_of(network: Network, X) -> np.ndarray:
    """The outputs p of the network, of shape (n, n_outputs), computed in batches."""
    p = np.empty((X.shape[0], network.layout.units[-1]), network.dtype)
    for rows in sample_batches(X.shape[0]):
        p[rows] = forward(network, X[rows])[-1]
    return p
