"""The parts of a network that a mask makes useless: dead weights, constant units, unread inputs.

A *dead weight* is a remaining weight that has no effect on the output. There are three cases. It
leads to a unit whose outgoing weights have all been removed. Or it comes from a constant unit (one
whose incoming weights have all been removed), and its contribution has been folded into the next
intercept::

    b_j <- b_j + phi(b_i) w_ij        w_ij <- 0        where the intercept b_j remains

Or it comes from a unit that is always 0: its incoming weights and its intercept have all been
removed, and phi(0) = 0.

Dead weights are set to 0, stay 0 in retraining, and are removed first, because their removal costs
nothing.

A *compacted* network computes the same function without the units that no longer affect the output
and without those whose constant value has been folded.

Functions that depend on a mask alone take the network's `Layout`, so they can be called before a
network has been trained.

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
    """Mask of the parameters that may ever be removed: bool of shape (n_parameters,)."""
    n_prunable = layout.n_parameters if prune_intercepts else layout.n_coefs
    return np.arange(layout.n_parameters) < n_prunable


def never_read(layout: Layout, X) -> np.ndarray:
    """Mask of the weights of inputs that are 0 in every sample: bool of shape (n_parameters,)."""
    weight = np.zeros(layout.n_parameters, bool)
    n_nonzero = sum(
        np.asarray((X[rows] != 0).sum(axis=0)).ravel() for rows in sample_batches(X.shape[0])
    )
    weight[layout.index[0][:-1][n_nonzero == 0]] = True
    return weight


@dataclass(frozen=True)
class Traffic:
    """Which units depend on an input or affect the output: lists of bool arrays, inputs first."""

    varies: list[np.ndarray]  # for each layer of units: the unit depends on some input
    matters: list[np.ndarray]  # the unit affects the output through weights that are not folded
    # for each layer of weights: the weight remains, but comes from a unit that is 0, or from a
    # constant unit and can be folded into an intercept that remains
    folded: list[np.ndarray]


def traffic(layout: Layout, mask: np.ndarray) -> Traffic:
    """The `Traffic` through the remaining weights, which are those in `mask`."""
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
    """Mask of the dead weights among the parameters in `mask`: bool of shape (n_parameters,)."""
    lanes = traffic(layout, mask)
    dead = np.zeros_like(mask)
    coefs, intercepts = layout.split(dead)
    for layer, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
        useless = ~lanes.matters[layer + 1]
        W |= lanes.folded[layer] | useless
        b |= useless
    return dead & mask


def fold_constants(network: Network, mask: np.ndarray) -> Network:
    """Fold constant units into intercepts and set dead weights to 0; the function is the same."""
    phi, _ = ACTIVATIONS[network.activation]
    lanes = traffic(network.layout, mask)
    theta = network.theta.copy()
    coefs, intercepts = network.layout.split(theta)
    values = np.zeros(len(coefs[0]))  # values of a layer's constant units; no input is constant
    for layer in range(1, network.layout.n_layers):
        # a constant unit may still have weights from constants whose next intercept was removed
        z = intercepts[layer - 1] + values @ (coefs[layer - 1] * ~lanes.folded[layer - 1])
        values = np.where(lanes.varies[layer], 0, phi(z))
        intercepts[layer] += values @ (coefs[layer] * lanes.folded[layer])
    theta[dead_weights(network.layout, mask)] = 0
    return network.with_theta(theta)


class Orphans:
    """A callable that takes removed flat indices in order, and returns what each has orphaned.

    If the removed weight was the last outgoing weight of a hidden unit, its orphans are the flat
    indices of the unit's remaining incoming weights and intercept.
    """

    def __init__(self, layout: Layout, mask: np.ndarray):
        self._index, self._n_coefs = layout.index, layout.n_coefs
        self._remaining = mask.copy()
        coef_masks, _ = layout.split(mask)
        self._n_out = [remains.sum(axis=1) for remains in coef_masks]
        # for each flat index of a weight: its layer, and the unit that it comes from
        self._layer = np.repeat(np.arange(layout.n_layers), [M.size for M in coef_masks])
        self._source = np.concatenate(
            [np.repeat(np.arange(len(M)), M.shape[1]) for M in coef_masks]
        )

    def __call__(self, q: int):
        """Flat indices of the parameters that no longer lead to an output once `q` is removed."""
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
    """Make a network with fewer units that computes the same function.

    A weight that is 0 has no effect, whether it has been removed or not. Constants are folded into
    removed intercepts, too. These then count as remaining again, but at least as many weights
    disappear. Each layer keeps at least one unit.

    Returns
    -------
    network : Network
    mask : ndarray of shape (n_parameters,), bool
        The remaining parameters of the new network.
    kept : list of ndarray, int
        For each layer of units, inputs first and outputs last, the indices of the kept units in the
        network that was passed.
    """
    carries = mask & (network.theta != 0)
    n_coefs = network.layout.n_coefs
    carries[n_coefs:] = True
    matters = traffic(network.layout, carries).matters
    # keep the columns in `inputs_`, even if all remaining weights of one are 0
    read = traffic(network.layout, mask).matters[0]
    matters[0] = read if drop_inputs else np.ones_like(read)
    kept = _kept(matters)
    folded = fold_constants(network, carries)
    remains = mask & ~dead_weights(network.layout, carries)
    remains[n_coefs:] |= folded.theta[n_coefs:] != 0
    index = _index(network.layout, kept)
    return _cut(folded, kept, index), remains[index], kept


def _kept(matters):
    """Indices of the units that matter in each layer; if none does, index 0 is kept."""
    return [np.flatnonzero(m) if m.any() else np.zeros(1, np.intp) for m in matters]


def _index(layout, kept):
    """Ascending flat indices of the parameters whose units are all in `kept`."""
    layers = list(zip(itertools.pairwise(kept), layout.index, strict=True))
    coefs = [flat[:-1][np.ix_(i, j)].ravel() for (i, j), flat in layers]
    return np.concatenate(coefs + [flat[-1][j] for (_, j), flat in layers])


def _cut(network, kept, index):
    """The network of the units `kept`, whose parameters have the flat indices `index`."""
    coefs, intercepts = Layout(tuple(map(len, kept))).split(network.theta[index])
    return replace(network, coefs=tuple(coefs), intercepts=tuple(intercepts))


@dataclass(frozen=True)
class Part:
    """The part of a network that still affects the output, as a smaller network."""

    whole: Network
    inputs: np.ndarray  # (n_inputs,) the columns of X that the part takes
    index: np.ndarray  # (n_parameters,) flat indices of its parameters in `whole`, ascending
    network: Network  # the part

    @classmethod
    def of(cls, whole: Network, mask: np.ndarray) -> "Part":
        """The part of units that matter; unread inputs are left out if they are at least half."""
        matters = traffic(whole.layout, mask).matters
        if 2 * np.count_nonzero(matters[0]) > matters[0].size:
            matters[0][:] = True  # a copy of X would cost more than it saves
        kept = _kept(matters)
        index = _index(whole.layout, kept)
        return cls(whole, kept[0], index, _cut(whole, kept, index))

    def samples(self, X):
        """The columns of X that the part takes, in the same memory layout for any layout of X."""
        if self.inputs.size == X.shape[1]:
            return X
        return X[:, self.inputs] if issparse(X) else X.take(self.inputs, axis=1)

    def put_back(self, network: Network) -> Network:
        """The whole network, with the parameters of this part taken from `network`."""
        theta = self.whole.theta.copy()
        theta[self.index] = network.theta
        return self.whole.with_theta(theta, copy=False)


def inputs_read(layout: Layout, mask: np.ndarray) -> np.ndarray:
    """Indices of the inputs that still affect the output."""
    return np.flatnonzero(traffic(layout, mask).matters[0])


def remaining_units(layout: Layout, mask: np.ndarray) -> list[np.ndarray]:
    """For each hidden layer, the indices of the units that still affect the output."""
    return [np.flatnonzero(matters) for matters in traffic(layout, mask).matters[1:-1]]
