"""Factors of curvature: two arrays for each layer, from one forward and one backward pass.

For sample t, the Hessian of the loss in the network's output has a root with K rows r_k (see
`kinds`). Backpropagation turns these rows into the signals s of each layer. The curvature is a sum
of products of two factors, the inputs a of the layer and its signals s::

    s_L[t, k] = sqrt(v_t) r_k(t)
    s_l[t, k] = (s_{l+1}[t, k] W_{l+1}') phi'(z_l[t])
    H = G'G  with  G[(t, k), (i, j)] = a_l[t, i] s_l[t, k, j]  for weight i -> j of layer l

where a_l = (h_{l-1}, 1) has a 1 for the intercept. Factors have the network's dtype: rounding them
changes G, but G'G stays positive semidefinite.

References
----------
Schraudolph, N. (2002). Fast curvature matrix-vector products for second-order gradient descent.
Neural Computation 14.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse

from sklearn_obs.curvature.kinds import KINDS
from sklearn_obs.network import backward, forward


@dataclass(frozen=True)
class LayerFactors:
    """The two factors of G for one layer."""

    inputs: np.ndarray  # a: (n, fan_in + 1)
    signals: np.ndarray  # s: (n, K, fan_out)


def layer_factors(measurement):
    """The `LayerFactors` of each layer, for all samples of the measurement at once."""
    network, dtype = measurement.network, measurement.dtype
    values = forward(network, measurement.X)
    root = KINDS[measurement.kind].root(network.out_activation, values[-1], measurement.y)
    root = np.sqrt(measurement.shares)[:, None, None] * root
    signals = backward(network, values, root.astype(dtype, copy=False))
    return [LayerFactors(with_ones(h, dtype), s) for h, s in zip(values, signals, strict=False)]


def squared_signals(layer):
    """sum_k s[t, k, j]^2, of shape (n, fan_out)."""
    return np.einsum("tkj,tkj->tj", layer.signals, layer.signals)


def with_ones(h, dtype):
    """The dense array (h, 1), of shape (n, fan_in + 1)."""
    a = np.ones((h.shape[0], h.shape[1] + 1), dtype)
    a[:, :-1] = h.toarray() if issparse(h) else h
    return a
