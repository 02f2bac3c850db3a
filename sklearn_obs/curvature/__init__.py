"""Curvature: one protocol, one file a structure.

A structure is a `Structure`: a function of ``(measurement, keep, ridge)`` that returns an inverse
Hessian over the parameters with the flat indices `keep` (a value with `size`, `diagonal`, `columns`
and `without`, see `sklearn_obs.elimination.InverseHessian`, and `parts` where it falls apart), an
estimate of what it takes, and the kinds of curvature that it can hold. To add one, write it in a
file of its own and name it in `STRUCTURES`: docs/structures.md does so step by step.
"""

from sklearn_obs.curvature.blocks import LAYER, UNIT, BlockInverse, Part, Task, inverted
from sklearn_obs.curvature.dense import FULL
from sklearn_obs.curvature.factors import Measurement, factor_diagonal
from sklearn_obs.curvature.full import FullInverse
from sklearn_obs.curvature.gauss_newton import gauss_newton, positions
from sklearn_obs.curvature.hessian import exact_hessian
from sklearn_obs.curvature.kinds import FACTORED, KINDS, targets
from sklearn_obs.curvature.kronecker import KRONECKER, KroneckerInverse, LayerProduct
from sklearn_obs.curvature.low_rank import LOW_RANK, LowRankInverse
from sklearn_obs.curvature.structure import Structure, extent

STRUCTURES = {
    "unit": UNIT,
    "layer": LAYER,
    "full": FULL,
    "low_rank": LOW_RANK,
    "kronecker": KRONECKER,
}

__all__ = [
    "FACTORED",
    "KINDS",
    "STRUCTURES",
    "BlockInverse",
    "FullInverse",
    "KroneckerInverse",
    "LayerProduct",
    "LowRankInverse",
    "Measurement",
    "Part",
    "Structure",
    "Task",
    "exact_hessian",
    "extent",
    "factor_diagonal",
    "gauss_newton",
    "inverted",
    "positions",
    "targets",
]
