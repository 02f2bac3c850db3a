"""The samples of a call, checked, and what the core makes of them and of the fitted network."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_obs.estimators.attributes import FittedNetwork, mask_of, network_of
from sklearn_obs.estimators.parameters import check_without_labels
from sklearn_obs.estimators.run import objective_of
from sklearn_obs.estimators.samples import weighted_samples
from sklearn_obs.network.prediction import outputs

FLOATS = (np.float64, np.float32)


class CheckedSamples(FittedNetwork, BaseEstimator):
    """The part of `PrunedMLP` that takes samples in."""

    _y_numeric: bool

    def _check_targets(self, y, reset):
        """Raise ValueError unless y is of the kind that the estimator takes."""
        raise NotImplementedError

    def _encode(self, y, classes):
        """What the network is to put out for y, of shape (n_samples, n_outputs)."""
        raise NotImplementedError

    def _at_hand(self, X, y, sample_weight):
        """Network, mask and objective of the fitted estimator on these samples."""
        check_is_fitted(self)
        if y is None:
            check_without_labels(self, pruning=False)
        X, y, sample_weight = self._validate(X, y, sample_weight, reset=False)
        objective = objective_of(self, vars(self), X, self._targets(y), sample_weight)
        return network_of(self, vars(self)), mask_of(vars(self)), objective

    def _targets(self, y):
        """What the network is to put out for y; None where y is not known."""
        return None if y is None else self._encode(y, getattr(self, "classes_", None))

    def _validate(self, X, y, sample_weight, reset):
        options = {"accept_sparse": "csr", "dtype": FLOATS, "reset": reset}
        if y is None and not reset:  # `prune` needs none
            X = validate_data(self, X, **options)
        else:
            options |= {"multi_output": True, "y_numeric": self._y_numeric}
            X, y = validate_data(self, X, y, **options)
        X, y, sample_weight = weighted_samples(X, y, sample_weight)
        if y is not None:
            self._check_targets(y, reset)
        return X, y, sample_weight

    def _outputs(self, X):
        return outputs(*self._network_and_samples(X))

    def _network_and_samples(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False)
        return network_of(self, vars(self)), X, self.masks_, self.inputs_, self.units_
