"""The exact Hessian of the loss, including the second derivatives of the network that OBS drops.

For each unit q of each layer m, the linear part z_mq is changed at rate 1 in every sample, and the
rate of change R{.} of everything else is computed forward and backward (Pearlmutter 1994). Here e_l
is the derivative of the loss with respect to h_l, delta_l = e_l phi'(z_l), v has the shares of the
samples, and B = d2l/dz2 at the output::

    R{h_l} = phi'(z_l) R{z_l}      R{z_{l+1}} = R{h_l} W_{l+1}      R{delta_L} = v B R{z_L}
    R{delta_l} = (R{delta_{l+1}} W_{l+1}') phi'(z_l) + e_l phi''(z_l) R{z_l}

A weight p -> q of layer m changes z_mq at the rate of its input a_mp. So its second derivative with
a weight i -> j of a layer l >= m is::

    H_(mpq),(lij) = sum_t a_mp (R{a_li} delta_lj + a_li R{delta_lj})          R{a_m} = 0

References
----------
Pearlmutter, B. A. (1994). Fast exact multiplication by the Hessian. Neural Computation 6.
"""

import numpy as np

from sklearn_obs.curvature.factors import with_ones
from sklearn_obs.curvature.measurement import Measurement
from sklearn_obs.network import ACTIVATIONS, backward, forward
from sklearn_obs.network.losses import hessian_root

# phi''(z), computed from h = phi(z)
BENDS = {
    "identity": np.zeros_like,
    "logistic": lambda h: h * (1 - h) * (1 - 2 * h),
    "tanh": lambda h: -2 * h * (1 - h**2),
    "relu": np.zeros_like,
}


def exact_hessian(measurement: Measurement, keep: np.ndarray) -> np.ndarray:
    """Compute d2f/dtheta2, without the penalty, over the parameters with flat indices `keep`.

    Parameters
    ----------
    measurement : Measurement
    keep : ndarray of shape (m,), ascending
        Flat indices.

    Returns
    -------
    ndarray of shape (m, m)
        Symmetric; may be indefinite.
    """
    network = measurement.network
    position = network.layout.positions(keep)
    where = [position[index] for index in network.layout.index]
    H = np.zeros((keep.size, keep.size))
    for rows in measurement.slices(max(w.size for w in where)):
        _add_rows(H, measurement.subset(rows), where)
    return H


def _add_rows(H, measurement, where):
    network = measurement.network.astype(np.float64)
    coefs, (_, slope) = network.coefs, ACTIVATIONS[network.activation]
    values, v = forward(network, measurement.X), measurement.shares[:, None]
    deltas = backward(network, values, (values[-1] - measurement.y) * v)
    inputs = [with_ones(h, np.float64) for h in values[:-1]]
    hidden = range(1, network.layout.n_layers)  # values[l] are the inputs of layer l
    slopes = {l: slope(values[l]) for l in hidden}
    bends = {l: (deltas[l] @ coefs[l].T) * BENDS[network.activation](values[l]) for l in hidden}
    root = hessian_root(network.out_activation, values[-1])
    B = v[:, :, None] * (root.transpose(0, 2, 1) @ root)
    for m, index in enumerate(where):
        for q, rows in enumerate(index.T):
            (p,) = np.nonzero(rows >= 0)
            if not p.size:
                continue
            a_m = inputs[m][:, p].T
            for l, R_a, R_delta in _changes(m, q, coefs, slopes, bends, B):
                T = inputs[l][:, :, None] * R_delta[:, None, :]
                if l > m:
                    T[:, :-1] += R_a[:, :, None] * deltas[l][:, None, :]
                columns = where[l].ravel()
                block = a_m @ T.reshape(len(T), -1)[:, columns >= 0]
                columns = columns[columns >= 0]
                H[np.ix_(rows[p], columns)] += block
                if l > m:
                    H[np.ix_(columns, rows[p])] += block.T


def _changes(m, q, coefs, slopes, bends, B):
    """Yield (l, R{a_l} without the intercept's column, R{delta_l}), from the last layer to m."""
    R_z, R_a = {m: np.zeros((len(B), coefs[m].shape[1]))}, {m: None}
    R_z[m][:, q] = 1
    for l in range(m + 1, len(coefs)):
        R_a[l] = slopes[l] * R_z[l - 1]
        R_z[l] = R_a[l] @ coefs[l]
    R_delta = np.einsum("tkl,tl->tk", B, R_z[len(coefs) - 1])
    for l in range(len(coefs) - 1, m - 1, -1):
        yield l, R_a[l], R_delta
        if l > m:
            R_delta = (R_delta @ coefs[l].T) * slopes[l] + bends[l] * R_z[l - 1]
