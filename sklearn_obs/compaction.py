"""What a mask makes useless: ghosts, constant units, inputs that nobody reads.

A *ghost* is a living weight that no longer touches the output: it leads to a unit without living
outgoing weights, or it comes from a constant unit (one without living inputs) whose value has been
folded into the next intercepts::

    b_j <- b_j + phi(b_i) w_ij        w_ij <- 0        where the intercept b_j lives

Ghosts are 0, stay 0 in training, cost nothing to remove and go first.

A *compacted* network has lost the units that ghosts lead to or come from, and computes the same.

References
----------
Pedersen, M. W., Hansen, L. K. and Larsen, J. (1995). Pruning with generalization based weight
saliencies: gamma OBD, gamma OBS. Advances in Neural Information Processing Systems 8.
"""

from dataclasses import dataclass, replace

import numpy as np

from sklearn_obs.network import ACTIVATIONS


@dataclass(frozen=True)
class Traffic:
    """Which units still carry something, layer by layer from the inputs to the outputs."""

    varies: list[np.ndarray]  # per layer of units: depends on some input
    matters: list[np.ndarray]  # touches the output, through weights that have not been folded
    folded: list[np.ndarray]  # per layer of weights: living, but from a constant into an intercept


def traffic(network, mask):
    """What the living weights in `mask` connect."""
    masks, intercept_masks = network.split(mask)
    varies = [np.ones(len(masks[0]), bool)]
    folded = []
    for alive, intercept_alive in zip(masks, intercept_masks, strict=True):
        varies.append((alive & varies[-1][:, None]).any(axis=0))
        folded.append(alive & ~varies[-2][:, None] & intercept_alive)
    matters = [np.ones(masks[-1].shape[1], bool)]
    for alive, fold in zip(masks[::-1], folded[::-1], strict=True):
        matters.append((alive & ~fold & matters[-1]).any(axis=1))
    return Traffic(varies, matters[::-1], folded)


def ghosts(network, mask):
    """The ghosts among the parameters in `mask`: bool of shape (n_parameters,)."""
    lanes = traffic(network, mask)
    ghost = np.zeros_like(mask)
    coefs, intercepts = network.split(ghost)
    for layer, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
        useless = ~lanes.matters[layer + 1]
        W |= lanes.folded[layer] | useless
        b |= useless
    return ghost & mask


def fold_constants(network, mask):
    """The same function with constant units folded into intercepts and all ghosts at 0."""
    phi, _ = ACTIVATIONS[network.activation]
    lanes = traffic(network, mask)
    theta = network.theta.copy()
    coefs, intercepts = network.split(theta)
    values = np.zeros(len(coefs[0]))  # of the constant units of a layer; inputs are none
    for layer in range(1, network.n_layers):
        # what a constant unit still hears are constants that found no intercept to fold into
        z = intercepts[layer - 1] + values @ (coefs[layer - 1] * ~lanes.folded[layer - 1])
        values = np.where(lanes.varies[layer], 0, phi(z))
        intercepts[layer] += values @ (coefs[layer] * lanes.folded[layer])
    theta[ghosts(network, mask)] = 0
    return network.with_theta(theta)


class Orphans:
    """Called with each removed flat index, in order: the flat indices it leaves without an output.

    These are the living incoming weights, and the intercept, of a hidden unit whose last outgoing
    weight was the one removed.
    """

    def __init__(self, network, mask):
        self._index, self._n_coefs = network.index, network.n_coefs
        self._living = mask.copy()
        self._n_out = [alive.sum(axis=1) for alive in network.split(mask)[0]]
        # flat index of a weight -> its layer and the unit it comes from
        self._layer = np.repeat(np.arange(network.n_layers), [W.size for W in network.coefs])
        self._source = np.concatenate(
            [np.repeat(np.arange(len(W)), W.shape[1]) for W in network.coefs]
        )

    def __call__(self, q):
        """Flat indices that lose their output with the removal of `q`."""
        self._living[q] = False
        if q >= self._n_coefs:  # an intercept
            return ()
        layer, unit = self._layer[q], self._source[q]
        self._n_out[layer][unit] -= 1
        if layer == 0 or self._n_out[layer][unit]:
            return ()
        incoming = self._index[layer - 1][:, unit]
        return incoming[self._living[incoming]]


def compacted(network, mask, drop_inputs=False):
    """The same function of fewer units: (network, mask, kept).

    A weight that is 0 carries nothing, alive or not. Constants are folded into removed intercepts,
    too, which then live again: at least as many weights go. A layer keeps one unit at least.

    Returns
    -------
    network : Network
    mask : ndarray of shape (n_parameters,), bool
        What lives of it.
    kept : list of ndarray, int
        Per layer of units, inputs first and outputs last, the indices in the network as it was.
    """
    carries = mask & (network.theta != 0)
    carries[network.n_coefs :] = True
    matters = traffic(network, carries).matters
    if not drop_inputs:
        matters[0] = np.ones_like(matters[0])
    kept = [np.flatnonzero(m) if m.any() else np.zeros(1, np.intp) for m in matters]
    folded = fold_constants(network, carries)
    alive = mask & ~ghosts(network, carries)
    alive[network.n_coefs :] |= folded.theta[network.n_coefs :] != 0
    masks, intercept_masks = network.split(alive)
    parts = zip(
        kept, kept[1:], folded.coefs, masks, folded.intercepts, intercept_masks, strict=False
    )
    layers = [(W[np.ix_(i, j)], M[np.ix_(i, j)], b[j], m[j]) for i, j, W, M, b, m in parts]
    coefs, masks, intercepts, intercept_masks = zip(*layers, strict=True)
    small = replace(network, coefs=coefs, intercepts=intercepts)
    return small, np.concatenate([m.ravel() for m in (*masks, *intercept_masks)]), kept


def inputs_read(network, mask):
    """Indices of the inputs that still touch the output."""
    return np.flatnonzero(traffic(network, mask).matters[0])


def units_alive(network, mask):
    """Per hidden layer, the indices of the units that still touch the output."""
    return [np.flatnonzero(matters) for matters in traffic(network, mask).matters[1:-1]]
