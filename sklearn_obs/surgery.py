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


@dataclass(frozen=True)
class _State:
    """What a round starts from."""

    network: Network
    mask: np.ndarray  # (n_parameters,) bool
    loss: float
    number: int  # of the round to come


def operate(
    network, mask, objective, n_remove, plan, *, seed, first_round=1
) -> Iterator[tuple[range, Round]]:
    """Remove weights in rounds, to one sparsity or several; yields each finished round.

    Several share the rounds that lead to them. One that falls inside a round is a side branch: the
    beginning of that round's removal, retrained by itself; the main path goes on from the whole
    round. So the rounds that lead to a sparsity are, bit for bit, those of an operation of its own.

    Parameters
    ----------
    network : Network
    mask : ndarray of shape (n_parameters,), bool
        What lives at the start.
    objective : Objective
        What the dense network was trained on.
    n_remove : sequence of int
        How many weights are to go: ascending from 1, one number for each sparsity.
    plan : Plan
    seed : int
    first_round : int, default=1

    Yields
    ------
    (range, Round)
        A round, and the positions in `n_remove` that it leads to.

    Raises
    ------
    MemoryError
        If the first round would take more than there is.
    numpy.linalg.LinAlgError
        If the curvature cannot be inverted with this damping.
    """
    may_go = prunable(network, plan.prune_intercepts)
    unread = never_read(network, objective.X)
    check_memory(network, mask & ~unread, objective.X.shape[0], plan)
    fixed = (unread, objective, plan, seed)
    now = _State(network, mask, loss(network, objective), first_round)
    most = np.inf if plan.max_loss_increase is None else (1 + plan.max_loss_increase) * now.loss
    n_gone, ahead = 0, range(len(n_remove))  # on the main path
    while ahead:
        n_round = per_round(np.count_nonzero(now.mask & may_go), plan.step)
        left = [n_remove[level] - n_gone for level in ahead]
        # inside this round, or reached by those before, the removal of all weights among them
        n_inside = sum(n < max(n_round, 1) for n in left)
        inside, ahead = ahead[:n_inside], ahead[n_inside:]
        stops = [n for n in left[:n_inside] if n > 0] + [n_round] * bool(ahead)
        rounds = _rounds(now, n_round, stops, *fixed)
        for level, n in zip(inside, left, strict=False):
            only, end = range(level, level + 1), now
            branch = next(rounds) if n > 0 else None
            if branch is not None and branch.loss <= most:
                yield only, branch
                end = _after(branch)
            for swap in _swaps(end, *fixed):
                yield only, swap
        if ahead:
            whole = next(rounds)
            if whole.loss > most:  # as if it had not been tried
                for swap in _swaps(now, *fixed):
                    yield ahead, swap
                return
            yield ahead, whole
            n_gone += whole.removed.size
            now = _after(whole)


def most_rounds(n_living, n_remove, plan):
    """How many rounds `operate` takes at most, exchanges included, if `n_living` weights may go."""
    number = plan.n_swaps
    while n_remove > 0:
        n_round = per_round(n_living, plan.step)
        n_living, n_remove, number = n_living - n_round, n_remove - n_round, number + 1
    return number


def _after(r):
    return _State(r.network, r.mask, r.loss, r.number + 1)


def _rounds(now, n_round, stops, unread, objective, plan, seed):
    """The round of `n_round` weights as far as each of `stops`, retrained."""
    rng = np.random.default_rng([seed, now.number])
    network, movement, epochs_before, epochs = now.network, None, 0, plan.retrain_epochs
    if plan.criterion == "movement":  # half of the passes show which way the weights go
        movement, first = _moved(network, now.mask, objective, plan, rng)
        network, epochs_before = first.network, first.epochs
        epochs = None if epochs is None else epochs - epochs // 2
    cuts = remove(
        network, now.mask, unread, objective, n_round, plan, rng, movement=movement, stops=stops
    )
    for cut in cuts:
        with blas_threads_for(2 * objective.X.shape[0] * network.n_coefs):
            pruned_loss = loss(cut.network, objective)
            retrained = retrain(cut.network, cut.mask, objective, plan, cut.rng, epochs=epochs)
            network, after = cut.network, pruned_loss
            if retrained.epochs:
                network, after = retrained.network, loss(retrained.network, objective)
        yield Round(
            number=now.number,
            network=network,
            mask=cut.mask,
            removed=cut.removed,
            regrown=np.empty(0, np.intp),
            saliency=cut.saliency,
            predicted_loss=now.loss + cut.saliency.sum(),
            pruned_loss=pruned_loss,
            loss=after,
            epochs=epochs_before + retrained.epochs,
            converged=retrained.converged,
        )


def _swaps(now, unread, objective, plan, seed):
    """Exchanges that lower the loss, as long as one is found and `n_swaps` allows it."""
    for _ in range(plan.n_swaps):
        rng = np.random.default_rng([seed, now.number])
        with blas_threads_for(2 * objective.X.shape[0] * now.network.n_coefs):
            found = exchange(now.network, now.mask, unread, objective, now.loss, plan, rng)
        if found is None:
            return
        done = Round(
            number=now.number, predicted_loss=now.loss + found.saliency.sum(), **vars(found)
        )
        yield done
        now = _after(done)


def _moved(network, mask, objective, plan, rng):
    """-sum w g over the gradients of half a round's retraining, and the `Retrained`."""
    movement = np.zeros(network.n_parameters)

    def watch(free, x, g):
        movement[free] -= x * g

    epochs = None if plan.retrain_epochs is None else plan.retrain_epochs // 2
    with blas_threads_for(2 * objective.X.shape[0] * network.n_coefs):
        return movement, retrain(network, mask, objective, plan, rng, epochs=epochs, watch=watch)
