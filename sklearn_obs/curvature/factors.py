"""Gauss-Newton factors: what one forward and one backward pass give each layer.

Row t has K = n_outputs rows r_k of the root of the loss's Hessian (see `losses`). Sent back through
the network they are signals, and the Gauss-Newton matrix is a sum of products of two factors::

    s_L[t, k] = sqrt(v_t) r_k(t)
    s_l[t, k] = (s_{l+1}[t, k] W_{l+1}') phi'(z_l[t])
    H = G'G  with  G[(t, k), (i, j)] = a_l[t, i] s_l[t, k, j]  for weight i -> j of layer l

with a_l = (h_{l-1}, 1) the inputs of the layer, 1 for its intercept. G is the derivative of the
*output*: it does not vanish where the fit is perfect, as the empirical Fisher's does.

References
----------
Schraudolph, N. (2002). Fast curvature matrix-vector products for second-order gradient descent.
Neural Computation 14.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse

from sklearn_obs.losses import hessian_root
from sklearn_obs.network import backward, forward, row_batches

BATCH_NUMBERS = 2**21  # float64 numbers in the largest array of a batch: 16 MiB


@dataclass(frozen=True)
class LayerFactors:
    """One layer's two factors of G."""

    inputs: np.ndarray  # a: (n, fan_in + 1)
    signals: np.ndarray  # s: (n, n_outputs, fan_out)


def layer_factors(network, X, row_weight):
    """The factors of each layer for these rows, in float64."""
    values = forward(network, X)
    root = hessian_root(network.out_activation, values[-1])
    signals = backward(network, values, np.sqrt(row_weight)[:, None, None] * root)
    return [
        LayerFactors(_with_ones(h), s.astype(np.float64, copy=False))
        for h, s in zip(values, signals, strict=False)
    ]


def factor_batches(network, X, row_weight, numbers_per_row):
    """`layer_factors` of batches of rows: as many as keep `BATCH_NUMBERS`, at least 64."""
    batch_rows = max(64, BATCH_NUMBERS // numbers_per_row)
    for rows in row_batches(X.shape[0], batch_rows):
        yield rows, layer_factors(network, X[rows], row_weight[rows])


def signal_numbers(network):
    """Numbers of the widest layer's signals, and inputs, in one row."""
    n_outputs = network.intercepts[-1].size
    return max(max(len(W) + 1, n_outputs * W.shape[1]) for W in network.coefs)


def gauss_newton_diagonal(network, X, row_weight):
    """diag(H) of shape (n_parameters,): H_(ij),(ij) = sum_t a[t, i]^2 sum_k s[t, k, j]^2."""
    diagonal = np.zeros(network.n_parameters)
    for _, layers in factor_batches(network, X, row_weight, signal_numbers(network)):
        for layer, index in zip(layers, network.index, strict=True):
            diagonal[index] += (layer.inputs**2).T @ squared_signals(layer)
    return diagonal


def squared_signals(layer):
    """sum_k s[t, k, j]^2, of shape (n, fan_out)."""
    return np.einsum("tkj,tkj->tj", layer.signals, layer.signals)


def _with_ones(h):
    a = np.ones((h.shape[0], h.shape[1] + 1))
    a[:, :-1] = h.toarray() if issparse(h) else h
    return a
