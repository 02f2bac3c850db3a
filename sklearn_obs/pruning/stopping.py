"""Stopping rules: each chooses from a path of networks, each sparser than the one before.

`saliency_rule` is that of the 1992 paper. With L_q the saliency of the next weight q and E the
loss::

    continue while L_q is much smaller than E

`one_standard_error` uses held-out samples: it chooses the sparsest network whose mean score is
within one standard error of the best. `prediction_error` estimates the loss on new samples from the
N training samples. N_eff is the effective number of parameters, H the Gauss-Newton matrix, and D
the diagonal matrix of the penalty::

    N_eff = tr[H (H + D)^-1]
    E (N + N_eff) / (N - N_eff)        for squares (final prediction error)
    E + N_eff / N                      for log-likelihoods

A fourth rule, `max_loss_increase`, limits the measured increase of the loss during pruning.

References
----------
Akaike, H. (1969). Fitting autoregressive models for prediction. Annals of the Institute of
Statistical Mathematics 21.
Moody, J. (1992). The effective number of parameters: an analysis of generalization and
regularization in nonlinear learning systems. NIPS 4.
Murata, N., Yoshizawa, S. and Amari, S. (1994). Network information criterion: determining the
number of hidden units for an artificial neural network model. IEEE Trans. Neural Networks 5.
Pedersen, M. W., Hansen, L. K. and Larsen, J. (1995). Pruning with generalization based weight
saliencies: gamma OBD, gamma OBS. NIPS 8.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import pinvh

from sklearn_obs.curvature import Measurement, gauss_newton
from sklearn_obs.network.compaction import dead_weights, never_read


def saliency_rule(pruning_path: dict[str, np.ndarray], *, share: float = 0.001) -> int:
    """Count the weights to remove while each saliency is much smaller than the loss.

    Parameters
    ----------
    pruning_path : dict of ndarray
        The `pruning_path_` of an estimator.
    share : float > 0, default=0.001
        A saliency is much smaller if it is less than this share of the loss against the labels
        before its round. For the first round the loss after it is used, because a path does not
        contain an earlier one. The paper gives no number; with this one the rule stops near the
        least test error in `plot_stopping.py`.

    Returns
    -------
    int
        The number of weights, from the start of ``pruning_path["removed"]``. It is the number of
        all weights if every saliency is small enough.

    Raises
    ------
    ValueError
        If `share` is not positive, the criterion does not predict saliencies, or y was missing in a
        round.

    References
    ----------
    Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal
    Brain Surgeon. Advances in Neural Information Processing Systems 5.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_obs.stopping import saliency_rule
    >>> path = {"saliency": np.array([0.01, 0.02, 0.3]), "round": np.array([1, 2, 3]),
    ...         "label_loss": np.array([1.01, 1.05, 1.4])}
    >>> saliency_rule(path, share=0.1)
    2
    """
    if not share > 0:
        raise ValueError(f"Got share={share!r}, but expected a number > 0.")
    saliency, number = pruning_path["saliency"], pruning_path["round"] - 1
    if np.isnan(saliency).any():
        raise ValueError(
            "Got a pruning_path with no saliencies, because its criterion does not predict the "
            "loss. Prune with criterion='obs' or 'obd'."
        )
    label_loss = pruning_path["label_loss"]
    if np.isnan(label_loss).any():
        raise ValueError(
            "Got a pruning_path with rounds without y, but the rule compares saliencies with the "
            "loss against y. Pass y to `prune`."
        )
    before = np.concatenate([label_loss[:1], label_loss[:-1]])
    (too_large,) = np.nonzero(saliency >= share * before[number])
    return int(too_large[0]) if too_large.size else saliency.size


def one_standard_error(scores: ArrayLike) -> int:
    """Choose the sparsest network with a mean score within one standard error of the best.

    Parameters
    ----------
    scores : array-like of shape (n_networks, n_scores)
        The scores, where greater is better. Each row is a network, and each network is sparser than
        the one in the row before. Each column is a held-out sample or a fold.

    Returns
    -------
    int
        The index of the row of the chosen network.

    Raises
    ------
    ValueError
        If there are fewer than two columns, or `scores` is not finite.

    References
    ----------
    Breiman, L., Friedman, J. H., Olshen, R. A. and Stone, C. J. (1984). Classification and
    Regression Trees, section 3.4.3. Wadsworth.

    Examples
    --------
    >>> from sklearn_obs.stopping import one_standard_error
    >>> one_standard_error([[0.8, 0.9], [0.9, 1.0], [0.9, 0.95], [0.5, 0.6]])
    2
    """
    scores = np.asarray(scores, np.float64)
    if scores.ndim != 2 or scores.shape[1] < 2 or not np.isfinite(scores).all():
        raise ValueError(
            f"Got scores of shape {scores.shape}, but expected finite numbers of shape "
            "(n_networks, n_scores) with at least two scores, because a standard error needs them."
        )
    mean = scores.mean(axis=1)
    best = int(mean.argmax())
    error = scores[best].std(ddof=1) / scores.shape[1] ** 0.5
    return int(np.flatnonzero(mean >= mean[best] - error)[-1])


def effective_parameters(
    estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Compute the effective number of parameters of a fitted network.

    It is N_eff = tr[H (H + D)^-1], with the Gauss-Newton matrix H and the penalty D. Without a
    penalty, this is the number of parameters that the samples determine. A penalty lowers it for
    each direction in which the penalty is large compared with the curvature of the loss. For n
    parameters it needs memory for several matrices of n^2 numbers.

    Parameters
    ----------
    estimator : OBSPrunedMLPClassifier or OBSPrunedMLPRegressor
        The fitted estimator.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The samples that it was trained on.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.
    sample_weight : array-like of shape (n_samples,), default=None
        As in `fit`.

    Returns
    -------
    float
        The number, which is between 0 and the number of remaining parameters.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If `estimator` is not fitted.

    References
    ----------
    Moody, J. (1992). The effective number of parameters: an analysis of generalization and
    regularization in nonlinear learning systems. NIPS 4.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.stopping import effective_parameters
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
    >>> clf = clf.set_params(target_sparsity=0.5).fit(X, y)
    >>> bool(0 < effective_parameters(clf, X, y) < clf.n_weights_ + 8)
    True
    """
    network, mask, objective = estimator._at_hand(X, y, sample_weight)
    X, layout = objective.X, network.layout
    keep = np.flatnonzero(mask & ~dead_weights(layout, mask) & ~never_read(layout, X))
    measured = Measurement(network, X, objective.y, objective.shares, "ggn")
    H = gauss_newton(measured, keep)
    D = np.where(keep < layout.n_coefs, objective.penalty, 0.0)
    return float(np.vdot(H, pinvh(H + np.diag(D))))


def prediction_error(
    loss: ArrayLike, n_rows: int, n_effective: ArrayLike, *, squared: bool
) -> np.ndarray:
    """Estimate the loss on new samples from the training loss, by Akaike's corrections.

    Parameters
    ----------
    loss : array-like of shape (n_networks,)
        The mean loss of each network against the labels of its training samples, without the
        penalty: ``pruning_path_["label_loss"]``.
    n_rows : int
        The number of training samples.
    n_effective : array-like of shape (n_networks,)
        The effective number of parameters of each network; see `effective_parameters`.
    squared : bool
        Whether the loss is a mean of squares (regression) or of negative log-likelihoods
        (classification, in nats).

    Returns
    -------
    ndarray of shape (n_networks,)
        The estimated losses. Choose the network with the smallest. For squares the estimate is
        infinite if there are at least as many effective parameters as samples.

    References
    ----------
    Akaike, H. (1969). Fitting autoregressive models for prediction. Annals of the Institute of
    Statistical Mathematics 21.
    Murata, N., Yoshizawa, S. and Amari, S. (1994). Network information criterion: determining the
    number of hidden units for an artificial neural network model. IEEE Trans. Neural Networks 5.
    Pedersen, M. W., Hansen, L. K. and Larsen, J. (1995). Pruning with generalization based weight
    saliencies: gamma OBD, gamma OBS. NIPS 8.

    Examples
    --------
    >>> from sklearn_obs.stopping import prediction_error
    >>> prediction_error([0.30, 0.31, 0.40], 100, [20, 12, 5], squared=False)
    array([0.5 , 0.43, 0.45])
    """
    loss, p = np.asarray(loss, np.float64), np.asarray(n_effective, np.float64)
    if not squared:
        return loss + p / n_rows
    left = np.maximum(n_rows - p, 0)
    return np.divide(loss * (n_rows + p), left, out=np.full(loss.shape, np.inf), where=left > 0)
