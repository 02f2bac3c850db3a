"""Importances of variables on given samples: the increase of the loss if one were removed."""

from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from sklearn_obs.estimators.core_plan import plan_of
from sklearn_obs.estimators.inside import input_names, network_and_samples
from sklearn_obs.estimators.parameters import check_parameters
from sklearn_obs.estimators.run import seed_of
from sklearn_obs.estimators.samples import MatrixLike
from sklearn_obs.estimators.variables import checked_labels
from sklearn_obs.machine import one_blas_thread
from sklearn_obs.pruning import Problem, Scope, importances, inputs_of


def input_importances(
    estimator: Any,
    X: MatrixLike,
    y: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
) -> Bunch:
    """Estimate by how much the loss would rise without each input, and how sure that is.

    This is the saliency of Optimal Brain Surgeon for all weights of an input at once, after the
    other weights have been adjusted to compensate for the removal. With `input_groups`, it is the
    joint saliency of all inputs of a variable. With another criterion than 'obs', no other weight
    is adjusted.

    Unless `structure` is set to a larger block, the weights of each unit are adjusted separately.
    The effect of the removal on all units together is included. The importance is that of an input
    for this network. If another variable contains the same information, a variable has a small
    importance even if it is closely related to y.

    Parameters
    ----------
    estimator : object
        A fitted OBSPrunedMLPClassifier or OBSPrunedMLPRegressor, pruned or not, or a Pipeline or a
        search that contains one. An MLPClassifier or MLPRegressor is accepted, too: its weights
        that are 0 count as removed.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The samples for the Hessian of the loss. For a Pipeline, pass them as to its first step.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Their targets. They are not needed for the `curvature` 'ggn' and 'fisher'. Without them, the
        standard deviation is computed for labels drawn from the network's own outputs.
    sample_weight : array-like of shape (n_samples,), default=None
        As in `fit`.

    Returns
    -------
    sklearn.utils.Bunch
        With these fields, one entry for each variable:

        importances_mean : ndarray of shape (n_variables,)
            The importances, in nats (for a regression in squared units of y). They are 0 for an
            input that is not read. On the samples of the last `fit` or `prune` they are the numbers
            of `feature_importances_`.
        importances_std : ndarray of shape (n_variables,)
            Their standard deviation over resampled data, to second order: over sets of as many
            samples, drawn with replacement from these. For noise that a network has fitted it is as
            large as the importance, or larger.
        names : list of str
            The name of each variable: its label in `input_groups`, or the name of its feature. In a
            Pipeline this is the name that the steps before the network give it.
        inputs : list of ndarray of int
            The indices of the inputs of each variable.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If `estimator` is not fitted.
    TypeError
        If it contains no such network, or one that was fitted on transformed targets.
    ValueError
        If `input_groups` does not fit X.
    numpy.linalg.LinAlgError
        If the Hessian cannot be inverted with this `damping`.

    See Also
    --------
    input_groups_of : The labels of variables from a fitted transformer.
    sklearn_obs.display.InputImportancesDisplay : The importances as bars.
    sklearn.inspection.permutation_importance : How much worse any model predicts when a feature is
        shuffled.

    References
    ----------
    Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal
    Brain Surgeon. Advances in Neural Information Processing Systems 5.

    Efron, B. (1982). The jackknife, the bootstrap and other resampling plans. SIAM.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_obs import OBSPrunedMLPClassifier, input_importances
    >>> iris = load_iris()
    >>> groups = ["sepal", "sepal", "petal", "petal"]
    >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
    >>> clf = clf.set_params(target_sparsity=0.5, input_groups=groups)
    >>> clf = clf.fit(scale(iris.data), iris.target)
    >>> found = input_importances(clf, scale(iris.data), iris.target)
    >>> found.names
    ['sepal', 'petal']
    >>> bool(found.importances_mean[1] > found.importances_mean[0])
    True
    """
    names = input_names(estimator)
    estimator, X = network_and_samples(estimator, X)
    check_parameters(estimator)
    attributes = vars(estimator)
    with one_blas_thread():
        network, mask, objective = estimator._at_hand(X, y, sample_weight)
        plan = plan_of(estimator)
        scope = Scope.of(network.layout, plan, objective.X, mask, network.dtype)
        seed = attributes.get("_seed")
        problem = Problem(scope, objective, seed_of(estimator) if seed is None else seed)
        number = estimator.n_rounds_ + 1
        mean, std = importances(network, mask, problem, problem.rng(number), spread=True)
    inputs = inputs_of(plan, network.layout)
    return Bunch(
        importances_mean=mean,
        importances_std=std,
        names=_names(estimator, names, inputs),
        inputs=inputs,
    )


def _names(estimator, features, inputs):
    """The names of the variables."""
    seen = getattr(estimator, "feature_names_in_", None)
    labels = checked_labels(estimator.input_groups, estimator.n_features_in_, seen)
    if features is None:
        features = [f"x{i}" for i in range(estimator.n_features_in_)]
    first = [some[0] for some in inputs]
    return [str(features[i] if labels[i] is None else labels[i]) for i in first]
