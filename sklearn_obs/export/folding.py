"""A fitted model as one network on the unscaled columns of X, with its scalers folded in.

Input k of the network is column c_k of X times s_k plus t_k; targets have been scaled to s y + t::

    W_1[c, j] <- sum_{k: c_k = c} s_k W_1[k, j]        b_1 <- b_1 + t W_1
    W_L <- W_L / s                                     b_L <- (b_L - t) / s

If the outputs are exponentials, b_L <- b_L - log s, because exp(z) / s = exp(z - log s), and t has
to be 0.
"""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.validation import check_array

from sklearn_obs.estimators.attributes import mask_of, network_of
from sklearn_obs.estimators.inside import taken_apart
from sklearn_obs.export.columns import Columns, as_they_are, columns_of
from sklearn_obs.network import Network, forward
from sklearn_obs.network.compaction import compacted


@dataclass(frozen=True)
class OnGrid:
    """The results of `quantize`: the weights are the scales times whole numbers."""

    n_bits: int
    scales: list[np.ndarray]  # (fan_out,) for each layer, with the scale of targets folded in
    activation_scales: np.ndarray  # (n_hidden_layers,)
    input_range: np.ndarray  # (2, n_net_inputs)


@dataclass(frozen=True)
class Folded:
    """A fitted model with all steps folded into one network, for a device."""

    network: Network  # float64, on all columns of X, without units that have no effect
    columns: Columns  # the inputs of `bare` as columns of X
    bare: Network  # the same network before scalers of X were folded in, but those of y are
    classes: np.ndarray | None  # labels, or None in regression
    feature_names: list[str] | None
    units: list[np.ndarray]  # for each hidden layer, the indices of its units in the model
    grid: OnGrid | None = None  # the grid of `bare`, if the model is quantized
    fitted_names: list | None = None  # the column names in `fit`

    @property
    def kind(self):
        """'classes', 'binary' (two classes or one), 'labels' (label sets) or 'values' (numbers)."""
        if self.classes is None:
            return "values"
        if self.network.out_activation == "softmax":
            return "classes"
        return "binary" if self.n_outputs == 1 else "labels"

    @property
    def n_features(self):
        """Number of columns of X, including those that are not read."""
        return len(self.network.coefs[0])

    @property
    def n_outputs(self):
        """Number of units of the output layer."""
        return self.network.coefs[-1].shape[1]

    def predict(self, network, X):
        """The predictions of the model, computed by a `network` of another number type."""
        X = check_array(self.in_order(X), accept_sparse="csr", dtype=network.coefs[0].dtype)
        return self.predicted(forward(network, X)[-1], 0.5)

    def in_order(self, X):
        """X with its columns in the order of `fit`, if columns have names in both.

        Raises
        ------
        ValueError
            If a column is missing.
        """
        given, names = getattr(X, "columns", None), self.fitted_names
        if given is None or names is None or list(given) == names:
            return X
        if missing := [name for name in names if name not in list(given)]:
            raise ValueError(f"X has no column {missing[0]!r}, which the model was fitted with.")
        return X[names]

    def predicted(self, outputs, threshold):
        """Predictions for outputs (n_samples, n_outputs); a label is set above `threshold`."""
        if self.kind == "classes":
            return self.classes[outputs.argmax(axis=1)]
        if self.kind == "binary":
            likelier = (outputs.ravel() > threshold) & (len(self.classes) > 1)
            return self.classes[likelier.astype(np.intp)]
        if self.kind == "labels":
            return (outputs > threshold).astype(int)
        return outputs.ravel() if self.n_outputs == 1 else outputs

    @property
    def metric(self):
        """The name of the score."""
        return "R^2" if self.kind == "values" else "Accuracy"

    def score(self, y, predicted):
        """Accuracy or R^2 of predictions from any source."""
        measure = r2_score if self.kind == "values" else accuracy_score
        return float(measure(y, predicted))


def folded(model):
    """Fold a model into one network.

    Raises
    ------
    TypeError
        If the model is not supported, or one of its steps cannot be folded; the message lists what
        is supported.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    """
    steps, estimator, of_targets = taken_apart(model)
    small = compacted_on_targets(estimator, of_targets)
    bare = network_of(small, vars(small)).astype(np.float64)
    columns = as_they_are(n_features(steps, estimator))
    for _, step in steps:
        columns = columns_of(step, len(columns.source)).of(columns)
    first = bare.coefs[0]
    W = np.zeros((n_features(steps, estimator), first.shape[1]))
    np.add.at(W, columns.source, columns.scale[:, None] * first)
    b = bare.intercepts[0] + columns.shift @ first
    network = replace(bare, coefs=(W, *bare.coefs[1:]), intercepts=(b, *bare.intercepts[1:]))
    names = getattr(model, "feature_names_in_", None)
    return Folded(
        network,
        columns,
        bare,
        getattr(estimator, "classes_", None),
        None if names is None else [str(name) for name in names],
        _units_of(estimator),
        _grid_of(small),
        None if names is None else list(names),
    )


def _units_of(estimator):
    """For each hidden layer, the indices of the units that `compact` keeps."""
    attributes = vars(estimator)
    _, _, kept = compacted(network_of(estimator, attributes), mask_of(attributes))
    return kept[1:-1]


def _grid_of(estimator):
    if not hasattr(estimator, "n_bits_"):
        return None
    scales = [s.astype(np.float64) for s in estimator.weight_scales_]
    activation_scales = estimator.activation_scales_
    return OnGrid(estimator.n_bits_, scales, activation_scales, estimator.input_range_)


def n_features(steps, estimator):
    """Number of columns of X, from the first step that stores it."""
    seen = [step for _, step in steps if hasattr(step, "n_features_in_")]
    return (seen or [estimator])[0].n_features_in_


def compacted_on_targets(estimator, of_targets):
    """The compacted estimator, with the transformers of its targets folded into the last layer."""
    small, target = estimator.compact(), as_they_are(estimator.n_outputs_)
    for transformer in of_targets:
        target = columns_of(transformer, estimator.n_outputs_).of(target)
    if of_targets and small.out_activation_ == "exp":
        if target.shift.any() or (target.scale <= 0).any():
            raise TypeError(
                "A scaler that shifts the target cannot be folded into a network with "
                "loss='poisson', because its outputs are exponentials. Fit without the scaler: "
                "counts need no scaling."
            )
        small.intercepts_[-1] = small.intercepts_[-1] - np.log(target.scale)
    elif of_targets:
        small.coefs_[-1] = small.coefs_[-1] / target.scale
        if hasattr(small, "n_bits_"):
            small.weight_scales_[-1] = small.weight_scales_[-1] / target.scale
        small.intercepts_[-1] = (small.intercepts_[-1] - target.shift) / target.scale
    return small
