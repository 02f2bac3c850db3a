"""Pruning in rounds of curvature, elimination and retraining, until enough weights are removed.

    while weights are to be removed:
        costless weights are removed, then those that a criterion chooses; the others are adjusted
        constants are folded, dead weights set to 0
        the remaining weights are retrained
        the round is recorded; if it raised the loss too much, it is undone and the run ends
    while swaps are allowed and one is found that lowers the loss:
        it is made and recorded (see `swaps`)

All of it works on plain arrays; the randomness of round r comes from (seed, r) alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import LinAlgError

from sklearn_obs.network import Network, evaluate
from sklearn_obs.pruning.movement import retrain_watched
from sklearn_obs.pruning.problem import Problem
from sklearn_obs.pruning.removal import remove
from sklearn_obs.pruning.swaps import find_swap
from sklearn_obs.pruning.warned import warn
from sklearn_obs.retraining import retrain


@dataclass(frozen=True)
class Round:
    """The network after a round, and what happened in it."""

    number: int
    network: Network
    mask: np.ndarray  # (n_parameters,) bool, what remains
    removed: np.ndarray  # (n_removed,) flat indices in the order of removal
    regrown: np.ndarray  # (n_regrown,) flat indices of weights that a swap brought back
    saliency: np.ndarray  # (n_removed,) predicted increase of the loss
    predicted_loss: float  # the loss before the round and the sum of the saliencies
    pruned_loss: float  # measured before retraining
    loss: float  # and after
    label_loss: float  # against the labels alone, without penalty; nan without labels
    epochs: int  # of retraining
    converged: bool

    def record(self) -> "Round":
        """The same without the network, which takes more memory than all the rest."""
        nothing = np.empty(0, bool)
        return replace(self, network=Network((), (), "", ""), mask=nothing)


@dataclass(frozen=True)
class Checkpoint:
    """The network between two rounds: what a round starts from."""

    network: Network
    mask: np.ndarray  # (n_parameters,) bool, what remains
    loss: float
    label_loss: float
    next_round: int

    @classmethod
    def after(cls, r: Round) -> "Checkpoint":
        """Where round `r` has led."""
        return cls(r.network, r.mask, r.loss, r.label_loss, r.number + 1)


@dataclass(frozen=True)
class Level:
    """One of the sparsities that are asked for."""

    position: int  # in `n_remove`
    n_left: int  # weights to be removed from where the main path stands


def prune(
    network: Network,
    mask: np.ndarray,
    problem: Problem,
    n_remove: Sequence[int],
    *,
    first_round: int = 1,
) -> Iterator[tuple[list[int], Round]]:
    """Remove weights in rounds, to one sparsity or several; yields each finished round.

    Several sparsities share the rounds that lead to them. One that falls inside a round is a side
    branch: the beginning of that round's removal, retrained by itself; the main path goes on from
    the whole round. So the rounds that lead to a sparsity are, bit for bit, those of a run of its
    own.

    Parameters
    ----------
    network : Network
    mask : ndarray of shape (n_parameters,), bool
        What remains at the start.
    problem : Problem
    n_remove : sequence of int
        How many weights to remove: ascending, one number for each sparsity. For 0 there are swaps
        alone.
    first_round : int, default=1

    Yields
    ------
    (list of int, Round)
        The positions in `n_remove` that a round leads to, and the round.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the curvature cannot be inverted with this damping.
    """
    at_first = evaluate(network, problem.objective)
    main = Checkpoint(network, mask, at_first.objective, at_first.label, first_round)
    accepted = _acceptance(main, problem)
    ahead = [Level(position, n) for position, n in enumerate(n_remove)]
    while ahead:
        n_round = problem.scope.round_size(main.mask)
        inside, ahead = _split(ahead, n_round)
        rounds = _rounds(main, problem, n_round, _stops(inside, ahead, n_round))
        for level in inside:
            yield from _led_to([level], _side_branch(level, main, rounds, accepted, problem))
        if not ahead:
            return
        whole = next(rounds)
        if not accepted(whole):  # as if it had not been tried
            _say_if_not_finite(whole)
            yield from _led_to(ahead, _swaps(main, accepted, problem))
            return
        yield from _led_to(ahead, [whole])
        main = Checkpoint.after(whole)
        ahead = [Level(a.position, a.n_left - whole.removed.size) for a in ahead]


def _acceptance(start, problem):
    """A function that says whether a round is kept: its losses are finite and not too high."""
    if not np.isfinite(start.loss):
        raise ValueError(
            f"The loss of the network is {start.loss} before anything is removed, but expected a "
            "finite loss. Its weights are not finite, or its outputs are too large for these "
            "samples. Scale X as in training, or train again with a lower `learning_rate_init`."
        )
    increase = problem.plan.max_loss_increase

    def accepted(r):
        if increase is not None and not r.label_loss <= (1 + increase) * start.label_loss:
            return False
        return np.isfinite(r.loss)

    return accepted


def _say_if_not_finite(r):
    if not np.isfinite(r.loss):
        warn(
            f"Pruning ends before round {r.number}, which left a loss of {r.loss}. The network "
            "from before this round is kept. Increase `damping`, or scale the features of X.",
            RuntimeWarning,
        )


def _split(levels, n_round):
    """The levels that lie inside this round, or are reached already, and those ahead of it.

    A round of 0 weights is the removal of all that is left: then all levels have been reached.
    """
    n_inside = sum(level.n_left < max(n_round, 1) for level in levels)
    return levels[:n_inside], levels[n_inside:]


def _stops(inside, ahead, n_round):
    """The numbers of removals at which the round is looked at."""
    return [level.n_left for level in inside if level.n_left > 0] + [n_round] * bool(ahead)


def _led_to(levels, rounds):
    positions = [level.position for level in levels]
    for r in rounds:
        yield positions, r


def _side_branch(level, start, rounds, accepted, problem):
    """The rounds that lead from a checkpoint of the main path to a level inside its next round."""
    end = start
    if level.n_left > 0:
        branch = next(rounds)
        if accepted(branch):
            yield branch
            end = Checkpoint.after(branch)
        else:
            _say_if_not_finite(branch)
    yield from _swaps(end, accepted, problem)


def _rounds(start, problem, n_round, stops):
    """The round of `n_round` weights as far as each of `stops`, retrained."""
    rng, plan = problem.rng(start.next_round), problem.plan
    network, movement, epochs_before, epochs = start.network, None, 0, plan.retrain_epochs
    if plan.criterion == "movement":  # half of the epochs show which way the weights move
        half = None if epochs is None else epochs // 2
        movement, first = retrain_watched(network, start.mask, problem, rng, epochs=half)
        network, epochs_before = first.network, first.epochs
        epochs = None if epochs is None else epochs - epochs // 2
    for cut in remove(network, start.mask, problem, n_round, rng, movement=movement, stops=stops):
        network, pruned = cut.network, evaluate(cut.network, problem.objective)
        retrained = retrain(cut.network, cut.mask, problem.objective, plan, cut.rng, epochs=epochs)
        after = pruned
        if retrained.epochs:
            network, after = retrained.network, evaluate(retrained.network, problem.objective)
        yield Round(
            number=start.next_round,
            network=network,
            mask=cut.mask,
            removed=cut.removed,
            regrown=np.empty(0, np.intp),
            saliency=cut.saliency,
            predicted_loss=start.loss + cut.saliency.sum(),
            pruned_loss=pruned.objective,
            loss=after.objective,
            label_loss=after.label,
            epochs=epochs_before + retrained.epochs,
            converged=retrained.converged,
        )


def _swaps(start, accepted, problem):
    """Swaps that lower the loss, as long as one is found and `n_swaps` allows it."""
    for _ in range(problem.plan.n_swaps):
        rng = problem.rng(start.next_round)
        try:
            found = find_swap(start.network, start.mask, problem, start.loss, rng)
        except (MemoryError, LinAlgError) as error:  # the target has been reached without
            warn(f"Swaps end here, and the network is kept as it is: {error}")
            return
        if found is None:
            return
        done = Round(
            number=start.next_round,
            predicted_loss=start.loss + found.saliency.sum(),
            **vars(found),
        )
        if not accepted(done):  # against the labels it may have lost more than is allowed
            return
        yield done
        start = Checkpoint.after(done)
