"""The common part of the classifier and the regressor: validate, call the core, and store."""

import os
from collections.abc import Callable
from typing import Self

import numpy as np
from joblib import Memory
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_obs.estimators.attributes import unchanged_after_failure, unpruned
from sklearn_obs.estimators.conversion import Conversion
from sklearn_obs.estimators.docs import PAGE
from sklearn_obs.estimators.initial_training import cache, trained
from sklearn_obs.estimators.parameters import (
    check_not_quantized,
    check_parameters,
    check_sparsity,
    check_without_labels,
    sparsity_of_weights,
)
from sklearn_obs.estimators.quantization import Quantization
from sklearn_obs.estimators.run import (
    Run,
    importances_or_none,
    scope_before_training,
    scope_of_network,
)
from sklearn_obs.estimators.samples import MatrixLike
from sklearn_obs.estimators.unlike_training import warn_if_unlike_training
from sklearn_obs.estimators.watch import CallbackSupportMixin, Watch, with_callbacks
from sklearn_obs.machine import one_blas_thread
from sklearn_obs.network.prediction import last_units


class PrunedMLP(
    Conversion,
    Quantization,
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    """The common part of `OBSPrunedMLPClassifier` and `OBSPrunedMLPRegressor`.

    A subclass names scikit-learn's estimator for the initial training in `_dense_class`. It defines
    which y is accepted (`_check_targets`), the classes in y (`_classes_of`), the targets of the
    network's outputs (`_encode`), and an example of its targets (`_shell_targets`).
    """

    _doc_link_module, _doc_link_template = "sklearn_obs", PAGE

    def __init__(
        self,
        *,
        hidden_layer_sizes: ArrayLike,
        activation: str,
        target_sparsity: float,
        distillation: float,
        teacher: BaseEstimator | None,
        weight_decay: float | None,
        damping: float,
        retrain_epochs: int | None,
        retrain_solver: str,
        step: float,
        criterion: str,
        structure: str,
        curvature: str,
        n_curvature_samples: int,
        prune_intercepts: bool,
        max_loss_increase: float | None,
        n_swaps: int,
        granularity: str,
        input_groups: ArrayLike | Callable | None,
        memory: str | os.PathLike | Memory | None,
        n_jobs: int | None,
        solver: str,
        alpha: float,
        batch_size: int | str,
        learning_rate: str,
        learning_rate_init: float,
        power_t: float,
        max_iter: int,
        shuffle: bool,
        random_state: int | np.random.RandomState | None,
        tol: float,
        verbose: bool,
        momentum: float,
        nesterovs_momentum: bool,
        early_stopping: bool,
        validation_fraction: float,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        n_iter_no_change: int,
        max_fun: int,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.target_sparsity = target_sparsity
        self.distillation = distillation
        self.teacher = teacher
        self.weight_decay = weight_decay
        self.damping = damping
        self.retrain_epochs = retrain_epochs
        self.retrain_solver = retrain_solver
        self.step = step
        self.criterion = criterion
        self.structure = structure
        self.curvature = curvature
        self.n_curvature_samples = n_curvature_samples
        self.prune_intercepts = prune_intercepts
        self.max_loss_increase = max_loss_increase
        self.n_swaps = n_swaps
        self.granularity = granularity
        self.input_groups = input_groups
        self.memory = memory
        self.n_jobs = n_jobs
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

    @with_callbacks
    def fit(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train the dense network, then prune it to `target_sparsity`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the samples. Samples of weight 0 are dropped first.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter is out of range, X or y is not finite, no sample has a positive weight,
            or `memory` cannot be written to.
        MemoryError
            If `structure` needs more memory than is available. This is checked before training,
            and the message names the structures that fit.
        numpy.linalg.LinAlgError
            If the Hessian cannot be inverted with this `damping`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> clf.set_params(target_sparsity=0.8).fit(scale(X), y).n_weights_  # of 4 x 5 + 5 x 3
        7
        """
        with one_blas_thread(), unchanged_after_failure(self):
            given = X, sample_weight
            train, X, y, sample_weight = self._prepared(X, y, sample_weight)
            targets = self._encode(y, self._classes_of(y))
            target = self.target_sparsity
            scope = scope_before_training(self, X, targets.shape[1], target)
            n_rounds = None if scope is None else scope.most_rounds(target)
            watch = Watch(self, n_rounds, X, y, sample_weight, "fit")
            taught = self._taught(given, y, sample_weight, self._asked_for(y, targets.shape[1]))
            run = Run(self, train(), scope, X, targets, sample_weight, [target], taught)
            done = run.start() | run.finished(watch)
            self._store(done, anew=True)
        self._add_importances(run)
        watch.finish(done)
        return self

    @with_callbacks
    def prune(
        self,
        X: MatrixLike,
        y: ArrayLike | None = None,
        *,
        target_sparsity: float | None = None,
        n_weights: int | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Remove more weights from the fitted network, in further rounds.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples for the Hessian, the losses and retraining: the training data, or new data
            of the same kind.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Their targets. Without targets, retraining only imitates the outputs of the dense
            network (or of the teacher), as with ``distillation=1``.
        target_sparsity : float in [0, 1), default=None
            Share of the dense network's prunable weights that is removed in total; the parameter
            `target_sparsity` by default. If the network already has this sparsity, only up to
            `n_swaps` swaps are made.
        n_weights : int, default=None
            Number of weights to keep, in place of `target_sparsity`. `n_weights_` will have this
            value, or a smaller one if `granularity` removes whole groups.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`.

        Returns
        -------
        self : object
            The estimator, with fewer weights.

        Raises
        ------
        ValueError
            If the network is already sparser than `target_sparsity`, has fewer weights than
            `n_weights`, or has been quantized; if both are given; if a parameter or a callback
            needs targets but y is None; and as in `fit`. The network is then not changed.
        MemoryError, numpy.linalg.LinAlgError
            As in `fit`. The network is then not changed.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> clf = clf.set_params(target_sparsity=0.6).fit(scale(X), y)
        >>> clf.n_weights_
        14
        >>> clf.prune(scale(X), y, target_sparsity=0.8).n_weights_
        7
        """
        check_is_fitted(self)
        check_parameters(self)
        check_not_quantized(self)
        target = self.target_sparsity if target_sparsity is None else target_sparsity
        if n_weights is not None:
            target = sparsity_of_weights(self, n_weights, target_sparsity)
        check_sparsity(target)
        if y is None:
            check_without_labels(self)
        with one_blas_thread(), unchanged_after_failure(self):
            given = X, sample_weight
            X, y, sample_weight = self._validate(X, y, sample_weight, reset=False)
            targets = self._targets(y)
            scope = scope_of_network(self, vars(self), X, target)
            n_rounds = scope.most_rounds(target, swaps_alone=True)
            watch = Watch(self, n_rounds, X, y, sample_weight, "prune")
            taught = None
            if n_rounds:  # a teacher is needed only if there is something to do
                taught = self._taught(given, y, sample_weight, self._asked())
            samples = X, targets, sample_weight
            run = Run(self, dict(vars(self)), scope, *samples, [target], taught, swaps_alone=True)
            if y is not None and n_rounds:
                warn_if_unlike_training(run.network, run.problem.objective)
            done = run.finished(watch)
            self._store(done)
        if done:
            self._add_importances(run)
        watch.finish(done)
        return self

    def transform(self, X: MatrixLike) -> np.ndarray:
        """Return the activations of the remaining units of the last hidden layer.

        Without a hidden layer, it returns the inputs that are still read.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        ndarray of shape (n_samples, n_units)
            One column for each unit in ``units_[-1]`` (or for each input in `inputs_`).

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> clf = clf.set_params(target_sparsity=0.6).fit(scale(X), y)
        >>> clf.transform(scale(X)).shape == (150, len(clf.units_[-1]))
        True
        """
        return last_units(*self._network_and_samples(X))

    def _add_importances(self, run):
        """Add the importances; the network has been stored, and is kept if this fails."""
        if self.n_rounds_:
            with one_blas_thread():
                self._importances = importances_or_none(self, vars(self), run.problem)

    @property
    def _n_features_out(self):
        return len(self.units_[-1] if self.units_ else self.inputs_)

    def _prepared(self, X, y, sample_weight):
        """Return a function that trains the dense network, and the checked samples.

        The function returns the attributes of the dense network.
        """
        check_parameters(self)
        memory = cache(self.memory, self.random_state)
        X, y, sample_weight = self._validate(X, y, sample_weight, reset=True)

        def train():
            mlp = self._dense_class(**self._of_training())
            return unpruned(self, memory.cache(trained)(mlp, X, y, sample_weight), X.shape[0])

        return train, X, y, sample_weight

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
