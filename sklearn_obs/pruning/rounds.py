"""Pruning in rounds of curvature, elimination and retraining, until enough weights are removed.

    while weights are to be removed:
        costless weights are removed, then those that a criterion chooses; the others are adjusted
        constants are folded, dead weights set to 0
        the remaining weights are retrained
        the round is recorded; if it raised the loss too much, it is undone and the run ends
    while swaps are allowed and one is found that lowers the loss:
        it is made and recorded (see `swaps`)

The code works on plain arrays. The randomness of round r depends only on (seed, r).
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
    """The network after a round, and a record of the round."""

    number: int
    network: Network
    mask: np.ndarray  # (n_parameters,) bool, the remaining parameters
    removed: np.ndarray  # (n_removed,) flat indices in the order of removal
    regrown: np.ndarray  # (n_regrown,) flat indices of weights that a swap brought back
    saliency: np.ndarray  # (n_removed,) predicted increase of the loss
    predicted_loss: float  # the loss before the round plus the sum of the saliencies
    pruned_loss: float  # measured before retraining
    loss: float  # measured after retraining
    label_loss: float  # against the labels alone, without penalty; nan without labels
    epochs: int  # of retraining
    converged: bool

    def record(self) -> "Round":
        """The round without network and mask, which take more memory than all the rest."""
        nothing = np.empty(0, bool)
        return replace(self, network=Network((), (), "", ""), mask=nothing)


@dataclass(frozen=True)
class Checkpoint:
    """The network between two rounds, from which the next round starts."""

    network: Network
    mask: np.ndarray  # (n_parameters,) bool, the remaining parameters
    loss: float
    label_loss: float
    next_round: int

    @classmethod
    def after(cls, r: Round) -> "Checkpoint":
        """The checkpoint at the end of round `r`."""
        return cls(r.network, r.mask, r.loss, r.label_loss, r.number + 1)


@dataclass(frozen=True)
class Level:
    """One of the requested sparsities."""

    position: int  # its index in `n_remove`
    n_left: int  # number of weights still to be removed from the network of the main path


def prune(
    network: Network,
    mask: np.ndarray,
    problem: Problem,
    n_remove: Sequence[int],
    *,
    first_round: int = 1,
) -> Iterator[tuple[list[int], Round]]:
    """Remove weights in rounds, to one or several sparsities, and yield each finished round.

    Several sparsities share the rounds that lead to them. A sparsity that falls inside a round is a
    side branch: the network after the first removals of that round is retrained separately, while
    the main path continues from the whole round. So the rounds that lead to a sparsity are, bit for
    bit, those of a separate run to that sparsity.

    Parameters
    ----------
    network : Network
    mask : ndarray of shape (n_parameters,), bool
        The parameters that remain at the start.
    problem : Problem
    n_remove : sequence of int
        Numbers of weights to remove, ascending, one for each sparsity. If a number is 0, only swaps
        are made.
    first_round : int, default=1

    Yields
    ------
    (list of int, Round)
        The indices in `n_remove` of the sparsities to which a round leads, and the round.

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
        if not accepted(whole):  # the round is undone, and the run ends
            _say_if_not_finite(whole)
            yield from _led_to(ahead, _swaps(main, accepted, problem))
            return
        yield from _led_to(ahead, [whole])
        main = Checkpoint.after(whole)
        ahead = [Level(a.position, a.n_left - whole.removed.size) for a in ahead]


def _acceptance(start, problem):
    """A function that returns whether a round is kept: its losses are finite and not too high."""
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
    """Split levels into those inside this round (or already reached) and those ahead of it.

    `n_round` is 0 only if no weights are left to be removed, and then all levels have been reached.
    """
    n_inside = sum(level.n_left < max(n_round, 1) for level in levels)
    return levels[:n_inside], levels[n_inside:]


def _stops(inside, ahead, n_round):
    """The numbers of removals after which the network of the round is needed."""
    return [level.n_left for level in inside if level.n_left > 0] + [n_round] * bool(ahead)


def _led_to(levels, rounds):
    positions = [level.position for level in levels]
    for r in rounds:
        yield positions, r


def _side_branch(level, start, rounds, accepted, problem):
    """The rounds from a checkpoint of the main path to a level inside the next round."""
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
    """Yield the round of `n_round` weights at each of `stops`, retrained."""
    rng, plan = problem.rng(start.next_round), problem.plan
    network, movement, epochs_before, epochs = start.network, None, 0, plan.retrain_epochs
    if plan.criterion == "movement":  # half of the epochs show in which direction weights move
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
    """Yield a round for each swap that lowers the loss, at most `n_swaps` of them."""
    for _ in range(problem.plan.n_swaps):
        rng = problem.rng(start.next_round)
        try:
            found = find_swap(start.network, start.mask, problem, start.loss, rng)
        except (MemoryError, LinAlgError) as error:  # the target was reached without swaps
            warn(f"Swaps end here, and the network is kept as it is: {error}")
            return
        if found is None:
            return
        done = Round(
            number=start.next_round,
            predicted_loss=start.loss + found.saliency.sum(),
            **vars(found),
        )
        if not accepted(done):  # the loss against the labels may have risen too much
            return
        yield done
        start = Checkpoint.after(done)
