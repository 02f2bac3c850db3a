"""A dense H of any kind, and its inverse: the whole matrix, or the block of a layer.

Sums of float32 factors are taken in float32 where that is exact enough. What decides is not cond(H)
but VIF_q = H_qq C_qq: float32 serves while eps max VIF <= 1e-2, else the sum is taken again in
float64. The inversion is float64 in any case.

The exact Hessian may be indefinite away from a minimum. Where H + ridge is not positive definite,
its curvature keeps its size and loses its sign::

    H = Q diag(lambda) Q'     ->     Q diag(|lambda|) Q' + ridge

so that a direction of strong negative curvature, in which the quadratic model has no minimum, is
held as firmly as one of strong positive curvature.

References
----------
Dauphin, Y. et al. (2014). Identifying and attacking the saddle point problem in high-dimensional
non-convex optimization. NeurIPS 27.
"""

import numpy as np
from scipy.linalg import LinAlgError, eigh

from sklearn_obs.curvature.full import FullInverse
from sklearn_obs.curvature.gauss_newton import gauss_newton, gauss_newton_bytes
from sklearn_obs.curvature.hessian import exact_hessian
from sklearn_obs.curvature.kinds import KINDS
from sklearn_obs.curvature.structure import Structure

ROUNDING = 1e-2  # eps max VIF: relative error of the saliencies


def dense_inverse(measurement, keep, ridge):
    """C = (H + diag(ridge))^-1 over the parameters with the flat indices `keep`, held in full."""
    if measurement.kind == "hessian":
        return _safe_inverse(exact_hessian(measurement, keep), ridge)
    return inverse_of(
        lambda dtype: gauss_newton(measurement, keep, dtype), ridge, measurement.dtype
    )


def inverse_of(matrix, ridge, dtype):
    """The inverse of matrix(dtype) + diag(ridge), in `dtype` where its rounding allows it."""
    if dtype != np.float64:
        try:
            C = _inverse(matrix(dtype), ridge)
        except LinAlgError:
            pass
        else:
            if np.finfo(dtype).eps * C.vif().max(initial=1) <= ROUNDING:
                return C
    return _inverse(matrix(np.float64), ridge)


def _inverse(H, ridge):
    H = H.astype(np.float64, copy=False)
    H[np.diag_indices_from(H)] += ridge
    return FullInverse(H, overwrite=True)


def _safe_inverse(H, ridge):
    try:
        return _inverse(H.copy(), ridge)
    except LinAlgError:
        eigenvalues, Q = eigh(H, overwrite_a=True, check_finite=False)
        return _inverse((Q * np.abs(eigenvalues)) @ Q.T, ridge)


def dense_bytes(extent):
    """What `dense_inverse` and the elimination take."""
    if extent.kind == "hessian":
        return 5 * 8 * extent.n**2  # H, its copy, eigenvectors, their work
    matrix = gauss_newton_bytes(extent.units, extent.n_inputs, extent.n_signals, extent.itemsize)
    return max(matrix, 1.15 * 8 * extent.n**2 + extent.panel_bytes)


FULL = Structure(dense_inverse, dense_bytes, tuple(KINDS))
