"""Curvature: the Hessian of the loss, measured on samples, and its inverse in several structures.

`measurement` holds the network and the samples on which curvature is measured, and `kinds` defines
the Hessian approximations. `factors` computes, in one forward and one backward pass, the arrays
from which `gauss_newton` assembles its matrix. `hessian` computes the exact Hessian. `inverse` has
one file for each structure.
"""

from sklearn_obs.curvature.gauss_newton import gauss_newton
from sklearn_obs.curvature.hessian import exact_hessian
from sklearn_obs.curvature.inverse import (
    STRUCTURES,
    BlockInverse,
    FullInverse,
    KroneckerInverse,
    LayerProduct,
    LowRankInverse,
)
from sklearn_obs.curvature.kinds import FACTORED, KINDS, targets
from sklearn_obs.curvature.measurement import Measurement, factor_diagonal, measure
from sklearn_obs.curvature.structure import Extent, Structure, extent
from sklearn_obs.elimination import Block, BlockTask, inverted

__all__ = [
    "FACTORED",
    "KINDS",
    "STRUCTURES",
    "Block",
    "BlockInverse",
    "BlockTask",
    "Extent",
    "FullInverse",
    "KroneckerInverse",
    "LayerProduct",
    "LowRankInverse",
    "Measurement",
    "Structure",
    "exact_hessian",
    "extent",
    "factor_diagonal",
    "gauss_newton",
    "inverted",
    "measure",
    "targets",
]
