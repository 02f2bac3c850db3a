"""The score of each held-out sample; their mean is the default score of a scikit-learn estimator.

The accuracy of sample i is::

    1 if its class (all of its labels) is right, 0 otherwise

The R2 of sample i, with e_ij the error of output j and v_j the variance of that output, is::

    mean over j of 1 - e_ij^2 / v_j

An output that does not vary contributes, as in scikit-learn's `r2_score`, 1 if it is right in all
samples, and 0 otherwise.
"""

import numpy as np
from scipy.sparse import issparse


def sample_accuracies(y, predicted) -> np.ndarray:
    """Accuracy of each sample, of shape (n_samples,)."""
    y, predicted = (np.asarray(a.toarray() if issparse(a) else a) for a in (y, predicted))
    right = y.reshape(len(y), -1) == predicted.reshape(len(y), -1)
    return right.all(axis=1).astype(np.float64)


def sample_r2(y, predicted) -> np.ndarray:
    """R2 of each sample, of shape (n_samples,)."""
    y = np.asarray(y, np.float64).reshape(len(y), -1)
    squares = (y - np.asarray(predicted, np.float64).reshape(y.shape)) ** 2
    variance = y.var(axis=0)
    varies = variance > 0
    r2 = 1 - squares / np.where(varies, variance, 1)
    r2[:, ~varies] = (squares.mean(axis=0) == 0)[~varies]
    return r2.mean(axis=1)
