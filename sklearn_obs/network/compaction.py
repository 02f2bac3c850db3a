"""What a mask makes useless: dead weights, constant units, and inputs that are not read.

A *dead weight* is a remaining weight that has no effect on the output. Either it leads to a unit
all of whose outgoing weights have been removed, or it comes from a constant unit (one whose
incoming weights have all been removed) whose value has been folded into the next intercepts::

    b_j <- b_j + phi(b_i) w_ij        w_ij <- 0        where the intercept b_j remains

or it comes from a unit that is 0: one whose intercept has been removed, too, if phi(0) = 0.

Dead weights are 0, stay 0 in retraining, and are removed first, because their removal costs
nothing.

A *compacted* network is without the units that dead weights lead to or come from, and computes the
same function.

Questions about a mask alone are answered from the network's `Layout`, so that they can be asked
before there is a network.

References
----------
Pedersen, M. W., Hansen, L. K. and Larsen, J. (1995). Pruning with generalization based weight
saliencies: gamma OBD, gamma OBS. Advances in Neural Information Processing Systems 8.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import issparse

from sklearn_obs.network.layers import ACTIVATIONS, Layout, Network, sample_batches


def prunable(layout: Layout, prune_intercepts: bool) -> np.ndarray:
    """The parameters that may be removed at all: bool of shape (n_parameters,)."""
    n_prunable = layout.n_parameters if prune_intercepts else layout.n_coefs
    return np.arange(layout.n_parameters) < n_prunable


def never_read(layout: Layout, X) -> np.ndarray:
    """The weights of inputs that are 0 in every sample, as bool of shape (n_parameters,)."""
    weight = np.zeros(layout.n_parameters, bool)
    n_nonzero = sum(
        np.asarray((X[rows] != 0).sum(axis=0)).ravel() for rows in sample_batches(X.shape[0])
    )
    weight[layout.index[0][:-1][n_nonzero == 0]] = True
    return weight


@dataclass(frozen=True)
class Traffic:
    """Which units still carry something, layer by layer from the inputs to the outputs."""

    varies: list[np.ndarray]  # per layer of units: depends on some input
    matters: list[np.ndarray]  # affects the output, through weights that have not been folded
    # per layer of weights: remaining, but from a constant to an intercept, or from a unit that is 0
    folded: list[np.ndarray]


def traffic(layout: Layout, mask: np.ndarray) -> Traffic:
    """What the remaining weights, those in `mask`, connect."""
    masks, intercept_masks = layout.split(mask)
    varies: list[np.ndarray] = [np.ones(len(masks[0]), bool)]
    folded: list[np.ndarray] = []
    is_zero = np.zeros(len(masks[0]), bool)
    for remains, intercept_remains in zip(masks, intercept_masks, strict=True):
        constant = ~varies[-1][:, None] & intercept_remains
        folded.append(remains & (constant | is_zero[:, None]))
        varies.append((remains & varies[-1][:, None]).any(axis=0))
        hears = intercept_remains | (remains & ~is_zero[:, None]).any(axis=0)
        is_zero = ~hears & layout.is_zero_without_inputs
    matters: list[np.ndarray] = [np.ones(masks[-1].shape[1], bool)]
    for remains, fold in zip(masks[::-1], folded[::-1], strict=True):
        matters.append((remains & ~fold & matters[-1]).any(axis=1))
    return Traffic(varies, matters[::-1], folded)


def dead_weights(layout: Layout, mask: np.ndarray) -> np.ndarray:
    """The dead weights among the parameters in `mask`: bool of shape (n_parameters,)."""
    lanes = traffic(layout, mask)
    dead = np.zeros_like(mask)
    coefs, intercepts = layout.split(dead)
    for layer, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
        useless = ~lanes.matters[layer + 1]
        W |= lanes.folded[layer] | useless
        b |= useless
    return dead & mask


def fold_constants(network: Network, mask: np.ndarray) -> Network:
    """The same function with constant units folded into intercepts and all dead weights at 0."""
    phi, _ = ACTIVATIONS[network.activation]
    lanes = traffic(network.layout, mask)
    theta = network.theta.copy()
    coefs, intercepts = network.layout.split(theta)
    values = np.zeros(len(coefs[0]))  # of the constant units of a layer; inputs are none
    for layer in range(1, network.layout.n_layers):
        # what still reaches a constant unit are constants that found no intercept to fold into
        z = intercepts[layer - 1] + values @ (coefs[layer - 1] * ~lanes.folded[layer - 1])
        values = np.where(lanes.varies[layer], 0, phi(z))
        intercepts[layer] += values @ (coefs[layer] * lanes.folded[layer])
    theta[dead_weights(network.layout, mask)] = 0
    return network.with_theta(theta)


class Orphans:
    """Called with each removed flat index, in order: the flat indices left without an output.

    These are the remaining incoming weights, and the intercept, of a hidden unit whose last
    outgoing weight was the one removed.
    """

    def __init__(self, layout: Layout, mask: np.ndarray):
        self._index, self._n_coefs = layout.index, layout.n_coefs
        self._remaining = mask.copy()
        coef_masks, _ = layout.split(mask)
        self._n_out = [remains.sum(axis=1) for remains in coef_masks]
        # flat index of a weight -> its layer and the unit it comes from
        self._layer = np.repeat(np.arange(layout.n_layers), [M.size for M in coef_masks])
        self._source = np.concatenate(
            [np.repeat(np.arange(len(M)), M.shape[1]) for M in coef_masks]
        )

    def __call__(self, q: int):
        """Flat indices that lose their output with the removal of `q`."""
        self._remaining[q] = False
        if q >= self._n_coefs:  # an intercept
            return ()
        layer, unit = self._layer[q], self._source[q]
        self._n_out[layer][unit] -= 1
        if layer == 0 or self._n_out[layer][unit]:
            return ()
        incoming = self._index[layer - 1][:, unit]
        return incoming[self._remaining[incoming]]


def compacted(
    network: Network, mask: np.ndarray, drop_inputs: bool = False
) -> tuple[Network, np.ndarray, list[np.ndarray]]:
    """The same function with fewer units: (network, mask, kept).

    A weight that is 0 carries nothing, whether it has been removed or not. Constants are folded
    into removed intercepts, too, which then count as remaining again; at least as many weights
    disappear. A layer keeps one unit at least.

    Returns
    -------
    network : Network
    mask : ndarray of shape (n_parameters,), bool
        What remains of it.
    kept : list of ndarray, int
        Per layer of units, inputs first and outputs last, the indices in the network as it was.
    """
    carries = mask & (network.theta != 0)
    n_coefs = network.layout.n_coefs
    carries[n_coefs:] = True
    matters = traffic(network.layout, carries).matters
    # the columns that are kept are `inputs_`, also where the weights that read one are 0
    read = traffic(network.layout, mask).matters[0]
    matters[0] = read if drop_inputs else np.ones_like(read)
    kept = _kept(matters)
    folded = fold_constants(network, carries)
    remains = mask & ~dead_weights(network.layout, carries)
    remains[n_coefs:] |= folded.theta[n_coefs:] != 0
    index = _index(network.layout, kept)
    return _cut(folded, kept, index), remains[index], kept


def _kept(matters):
    """Per layer of units the indices of those that matter; a layer keeps one at least."""
    return [np.flatnonzero(m) if m.any() else np.zeros(1, np.intp) for m in matters]


def _index(layout, kept):
    """Flat indices of the parameters between the units `kept`, ascending."""
    layers = list(zip(itertools.pairwise(kept), layout.index, strict=True))
    coefs = [flat[:-1][np.ix_(i, j)].ravel() for (i, j), flat in layers]
    return np.concatenate(coefs + [flat[-1][j] for (_, j), flat in layers])


def _cut(network, kept, index):
    """The network between the units `kept`, whose parameters have the flat indices `index`."""
    coefs, intercepts = Layout(tuple(map(len, kept))).split(network.theta[index])
    return replace(network, coefs=tuple(coefs), intercepts=tuple(intercepts))


@dataclass(frozen=True)
class Part:
    """The part of a network that still computes something, as a network of its own."""

    whole: Network
    inputs: np.ndarray  # (n_inputs,) columns of X that it takes
    index: np.ndarray  # (n_parameters,) flat indices of its parameters in the whole, ascending
    network: Network

    @classmethod
    def of(cls, whole: Network, mask: np.ndarray) -> "Part":
        """Without the units that do not matter; without unread inputs where half are, or more."""
        matters = traffic(whole.layout, mask).matters
        if 2 * np.count_nonzero(matters[0]) > matters[0].size:
            matters[0][:] = True  # a copy of X would cost more than it saves
        kept = _kept(matters)
        index = _index(whole.layout, kept)
        return cls(whole, kept[0], index, _cut(whole, kept, index))

    def samples(self, X):
        """The columns that it takes, laid out alike whatever the layout of X."""
        if self.inputs.size == X.shape[1]:
            return X
        return X[:, self.inputs] if issparse(X) else X.take(self.inputs, axis=1)

    def put_back(self, network: Network) -> Network:
        """The whole, with the parameters of `network` in this part of it."""
        theta = self.whole.theta.copy()
        theta[self.index] = network.theta
        return self.whole.with_theta(theta, copy=False)


def inputs_read(layout: Layout, mask: np.ndarray) -> np.ndarray:
    """Indices of the inputs that still affect the output."""
    return np.flatnonzero(traffic(layout, mask).matters[0])


def remaining_units(layout: Layout, mask: np.ndarray) -> list[np.ndarray]:
    """Per hidden layer, the indices of the units that still affect the output."""
    return [np.flatnonzero(matters) for matters in traffic(layout, mask).matters[1:-1]]
