"""Criteria: which of the candidates are removed next, and whether the others are adjusted.

A criterion is a function of a `Case`, the number of weights to remove, and the callable `freed` and
the `stops` of `sklearn_obs.elimination.eliminate`. It returns an `Elimination` over the candidates.
Saliencies are predicted increases of the loss, and nan where a criterion predicts none. Of groups,
the sum of the scores counts (for OBS see `sklearn_obs.elimination.groups`)::

    obs         w_q^2 / (2 [H^-1]_qq)   after every removal; the others are adjusted
    obd         H_qq w_q^2 / 2          once a round; the others are not adjusted
    magnitude   |w_q|                   once a round; the others are not adjusted
    layer_magnitude                     the same share of every layer
    movement    -sum w_q dl/dw_q        over the round's first half of retraining
    random      uniform                 once a round

References
----------
LeCun, Y., Denker, J. S. and Solla, S. A. (1989). Optimal Brain Damage. NIPS 2.
Hassibi, B. and Stork, D. G. (1992). Optimal Brain Surgeon. NIPS 5.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import LinAlgError

from sklearn_obs.curvature import (
    FACTORED,
    STRUCTURES,
    BlockInverse,
    Measurement,
    factor_diagonal,
    measure,
)
from sklearn_obs.elimination import (
    Elimination,
    Group,
    InverseHessian,
    eliminate,
    eliminate_blocks,
    eliminate_groups,
    eliminate_groups_ranked,
    eliminate_ranked,
    group_saliencies,
)
from sklearn_obs.elimination.grouped import Update
from sklearn_obs.elimination.groups import groups_of, useless
from sklearn_obs.network import Network
from sklearn_obs.pruning.joint import joint_saliencies
from sklearn_obs.pruning.problem import Problem


class BeyondDamping(LinAlgError):
    """The curvature is not finite, or 0 throughout, which no damping can help."""


@dataclass(frozen=True)
class Case:
    """What a criterion may look at."""

    measurement: Measurement  # the network, and the samples that curvature is measured on
    keep: np.ndarray  # (m,) flat indices of the candidates and of those that are only adjusted
    eligible: np.ndarray  # (m,) bool, the candidates
    penalty: float  # of the squared coefs
    damping: float  # in units of the mean diagonal of H
    structure: str
    n_jobs: int | None
    rng: np.random.Generator
    movement: np.ndarray | None = None  # (m,) -sum w g over gradients, where they were watched
    groups: Sequence[Group] | None = None  # what is removed as a whole, unless weight by weight
    joint: bool = False  # whether groups are priced by what all blocks lose together

    @classmethod
    def of(
        cls,
        network: Network,
        keep: np.ndarray,
        problem: Problem,
        rng: np.random.Generator,
        movement: np.ndarray | None = None,
    ) -> "Case":
        """The case of a network of which the parameters `keep` are looked at."""
        plan, layout, groups = problem.plan, network.layout, None
        if plan.granularity != "weight":
            position = layout.positions(keep)
            groups = groups_of(plan.granularity, layout, position, plan.variables)
        structure = problem.scope.structure(keep)
        least = problem.scope.least_samples(keep, structure)
        return cls(
            measurement=measure(network, problem.objective, plan, rng, n_least=least),
            keep=keep,
            eligible=problem.scope.prunable[keep],
            penalty=problem.objective.penalty,
            damping=plan.damping,
            structure=structure,
            n_jobs=plan.n_jobs,
            rng=rng,
            movement=None if movement is None else movement[keep],
            groups=groups,
            joint=problem.scope.joint,
        )

    @property
    def weights(self) -> np.ndarray:
        """The parameters `keep`, of shape (m,), a fresh array in float64."""
        return self.measurement.network.theta[self.keep].astype(np.float64)

    def hessian_diagonal(self) -> np.ndarray:
        """Curvature and penalty, (m,), Gauss-Newton's for the exact Hessian; no damping."""
        return self._diagonal.copy()

    @cached_property
    def _diagonal(self):
        measurement = self.measurement
        if measurement.kind not in FACTORED:
            measurement = replace(measurement, kind="ggn")
        diagonal = factor_diagonal(measurement)[self.keep]
        diagonal += self._penalties()
        if not np.isfinite(diagonal).all():
            raise BeyondDamping("the curvature of the loss is not finite: scale the features of X")
        return diagonal

    def inverse_hessian(self) -> InverseHessian:
        """C = H^-1 over `keep`, penalty and damping included."""
        mean = self.hessian_diagonal().mean()
        if not mean:
            raise BeyondDamping(
                "the curvature of the loss is 0 for every weight: the outputs are saturated or "
                "constant on these samples. Use criterion='magnitude', or alpha > 0"
            )
        ridge = self.ridge(self.damping)
        return STRUCTURES[self.structure].invert(self.measurement, self.keep, ridge)

    def ridge(self, damping: float) -> np.ndarray:
        """What is added to the diagonal of H: penalty and damping, (m,)."""
        return self._penalties() + damping * self.hessian_diagonal().mean()

    def group_saliencies(self, groups: Sequence[Group]) -> np.ndarray:
        """By how much the loss rises if a group is removed and the others adjust, (n_groups,)."""
        return group_saliencies(self.weights, self.inverse_hessian(), groups)

    def joint_saliencies(self, updates: Iterable[Update]) -> np.ndarray:
        """What the case's groups cost all blocks together, (n_groups,), of their updates."""
        ridge, groups = self.ridge(self.damping), self.groups or ()
        return joint_saliencies(self.measurement, self.keep, ridge, updates, len(groups))

    def _penalties(self):
        n_coefs = self.measurement.network.layout.n_coefs
        return np.where(self.keep < n_coefs, self.penalty, 0.0)


# (case, n_remove, freed, stops) -> Elimination
Criterion = Callable[[Case, int, Callable[[int], np.ndarray], Sequence[int]], Elimination]


def obs(case, n_remove, freed, stops=()):
    """Optimal Brain Surgeon."""
    freed_by = []  # the weights that each removal left without an output

    def watched(q):
        freed_by.append(freed(q))
        return freed_by[-1]

    options = {"eligible": case.eligible, "stops": stops}
    inverse = case.inverse_hessian()
    blocks = inverse.blocks()
    if case.groups is not None:
        if case.joint:
            options["joint"] = case.joint_saliencies
        path = eliminate_groups(case.weights, inverse, case.groups, n_remove, **options)
    elif blocks is not None:
        options |= {"freed": watched, "n_jobs": case.n_jobs}
        path = eliminate_blocks(case.weights, blocks, n_remove, **options)
    else:
        options |= {"freed": watched, "overwrite": True}
        path = eliminate(case.weights, inverse, n_remove, **options)

    def compensated(path):
        """The path with the weight update of the whole inverse, if it has one of its own."""
        if case.groups is not None:
            orphans = useless(case.groups, path.order)
        else:
            orphans = [i for found in freed_by[: path.order.size] for i in found]
        # what has no effect on the output is 0 at once, and nothing makes up for it
        weights, removed = case.weights, np.union1d(path.order, orphans).astype(np.intp)
        weights[orphans] = 0
        updated = inverse.compensated(weights, removed)
        return path if updated is None else replace(path, weights=updated)

    return replace(compensated(path), earlier=tuple(map(compensated, path.earlier)))


def selecting(inverse):
    """The inverse Hessian that groups are selected by: its blocks, where there are some."""
    blocks = inverse.blocks()
    return inverse if blocks is None else BlockInverse(blocks)


def obd(case, n_remove, freed, stops=()):
    """Optimal Brain Damage: a diagonal Hessian.

    What it leaves out relative to OBS: that weights share work, hence any weight update, and the
    ranking after each removal.
    """
    saliency = case.hessian_diagonal() * case.weights**2 / 2
    return ranked(case, saliency, saliency, n_remove, freed, stops)


def magnitude(case, n_remove, freed, stops=()):
    """The smallest weights first.

    What it leaves out relative to OBS: the loss. Neither what a weight is worth to it nor what the
    others could make up for counts, only size.
    """
    size = np.abs(case.weights)
    return ranked(case, size, np.full(size.size, np.nan), n_remove, freed, stops)


def layer_magnitude(case, n_remove, freed, stops=()):
    """The smallest weights of each layer first, the same share of every layer.

    What it leaves out relative to OBS: the curvature, hence what a weight is worth to the loss; any
    weight update; and that layers differ in how much they can spare.
    """
    size = np.abs(case.weights)
    rank = np.empty(size.size)
    for index in case.measurement.network.layout.index:
        (here,) = np.nonzero(np.isin(case.keep, index) & case.eligible)
        rank[here[np.argsort(size[here], kind="stable")]] = (np.arange(here.size) + 0.5) / max(
            here.size, 1
        )
    return ranked(case, rank, np.full(size.size, np.nan), n_remove, freed, stops)


def movement(case, n_remove, freed, stops=()):
    """The weights first that training moved towards 0: least -sum w dl/dw (Sanh et al. 2020).

    What it leaves out relative to OBS: the curvature, so that it predicts no loss and adjusts
    nothing; and at a minimum, where gradients vanish, it has nothing to see.

    References
    ----------
    Sanh, V., Wolf, T. and Rush, A. M. (2020). Movement pruning: adaptive sparsity by fine-tuning.
    Advances in Neural Information Processing Systems 33.
    """
    return ranked(case, case.movement, np.full(case.keep.size, np.nan), n_remove, freed, stops)


def random(case, n_remove, freed, stops=()):
    """Any weight: what a criterion has to beat."""
    score = case.rng.permutation(case.keep.size)
    return ranked(case, score, np.full(case.keep.size, np.nan), n_remove, freed, stops)


def ranked(case, score, saliency, n_remove, freed, stops):
    """The weights, or groups, of lowest score first; nothing is adjusted."""
    options = {"eligible": case.eligible, "stops": stops}
    if case.groups is not None:
        return eliminate_groups_ranked(
            case.weights, score, saliency, case.groups, n_remove, **options
        )
    return eliminate_ranked(case.weights, score, saliency, n_remove, freed=freed, **options)


CRITERIA: dict[str, Criterion] = {
    "obs": obs,
    "obd": obd,
    "magnitude": magnitude,
    "layer_magnitude": layer_magnitude,
    "movement": movement,
    "random": random,
}

# criteria that look at the data: the removal of what no sample reads costs them nothing
CURVATURE_CRITERIA = ("obs", "obd")
