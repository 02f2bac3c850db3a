"""Kinds of curvature: of what H is the second derivative, or an estimate of it.

With z(theta) the output layer's linear part for a sample, J = dz/dtheta, p its activation and y the
target, and l(z, y) the sample's loss (all sums over samples with their shares v_t)::

    ggn               J' (d2l/dz2) J             Gauss-Newton: K = n_outputs rows r_k of a root
    fisher            J' (p - y~)(p - y~)' J     y~ drawn from the network: K = 1, ggn on average
    empirical_fisher  J' (p - y)(p - y)' J       the true targets: vanishes where the fit is perfect
    hessian           d2l/dtheta2                ggn + sum_k (p_k - y_k) d2z_k/dtheta2: no root

For these losses d2l/dz2 is the covariance of y under the network, so that the mean of 'fisher' over
draws is 'ggn'; it costs a K-th of it and is as noisy as one draw a sample makes it.

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
    """A kind of curvature by its root."""

    root: Callable | None  # (out_activation, p, y) -> R of shape (n, K, n_outputs); or no root
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

MOST_COUNTS = 1e15  # on average: NumPy draws no larger ones
FACTORED = tuple(name for name, kind in KINDS.items() if kind.root is not None)


def targets(kind: str, network: Network, X, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The targets that curvature of this kind is measured against: y, or drawn for 'fisher'.

    A label of softmax, a set of labels of logistic, a normal vector around the output of identity,
    counts of exp.
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
