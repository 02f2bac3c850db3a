"""Joint saliencies: the cost of removing a group of weights, over all blocks of H together.

Let delta be the change of all weights when a group B is removed, and H the curvature over all
weights, with penalty and damping. The joint saliency of the group is::

    L_B = delta' H delta / 2        H = G'G + diag(ridge)

This needs G delta for each group, which is a sum over the blocks from which delta is put together.
If the array of all G delta would be too large, only every k-th sample is used.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from sklearn_obs.curvature import Measurement
from sklearn_obs.elimination.grouped import Update

MOST_NUMBERS = 2**24  # numbers in G delta for all groups: 128 MiB


def joint_saliencies(
    measurement: Measurement,
    keep: np.ndarray,
    ridge: np.ndarray,
    updates: Iterable[Update],
    n_groups: int,
    others: Sequence["Along"] = (),
) -> np.ndarray:
    """Compute L_B for each group, of shape (n_groups,).

    Parameters
    ----------
    measurement : Measurement
        Its kind must have a root.
    keep : ndarray of shape (m,), int
        Flat indices of the weights to which the updates refer.
    ridge : ndarray of shape (m,)
        Penalty and damping.
    updates : iterable of Update
        The weight updates, as `sklearn_obs.elimination.group_updates` yields them.
    n_groups : int
    others : sequence of Along, default=()
        Products with the roots of other curvatures, to which the updates are added, too.
    """
    saliency, along = np.zeros(n_groups), Along(thinned(measurement, n_groups), n_groups)
    for index, some, delta in updates:
        saliency[some] += ridge[index] @ delta**2 / 2
        for each in (along, *others):
            each.add(keep[index], some, delta)
    return saliency + along.halved_squares().sum(axis=0)


def thinned(measurement: Measurement, n_groups: int) -> Measurement:
    """The measurement, reduced to every k-th sample if G delta would be too large an array."""
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
    """The products G delta of a curvature's root G with several directions delta.

    Parameters
    ----------
    measurement : Measurement
    n_directions : int

    Attributes
    ----------
    value : ndarray of shape (n_samples, K, n_directions)
        G delta for the directions, as far as they have been added.
    """

    value: np.ndarray

    def __init__(self, measurement: Measurement, n_directions: int):
        self._layout = measurement.network.layout
        self._batches = list(measurement.batches(measurement.factor_numbers))
        self.value = np.zeros((measurement.n_samples, measurement.n_signals, n_directions))

    def add(self, flat: np.ndarray, some: np.ndarray, delta: np.ndarray) -> None:
        """Add a part of the directions `some`: their entries (m, n_some) for parameters `flat`."""
        position = self._layout.positions(flat)
        which: Any = some
        if np.array_equal(some, np.arange(self.value.shape[2])):
            which = slice(None)  # NumPy makes no copy for a slice
        for rows, layers in self._batches:
            for index, layer in zip(self._layout.index, layers, strict=True):
                for unit, column in enumerate(position[index].T):
                    (reads,) = np.nonzero(column >= 0)
                    if reads.size:
                        along = layer.inputs[:, reads] @ delta[column[reads]]
                        signal = layer.signals[:, :, unit, None]
                        self.value[rows, :, which] += signal * along[:, None, :]

    def add_removals(self, W: np.ndarray, owner: np.ndarray) -> None:
        """Add the removal of inputs without weight updates: delta is -W for a direction's inputs.

        Parameters
        ----------
        W : ndarray of shape (n_inputs, n_units)
            The weights of the first layer.
        owner : ndarray of shape (n_inputs,), int
            The index of the direction that removes each input, or -1.
        """
        (there,) = np.nonzero(owner >= 0)
        to_groups = csr_array(
            (np.ones(there.size), (there, owner[there])), (len(owner), self.value.shape[2])
        )
        for rows, (first, *_) in self._batches:
            # a_i sum_j s_j w_ij for each input i, then summed over the inputs of a group
            of_inputs = (first.signals @ W.T) * first.inputs[:, None, :-1]
            self.value[rows] -= (of_inputs.reshape(-1, len(owner)) @ to_groups).reshape(
                *of_inputs.shape[:2], -1
            )

    def halved_squares(self) -> np.ndarray:
        """v_t delta' H_t delta / 2 for each sample t of share v_t: (n_samples, n_directions)."""
        return np.einsum("tkg,tkg->tg", self.value, self.value) / 2
