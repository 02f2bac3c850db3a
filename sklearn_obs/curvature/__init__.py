"""Inverse Hessians: one protocol, one file a structure.

A structure is a function of ``(network, X, row_weight, keep, ridge)`` that returns an inverse
Hessian over the parameters with the flat indices `keep`: a value with `size`, `diagonal`, `columns`
and `without` (see `sklearn_obs.elimination.InverseHessian`), and `parts` where it falls apart. To
add one, write it in a file of its own and name it in `STRUCTURES`.
"""

import numpy as np

from sklearn_obs.curvature.blocks import BlockInverse, Inverted, layer_blocks, unit_blocks
from sklearn_obs.curvature.factors import gauss_newton_diagonal
from sklearn_obs.curvature.full import FullInverse
from sklearn_obs.curvature.gauss_newton import gauss_newton


def full(network, X, row_weight, keep, ridge):
    """The whole matrix."""
    H = gauss_newton(network, X, row_weight, keep)
    H[np.diag_indices_from(H)] += ridge
    return FullInverse(H, overwrite=True)


STRUCTURES = {"unit": unit_blocks, "layer": layer_blocks, "full": full}

__all__ = [
    "STRUCTURES",
    "BlockInverse",
    "FullInverse",
    "Inverted",
    "gauss_newton",
    "gauss_newton_diagonal",
]
