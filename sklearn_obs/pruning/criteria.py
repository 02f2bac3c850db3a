"""Criteria: they select the candidates to remove next, and may adjust the other weights.

A criterion is a function of a `Case`, the number of weights to remove, and the callable `freed` and
the `stops` of `sklearn_obs.elimination.eliminate`. It returns an `Elimination` over the parameters
of the case. Saliencies are predicted increases of the loss, or nan if the criterion makes no
prediction. Weights of low score are removed first; the score of a group is the sum over its weights
(for OBS see `sklearn_obs.elimination.groups`)::

    obs         w_q^2 / (2 [H^-1]_qq)   after every removal; the others are adjusted
    obd         H_qq w_q^2 / 2          once a round; the others are not adjusted
    magnitude   |w_q|                   once a round; the others are not adjusted
    layer_magnitude                     like magnitude, with the same share of every layer
    movement    -sum w_q dl/dw_q        over the first half of a round's retraining
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
    """The curvature is not finite, or 0 for every weight, so that no damping can help."""


@dataclass(frozen=True)
class Case:
    """The information that a criterion may use."""

    measurement: Measurement  # the network, and the samples on which curvature is measured
    keep: np.ndarray  # (m,) flat indices of the candidates and of parameters only to be adjusted
    eligible: np.ndarray  # (m,) bool, the candidates
    penalty: float  # penalty of the squared weights
    damping: float  # in units of the mean diagonal of H
    structure: str
    n_jobs: int | None
    rng: np.random.Generator
    movement: np.ndarray | None = None  # (m,) -sum w g over gradients; None: not recorded
    groups: Sequence[Group] | None = None  # sets that are removed as a whole; None: single weights
    joint: bool = False  # whether the saliencies of groups are joint (see `joint`)

    @classmethod
    def of(
        cls,
        network: Network,
        keep: np.ndarray,
        problem: Problem,
        rng: np.random.Generator,
        movement: np.ndarray | None = None,
    ) -> "Case":
        """The case of a network and its parameters with the flat indices `keep`."""
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
        """A new float64 array of the parameters `keep`, of shape (m,)."""
        return self.measurement.network.theta[self.keep].astype(np.float64)

    def hessian_diagonal(self) -> np.ndarray:
        """The diagonal of H without damping, (m,); Gauss-Newton's if H is the exact Hessian."""
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
        """C = H^-1 over `keep`, where H includes penalty and damping."""
        mean = self.hessian_diagonal().mean()
        if not mean:
            raise BeyondDamping(
                "the curvature of the loss is 0 for every weight: the outputs are saturated or "
                "constant on these samples. Use criterion='magnitude', or alpha > 0"
            )
        ridge = self.ridge(self.damping)
        return STRUCTURES[self.structure].invert(self.measurement, self.keep, ridge)

    def ridge(self, damping: float) -> np.ndarray:
        """The penalty and damping that are added to the diagonal of H, (m,)."""
        return self._penalties() + damping * self.hessian_diagonal().mean()

    def group_saliencies(self, groups: Sequence[Group]) -> np.ndarray:
        """Increase of the loss if a group is removed and the others are adjusted, (n_groups,)."""
        return group_saliencies(self.weights, self.inverse_hessian(), groups)

    def joint_saliencies(self, updates: Iterable[Update]) -> np.ndarray:
        """The joint saliencies of the groups, (n_groups,), from their updates (see `joint`)."""
        ridge, groups = self.ridge(self.damping), self.groups or ()
        return joint_saliencies(self.measurement, self.keep, ridge, updates, len(groups))

    def _penalties(self):
        n_coefs = self.measurement.network.layout.n_coefs
        return np.where(self.keep < n_coefs, self.penalty, 0.0)


# (case, n_remove, freed, stops) -> Elimination
Criterion = Callable[[Case, int, Callable[[int], np.ndarray], Sequence[int]], Elimination]


def obs(case, n_remove, freed, stops=()):
    """Remove weights or groups by Optimal Brain Surgeon."""
    freed_by = []  # for each removal, the weights that it left without an output

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
        """The path with the weight update of the whole inverse, if it differs from the blocks'."""
        if case.groups is not None:
            orphans = useless(case.groups, path.order)
        else:
            orphans = [i for found in freed_by[: path.order.size] for i in found]
        # weights without effect on the output become 0, and no other weight is adjusted for them
        weights, removed = case.weights, np.union1d(path.order, orphans).astype(np.intp)
        weights[orphans] = 0
        updated = inverse.compensated(weights, removed)
        return path if updated is None else replace(path, weights=updated)

    return replace(compensated(path), earlier=tuple(map(compensated, path.earlier)))


def selecting(inverse):
    """The inverse Hessian by which groups are selected: its blocks if it has any, or itself."""
    blocks = inverse.blocks()
    return inverse if blocks is None else BlockInverse(blocks)


def obd(case, n_remove, freed, stops=()):
    """Remove weights by Optimal Brain Damage, which uses the diagonal of the Hessian.

    Unlike OBS, it ignores that weights interact. So it adjusts no weights, and does not rank the
    others again after each removal.
    """
    saliency = case.hessian_diagonal() * case.weights**2 / 2
    return ranked(case, saliency, saliency, n_remove, freed, stops)


def magnitude(case, n_remove, freed, stops=()):
    """Remove the smallest weights first.

    Unlike OBS, it does not use the loss: neither the effect of a weight on the loss nor how far the
    other weights could compensate for it.
    """
    size = np.abs(case.weights)
    return ranked(case, size, np.full(size.size, np.nan), n_remove, freed, stops)


def layer_magnitude(case, n_remove, freed, stops=()):
    """Remove the smallest weights of each layer first, and the same share of every layer.

    Unlike OBS, it does not use the curvature, which says how much a weight matters to the loss. It
    adjusts no weights, and ignores that some layers can lose more weights than others.
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
    """Remove first what training moved towards 0: lowest -sum w dl/dw (Sanh et al. 2020).

    Unlike OBS, it does not use the curvature. So it predicts no loss and adjusts no weights. At a
    minimum of the loss, where gradients vanish, it has no information.

    References
    ----------
    Sanh, V., Wolf, T. and Rush, A. M. (2020). Movement pruning: adaptive sparsity by fine-tuning.
    Advances in Neural Information Processing Systems 33.
    """
    return ranked(case, case.movement, np.full(case.keep.size, np.nan), n_remove, freed, stops)


def random(case, n_remove, freed, stops=()):
    """Remove weights at random, as a baseline."""
    score = case.rng.permutation(case.keep.size)
    return ranked(case, score, np.full(case.keep.size, np.nan), n_remove, freed, stops)


def ranked(case, score, saliency, n_remove, freed, stops):
    """Remove the weights or groups of lowest score first; no weights are adjusted."""
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

# criteria that use the curvature of the loss: for them, unread weights are costless
CURVATURE_CRITERIA = ("obs", "obd")
