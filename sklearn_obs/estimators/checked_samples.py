"""Checks of the samples passed to a method, and their conversion for the core."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import indexable
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_obs.estimators.attributes import FittedNetwork, mask_of, network_of
from sklearn_obs.estimators.parameters import check_without_labels
from sklearn_obs.estimators.rows import rows_of
from sklearn_obs.estimators.run import objective_of, seed_of
from sklearn_obs.estimators.samples import for_each_sample, weighted_samples
from sklearn_obs.estimators.teacher import Asked, is_frozen, taught
from sklearn_obs.network.prediction import outputs

FLOATS = (np.float64, np.float32)


class CheckedSamples(FittedNetwork, BaseEstimator):
    """The part of `PrunedMLP` that checks samples and encodes their targets."""

    _y_numeric: bool

    def _check_targets(self, y, reset):
        """Raise ValueError unless y is of a kind that the estimator accepts."""
        raise NotImplementedError

    def _weighted(self, y, sample_weight):
        """The sample weights, with class weights if there are any; None if all are equal."""
        return sample_weight

    def _encode(self, y, classes):
        """The targets of the network's outputs for y, of shape (n_samples, n_outputs)."""
        raise NotImplementedError

    def _at_hand(self, X, y, sample_weight):
        """The network and mask of the fitted estimator, and its objective on these samples."""
        check_is_fitted(self)
        if y is None:
            check_without_labels(self, pruning=False)
        given = X, sample_weight
        X, y, sample_weight = self._validate(X, y, sample_weight, reset=False)
        taught = None
        if self.curvature == "hessian" and (y is not None or is_frozen(self.teacher)):
            taught = self._taught(given, y, sample_weight, self._asked())  # otherwise not used
        objective = objective_of(self, vars(self), X, self._targets(y), sample_weight, taught)
        return network_of(self, vars(self)), mask_of(vars(self)), objective

    def _taught(self, given, y, sample_weight, asked):
        """The outputs of the teacher for the samples, or None if there is no teacher.

        `given` holds X and the sample weights as the user passed them. y and `sample_weight` have
        been checked, and do not contain the samples of weight 0.
        """
        if self.teacher is None:
            return None
        (X,), weight = indexable(given[0]), given[1]
        if weight is not None:
            weight = np.asarray(for_each_sample(weight, np.shape(X)[0]))
            X = rows_of(X, np.flatnonzero(weight))
        if y is not None:
            y = y.toarray() if issparse(y) else y
            y = y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y
        seed = None if is_frozen(self.teacher) else seed_of(self)
        return taught(self.teacher, asked, X, y, sample_weight, seed)

    def _asked(self):
        """The outputs that the fitted network needs from a teacher."""
        if not is_classifier(self):
            kind = "counts" if self.out_activation_ == "exp" else "values"
            return Asked(kind, None, self.n_outputs_)
        kind = "labels" if self._of_label_sets else "classes"
        return Asked(kind, self.classes_, self.n_outputs_)

    def _asked_for(self, y, n_outputs):
        """The outputs that a network that will be fitted on y needs from a teacher."""
        if not is_classifier(self):
            return Asked("counts" if self.loss == "poisson" else "values", None, n_outputs)
        kind = "labels" if y.ndim == 2 and y.shape[1] > 1 else "classes"
        return Asked(kind, self._classes_of(y), n_outputs)

    def _targets(self, y):
        """The targets of the network's outputs for y; None if y is None."""
        return None if y is None else self._encode(y, getattr(self, "classes_", None))

    def _validate(self, X, y, sample_weight, reset):
        options = {"accept_sparse": "csr", "dtype": FLOATS, "reset": reset}
        if y is None and not reset:  # `prune` does not need y
            X = validate_data(self, X, **options)
        else:
            options |= {"multi_output": True, "y_numeric": self._y_numeric}
            X, y = validate_data(self, X, y, **options)
        X, y, sample_weight = weighted_samples(X, y, sample_weight)
        if y is not None:
            self._check_targets(y, reset)
            sample_weight = self._weighted(y, sample_weight)
        return X, y, sample_weight

    def _outputs(self, X):
        return outputs(*self._network_and_samples(X))

    def _network_and_samples(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False)
        return network_of(self, vars(self)), X, self.masks_, self.inputs_, self.units_
