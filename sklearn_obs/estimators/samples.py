"""Sample weights: they are checked here, and samples of weight 0 are dropped once for all code."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import sparray, spmatrix
from sklearn.utils import check_array, check_consistent_length

MatrixLike = ArrayLike | sparray | spmatrix  # types of X
WEIGHTS = (np.float64, np.float32)  # other dtypes become float64, as in scikit-learn


def weighted_samples(X, y, sample_weight):
    """X, y and sample_weight (the last two may be None) without the samples of weight 0.

    Raises
    ------
    ValueError
        If the weights are not numbers, not finite, not of shape (n_samples,), negative, or all 0.
    """
    if sample_weight is None:
        return X, y, None
    sample_weight = for_each_sample(sample_weight, X.shape[0])
    sample_weight = check_array(
        sample_weight, ensure_2d=False, dtype=WEIGHTS, input_name="sample_weight"
    )
    if sample_weight.ndim != 1:
        raise ValueError(
            f"Got sample_weight of shape {sample_weight.shape}, but expected (n_samples,), or "
            "one number for all samples."
        )
    check_consistent_length(X, sample_weight)
    if sample_weight.min() < 0:
        raise ValueError(
            f"Got sample_weight with the value {sample_weight.min()}, but expected no negative "
            "weights. Use 0 to leave a sample out."
        )
    rows = np.flatnonzero(sample_weight)
    if not rows.size:
        raise ValueError(
            "Got sample_weight of zeros only, but expected a positive weight for at least one "
            "sample."
        )
    if rows.size < sample_weight.size:
        X, sample_weight = X[rows], sample_weight[rows]
        y = None if y is None else y[rows]
    return X, y, sample_weight


def for_each_sample(sample_weight, n_samples):
    """The sample weights; a single number becomes an array with this weight for each sample.

    Raises
    ------
    ValueError
        If it is a single value, but not a number.
    """
    weight = np.asarray(sample_weight)
    if weight.ndim > 0:
        return sample_weight
    if weight.dtype.kind not in "biuf":
        raise ValueError(
            f"Got sample_weight={sample_weight!r}, but expected a number for each sample, or one "
            "number for all samples. For balanced classes, set class_weight='balanced'."
        )
    return np.full(n_samples, weight, np.float64)
