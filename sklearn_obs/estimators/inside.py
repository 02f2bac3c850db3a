"""Find the network inside a model: a Pipeline, a search, or scikit-learn's own estimator."""

from typing import Any

from sklearn.compose import TransformedTargetRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_obs.estimators.chosen_network import chosen_of
from sklearn_obs.estimators.classifier import OBSPrunedMLPClassifier
from sklearn_obs.estimators.cross_validation import OBSPrunedMLPCV
from sklearn_obs.estimators.pruned_mlp import PrunedMLP
from sklearn_obs.estimators.regressor import OBSPrunedMLPRegressor

SUPPORTED = (
    "a fitted OBSPrunedMLPClassifier, OBSPrunedMLPRegressor, MLPClassifier or MLPRegressor, a "
    "fitted search for one, or a Pipeline or TransformedTargetRegressor that ends in one"
)


def taken_apart(model: Any) -> tuple[list[tuple[str, Any]], PrunedMLP, list[Any]]:
    """Return the named steps before the network, the network, and transformers of its targets.

    A scikit-learn network is converted to one of ours, and its weights that are 0 count as removed.
    The transformers are in the order in which they are applied to the targets.

    Raises
    ------
    TypeError
        If the model contains no such network.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.
    """
    if hasattr(model, "best_estimator_"):  # a search of scikit-learn
        return taken_apart(model.best_estimator_)
    if hasattr(model, "cv") and hasattr(model, "refit"):  # our search, or one that is not fitted
        check_is_fitted(model)
    if isinstance(model, OBSPrunedMLPCV):
        return taken_apart(chosen_of(model))
    if isinstance(model, Pipeline) and model.steps:
        *steps, (_, last) = model.steps
        more, estimator, of_targets = taken_apart(last)
        return [*steps, *more], estimator, of_targets
    if isinstance(model, TransformedTargetRegressor):
        check_is_fitted(model)
        steps, estimator, of_targets = taken_apart(model.regressor_)
        return steps, estimator, [model.transformer_, *of_targets]
    if isinstance(model, MLPClassifier):
        model = OBSPrunedMLPClassifier.from_sklearn(model, keep_zeros=True)
    if isinstance(model, MLPRegressor):
        model = OBSPrunedMLPRegressor.from_sklearn(model, keep_zeros=True)
    if isinstance(model, PrunedMLP):
        check_is_fitted(model)
        return [], model, []
    linear = ""
    if hasattr(model, "coef_"):
        linear = " For a linear model, use an OBSPrunedMLPClassifier or OBSPrunedMLPRegressor with "
        linear += "hidden_layer_sizes=()."
    raise TypeError(f"Got a {type(model).__name__}, but expected {SUPPORTED}.{linear}")


def input_names(model: Any) -> Any:
    """Names of the network's inputs: those it was fitted with, or its steps' names, or None."""
    steps, network, _ = taken_apart(model)
    names = getattr(network, "feature_names_in_", None)
    if names is None and steps:
        try:
            names = Pipeline(steps).get_feature_names_out()
        except (AttributeError, ValueError):  # a step gives no names, or needs names itself
            names = None
    return names


def network_and_samples(model: Any, X: Any) -> tuple[PrunedMLP, Any]:
    """Return the network inside a model, and the samples transformed by the steps before it.

    Raises
    ------
    TypeError
        If there is no network, or it was fitted on transformed targets.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.
    """
    steps, estimator, of_targets = taken_apart(model)
    if of_targets:
        raise TypeError(
            "Got a TransformedTargetRegressor, but its network was fitted on transformed targets. "
            "Pass its `regressor_`, and y as its `transformer_` transforms it."
        )
    for _, step in steps:
        if step is not None and step != "passthrough":
            X = step.transform(X)
    return estimator, X
