"""Surgery: rounds of curvature, elimination, retraining, until enough weights are gone.

    while weights are to be removed:
        ghosts and weights that no row reads go first, for free
        a criterion removes a round's share of the living, the others repair
        constants are folded, ghosts set to 0
        the survivors are retrained
        the round is recorded; if it raised the loss too much, it is undone and all ends
    while exchanges are allowed and one is found that lowers the loss:
        it is made and recorded (see `regrowth`)

All of it on plain arrays; the randomness of round r comes from (seed, r) alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sklearn_obs.network import Network, loss
from sklearn_obs.plan import retrain
from sklearn_obs.regrowth import exchange
from sklearn_obs.removal import check_memory, never_read, per_round, prunable, remove
from sklearn_obs.threads import blas_threads_for


@dataclass(frozen=True)
class Round:
    """The network after a round, and what happened in it."""

    number: int
    network: Network
    mask: np.ndarray  # (n_parameters,) bool, what still lives
    removed: np.ndarray  # (n_removed,) flat indices in the order of removal
    regrown: np.ndarray  # (n_regrown,) flat indices of weights that came back
    saliency: np.ndarray  # (n_removed,) predicted increase of the loss
    predicted_loss: float  # the loss before the round and the sum of the saliencies
    pruned_loss: float  # measured before retraining
    loss: float  # and after
    epochs: int  # passes over the data in retraining
    converged: bool


def operate(network, mask, objective, n_remove, plan, *, seed, first_round=1) -> Iterator[Round]:
    """Remove `n_remove` weights in rounds; yields each finished round.

    Parameters
    ----------
    network : Network
    mask : ndarray of shape (n_parameters,), bool
        What lives at the start.
    objective : Objective
        What the dense network was trained on.
    n_remove : int
    plan : Plan
    seed : int
    first_round : int, default=1

    Yields
    ------
    Round

    Raises
    ------
    MemoryError
        If the first round, the largest, would take more than there is.
    numpy.linalg.LinAlgError
        If the curvature cannot be inverted with this damping.
    """
    may_go = prunable(network, plan.prune_intercepts)
    unread = never_read(network, objective.X)
    check_memory(network, mask & ~unread, objective.X.shape[0], n_remove, plan)
    before = loss(network, objective)
    most = np.inf if plan.max_loss_increase is None else (1 + plan.max_loss_increase) * before
    number = first_round
    while n_remove > 0:
        n_round = min(n_remove, per_round(np.count_nonzero(mask & may_go), plan.step))
        done = _round(number, network, mask, unread, objective, before, n_round, plan, seed)
        if done.loss > most:
            break  # as if it had not been tried
        yield done
        network, mask, before = done.network, done.mask, done.loss
        n_remove, number = n_remove - done.removed.size, number + 1
    last = number + plan.n_swaps
    while number < last:
        rng = np.random.default_rng([seed, number])
        with blas_threads_for(2 * objective.X.shape[0] * network.n_coefs):
            found = exchange(network, mask, unread, objective, before, plan, rng)
        if found is None:
            break
        yield Round(number=number, predicted_loss=before + found.saliency.sum(), **vars(found))
        network, mask, before = found.network, found.mask, found.loss
        number += 1


def _round(number, network, mask, unread, objective, before, n_round, plan, seed):
    rng = np.random.default_rng([seed, number])
    movement, epochs_before, epochs = None, 0, plan.retrain_epochs
    if plan.criterion == "movement":  # half of the passes show which way the weights go
        movement, first = _moved(network, mask, objective, plan, rng)
        network, epochs_before = first.network, first.epochs
        epochs = None if epochs is None else epochs - epochs // 2
    network, mask, removed, saliency = remove(
        network, mask, unread, objective, n_round, plan, rng, movement
    )
    with blas_threads_for(2 * objective.X.shape[0] * network.n_coefs):
        pruned_loss = loss(network, objective)
        retrained = retrain(network, mask, objective, plan, rng, epochs=epochs)
        after = pruned_loss
        if retrained.epochs:
            network, after = retrained.network, loss(retrained.network, objective)
    return Round(
        number=number,
        network=network,
        mask=mask,
        removed=removed,
        regrown=np.empty(0, np.intp),
        saliency=saliency,
        predicted_loss=before + saliency.sum(),
        pruned_loss=pruned_loss,
        loss=after,
        epochs=epochs_before + retrained.epochs,
        converged=retrained.converged,
    )


def _moved(network, mask, objective, plan, rng):
    """-sum w g over the gradients of half a round's retraining, and the `Retrained`."""
    movement = np.zeros(network.n_parameters)

    def watch(free, x, g):
        movement[free] -= x * g

    epochs = None if plan.retrain_epochs is None else plan.retrain_epochs // 2
    with blas_threads_for(2 * objective.X.shape[0] * network.n_coefs):
        return movement, retrain(network, mask, objective, plan, rng, epochs=epochs, watch=watch)
