"""The forward pass of a pruned network, in the way that is fastest for the number of rows of X.

Evaluated as it is, a network multiplies all of its zeros. A compacted one leaves out the units that
have no effect, and also the unread inputs if the other columns of X are *picked*, that is, copied.
The rest of a layer is multiplied as a *dense* array or, if it has few weights, by *rows*: a CSR
matrix times the transposed rows of X. Let n be the number of rows, and let a layer have a x b
weights, of which a' x b' are between units that have an effect and k are not 0. The times in
nanoseconds are::

    as it is     n a b D
    dense        n a' b' D + a' b' C
    rows         n (k R + (a' + b') T) + a' b' C

In the first layer a' is a, unless columns are picked, which adds n a' S to the time of dense.
``examples/benchmarks/predict.py`` measures the constants and tests the rule.
"""

import numpy as np
from joblib import cpu_count
from scipy.sparse import csr_array, issparse

from sklearn_obs.network import ACTIVATIONS, forward, sample_batches
from sklearn_obs.network.losses import activate

D = 1 / 24  # one multiplication and addition in a matrix product of float64, on one core
R = 0.25  # one multiplication and addition with a weight of a CSR matrix
T = 1.5  # transposing one number
C = 8.0  # copying one weight, and checking whether it is 0
S = 1.0  # copying one number out of X
LEAST = 2_000_000  # if one core takes less time than this, a choice is not worth it
MARGIN = 0.85  # largest share of the time as it is: the constants differ between machines
TURNED_ROWS = 512  # rows transposed at once, so that they stay in the cache


def forms(network, n_samples, masks, inputs, units, pick=True):
    """The fastest form of each layer ("dense", "picked" or "rows"), or None: all as it is."""
    d = D * network.coefs[0].itemsize / 8
    if n_samples * network.layout.n_coefs * d < LEAST:
        return None
    d /= cpu_count()
    as_it_is = n_samples * network.layout.n_coefs * d
    chosen, total = [], 0
    left = [len(inputs), *map(len, units), network.coefs[-1].shape[1]]
    for mask, a, b in zip(masks, left, left[1:], strict=False):
        costs = {}
        if not chosen:
            if pick:
                costs["picked"] = (n_samples * d + C) * a * b + n_samples * a * S
            a = len(mask)
        costs["dense"] = (n_samples * d + C) * a * b
        if pick or chosen:
            k = np.count_nonzero(mask)
            costs["rows"] = n_samples * (k * R + (a + b) * T) + a * b * C
        form = min(costs, key=costs.get)
        chosen.append(form)
        total += costs[form]
    return chosen if total < MARGIN * as_it_is else None


def outputs(network, X, masks, inputs, units):
    """Compute the outputs p for X, an ndarray or a CSR matrix; shape (n, n_outputs).

    `masks` (the remaining weights), `inputs` and `units` (the indices of those that have an effect)
    are the attributes of a fitted estimator.
    """
    *_, p = _values(network, X, masks, inputs, units)
    return p


def last_units(network, X, masks, inputs, units):
    """Values of the remaining units of the last hidden layer; without one, the columns `inputs`."""
    if not units:
        return X[:, inputs]
    h, all_units, _ = _values(network, X, masks, inputs, units)
    return h[:, units[-1]] if all_units else h


def _values(network, X, masks, inputs, units):
    """(values of the last hidden layer, whether they contain all of its units, the outputs)."""
    chosen = forms(network, X.shape[0], masks, inputs, units, pick=not issparse(X))
    if chosen is None:
        *_, h, p = forward(network, X)
        return h, True, p
    phi, _ = ACTIVATIONS[network.activation]
    kept = [np.arange(X.shape[1]), *units, np.arange(network.coefs[-1].shape[1])]
    h = X
    if chosen[0] == "picked":
        kept[0], h = inputs, X.take(inputs, axis=1)
    layers = zip(network.coefs, network.intercepts, kept, kept[1:], chosen, strict=False)
    for layer, (W, b, read, made, form) in enumerate(layers, start=1):
        below, h = h, _product(h, _part(W, read, made), form == "rows")
        h += b[made]
        if layer < network.layout.n_layers:
            h = phi(h)
    return below, False, activate(network.out_activation, h)


def _part(W, rows, columns):
    return W if W.shape == (len(rows), len(columns)) else W[np.ix_(rows, columns)]


def _product(h, W, by_rows):
    if not by_rows:
        return h @ W
    V = csr_array(W.T)
    z = np.empty((len(h), W.shape[1]), W.dtype)
    for rows in sample_batches(len(h), TURNED_ROWS):
        z[rows] = (V @ np.ascontiguousarray(h[rows].T)).T
    return z
