"""Regression: squared error, any number of outputs."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import RegressorMixin
from sklearn.neural_network import MLPRegressor

from sklearn_obs.estimators.docs import ATTRIBUTES, PARAMETERS
from sklearn_obs.estimators.pruned_mlp import PrunedMLP
from sklearn_obs.estimators.samples import MatrixLike


class OBSPrunedMLPRegressor(RegressorMixin, PrunedMLP):
    __doc__ = f"""Multi-layer perceptron regressor, pruned by Optimal Brain Surgeon.

    `fit` trains scikit-learn's `MLPRegressor` (squared error), then removes its weights in rounds:
    measure the curvature of the loss, remove the weights that the loss needs least one at a time,
    adjust the others by the inverse Hessian after every removal, and retrain what remains.

    Scale the target as well as X: the loss is in squared units of y.

    Parameters
    ----------
    {PARAMETERS}
    Attributes
    ----------
    {ATTRIBUTES}
    See Also
    --------
    OBSPrunedMLPClassifier : The same for classification.
    sklearn.neural_network.MLPRegressor : The dense network.

    Notes
    -----
    The loss of a row is half the *sum* of the squared errors of its outputs. scikit-learn's `loss_`
    of a network with several outputs reports half their mean, though its gradient is the sum's.

    References
    ----------
    Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal
    Brain Surgeon. Advances in Neural Information Processing Systems 5.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_obs import OBSPrunedMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = OBSPrunedMLPRegressor((10,), max_iter=2000, random_state=0)
    >>> reg = reg.fit(scale(X), scale(y))
    >>> reg.n_weights_, round(reg.sparsity_, 2)
    (11, 0.9)
    >>> reg.score(scale(X), scale(y)) > 0.4
    True
    """

    _dense_class = MLPRegressor
    _y_numeric = True

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the units of y; one-dimensional for a single target.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPRegressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> reg = OBSPrunedMLPRegressor((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> reg.fit(scale(X), scale(y)).predict(scale(X)[:3]).shape
        (3,)
        """
        p = self._outputs(X)
        return p.ravel() if self.n_outputs_ == 1 else p

    def _check_targets(self, y, reset):
        if issparse(y):
            raise ValueError(
                f"Got y as a sparse {type(y).__name__}, but expected numbers in a dense array: "
                "pass y.toarray()."
            )
        n_outputs = 1 if y.ndim == 1 else y.shape[1]
        if not reset and n_outputs != self.n_outputs_:
            raise ValueError(
                f"Got y with {n_outputs} outputs, but the network has {self.n_outputs_}."
            )

    def _classes_of(self, y):
        return None

    def _encode(self, y, classes):
        return y.reshape(len(y), -1)

    def _shell_targets(self):
        return np.zeros((1, self.n_outputs_) if self.n_outputs_ > 1 else 1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
