"""The regressor, for the squared error or the Poisson deviance and any number of outputs."""

import os
from collections.abc import Callable

import numpy as np
from joblib import Memory
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.neural_network import MLPRegressor

from sklearn_obs.estimators.docs import ATTRIBUTES, parameters_with
from sklearn_obs.estimators.pruned_mlp import PrunedMLP
from sklearn_obs.estimators.samples import MatrixLike

OWN = """\
loss : {'squared_error', 'poisson'}, default='squared_error'
    The loss of the initial training, of pruning and of retraining. 'squared_error' is half the
    squared error. 'poisson' is half the Poisson deviance, for counts and other targets that are
    never negative: the outputs are exponentials and therefore positive.
"""


class OBSPrunedMLPRegressor(RegressorMixin, PrunedMLP):
    __doc__ = f"""Multi-layer perceptron regressor, pruned by Optimal Brain Surgeon.

    `fit` trains scikit-learn's `MLPRegressor` and then removes its weights in rounds. Each round
    measures the Hessian of the loss, removes one at a time the weights that raise the loss least,
    adjusts the others by the inverse Hessian after every removal, and retrains what remains.

    Scale the target as well as X, because a squared error is in squared units of y. With
    ``loss="poisson"`` do not scale the target.

    Parameters
    ----------
    {parameters_with(OWN)}
    Attributes
    ----------
    {ATTRIBUTES}
    See Also
    --------
    OBSPrunedMLPClassifier : The same for classification.
    sklearn.neural_network.MLPRegressor : The dense network.

    Notes
    -----
    The loss of a sample is half the *sum* of the squared errors of its outputs. For several
    outputs scikit-learn's `loss_` reports half their mean, although it follows the gradient of the
    sum.

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

    loss: str
    _dense_class = MLPRegressor
    _training_parameters = (*PrunedMLP._training_parameters, "loss")
    _y_numeric = True

    def __init__(
        self,
        hidden_layer_sizes: ArrayLike = (100,),
        activation: str = "relu",
        *,
        target_sparsity: float = 0.9,
        distillation: float = 0.75,
        teacher: BaseEstimator | None = None,
        weight_decay: float | None = 1e-3,
        damping: float = 0.02,
        retrain_epochs: int | None = 20,
        retrain_solver: str = "auto",
        step: float = 0.2,
        criterion: str = "obs",
        structure: str = "auto",
        curvature: str = "ggn",
        n_curvature_samples: int = 500,
        prune_intercepts: bool = False,
        max_loss_increase: float | None = None,
        n_swaps: int = 0,
        granularity: str = "weight",
        input_groups: ArrayLike | Callable | None = None,
        loss: str = "squared_error",
        memory: str | os.PathLike | Memory | None = None,
        n_jobs: int | None = None,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            target_sparsity=target_sparsity,
            distillation=distillation,
            teacher=teacher,
            weight_decay=weight_decay,
            damping=damping,
            retrain_epochs=retrain_epochs,
            retrain_solver=retrain_solver,
            step=step,
            criterion=criterion,
            structure=structure,
            curvature=curvature,
            n_curvature_samples=n_curvature_samples,
            prune_intercepts=prune_intercepts,
            max_loss_increase=max_loss_increase,
            n_swaps=n_swaps,
            granularity=granularity,
            input_groups=input_groups,
            memory=memory,
            n_jobs=n_jobs,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
        )
        self.loss = loss

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predictions in the units of y, one-dimensional for a single target.

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
                f"Got y as a sparse {type(y).__name__}, but expected numbers in a dense array. "
                "Pass y.toarray()."
            )
        counts = self.loss == "poisson" if reset else self.out_activation_ == "exp"
        if counts and y.size and y.min() < 0:
            raise ValueError(
                f"Got y with the value {y.min()} and loss='poisson', but expected targets that are "
                "not negative. Use loss='squared_error' for other numbers."
            )
        n_outputs = 1 if y.ndim == 1 else y.shape[1]
        if not reset and n_outputs != self.n_outputs_:
            raise ValueError(
                f"Got y with {n_outputs} outputs, but the network has {self.n_outputs_}. Pass y "
                "with as many columns as in `fit`."
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
