"""What a pruning run may remove and how far it can get, determined once, before any training.

An error is raised here if a run cannot be carried out: because a round would need more memory than
is available, or because whole groups cannot be removed up to the target sparsity.
"""

import math
from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
from joblib import effective_n_jobs

from sklearn_obs.curvature import STRUCTURES, extent
from sklearn_obs.elimination.groups import least_left
from sklearn_obs.machine import available_bytes, readable
from sklearn_obs.network import Layout
from sklearn_obs.network.compaction import dead_weights, never_read, prunable
from sklearn_obs.network.layers import BATCH_SAMPLES
from sklearn_obs.plan import Plan
from sklearn_obs.pruning.joint import MOST_NUMBERS
from sklearn_obs.retraining import solver_for

MODEL_SIZE = 4_000  # weights in the model of swaps, or twice the remaining ones if those are more
LBFGS_VECTORS, ADAM_VECTORS = 26, 8  # vectors of n_parameters numbers that the solver stores
NETWORKS = 7  # in memory at once: two rounds' networks, masks and sources, and the dense network
MOST_JOINT = 256  # variables; with more, joint saliencies take longer than all else in a round
LAYER_SIZE = 600  # largest layer, in weights, for which "auto" chooses "layer" (docs/defaults.md)


@dataclass(frozen=True)
class Scope:
    """What a pruning run may remove, and how far it can get."""

    layout: Layout
    plan: Plan
    mask: np.ndarray  # (n_parameters,) bool, the parameters that remain at the start
    prunable: np.ndarray  # (n_parameters,) bool, the parameters that may ever be removed
    unread: np.ndarray  # (n_parameters,) bool, the weights of inputs that are 0 in every sample
    n_samples: int
    itemsize: int  # bytes of a weight

    @classmethod
    def of(cls, layout: Layout, plan: Plan, X, mask=None, dtype=None) -> "Scope":
        """The scope of a run on the samples X, by default for a dense network of the dtype of X."""
        return cls(
            layout=layout,
            plan=plan,
            mask=np.ones(layout.n_parameters, bool) if mask is None else mask,
            prunable=prunable(layout, plan.prune_intercepts),
            unread=never_read(layout, X),
            n_samples=X.shape[0],
            itemsize=np.dtype(X.dtype if dtype is None else dtype).itemsize,
        )

    def n_remaining(self, mask: np.ndarray) -> int:
        """Number of prunable weights that remain in `mask`."""
        return int(np.count_nonzero(self.prunable & mask))

    def n_remove(self, sparsity: float) -> int:
        """Number of weights to remove for this sparsity; negative if the network is sparser."""
        n_prunable = int(np.count_nonzero(self.prunable))
        n_in_all = min(round(sparsity * n_prunable), n_prunable - 1)  # a network keeps one weight
        return n_in_all - (n_prunable - self.n_remaining(self.mask))

    def round_size(self, mask: np.ndarray) -> int:
        """Number of weights that a round removes from those that remain in `mask`."""
        return _share(self.n_remaining(mask), self.plan.step)

    def most_rounds(self, sparsity: float, swaps_alone: bool = False) -> int:
        """The largest number of rounds needed to reach this sparsity, including swaps.

        If nothing is to be removed, this is 0, or with `swaps_alone` the number of swaps.
        """
        n_remove = self.n_remove(sparsity)
        if n_remove <= 0:
            return self.plan.n_swaps if swaps_alone else 0
        n, number = self.n_remaining(self.mask), self.plan.n_swaps
        while n_remove > 0:
            n_round = _share(n, self.plan.step)
            n, n_remove, number = n - n_round, n_remove - n_round, number + 1
        return number

    def structure(self, keep: np.ndarray) -> str:
        """The structure in the plan; "auto" becomes the best affordable one for `keep`."""
        if self.plan.structure != "auto":
            return self.plan.structure
        blocked = self.plan.curvature in STRUCTURES["unit"].kinds
        if self.plan.granularity == "input" and blocked:  # importances use it, too
            return "unit"
        kept = np.zeros(self.layout.n_parameters, bool)
        kept[keep] = True
        largest = max(np.count_nonzero(kept[index]) for index in self.layout.index)
        return "unit" if largest > LAYER_SIZE and blocked else "layer"

    @property
    def joint(self) -> bool:
        """Whether the saliencies of groups are joint ones, over all blocks together."""
        return self.plan.granularity == "input" and self.n_variables <= MOST_JOINT

    @property
    def n_variables(self) -> int:
        """Number of variables; each is one input or several."""
        return len(self.plan.variables or range(self.layout.units[0]))

    def least_samples(self, keep: np.ndarray, structure: str) -> int:
        """The smallest number of samples for measuring curvature: as many as a block needs."""
        return math.ceil(STRUCTURES[structure].rank(self._extent_of(keep)))

    def check(self, n_remove: int) -> None:
        """Raise unless `n_remove` weights can be removed.

        Raises
        ------
        ValueError
            If that many weights cannot be removed in whole groups.
        MemoryError
            If the first round, or the swaps after the last, would need more memory than is
            available.
        """
        if n_remove > 0:
            self._check_reach(n_remove)
            self.check_memory()
            if self.plan.n_swaps:
                n_left = int(np.count_nonzero(self.mask)) - n_remove
                check_swaps(n_left, int(np.count_nonzero(self.prunable & ~self.mask)) + n_remove)

    def _check_reach(self, n_remove):
        """Check that whole groups can reach the target, which is known for dense networks only."""
        granularity = self.plan.granularity
        if granularity == "weight" or not self.mask.all():
            return
        most, n = reach(self.layout, self.plan), self.n_remaining(self.mask)
        if n_remove > round(most * n):
            raise ValueError(
                f"Got a target sparsity of {n_remove / n:.4g} with granularity={granularity!r}, "
                f"but expected at most {most:.4g}: beyond it, the last {granularity} of "
                "a layer would be removed, and its output would be constant. Lower "
                "`target_sparsity`, or use granularity='weight'."
            )

    def needed_bytes(self) -> float:
        """Estimated peak memory of the run, which is reached in a removal or in training."""
        size, keep = self._extent()
        n_bytes = STRUCTURES[self.structure(keep)].needs(size)
        if self.joint:  # G delta for each variable
            n_numbers = size.n_samples * size.n_signals * self.n_variables
            n_bytes += 8 * min(n_numbers, MOST_NUMBERS)
        return self._with_training(n_bytes)

    def _with_training(self, n_bytes):
        """Peak memory if a removal takes `n_bytes`; training takes its memory at another time."""
        n, plan = self.layout.n_parameters, self.plan
        values = 3 * min(self.n_samples, BATCH_SAMPLES) * sum(self.layout.units) * self.itemsize
        epochs = plan.max_iter if plan.retrain_epochs is None else plan.retrain_epochs
        lbfgs = solver_for(n, self.n_samples, epochs, plan) == "lbfgs"
        vectors = LBFGS_VECTORS if lbfgs else ADAM_VECTORS
        return max(n_bytes, 8 * vectors * n + values) + 8 * NETWORKS * n

    def _extent(self):
        """The `Extent` of the first round, which determines its memory, and its flat indices."""
        plan, mask = self.plan, self.mask & ~self.unread
        keep = np.flatnonzero(mask & ~dead_weights(self.layout, mask))
        size = self._extent_of(keep)
        least = self.least_samples(keep, self.structure(keep))
        n_samples = min(self.n_samples, max(plan.n_curvature_samples, least))
        return replace(size, n_samples=n_samples), keep

    def _extent_of(self, keep):
        plan = self.plan
        whole = plan.granularity != "weight"  # blocks are held whole
        return extent(
            self.layout,
            keep,
            kind=plan.curvature,
            n_samples=min(self.n_samples, plan.n_curvature_samples),
            n_remove=keep.size if whole else _share(keep.size, plan.step),
            n_jobs=effective_n_jobs(plan.n_jobs),
            itemsize=self.itemsize,
        )

    def check_memory(self) -> None:
        """Raise MemoryError if a round would need more memory than is available."""
        plan = self.plan
        if plan.criterion != "obs":
            return
        size, keep = self._extent()
        chosen = self.structure(keep)
        needed, there = self.needed_bytes(), available_bytes()
        if needed <= there:
            return
        others = {
            name: self._with_training(structure.needs(size))
            for name, structure in STRUCTURES.items()
            if plan.curvature in structure.kinds
        }
        fitting = [
            f"structure={name!r} needs {readable(n_bytes)}"
            for name, n_bytes in others.items()
            if n_bytes <= there
        ]
        remedy = "Lower `n_curvature_samples`, or fit a smaller network"
        if fitting:
            remedy = f"Set a structure that fits: {'; '.join(fitting)}"
        raise MemoryError(
            f"structure={chosen!r} needs {readable(needed)} for {size.n:,} weights and "
            f"{size.n_samples:,} samples, but {readable(there)} are available. {remedy}."
        )


def reach(layout: Layout, plan: Plan) -> float:
    """The largest sparsity that can be reached by removing whole groups, or single weights."""
    if plan.granularity == "weight":
        return 1.0
    removable = prunable(layout, plan.prune_intercepts)
    least = np.count_nonzero(least_left(plan.granularity, layout, plan.variables) & removable)
    return 1 - least / np.count_nonzero(removable)


def n_in_model(n_remaining: int, n_removed: int) -> int:
    """Number of removed weights in the model of swaps, which also contains all remaining ones."""
    return min(n_removed, max(n_remaining, MODEL_SIZE - n_remaining))


def check_swaps(n_remaining: int, n_removed: int) -> None:
    """Raise MemoryError if the model of swaps would need more memory than is available."""
    n_back = n_in_model(n_remaining, n_removed)
    # H and what it is computed from; C and its factor; T and four arrays of its shape
    needed = 8 * (2 * (n_remaining + n_back) ** 2 + 2 * n_remaining**2 + 5 * n_remaining * n_back)
    there = available_bytes()
    if needed > there:
        raise MemoryError(
            f"Swaps of {n_remaining:,} weights need {readable(needed)}, but {readable(there)} are "
            "available. Set `n_swaps=0`, or prune further before you use swaps."
        )


def _share(n: int, step: float) -> int:
    """Number of weights that a round removes out of `n`: `step`, or that share; at least one."""
    return min(n, max(1, step if isinstance(step, Integral) else int(step * n)))
