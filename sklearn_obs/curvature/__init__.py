"""Curvature: the Hessian of the loss, measured on samples, and its inverse in several structures.

`measurement` says where curvature is measured, `kinds` of what it is the second derivative,
`factors` how it is built from one forward and one backward pass; `gauss_newton` and `hessian`
assemble it; `inverse` holds the structures, one file each.
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
