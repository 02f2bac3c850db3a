"""A fitted model as one network on the columns as they come, its scalers folded in.

With net input k the column c_k of X times s_k plus t_k, and targets scaled as s y + t::

    W_1[c, j] <- sum_{k: c_k = c} s_k W_1[k, j]        b_1 <- b_1 + t W_1
    W_L <- W_L / s                                     b_L <- (b_L - t) / s

Of outputs that are exponentials, exp(z) / s is exp(z - log s), and t has to be 0.
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
    """What `quantize` says of a network: its weights are scales times whole numbers."""

    n_bits: int
    scales: list[np.ndarray]  # (fan_out,) of each layer, targets folded in
    activation_scales: np.ndarray  # (n_hidden_layers,)
    input_range: np.ndarray  # (2, n_net_inputs)


@dataclass(frozen=True)
class Folded:
    """What a device has to compute."""

    network: Network  # of float64, on all columns of X, without units that carry nothing
    columns: Columns  # of the net inputs, before they were folded
    bare: Network  # the network on the net inputs, targets folded in
    classes: np.ndarray | None  # labels, or None in regression
    feature_names: list[str] | None
    units: list[np.ndarray]  # of each hidden layer, their numbers in the model
    grid: OnGrid | None = None  # of `bare`, where it is quantized
    fitted_names: list | None = None  # of columns, as `fit` saw them

    @property
    def kind(self):
        """'classes', 'binary' (or one class only), 'labels' (sets) or 'values' (regression)."""
        if self.classes is None:
            return "values"
        if self.network.out_activation == "softmax":
            return "classes"
        return "binary" if self.n_outputs == 1 else "labels"

    @property
    def n_features(self):
        """Columns of X, read or not."""
        return len(self.network.coefs[0])

    @property
    def n_outputs(self):
        """Units of the output layer."""
        return self.network.coefs[-1].shape[1]

    def predict(self, network, X):
        """What the model predicts, by a `network` in other numbers."""
        X = check_array(self.in_order(X), accept_sparse="csr", dtype=network.coefs[0].dtype)
        return self.predicted(forward(network, X)[-1], 0.5)

    def in_order(self, X):
        """X with the columns in the order of `fit`, where both have names.

        Raises
        ------
        ValueError
            If one is missing.
        """
        given, names = getattr(X, "columns", None), self.fitted_names
        if given is None or names is None or list(given) == names:
            return X
        if missing := [name for name in names if name not in list(given)]:
            raise ValueError(f"X has no column {missing[0]!r}, which the model was fitted with.")
        return X[names]

    def predicted(self, outputs, threshold):
        """What outputs (n_samples, n_outputs) stand for, a label being likely above `threshold`."""
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
        """The name of its score."""
        return "R^2" if self.kind == "values" else "Accuracy"

    def score(self, y, predicted):
        """Accuracy or R^2 of predictions, whoever made them."""
        measure = r2_score if self.kind == "values" else accuracy_score
        return float(measure(y, predicted))


def folded(model):
    """The model as `Folded`.

    Raises
    ------
    TypeError
        If it is not a supported model, or a step of it cannot be folded; the message lists what is.
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
    """Per hidden layer, the numbers of the units that `compact` keeps."""
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
    """Columns of X, as the first says that looks at them."""
    seen = [step for _, step in steps if hasattr(step, "n_features_in_")]
    return (seen or [estimator])[0].n_features_in_


def compacted_on_targets(estimator, of_targets):
    """The compacted estimator, of targets as they were before these transformers of them."""
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
