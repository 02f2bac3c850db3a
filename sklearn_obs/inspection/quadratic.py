"""The quadratic model of the loss that Optimal Brain Surgeon uses, for the current network.

H is the Hessian over the remaining weights, with penalty and damping, and C is its inverse::

    L_q = w_q^2 / (2 C_qq)          delta w = -(w_q / C_qq) C e_q

H is measured as in the next round of `prune`: on the same samples, and with the estimator's kind
and structure of curvature.
"""

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_obs.curvature import FACTORED, exact_hessian, gauss_newton
from sklearn_obs.estimators.core_plan import plan_of
from sklearn_obs.estimators.inside import network_and_samples
from sklearn_obs.estimators.parameters import check_parameters
from sklearn_obs.estimators.run import seed_of
from sklearn_obs.estimators.samples import MatrixLike
from sklearn_obs.inspection.places import flat_of, places_of
from sklearn_obs.machine import one_blas_thread
from sklearn_obs.network.compaction import dead_weights
from sklearn_obs.pruning import Problem, Scope
from sklearn_obs.pruning.criteria import Case, selecting


def weight_saliencies(
    estimator: Any,
    X: MatrixLike,
    y: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Estimate by how much the loss would rise if a weight were removed, for each weight.

    The other weights and intercepts are adjusted to compensate for the removal. The next round
    removes the weight with the smallest saliency first. Intercepts are removed only with
    ``prune_intercepts=True``.

    Parameters
    ----------
    estimator : object
        A fitted OBSPrunedMLPClassifier or OBSPrunedMLPRegressor, pruned or not, a Pipeline or a
        search that contains one, or scikit-learn's own network. Its `curvature`, `structure`,
        `damping` and `n_curvature_samples` are used, but not its `criterion`.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The samples for the Hessian of the loss.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Their targets. They are not needed for the `curvature` 'ggn' and 'fisher'.
    sample_weight : array-like of shape (n_samples,), default=None
        As in `fit`.

    Returns
    -------
    coefs : list of ndarray of shape (fan_in, fan_out)
        Saliencies in the shapes of `coefs_`, in nats (for a regression in squared units of y). They
        are nan for removed weights, and 0 for weights that have no effect.
    intercepts : list of ndarray of shape (fan_out,)
        The same for `intercepts_`.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If `estimator` is not fitted.
    TypeError
        If it contains no such network, or one that was fitted on transformed targets.
    numpy.linalg.LinAlgError
        If the Hessian cannot be inverted with this `damping`.

    See Also
    --------
    weight_update : How the removal of one weight changes the others.
    sklearn_obs.input_importances : The saliency of all weights of an input at once.

    References
    ----------
    Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal
    Brain Surgeon. Advances in Neural Information Processing Systems 5.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.inspection import weight_saliencies
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
    >>> clf = clf.set_params(target_sparsity=0.6).fit(scale(X), y)
    >>> coefs, intercepts = weight_saliencies(clf, scale(X), y)
    >>> [L.shape for L in coefs], [L.shape for L in intercepts]
    ([(4, 5), (5, 3)], [(5,), (3,)])
    """
    with one_blas_thread():
        case, mask = _case(estimator, X, y, sample_weight)
        layout = case.measurement.network.layout
        saliency = np.where(mask, 0.0, np.nan)
        if case.keep.size:
            c = selecting(case.inverse_hessian()).diagonal()
            saliency[case.keep] = case.weights**2 / (2 * c)
    return layout.split(saliency)


def weight_update(
    estimator: Any,
    X: MatrixLike,
    y: ArrayLike | None = None,
    *,
    index: tuple[int, int, int],
    sample_weight: ArrayLike | None = None,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Compute how Optimal Brain Surgeon changes all weights when it removes one.

    Parameters
    ----------
    estimator : object
        As in `weight_saliencies`.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The samples for the Hessian of the loss.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Their targets. They are not needed for the `curvature` 'ggn' and 'fisher'.
    index : tuple of int
        The weight that is removed: ``(layer, i, j)`` is ``coefs_[layer][i, j]``, and
        ``(layer, -1, j)`` is ``intercepts_[layer][j]``.
    sample_weight : array-like of shape (n_samples,), default=None
        As in `fit`.

    Returns
    -------
    coefs : list of ndarray of shape (fan_in, fan_out)
        The changes of `coefs_`. They are 0 for weights that have been removed before.
    intercepts : list of ndarray of shape (fan_out,)
        The changes of `intercepts_`.

    Raises
    ------
    ValueError
        If there is no such weight, if it has been removed, or if it has no effect.
    sklearn.exceptions.NotFittedError, TypeError, numpy.linalg.LinAlgError
        As in `weight_saliencies`.

    See Also
    --------
    weight_saliencies : By how much each removal raises the loss.

    References
    ----------
    Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal
    Brain Surgeon. Advances in Neural Information Processing Systems 5.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.inspection import weight_update
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
    >>> clf = clf.set_params(target_sparsity=0).fit(scale(X), y)
    >>> coefs, intercepts = weight_update(clf, scale(X), y, index=(0, 2, 1))
    >>> bool(abs(coefs[0][2, 1] + clf.coefs_[0][2, 1]) < 1e-12)
    True
    """
    with one_blas_thread():
        case, mask = _case(estimator, X, y, sample_weight)
        layout = case.measurement.network.layout
        flat = flat_of(layout, index)
        (at,) = np.nonzero(case.keep == flat)
        if not at.size:
            what = "has no effect on the outputs" if mask[flat] else "has been removed already"
            raise ValueError(
                f"Got index={tuple(index)}, but that weight {what}. Expected a weight from the "
                "`index` that `hessian` returns."
            )
        inverse, change = case.inverse_hessian(), np.zeros(layout.n_parameters)
        updated = inverse.compensated(case.weights, at)
        if updated is None:
            column = selecting(inverse).columns(at)[:, 0]
            updated = case.weights - case.weights[at] / column[at] * column
        change[case.keep] = updated - case.weights
    return layout.split(change)


def hessian(
    estimator: Any,
    X: MatrixLike,
    y: ArrayLike | None = None,
    *,
    damping: float | None = None,
    sample_weight: ArrayLike | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the Hessian over the remaining parameters that Optimal Brain Surgeon inverts.

    Parameters
    ----------
    estimator : object
        As in `weight_saliencies`.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The samples for the Hessian of the loss.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Their targets. They are not needed for the `curvature` 'ggn' and 'fisher'.
    damping : float >= 0, default=None
        The damping; by default that of the estimator. 0 returns the Hessian itself, with the
        penalty.
    sample_weight : array-like of shape (n_samples,), default=None
        As in `fit`.

    Returns
    -------
    H : ndarray of shape (n, n)
        The Hessian, approximated by the `curvature` of the estimator. It is 0 between the blocks of
        its `structure`.
    index : ndarray of shape (n, 3)
        The parameter of each row: ``(layer, i, j)`` is ``coefs_[layer][i, j]``, and
        ``(layer, -1, j)`` is ``intercepts_[layer][j]``. Weights without effect are left out.

    Raises
    ------
    ValueError
        If `damping` is negative or not finite, or if the structure is 'kronecker', which uses
        different matrices to select weights and to update them.
    sklearn.exceptions.NotFittedError, TypeError
        As in `weight_saliencies`.

    See Also
    --------
    weight_saliencies : The saliency of each weight by this Hessian.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.inspection import hessian
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
    >>> clf = clf.set_params(target_sparsity=0.6).fit(scale(X), y)
    >>> H, index = hessian(clf, scale(X), y)
    >>> H.shape == (len(index), len(index))
    True
    """
    if damping is not None and not 0 <= damping < float("inf"):
        raise ValueError(f"Got damping={damping!r}, but expected a finite non-negative number.")
    with one_blas_thread():
        case, _ = _case(estimator, X, y, sample_weight)
        layout, keep = case.measurement.network.layout, case.keep
        if case.structure == "kronecker":
            raise ValueError(
                "Got structure='kronecker', which is no single matrix. Set structure='full', "
                "'layer' or 'unit'."
            )
        matrix_of = gauss_newton if case.measurement.kind in FACTORED else exact_hessian
        H = matrix_of(case.measurement, keep)
        H[np.diag_indices_from(H)] += case.ridge(case.damping if damping is None else damping)
        places = places_of(layout, keep)
        if case.structure in ("layer", "unit"):
            block = places[:, [0, 2]] if case.structure == "unit" else places[:, [0]]
            H *= (block[:, None] == block[None]).all(axis=2)
    return H, places


def _case(estimator: Any, X, y, sample_weight):
    """The `Case` of the next round of `prune`, for single weights, and the mask."""
    estimator, X = network_and_samples(estimator, X)
    asked = copy(estimator)
    asked.criterion, asked.granularity = "obs", "weight"
    check_parameters(asked)
    network, mask, objective = estimator._at_hand(X, y, sample_weight)
    plan = replace(plan_of(estimator), granularity="weight", criterion="obs")
    scope = Scope.of(network.layout, plan, objective.X, mask, network.dtype)
    seed = vars(estimator).get("_seed")
    problem = Problem(scope, objective, seed_of(estimator) if seed is None else seed)
    keep = np.flatnonzero(mask & ~scope.unread & ~dead_weights(network.layout, mask))
    rng = problem.rng(estimator.n_rounds_ + 1)
    return Case.of(network, keep, problem, rng), mask
