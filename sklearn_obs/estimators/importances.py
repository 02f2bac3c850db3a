"""Importances of inputs for any samples: by how much the loss would rise without each of them."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_obs.estimators.core_plan import plan_of
from sklearn_obs.estimators.parameters import check_parameters
from sklearn_obs.estimators.pruned_mlp import PrunedMLP
from sklearn_obs.estimators.run import importances_of, seed_of
from sklearn_obs.estimators.samples import MatrixLike
from sklearn_obs.machine import one_blas_thread
from sklearn_obs.pruning import Problem, Scope


def input_importances(
    estimator: PrunedMLP,
    X: MatrixLike,
    y: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
) -> np.ndarray:
    """Estimate by how much the loss would rise if an input were removed, on samples of your choice.

    With Optimal Brain Surgeon as the criterion, the other weights are adjusted to make up for the
    removal; with any other, the saliencies of a diagonal Hessian are summed. On the samples of the
    last `fit` or `prune` these are the numbers of `feature_importances_`.

    Parameters
    ----------
    estimator : OBSPrunedMLPClassifier or OBSPrunedMLPRegressor
        Fitted, pruned or not.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Samples to measure the curvature of the loss on.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Their targets. Of the kinds of `curvature`, 'ggn' and 'fisher' need none.
    sample_weight : array-like of shape (n_samples,), default=None
        As in `fit`.

    Returns
    -------
    ndarray of shape (n_features,)
        In nats (in squared units of y for a regression); 0 for an input that is not read.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If `estimator` is not fitted.
    TypeError
        If it is of another class.
    numpy.linalg.LinAlgError
        If the curvature cannot be inverted with this `damping`.

    References
    ----------
    Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal
    Brain Surgeon. Advances in Neural Information Processing Systems 5.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_obs import OBSPrunedMLPClassifier, input_importances
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
    >>> clf = clf.set_params(target_sparsity=0.6).fit(scale(X), y)
    >>> input_importances(clf, scale(X)[::2], y[::2]).shape
    (4,)
    """
    check_is_fitted(estimator)
    if not isinstance(estimator, PrunedMLP):
        raise TypeError(
            f"Got {type(estimator).__name__}, but expected a fitted OBSPrunedMLPClassifier or "
            "OBSPrunedMLPRegressor; of a Pipeline pass the last step, of a search the one that it "
            "holds, and X as the steps before have transformed it."
        )
    check_parameters(estimator)
    attributes = vars(estimator)
    with one_blas_thread():
        network, mask, objective = estimator._at_hand(X, y, sample_weight)
        plan = plan_of(estimator)
        scope = Scope.of(network.layout, plan, objective.X, mask, network.dtype)
        seed = attributes.get("_seed")
        problem = Problem(scope, objective, seed_of(estimator) if seed is None else seed)
        return importances_of(estimator, attributes, problem)
