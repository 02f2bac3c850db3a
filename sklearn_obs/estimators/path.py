"""Several sparsities from one initial training and one pruning run.

The sparsities share rounds. A sparsity that falls inside a round is a side branch of that round
(see `sklearn_obs.pruning.rounds`). So each level is, bit for bit, the network that `fit` gives with
this `target_sparsity`.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import validate_data

from sklearn_obs.estimators.parameters import check_sparsities
from sklearn_obs.estimators.pruned_mlp import PrunedMLP
from sklearn_obs.estimators.run import branched, scope_before_training, sparsest
from sklearn_obs.estimators.samples import MatrixLike
from sklearn_obs.machine import one_blas_thread

LEAST_LEFT = 0.02  # share of weights left at the last level, if a number of levels is given


@dataclass(frozen=True)
class PruningPath:
    """The result of `obs_pruning_path`: one entry for each sparsity, in ascending order."""

    sparsities: np.ndarray  # (n_levels,) requested shares of removed weights
    n_weights: np.ndarray  # (n_levels,) int, numbers of prunable weights left
    predicted_loss: np.ndarray  # (n_levels,) in the last round, predicted by its saliencies
    pruned_loss: np.ndarray  # (n_levels,) in the last round, before its retraining
    loss: np.ndarray  # (n_levels,) of the resulting network
    score: np.ndarray  # (n_levels,) score of the estimator on the training samples
    coefs: tuple[list[np.ndarray], ...]  # `coefs_` for each of n_levels networks
    intercepts: tuple[list[np.ndarray], ...]  # `intercepts_` for each
    masks: tuple[list[np.ndarray], ...]  # `masks_` for each
    intercept_masks: tuple[list[np.ndarray], ...]  # `intercept_masks_` for each
    estimators: list[PrunedMLP]  # n_levels fitted estimators
    val_score: np.ndarray | None  # (n_levels,) score of the estimator on held-out samples


def obs_pruning_path(
    estimator: PrunedMLP,
    X: MatrixLike,
    y: ArrayLike,
    *,
    sparsities: int | ArrayLike = 20,
    X_val: MatrixLike | None = None,
    y_val: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> PruningPath:
    """Fit networks of several sparsities by one initial training and one pruning run.

    Parameters
    ----------
    estimator : OBSPrunedMLPClassifier or OBSPrunedMLPRegressor
        The estimator. A copy of it is fitted, and its `target_sparsity` is not used.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The training data.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets.
    sparsities : int or array-like of shape (n_levels,), default=20
        Shares of the prunable weights to remove, in [0, 1), in any order; 0 is the dense network.
        Repeated values count once. If it is a number of sparsities, they are spread as in
        `OBSPrunedMLPCV`.
    X_val : {array-like, sparse matrix} of shape (n_val_samples, n_features), default=None
        Held-out samples. Each network is scored on them, but they do not affect the networks.
    y_val : array-like of shape (n_val_samples,) or (n_val_samples, n_outputs), default=None
        The targets of the held-out samples.
    sample_weight : array-like of shape (n_samples,), default=None
        As in `fit`.

    Returns
    -------
    PruningPath
        Plain arrays with one entry for each sparsity, in ascending order, and the fitted
        `estimators`. Losses are means over the training samples with the penalty, in nats or
        squared units of y. `score` is on the training samples, and `val_score` on the held-out
        samples (None if there are none). If `random_state` is an integer, each network is the same,
        bit for bit, as that of a `fit` with this `target_sparsity`.

    Raises
    ------
    TypeError
        If `estimator` is of another class.
    ValueError
        If a sparsity is out of range, if only one of `X_val` and `y_val` is given, if `X_val` has
        other features than X, and as in `fit`.
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
    >>> path.estimators[0].predict(scale(X)[:3])
    array([0, 0, 0])
    """
    check_prunable(estimator)
    sparsities = check_levels(sparsities)
    _check_held_out(estimator, X, y, X_val, y_val)
    networks = fitted_levels(estimator, X, y, sparsities, sample_weight)
    score_weight = None if np.asarray(sample_weight).ndim == 0 else sample_weight
    recorded: dict[str, list[float]] = {
        name: [] for name in ("predicted_loss", "pruned_loss", "loss")
    }
    for network in networks:
        for name, values in recorded.items():
            path = network.pruning_path_[name]  # empty for a dense network: use its loss
            values.append(path[-1] if path.size else network.loss_)
    return PruningPath(
        sparsities=np.array([network.target_sparsity for network in networks]),
        n_weights=np.array([network.n_weights_ for network in networks]),
        score=np.array([network.score(X, y, score_weight) for network in networks]),
        coefs=tuple(network.coefs_ for network in networks),
        intercepts=tuple(network.intercepts_ for network in networks),
        masks=tuple(network.masks_ for network in networks),
        intercept_masks=tuple(network.intercept_masks_ for network in networks),
        estimators=networks,
        val_score=None
        if X_val is None
        else np.array([network.score(X_val, y_val) for network in networks]),
        **{name: np.array(values) for name, values in recorded.items()},
    )


def check_levels(sparsities: int | ArrayLike) -> int | np.ndarray:
    """The number of levels, or the levels without duplicates in ascending order.

    Raises
    ------
    ValueError
        If `sparsities` is neither a valid number of levels nor a list of levels.
    """
    if np.ndim(sparsities):
        return check_sparsities(sparsities)
    if not isinstance(sparsities, Integral) or isinstance(sparsities, bool) or sparsities < 2:
        raise ValueError(
            f"Got sparsities={sparsities!r}, but expected the number of sparsities, an int >= 2, "
            "or a list of sparsities."
        )
    return int(sparsities)


def spread(n_levels: int, reach: float) -> np.ndarray:
    """`n_levels` sparsities from 0 to `reach`, 0.98 at most; the shares left are geometric."""
    return 1 - np.geomspace(1, max(LEAST_LEFT, 1 - reach), n_levels)


def fitted_levels(
    estimator: PrunedMLP,
    X: MatrixLike,
    y: ArrayLike,
    sparsities: int | np.ndarray,
    sample_weight: ArrayLike | None,
    say: Callable[[str], None] | None = None,
) -> list[PrunedMLP]:
    """A fitted copy of `estimator` for each of the ascending `sparsities`, or for a number of them.

    If `say` is given, it is called with a line for each round, whatever `verbose` is.
    """
    estimator = clone(estimator)
    with one_blas_thread():
        given = X, sample_weight
        train, X, y, sample_weight = estimator._prepared(X, y, sample_weight)
        targets = estimator._encode(y, estimator._classes_of(y))
        if isinstance(sparsities, int):
            names = getattr(estimator, "feature_names_in_", None)
            reach = sparsest(estimator, X.shape[1], names, targets.shape[1])
            sparsities = spread(sparsities, reach)
        scope = scope_before_training(estimator, X, targets.shape[1], sparsities[-1])
        asked = estimator._asked_for(y, targets.shape[1])
        taught = estimator._taught(given, y, sample_weight, asked)
        samples = X, targets, sample_weight
        levels = branched(estimator, train(), scope, *samples, sparsities, taught, say)
    return [
        copy(estimator).set_params(target_sparsity=float(sparsity))._store(attributes)
        for sparsity, attributes in zip(sparsities, levels, strict=True)
    ]


def check_prunable(estimator):
    """Raise TypeError unless `estimator` is one of our estimators."""
    if not isinstance(estimator, PrunedMLP):
        raise TypeError(
            f"Got an estimator of the class {type(estimator).__name__}, but expected an "
            "OBSPrunedMLPClassifier or OBSPrunedMLPRegressor. Of a Pipeline, pass the last step, "
            "and X as the other steps transform it."
        )


def _n_columns(y):
    return np.shape(y)[1] if np.ndim(y) > 1 else 1


def _check_held_out(estimator, X, y, X_val, y_val):
    """Raise ValueError unless X_val and y_val are both None, or both valid and like X and y."""
    if (X_val is None) != (y_val is None):
        raise ValueError("Got X_val without y_val, or y_val without X_val, but expected both.")
    if X_val is None:
        return
    like = clone(estimator)
    validate_data(like, X, skip_check_array=True)  # stores the columns of X
    try:
        options = {"multi_output": True, "y_numeric": is_regressor(estimator)}
        validate_data(like, X_val, y_val, reset=False, accept_sparse="csr", **options)
        if is_classifier(estimator):
            unique_labels(y, y_val)  # raises if their kinds differ
        elif _n_columns(y) != _n_columns(y_val):
            raise ValueError(f"y_val has {_n_columns(y_val)} outputs, but y has {_n_columns(y)}.")
    except ValueError as error:
        raise ValueError(f"X_val and y_val cannot be scored on: {error}") from error
