"""The steps before the network: replaced if skl2onnx needs that, and checked for missing text.

A pruned network before the last step is a transformer, and returns the remaining units of its last
hidden layer. It is replaced by a regression network whose output layer passes these units on.
"""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from sklearn_obs.estimators import OBSPrunedMLPCV, OBSPrunedMLPRegressor
from sklearn_obs.estimators.chosen_network import chosen_of
from sklearn_obs.estimators.origins import indices
from sklearn_obs.estimators.pruned_mlp import PrunedMLP


def for_onnx(step):
    """The fitted step, with pruned networks in it replaced by what their `transform` returns."""
    if isinstance(step, Pipeline):
        return Pipeline([(name, for_onnx(part)) for name, part in step.steps])
    if isinstance(step, OBSPrunedMLPCV):
        return for_onnx(chosen_of(step))
    return _hidden_units(step) if isinstance(step, PrunedMLP) else step


def _hidden_units(estimator):
    """A regression network that predicts what the estimator's `transform` returns."""
    n = estimator._n_features_out
    *coefs, _ = estimator.coefs_
    *intercepts, _ = estimator.intercepts_
    kept = estimator.units_[-1] if estimator.units_ else estimator.inputs_
    passed_on = np.zeros((estimator.coefs_[-1].shape[0], n), estimator.coefs_[-1].dtype)
    passed_on[kept, np.arange(n)] = 1
    sizes = tuple(len(b) for b in intercepts)
    net = MLPRegressor(hidden_layer_sizes=sizes, activation=estimator.activation)
    net.coefs_ = [*coefs, passed_on]
    net.intercepts_ = [*intercepts, np.zeros(n, passed_on.dtype)]
    net.n_layers_, net.n_outputs_, net.out_activation_ = len(net.coefs_) + 1, n, "identity"
    net.n_features_in_, net.n_iter_, net.t_, net.loss_ = estimator.n_features_in_, 1, 1, 0.0
    return OBSPrunedMLPRegressor.from_sklearn(net, keep_zeros=True)


def check_indicators(step):
    """Raise ValueError if an imputer adds columns that say where values are missing.

    skl2onnx leaves these columns out, so that the file could be written, but never run.
    """
    if isinstance(step, Pipeline):
        parts = [part for _, part in step.steps]
    elif isinstance(step, ColumnTransformer):
        parts = [part for _, part, _ in step.transformers_]
    elif isinstance(step, FeatureUnion):
        parts = [part for _, part in step.transformer_list]
    else:
        parts = []
    for part in parts:
        check_indicators(part)
    indicator = getattr(step, "indicator_", None)
    if getattr(step, "add_indicator", False) and indicator is not None and indicator.features_.size:
        raise ValueError(
            f"Got a {type(step).__name__} with add_indicator=True, whose additional columns cannot "
            "be converted to ONNX. Fit it with add_indicator=False, or save the model with "
            "export_skops or joblib."
        )


def check_missing(step, names):
    """Raise if a step fills in or encodes missing text, which does not exist in ONNX.

    Parameters
    ----------
    step : object
        A fitted step that takes the columns `names`.
    names : list of str

    Raises
    ------
    ValueError
        The message names the columns and says what to do.
    """
    if isinstance(step, Pipeline):
        for _, part in step.steps:
            check_missing(part, names)
    elif isinstance(step, ColumnTransformer):
        own = list(getattr(step, "feature_names_in_", ()))
        for _, part, chosen in step.transformers_:
            at = indices(chosen, own, len(names))
            check_missing(part, [names[j] for j in at])
    elif isinstance(step, SimpleImputer) and not isinstance(step.missing_values, str):
        if step.statistics_.dtype.kind in "OUS":
            raise ValueError(
                f"Got a SimpleImputer of missing_values={step.missing_values} on the columns of "
                f"text {', '.join(map(repr, names))}, but in ONNX a text cannot be missing. Use "
                "SimpleImputer(missing_values='', strategy=...), and fit it on X with '' in place "
                "of missing text, for example on X.fillna('')."
            )
    elif isinstance(step, (OneHotEncoder, OrdinalEncoder)):
        gaps = [
            name
            for name, values in zip(names, step.categories_, strict=True)
            if values.dtype.kind == "O" and any(v is None or v != v for v in values)
        ]
        if gaps:
            raise ValueError(
                f"Got a {type(step).__name__} with missing text as a category of the columns "
                f"{', '.join(map(repr, gaps))}, but in ONNX a text cannot be missing. Fit it on X "
                "with '' in place of missing text, for example on X.fillna('')."
            )
