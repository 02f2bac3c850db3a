"""What groups of weights cost all blocks of a curvature together.

With delta, what the removal of a group changes, and H the curvature over all weights, penalty and
damping included, the group's joint saliency is::

    L_B = delta' H delta / 2        H = G'G + diag(ridge)

so it takes G delta of each group, which is a sum over the blocks that delta comes from. Where that
would be too large an array, every k-th sample alone is looked at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from sklearn_obs.curvature import Measurement
from sklearn_obs.elimination.grouped import Update

MOST_NUMBERS = 2**24  # in G delta of all groups: 128 MiB


def joint_saliencies(
    measurement: Measurement,
    keep: np.ndarray,
    ridge: np.ndarray,
    updates: Iterable[Update],
    n_groups: int,
    others: Sequence["Along"] = (),
) -> np.ndarray:
    """L_B of each group, of shape (n_groups,).

    Parameters
    ----------
    measurement : Measurement
        Of a kind that has a root.
    keep : ndarray of shape (m,), int
        Flat indices of the weights that the updates are over.
    ridge : ndarray of shape (m,)
        Penalty and damping.
    updates : iterable of Update
        As of `sklearn_obs.elimination.group_updates`.
    n_groups : int
    others : sequence of Along, default=()
        Other curvatures that are to see the updates.
    """
    saliency, along = np.zeros(n_groups), Along(thinned(measurement, n_groups), n_groups)
    for index, some, delta in updates:
        saliency[some] += ridge[index] @ delta**2 / 2
        for each in (along, *others):
            each.add(keep[index], some, delta)
    return saliency + along.halved_squares().sum(axis=0)


def thinned(measurement: Measurement, n_groups: int) -> Measurement:
    """The same on every k-th of the samples, if G delta of all would be too large an array."""
    n = measurement.n_samples
    most = max(1, MOST_NUMBERS // (measurement.n_signals * n_groups))
    if n <= most:
        return measurement
    rows = np.linspace(0, n - 1, most).astype(np.intp)
    shares = measurement.shares[rows]
    return replace(
        measurement, X=measurement.X[rows], y=measurement.y[rows], shares=shares / shares.sum()
    )


class Along:
    """G delta of the root G of a curvature, for several directions delta.

    Parameters
    ----------
    measurement : Measurement
    n_directions : int

    Attributes
    ----------
    value : ndarray of shape (n_samples, K, n_directions)
        For what has been added so far.
    """

    value: np.ndarray

    def __init__(self, measurement: Measurement, n_directions: int):
        self._layout = measurement.network.layout
        self._batches = list(measurement.batches(measurement.factor_numbers))
        self.value = np.zeros((measurement.n_samples, measurement.n_signals, n_directions))

    def add(self, flat: np.ndarray, some: np.ndarray, delta: np.ndarray) -> None:
        """Of the directions `some`, what they change in the parameters `flat`: (m, n_some)."""
        position = self._layout.positions(flat)
        which: Any = some
        if np.array_equal(some, np.arange(self.value.shape[2])):
            which = slice(None)  # of which NumPy makes no copy
        for rows, layers in self._batches:
            for index, layer in zip(self._layout.index, layers, strict=True):
                for unit, column in enumerate(position[index].T):
                    (reads,) = np.nonzero(column >= 0)
                    if reads.size:
                        along = layer.inputs[:, reads] @ delta[column[reads]]
                        signal = layer.signals[:, :, unit, None]
                        self.value[rows, :, which] += signal * along[:, None, :]

    def add_removals(self, W: np.ndarray, owner: np.ndarray) -> None:
        """What the inputs' removal changes where nothing is adjusted: delta is -W in a group.

        Parameters
        ----------
        W : ndarray of shape (n_inputs, n_units)
            The first layer's weights.
        owner : ndarray of shape (n_inputs,), int
            The direction that removes each input, -1 for none.
        """
        (there,) = np.nonzero(owner >= 0)
        to_groups = csr_array(
            (np.ones(there.size), (there, owner[there])), (len(owner), self.value.shape[2])
        )
        for rows, (first, *_) in self._batches:
            # sum_j s_j w_ij, times a_i, summed over the inputs i of a group
            of_inputs = (first.signals @ W.T) * first.inputs[:, None, :-1]
            self.value[rows] -= (of_inputs.reshape(-1, len(owner)) @ to_groups).reshape(
                *of_inputs.shape[:2], -1
            )

    def halved_squares(self) -> np.ndarray:
        """delta' H_t delta / 2 of each sample, times its share: (n_samples, n_directions)."""
        return np.einsum("tkg,tkg->tg", self.value, self.value) / 2
