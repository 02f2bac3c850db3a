"""Structures: which part of the Hessian is kept, and how its inverse is stored. One file for each.

A structure is a `Structure` (see `sklearn_obs.curvature.structure`). It has a function of
``(measurement, keep, ridge)`` that returns an inverse Hessian over the parameters with the flat
indices `keep`, an estimate of the memory that this takes, and the names of the Hessian
approximations that it supports. To add one, write it in a file of its own and name it in
`STRUCTURES`; docs/structures.md shows this step by step.
"""

from sklearn_obs.curvature.inverse.blocks import LAYER, UNIT, BlockInverse
from sklearn_obs.curvature.inverse.full import FULL, FullInverse
from sklearn_obs.curvature.inverse.kronecker import KRONECKER, KroneckerInverse, LayerProduct
from sklearn_obs.curvature.inverse.low_rank import LOW_RANK, LowRankInverse

STRUCTURES = {
    "unit": UNIT,
    "layer": LAYER,
    "full": FULL,
    "low_rank": LOW_RANK,
    "kronecker": KRONECKER,
}

__all__ = [
    "STRUCTURES",
    "BlockInverse",
    "FullInverse",
    "KroneckerInverse",
    "LayerProduct",
    "LowRankInverse",
]
