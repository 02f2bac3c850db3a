"""Criteria: which of the candidates go next, and what becomes of the others.

A criterion is a function of a `Case`, the number of weights to remove, and the callable `freed` and
the `stops` of `sklearn_obs.elimination.eliminate`. It returns an `Elimination` over the candidates.
Saliencies are predicted increases of the loss, and nan where a criterion predicts none. Of groups,
the sum of the scores counts (for OBS see `sklearn_obs.groups`)::

    obs         w_q^2 / (2 [H^-1]_qq)   after every removal; the others repair
    obd         H_qq w_q^2 / 2          once a round; no repair
    magnitude   |w_q|                   once a round; no repair
    layer_magnitude                     the same share of every layer
    movement    -sum w_q dl/dw_q        over the round's first half of retraining; no repair
    random      uniform                 once a round; no repair

References
----------
LeCun, Y., Denker, J. S. and Solla, S. A. (1989). Optimal Brain Damage. NIPS 2.
Hassibi, B. and Stork, D. G. (1992). Optimal Brain Surgeon. NIPS 5.
"""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import LinAlgError

from sklearn_obs.blockwise import eliminate_blocks
from sklearn_obs.curvature import (
    FACTORED,
    STRUCTURES,
    BlockInverse,
    Measurement,
    factor_diagonal,
)
from sklearn_obs.elimination import Elimination, eliminate
from sklearn_obs.groups import (
    eliminate_groups,
    eliminate_groups_by_score,
    group_saliencies,
    useless,
)
from sklearn_obs.threads import blas_threads_for


class NotFinite(LinAlgError):
    """Curvature that no damping can help."""


@dataclass(frozen=True)
class Case:
    """What a criterion may look at."""

    measurement: Measurement  # the network, and the rows that curvature is measured on
    keep: np.ndarray  # (m,) flat indices of the candidates and of those that only repair
    eligible: np.ndarray  # (m,) bool, the candidates
    penalty: float  # of the squared coefs
    damping: float  # in units of the mean diagonal of H
    structure: str
    n_jobs: int | None
    rng: np.random.Generator
    movement: np.ndarray | None = None  # (m,) -sum w g over gradients, where they were watched
    groups: list | None = None  # what goes as a whole, where that is not each weight by itself

    @property
    def weights(self):
        """The parameters `keep`, of shape (m,), a fresh array in float64."""
        return self.measurement.network.theta[self.keep].astype(np.float64)

    def hessian_diagonal(self):
        """Curvature and penalty, (m,), Gauss-Newton's for the exact Hessian; no damping."""
        measurement = self.measurement
        if measurement.kind not in FACTORED:
            measurement = replace(measurement, kind="ggn")
        diagonal = factor_diagonal(measurement)[self.keep]
        diagonal += self._penalties()
        if not np.isfinite(diagonal).all():
            raise NotFinite("the curvature of the loss is not finite: scale the columns of X")
        return diagonal

    def inverse_hessian(self):
        """C = H^-1 over `keep`, penalty and damping included."""
        ridge = self._penalties() + self.damping * self.hessian_diagonal().mean()
        return STRUCTURES[self.structure].invert(self.measurement, self.keep, ridge)

    def group_saliencies(self, groups):
        """What the loss rises by if a group goes and the others repair, (n_groups,)."""
        with blas_threads_for(self.keep.size**3):
            return group_saliencies(self.weights, _chooser(self.inverse_hessian()), groups)

    def _penalties(self):
        return np.where(self.keep < self.measurement.network.n_coefs, self.penalty, 0.0)


def obs(case, n_remove, freed, stops=()):
    """Optimal Brain Surgeon."""
    freed_by = []  # the weights that each removal left without an output

    def watched(q):
        freed_by.append(freed(q))
        return freed_by[-1]

    options = {"eligible": case.eligible, "stops": stops}
    with blas_threads_for(case.keep.size**3):
        inverse = case.inverse_hessian()
        if case.groups is not None:
            chooser = _chooser(inverse)
            path = eliminate_groups(case.weights, chooser, case.groups, n_remove, **options)
        elif hasattr(inverse, "parts"):
            options |= {"freed": watched, "n_jobs": case.n_jobs}
            path = eliminate_blocks(case.weights, inverse.parts(), n_remove, **options)
        else:
            options |= {"freed": watched, "overwrite": True}
            path = eliminate(case.weights, inverse, n_remove, **options)
        if not hasattr(inverse, "repaired"):
            return path

        def repaired(path):
            """Blocks choose, the whole repairs; what touches no output neither pays nor helps."""
            if case.groups is not None:
                orphans = useless(case.groups, path.order)
            else:
                orphans = [i for found in freed_by[: path.order.size] for i in found]
            weights, gone = case.weights, np.union1d(path.order, orphans).astype(np.intp)
            weights[orphans] = 0
            return replace(path, weights=inverse.repaired(weights, gone))

        return replace(repaired(path), earlier=tuple(map(repaired, path.earlier)))


def _chooser(inverse):
    """The inverse Hessian that groups are chosen by: the blocks, where those choose."""
    return BlockInverse(inverse.parts()) if hasattr(inverse, "parts") else inverse


def obd(case, n_remove, freed, stops=()):
    """Optimal Brain Damage: a diagonal Hessian.

    What it leaves out relative to OBS: that weights share work, hence any repair, and the ranking
    after each removal.
    """
    saliency = case.hessian_diagonal() * case.weights**2 / 2
    return _by_score(saliency, saliency, case, n_remove, freed, stops)


def magnitude(case, n_remove, freed, stops=()):
    """The smallest weights first.

    What it leaves out relative to OBS: the loss. Neither what a weight is worth to it nor what the
    others could make up for counts, only size.
    """
    size = np.abs(case.weights)
    return _by_score(size, np.full(size.size, np.nan), case, n_remove, freed, stops)


def layer_magnitude(case, n_remove, freed, stops=()):
    """The smallest weights of each layer first, the same share of every layer.

    What it leaves out relative to OBS: the curvature, hence what a weight is worth to the loss; any
    repair; and that layers differ in how much they can spare.
    """
    size = np.abs(case.weights)
    rank = np.empty(size.size)
    for index in case.measurement.network.index:
        (here,) = np.nonzero(np.isin(case.keep, index) & case.eligible)
        rank[here[np.argsort(size[here], kind="stable")]] = (np.arange(here.size) + 0.5) / max(
            here.size, 1
        )
    return _by_score(rank, np.full(size.size, np.nan), case, n_remove, freed, stops)


def movement(case, n_remove, freed, stops=()):
    """The weights first that training moved towards 0: least -sum w dl/dw (Sanh et al. 2020).

    What it leaves out relative to OBS: the curvature, so that it predicts no loss and repairs
    nothing; and at a minimum, where gradients vanish, it has nothing to see.

    References
    ----------
    Sanh, V., Wolf, T. and Rush, A. M. (2020). Movement pruning: adaptive sparsity by fine-tuning.
    Advances in Neural Information Processing Systems 33.
    """
    return _by_score(case.movement, np.full(case.keep.size, np.nan), case, n_remove, freed, stops)


def random(case, n_remove, freed, stops=()):
    """Any weight: what a criterion has to beat."""
    score = case.rng.permutation(case.keep.size)
    return _by_score(score, np.full(case.keep.size, np.nan), case, n_remove, freed, stops)


def _by_score(score, saliency, case, n_remove, freed, stops):
    """Lowest score first, ties to the lowest index; weights set free are 0 and go next."""
    if case.groups is not None:
        return eliminate_groups_by_score(
            case.weights,
            score,
            saliency,
            case.groups,
            n_remove,
            eligible=case.eligible,
            stops=stops,
        )
    queue = deque(i for i in np.argsort(score, kind="stable") if case.eligible[i])
    weights, saliency = case.weights, saliency.astype(np.float64)
    next_up, gone, order, earlier = deque(), np.zeros(score.size, bool), [], []
    while len(order) < n_remove:
        q = next_up.popleft() if next_up else queue.popleft()
        if gone[q]:
            continue
        gone[q] = True
        order.append(q)
        orphans = np.asarray(freed(int(q)), np.intp)
        weights[orphans], saliency[orphans] = 0, 0
        next_up.extend(i for i in orphans if case.eligible[i])
        if len(order) in stops:
            earlier.append((len(order), np.where(gone, 0, weights)))
    order = np.array(order, np.intp)
    weights[order] = 0
    path = Elimination(order, saliency[order], weights)
    return replace(path, earlier=tuple(path.until(*stop) for stop in earlier))


CRITERIA = {
    "obs": obs,
    "obd": obd,
    "magnitude": magnitude,
    "layer_magnitude": layer_magnitude,
    "movement": movement,
    "random": random,
}

# criteria that look at the data: what no row reads is free to them
CURVATURE_CRITERIA = ("obs", "obd")
