"""Hessian approximations, called kinds of curvature in the code.

For one sample, z(theta) is the linear part of the output layer, J = dz/dtheta, p the output, y the
target and l(z, y) the loss. Each matrix is a sum over samples with their shares v_t::

    ggn               J' (d2l/dz2) J             Gauss-Newton: K = n_outputs rows r_k of a root
    fisher            J' (p - y~)(p - y~)' J     y~ drawn from the network: K = 1, ggn on average
    empirical_fisher  J' (p - y)(p - y)' J       the true targets: K = 1, 0 where the fit is perfect
    hessian           d2l/dtheta2                ggn + sum_k (p_k - y_k) d2z_k/dtheta2: no root

For these losses d2l/dz2 is the covariance of a y drawn from the network, so the mean of 'fisher'
over draws is 'ggn'. It takes 1/K of the time of 'ggn', but is noisy, because each sample has only
one draw.

References
----------
Schraudolph, N. (2002). Fast curvature matrix-vector products for second-order gradient descent.
Neural Computation 14.
Martens, J. (2020). New insights and perspectives on the natural gradient method. Journal of Machine
Learning Research 21.
Kunstner, F., Balles, L. and Hennig, P. (2019). Limitations of the empirical Fisher approximation
for natural gradient descent. NeurIPS 32.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_obs.network import Network, forward, sample_batches
from sklearn_obs.network.losses import hessian_root


@dataclass(frozen=True)
class Kind:
    """A Hessian approximation, defined by the root that is backpropagated."""

    root: Callable | None  # (out_activation, p, y) -> R of shape (n, K, n_outputs), or None
    n_signals: Callable  # n_outputs -> K


def _residual(name, p, y):
    return (p - y)[:, None, :]


def _one(n_outputs):
    return 1


KINDS = {
    "ggn": Kind(lambda name, p, y: hessian_root(name, p), lambda n_outputs: n_outputs),
    "fisher": Kind(_residual, _one),
    "empirical_fisher": Kind(_residual, _one),
    "hessian": Kind(None, lambda n_outputs: n_outputs),
}

MOST_COUNTS = 1e15  # cap on the mean of counts: NumPy refuses to draw from very large ones
FACTORED = tuple(name for name, kind in KINDS.items() if kind.root is not None)


def targets(kind: str, network: Network, X, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The targets for measuring curvature of this kind: y, or for 'fisher' a draw from the network.

    Depending on the output activation, a label (softmax), a set of labels (logistic), a normal
    vector around the output (identity) or counts (exp) are drawn for each sample.
    """
    if kind != "fisher":
        return y
    drawn = np.empty_like(y)
    for rows in sample_batches(X.shape[0]):
        p = forward(network, X[rows])[-1]
        if network.out_activation == "identity":
            drawn[rows] = p + rng.standard_normal(p.shape)
        elif network.out_activation == "exp":
            drawn[rows] = rng.poisson(np.minimum(p, MOST_COUNTS))
        elif network.out_activation == "logistic":
            drawn[rows] = rng.random(p.shape) < p
        else:
            label = (p.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1)
            drawn[rows] = np.arange(p.shape[1]) == np.minimum(label, p.shape[1] - 1)[:, None]
    return drawn
