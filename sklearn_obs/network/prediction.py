"""The forward pass of a pruned network in the form that is quickest for so many rows.

As it is, a network multiplies its zeros. Compacted, it leaves out units that carry nothing, and
inputs, if columns of X are *picked*. What is left of a layer is multiplied *dense*, or, where it
has few weights, by *rows*: a CSR matrix times the rows of X turned on their side. For n rows and a
layer of a x b, of which a' x b' carry something and k are not 0, that takes in nanoseconds::

    as it is     n a b D
    dense        n a' b' D + a' b' C
    rows         n (k R + (a' + b') T) + a' b' C

with a for a' in the first layer, or n a' S more to pick columns. The constants are measured, and
the rule is held to its word, by ``examples/benchmarks/predict.py``.
"""

import numpy as np
from joblib import cpu_count
from scipy.sparse import csr_array, issparse

from sklearn_obs.network import ACTIVATIONS, forward, sample_batches
from sklearn_obs.network.losses import activate

D = 1 / 24  # product and sum in a matrix product of float64, on one core
R = 0.25  # product and sum with a weight of a CSR matrix
T = 1.5  # to turn a number on its side
C = 8.0  # to copy a weight, and to find out whether it is 0
S = 1.0  # to pick a number out of X
LEAST = 2_000_000  # what one core does sooner is not worth a choice
MARGIN = 0.85  # of the time as it is, at most: the constants differ between machines
TURNED_ROWS = 512  # turned at once, so that they stay in the cache


def forms(network, n_samples, masks, inputs, units, pick=True):
    """The quickest form of each layer, of "dense", "picked" and "rows"; None for all as it is."""
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
    """p for the rows of X, ndarray or CSR.

    `masks` say where weights are left, `inputs` and `units` which of those carry something: the
    attributes of a fitted estimator.
    """
    *_, p = _values(network, X, masks, inputs, units)
    return p


def last_units(network, X, masks, inputs, units):
    """The values of the last hidden layer's `units`, or, without one, of `inputs`."""
    if not units:
        return X[:, inputs]
    h, all_units, _ = _values(network, X, masks, inputs, units)
    return h[:, units[-1]] if all_units else h


def _values(network, X, masks, inputs, units):
    """(the last hidden layer, whether all of its units are there, the outputs)."""
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
