"""Several sparsities from one initial training and one pruning run.

Rounds are shared; a sparsity that falls inside a round is a side branch of it (see
`sklearn_obs.pruning.rounds`), so that each level is the network of a fit at that `target_sparsity`,
bit for bit.
"""

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from sklearn_obs.estimators.parameters import check_sparsities
from sklearn_obs.estimators.pruned_mlp import PrunedMLP
from sklearn_obs.estimators.run import branched, scope_before_training
from sklearn_obs.machine import one_blas_thread


@dataclass(frozen=True)
class PruningPath:
    """What `obs_pruning_path` returns, one entry a level, sparser from level to level."""

    sparsities: np.ndarray  # (n_levels,) shares of the weights that were to be removed
    n_weights: np.ndarray  # (n_levels,) int, prunable weights left
    predicted_loss: np.ndarray  # (n_levels,) of the last round, by its saliencies
    pruned_loss: np.ndarray  # (n_levels,) of the last round, before its retraining
    loss: np.ndarray  # (n_levels,) of the network as it is
    score: np.ndarray  # (n_levels,) the estimator's, on the training samples
    coefs: tuple[list[np.ndarray], ...]  # n_levels times `coefs_`
    intercepts: tuple[list[np.ndarray], ...]  # `intercepts_`
    masks: tuple[list[np.ndarray], ...]  # `masks_`
    intercept_masks: tuple[list[np.ndarray], ...]  # `intercept_masks_`


def obs_pruning_path(
    estimator: PrunedMLP,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sparsities: ArrayLike,
    sample_weight: ArrayLike | None = None,
) -> PruningPath:
    """The networks of several sparsities from one initial training and one pruning run.

    Parameters
    ----------
    estimator : OBSPrunedMLPClassifier or OBSPrunedMLPRegressor
        A copy of it is fitted; its `target_sparsity` does not matter.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The training data.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets.
    sparsities : array-like of shape (n_levels,)
        Shares of the prunable weights to remove, in [0, 1), in any order. What is repeated counts
        once; 0 is the dense network.
    sample_weight : array-like of shape (n_samples,), default=None
        As in `fit`.

    Returns
    -------
    PruningPath
        Plain arrays, levels in ascending order. Losses are means over the training rows with the
        penalty, in nats or squared units of y. Each level is the network of a fit at that
        `target_sparsity`, bit for bit, if `random_state` is an integer.

    Raises
    ------
    TypeError
        If `estimator` is of another class.
    ValueError
        If a sparsity is out of range, and as in `fit`.
    MemoryError, numpy.linalg.LinAlgError
        As in `fit`.

    See Also
    --------
    OBSPrunedMLPCV : Chooses the sparsity by cross-validation.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_obs import OBSPrunedMLPClassifier, obs_pruning_path
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((10,), max_iter=1000, random_state=0)
    >>> path = obs_pruning_path(clf, scale(X), y, sparsities=[0.5, 0.8, 0.9])
    >>> path.n_weights
    array([35, 14,  7])
    >>> [int((W != 0).sum()) for W in path.coefs[-1]]
    [5, 2]
    """
    levels = check_sparsities(sparsities)
    networks = fitted_levels(estimator, X, y, levels, sample_weight)
    score_weight = None if np.asarray(sample_weight).ndim == 0 else sample_weight
    recorded: dict[str, list[float]] = {
        name: [] for name in ("predicted_loss", "pruned_loss", "loss")
    }
    for network in networks:
        for name, values in recorded.items():
            path = network.pruning_path_[name]  # of the dense network: the loss that it has
            values.append(path[-1] if path.size else network.loss_)
    return PruningPath(
        sparsities=levels,
        n_weights=np.array([network.n_weights_ for network in networks]),
        score=np.array([network.score(X, y, score_weight) for network in networks]),
        coefs=tuple(network.coefs_ for network in networks),
        intercepts=tuple(network.intercepts_ for network in networks),
        masks=tuple(network.masks_ for network in networks),
        intercept_masks=tuple(network.intercept_masks_ for network in networks),
        **{name: np.array(values) for name, values in recorded.items()},
    )


def fitted_levels(estimator, X, y, sparsities, sample_weight):
    """A fitted copy of `estimator` for each of the ascending `sparsities`."""
    check_prunable(estimator)
    estimator = clone(estimator)
    with one_blas_thread():
        train, X, y, sample_weight = estimator._prepared(X, y, sample_weight)
        targets = estimator._encode(y, estimator._classes_of(y))
        scope = scope_before_training(estimator, X, targets.shape[1], sparsities[-1])
        levels = branched(estimator, train(), scope, X, targets, sample_weight, sparsities)
    return [copy(estimator)._store(attributes) for attributes in levels]


def check_prunable(estimator):
    """Raise TypeError unless `estimator` is one of ours."""
    if not isinstance(estimator, PrunedMLP):
        raise TypeError(
            f"Got an estimator of the class {type(estimator).__name__}, but expected an "
            "OBSPrunedMLPClassifier or OBSPrunedMLPRegressor. In a pipeline, scale X first."
        )
