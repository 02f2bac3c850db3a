"""Sample weights: checked once; samples of weight 0 are dropped and so absent everywhere."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import sparray, spmatrix
from sklearn.utils import check_array, check_consistent_length

MatrixLike = ArrayLike | sparray | spmatrix  # what X may be


def weighted_samples(X, y, sample_weight):
    """X, y and sample_weight (which may be None) without the samples of weight 0.

    Raises
    ------
    ValueError
        If the weights are not finite, not of shape (n_samples,), negative, or all 0.
    """
    if sample_weight is None:
        return X, y, None
    sample_weight = check_array(
        sample_weight, ensure_2d=False, dtype=X.dtype, input_name="sample_weight"
    )
    if sample_weight.ndim != 1:
        raise ValueError(
            f"Got sample_weight of shape {sample_weight.shape}, but expected (n_samples,)."
        )
    check_consistent_length(X, sample_weight)
    if sample_weight.min() < 0:
        raise ValueError(
            f"Got sample_weight with the value {sample_weight.min()}, but expected no negative "
            "weights."
        )
    rows = np.flatnonzero(sample_weight)
    if not rows.size:
        raise ValueError(
            "Got sample_weight of zeros only, but expected a positive weight for some sample."
        )
    if rows.size < sample_weight.size:
        X, y, sample_weight = X[rows], y[rows], sample_weight[rows]
    return X, y, sample_weight
