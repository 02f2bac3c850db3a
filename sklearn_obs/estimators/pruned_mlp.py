"""What the classifier and the regressor share: validate, call, store."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_obs.compaction import ghosts, inputs_read, units_alive
from sklearn_obs.estimators.parameters import check_parameters, check_sparsity
from sklearn_obs.network import Network, forward, mean_objective
from sklearn_obs.surgery import Plan, operate, prunable

DENSE_PARAMETERS = (
    "hidden_layer_sizes activation solver alpha batch_size learning_rate learning_rate_init power_t "
    "max_iter shuffle random_state tol verbose momentum nesterovs_momentum early_stopping "
    "validation_fraction beta_1 beta_2 epsilon n_iter_no_change max_fun"
).split()
DENSE_ATTRIBUTES = ("n_iter_", "loss_", "loss_curve_", "validation_scores_")
FLOATS = (np.float64, np.float32)


class PrunedMLP(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The common part of `OBSPrunedMLPClassifier` and `OBSPrunedMLPRegressor`.

    A subclass names scikit-learn's estimator for the dense stage in `_dense_class` and says in
    `_check_targets` and `_encode` what y may be and what the network is to put out for it.
    """

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        target_sparsity=0.9,
        damping=0.05,
        retrain_epochs=10,
        retrain_solver="auto",
        step=0.1,
        criterion="obs",
        structure="unit",
        n_curvature_samples=5000,
        prune_intercepts=False,
        n_jobs=None,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.target_sparsity = target_sparsity
        self.damping = damping
        self.retrain_epochs = retrain_epochs
        self.retrain_solver = retrain_solver
        self.step = step
        self.criterion = criterion
        self.structure = structure
        self.n_curvature_samples = n_curvature_samples
        self.prune_intercepts = prune_intercepts
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

    def fit(self, X, y, sample_weight=None):
        """Train the dense network, then prune it to `target_sparsity`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows. Rows of weight 0 are dropped before anything else.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter is out of range, X or y is not finite, no row has a positive weight, or,
            for a classifier, y holds one class only.
        numpy.linalg.LinAlgError
            If the curvature cannot be inverted with this `damping`.
        """
        check_parameters(self)
        X, y, sample_weight = self._validate(X, y, sample_weight, reset=True)
        dense = self._dense_class(**{name: getattr(self, name) for name in DENSE_PARAMETERS})
        dense.fit(X, y, sample_weight=sample_weight)
        start = self._started_from(dense)
        operated = self._operated(start, X, y, sample_weight, self.target_sparsity)
        return self._store({**start, **operated})

    def prune(self, X, y, *, target_sparsity=None, sample_weight=None):
        """Remove more weights from the fitted network, in further rounds.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The data to measure curvature and losses on, and to retrain with: the training data, or
            new data of the same kind.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        target_sparsity : float in [0, 1), default=None
            The share of the dense network's prunable weights to be removed in all; the parameter
            `target_sparsity` by default. At the sparsity that the network has, nothing happens.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the network is sparser than `target_sparsity` already, and as in `fit`. The network
            then stays as it was.
        numpy.linalg.LinAlgError
            As in `fit`; the network stays as it was.
        """
        check_is_fitted(self)
        target = self.target_sparsity if target_sparsity is None else target_sparsity
        check_parameters(self)
        check_sparsity(target)
        X, y, sample_weight = self._validate(X, y, sample_weight, reset=False)
        return self._store(self._operated(vars(self), X, y, sample_weight, target))

    def transform(self, X):
        """Activations of the surviving units of the last hidden layer.

        Without a hidden layer, the inputs that are still read.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_units)
            One column for each unit in ``units_[-1]`` (each input in `inputs_`).
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False)
        if not self.units_:
            return X[:, self.inputs_]
        return forward(_network(self, vars(self)), X)[-2][:, self.units_[-1]]

    @property
    def _n_features_out(self):
        return len(self.units_[-1] if self.units_ else self.inputs_)

    @classmethod
    def from_sklearn(cls, mlp, **parameters):
        """An estimator that holds the network of a fitted one of scikit-learn, unpruned.

        Parameters
        ----------
        mlp : MLPClassifier or MLPRegressor
            Fitted. It is not changed.
        **parameters
            Surgical parameters of the new estimator; those of the dense stage are taken from `mlp`.

        Returns
        -------
        object
            Fitted, of sparsity 0; call `prune` next.

        Raises
        ------
        TypeError
            If `mlp` is of another class.
        ValueError
            If its loss is Poisson's.
        sklearn.exceptions.NotFittedError
            If it is not fitted.
        """
        if not isinstance(mlp, cls._dense_class):
            raise TypeError(
                f"Got a {type(mlp).__name__}, but expected a fitted {cls._dense_class.__name__}."
            )
        if getattr(mlp, "loss", None) == "poisson":
            raise ValueError("Got loss='poisson', but only the loss 'squared_error' can be pruned.")
        check_is_fitted(mlp)
        new = cls(**{name: getattr(mlp, name) for name in DENSE_PARAMETERS})
        new.set_params(**parameters)
        check_parameters(new)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(mlp, name):
                setattr(new, name, getattr(mlp, name))
        return new._store(new._started_from(mlp))

    def to_sklearn(self):
        """The network as a plain fitted `MLPClassifier` or `MLPRegressor`, zeros included.

        Returns
        -------
        MLPClassifier or MLPRegressor
            Predicts the same, and needs nothing of this library.
        """
        check_is_fitted(self)
        parameters = {name: getattr(self, name) for name in DENSE_PARAMETERS}
        # one step of training lays out everything that scikit-learn keeps; then it is overwritten
        shell = self._dense_class(hidden_layer_sizes=self.hidden_layer_sizes, random_state=0)
        zeros = np.zeros((1, self.n_features_in_), self.coefs_[0].dtype)
        shell.partial_fit(zeros, *self._shell_targets())
        shell.set_params(**parameters)
        shell.coefs_ = [W.copy() for W in self.coefs_]
        shell.intercepts_ = [b.copy() for b in self.intercepts_]
        for name in (*DENSE_ATTRIBUTES, "feature_names_in_"):
            if hasattr(self, name):
                setattr(shell, name, getattr(self, name))
        return shell

    def _validate(self, X, y, sample_weight, reset):
        """Arrays as the core takes them, without the rows of weight 0."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=self._y_numeric,
            dtype=FLOATS,
            reset=reset,
        )
        if sample_weight is not None:
            sample_weight = check_array(
                sample_weight, ensure_2d=False, dtype=X.dtype, input_name="sample_weight"
            )
            if sample_weight.ndim != 1:
                raise ValueError(
                    f"Got sample_weight of shape {sample_weight.shape}, but expected (n_samples,)."
                )
            check_consistent_length(X, sample_weight)
            if sample_weight.min() < 0:
                raise ValueError(
                    f"Got sample_weight with the value {sample_weight.min()}, but expected no "
                    "negative weights."
                )
            if not sample_weight.any():
                raise ValueError(
                    "Got sample_weight of zeros only, but expected a positive weight for some row."
                )
            rows = np.flatnonzero(sample_weight)
            if rows.size < sample_weight.size:
                X, y, sample_weight = X[rows], y[rows], sample_weight[rows]
        self._check_targets(y, reset)
        return X, y, sample_weight

    def _started_from(self, dense):
        """The fitted attributes of an unpruned network."""
        state = {name: getattr(dense, name) for name in DENSE_ATTRIBUTES if hasattr(dense, name)}
        state |= {
            "coefs_": [W.copy() for W in dense.coefs_],
            "intercepts_": [b.copy() for b in dense.intercepts_],
            "n_layers_": dense.n_layers_,
            "n_outputs_": dense.n_outputs_,
            "out_activation_": dense.out_activation_,
        }
        if hasattr(dense, "classes_"):
            state["classes_"] = dense.classes_
        network = _network(self, state)
        path = {name: np.empty(0, np.intp) for name in ("n_weights", "epochs", "removed", "round")}
        path |= {name: np.empty(0) for name in ("predicted_loss", "pruned_loss", "loss", "saliency")}
        state["pruning_path_"] = path
        return state | self._described(network, np.ones(network.theta.size, bool))

    def _operated(self, state, X, y, sample_weight, target_sparsity):
        """The fitted attributes after surgery on a network in `state`; `state` is left alone."""
        network = _network(self, state)
        mask = np.concatenate([m.ravel() for m in (*state["masks_"], *state["intercept_masks_"])])
        may_go = prunable(network, self.prune_intercepts)
        n_removed = int(np.count_nonzero(may_go & ~mask))
        n_remove = round(target_sparsity * int(np.count_nonzero(may_go))) - n_removed
        if n_remove < 0:
            raise ValueError(
                f"Got target_sparsity={target_sparsity}, but the network has a sparsity of "
                f"{state['sparsity_']:.4g} already and removed weights do not come back. Expected "
                "at least that; fit again for a lower sparsity."
            )
        if n_remove == 0:
            return {}
        objective = mean_objective(
            X,
            self._encode(y, state).astype(X.dtype),
            np.ones(X.shape[0]) if sample_weight is None else sample_weight.astype(np.float64),
            alpha=self.alpha,
            batch_rows=self._dense_batch_rows(X.shape[0]),
        )
        path = state["pruning_path_"]
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        rounds = operate(
            network,
            mask,
            objective,
            n_remove,
            self._plan(X.shape[0]),
            seed=seed,
            first_round=len(path["loss"]) + 1,
        )
        done = []
        try:
            for finished in rounds:
                done.append(finished)
                if self.verbose:
                    left = np.count_nonzero(finished.mask & may_go)
                    print(f"Round {finished.number}, weights = {left}, loss = {finished.loss:.8f}")
        except KeyboardInterrupt:
            warnings.warn(
                f"Surgery interrupted by user: {len(done)} finished rounds are kept, the target "
                "sparsity is not reached.",
                stacklevel=3,
            )
            if not done:
                return {}
        if self.retrain_epochs is None and not all(r.converged for r in done):
            n_failed = sum(not r.converged for r in done)
            warnings.warn(
                f"Retraining did not converge in {n_failed} of {len(done)} rounds. Increase "
                f"`max_iter` (now {self.max_iter}), or set `retrain_epochs`.",
                ConvergenceWarning,
                stacklevel=3,
            )
        last = done[-1]
        return {
            "loss_": last.loss,
            "pruning_path_": _extended(path, done, may_go),
            **self._described(last.network, last.mask),
        }

    def _described(self, network, mask):
        """The fitted attributes that follow from a network and its mask."""
        may_go = prunable(network, self.prune_intercepts)
        n_prunable, n_weights = np.count_nonzero(may_go), np.count_nonzero(may_go & mask)
        masks, intercept_masks = network.split(mask)
        return {
            "coefs_": [W.copy() for W in network.coefs],
            "intercepts_": [b.copy() for b in network.intercepts],
            "masks_": [m.copy() for m in masks],
            "intercept_masks_": [m.copy() for m in intercept_masks],
            "sparsity_": 1 - n_weights / n_prunable,
            "n_weights_": int(n_weights),
            "n_ghosts_": int(np.count_nonzero(ghosts(network, mask) & may_go)),
            "inputs_": inputs_read(network, mask),
            "units_": units_alive(network, mask),
        }

    def _store(self, state):
        for name, value in state.items():
            setattr(self, name, value)
        self.n_rounds_ = len(self.pruning_path_["loss"])
        return self

    def _dense_batch_rows(self, n_rows):
        """Rows in one step of the dense solver."""
        if self.solver == "lbfgs":
            return n_rows
        if self.early_stopping:
            n_rows -= int(np.ceil(self.validation_fraction * n_rows))
        return min(200 if self.batch_size == "auto" else self.batch_size, n_rows)

    def _plan(self, n_rows):
        batch_size = 200 if self.batch_size == "auto" else self.batch_size
        return Plan(
            criterion=self.criterion,
            structure=self.structure,
            damping=self.damping,
            step=self.step,
            prune_intercepts=self.prune_intercepts,
            n_curvature_samples=self.n_curvature_samples,
            retrain_epochs=self.retrain_epochs,
            retrain_solver=self.retrain_solver,
            max_iter=self.max_iter,
            tol=self.tol,
            adam={
                "batch_size": min(batch_size, n_rows),
                "learning_rate": self.learning_rate_init,
                "beta_1": self.beta_1,
                "beta_2": self.beta_2,
                "epsilon": self.epsilon,
                "n_iter_no_change": self.n_iter_no_change,
            },
            n_jobs=self.n_jobs,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _network(estimator, state):
    return Network(
        tuple(state["coefs_"]),
        tuple(state["intercepts_"]),
        estimator.activation,
        state["out_activation_"],
    )


def _extended(path, rounds, may_go):
    """`pruning_path_` with further rounds."""
    per_round = {
        "n_weights": [np.count_nonzero(r.mask & may_go) for r in rounds],
        "predicted_loss": [r.predicted_loss for r in rounds],
        "pruned_loss": [r.pruned_loss for r in rounds],
        "loss": [r.loss for r in rounds],
        "epochs": [r.epochs for r in rounds],
        "removed": np.concatenate([r.removed for r in rounds]),
        "saliency": np.concatenate([r.saliency for r in rounds]),
        "round": np.repeat([r.number for r in rounds], [r.removed.size for r in rounds]),
    }
    return {
        name: np.concatenate([path[name], np.asarray(new, path[name].dtype)])
        for name, new in per_round.items()
    }
