"""A pruning run on a fitted network: checks before it, its rounds, and the resulting attributes.

*Attributes* are the fitted attributes of an estimator as a dict. A run reads them and returns those
that change, so that an estimator stores all of them or, after an error, none.
"""

from dataclasses import replace
from numbers import Integral

import numpy as np
from scipy.linalg import LinAlgError
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from sklearn_obs.estimators.attributes import (
    dense_of,
    described,
    extended,
    imitated,
    mask_of,
    network_of,
    recorded,
)
from sklearn_obs.estimators.core_plan import plan_of
from sklearn_obs.network import (
    Layout,
    constant_loss,
    imitating,
    loss,
    mean_objective,
    penalty_of,
)
from sklearn_obs.network.layers import ACTIVATIONS
from sklearn_obs.pruning import Problem, Scope, importances, inputs_of, prune
from sklearn_obs.pruning.feasibility import reach
from sklearn_obs.pruning.warned import warn


def scope_before_training(estimator, X, n_outputs, target_sparsity) -> Scope | None:
    """The `Scope` of a run, determined and checked before the initial training.

    It is None if `hidden_layer_sizes` or `activation` is not valid; scikit-learn then raises the
    error.

    Raises
    ------
    MemoryError
        If the run would need more memory than is available.
    ValueError
        If whole groups cannot be removed up to this sparsity.
    """
    layout = _layout(estimator, X.shape[1], n_outputs)
    if layout is None:
        return None
    scope = Scope.of(layout, plan_of(estimator), X)
    scope.check(scope.n_remove(target_sparsity))
    return scope


def sparsest(estimator, n_features, names, n_outputs) -> float:
    """The largest sparsity that the estimator can reach by its groups or single weights."""
    layout = _layout(estimator, n_features, n_outputs)
    return 1.0 if layout is None else reach(layout, plan_of(estimator, n_features, names))


def _layout(estimator, n_features, n_outputs):
    """The layout of the network before training; None if sizes or activation are not valid."""
    hidden = np.atleast_1d(np.asarray(estimator.hidden_layer_sizes, dtype=object)).tolist()
    if not all(isinstance(n, Integral) and int(n) > 0 for n in hidden):
        return None
    if estimator.activation not in ACTIVATIONS:
        return None
    return Layout((n_features, *hidden, n_outputs), estimator.activation)


def scope_of_network(estimator, attributes, X, target_sparsity) -> Scope:
    """The `Scope` of a run on the fitted network, after a check that it can be carried out.

    Raises
    ------
    ValueError
        If the network is already sparser, or whole groups cannot be removed up to this sparsity.
    MemoryError
        If the run would need more memory than is available.
    """
    network, mask = network_of(estimator, attributes), mask_of(attributes)
    scope = Scope.of(network.layout, plan_of(estimator), X, mask, network.dtype)
    n_remove = scope.n_remove(target_sparsity)
    if n_remove < 0:
        raise ValueError(
            f"Got target_sparsity={target_sparsity}, but the network already has a sparsity of "
            f"{attributes['sparsity_']:.4g}, and `prune` does not bring removed weights back. "
            "Expected at least this sparsity. For a lower one, fit again."
        )
    scope.check(n_remove)
    return scope


def branched(estimator, attributes, scope, X, y, sample_weight, sparsities, taught=None, say=None):
    """The attributes for each of the ascending `sparsities`, equal to those of separate runs.

    They are computed in one run with side branches, and without importances of inputs. `say` is
    called with a line for each round; by default it prints the line if `verbose` is set.
    """
    say = say or (print if estimator.verbose else None)
    run = Run(estimator, attributes, scope, X, y, sample_weight, sparsities, taught)
    finished = [[] for _ in run.n_remove]
    converged = []
    for positions, r in run.rounds:
        converged.append(r.converged)
        if say:
            say(run.line(r))
        for position in positions:
            _add(finished[position], r)
    run.warn_of_convergence(converged)
    finished = dict(zip(run.n_remove, finished, strict=True)) | {0: []}
    start, levels = run.start(), []
    for sparsity in sparsities:
        rounds = finished[scope.n_remove(sparsity)]
        levels.append(start | run.changed(rounds))
    return levels


class Run:
    """A pruning run: its rounds, and the attributes of the estimator after them.

    Parameters
    ----------
    estimator : PrunedMLP
    attributes : dict
        The attributes of the network at the start.
    scope : Scope
    X, y, sample_weight
        The samples, the targets of the network's outputs, and the sample weights.
    sparsities : sequence of float
        The target sparsities, ascending.
    taught : ndarray of shape (n_samples, n_outputs), default=None
        The outputs of a teacher, which is then imitated in place of the dense network.
    swaps_alone : bool, default=False
        Whether swaps are made even if nothing is to be removed.
    """

    def __init__(
        self,
        estimator,
        attributes,
        scope,
        X,
        y,
        sample_weight,
        sparsities,
        taught=None,
        *,
        swaps_alone=False,
    ):
        self.estimator, self.attributes = estimator, attributes
        nothing = set() if swaps_alone and estimator.n_swaps else {0}
        self.n_remove = sorted({scope.n_remove(sparsity) for sparsity in sparsities} - nothing)
        objective = objective_of(estimator, attributes, X, y, sample_weight, taught)
        self.problem = Problem(scope, objective, seed_of(estimator))
        self.network = network_of(estimator, attributes)
        kept = "dense_coefs_" in attributes or not estimator.distillation
        self._imitated = {} if kept else imitated(self.network)
        self.most_rounds = scope.most_rounds(sparsities[-1], swaps_alone)
        self.rounds = iter(())
        if self.n_remove:
            _warn_of_decay(estimator, self.network, objective)
            self.rounds = prune(
                self.network,
                scope.mask,
                self.problem,
                self.n_remove,
                first_round=len(attributes["pruning_path_"]["loss"]) + 1,
            )

    def start(self):
        """The attributes at the start, with the loss measured on the objective of the run."""
        return self.attributes | {"loss_": loss(self.network, self.problem.objective)}

    def finished(self, watch):
        """The attributes after all rounds, or after those before a callback or Ctrl-C ends the run.

        `watch` is called for each round, and may end the run after it (see
        `sklearn_obs.estimators.watch`).
        """
        rounds = _finished(self, watch)
        self.warn_of_convergence([r.converged for r in rounds])
        return self.changed(rounds)

    def warn_of_convergence(self, converged):
        """Warn if retraining should have converged, but did not in some rounds."""
        if self.estimator.retrain_epochs is None and not all(converged):
            warn(
                f"Retraining did not converge in {converged.count(False)} of {len(converged)} "
                f"rounds. Increase `max_iter` (now {self.estimator.max_iter}), or set "
                "`retrain_epochs`.",
                ConvergenceWarning,
            )

    def changed(self, finished):
        """The attributes that the rounds `finished` have changed, without importances."""
        if not finished:
            return {}
        last, path = finished[-1], self.attributes["pruning_path_"]
        return {
            "loss_": last.loss,
            **described(self.estimator, last.network, last.mask),
            **recorded(extended(path, finished, self.problem.scope.prunable)),
            "_importances": None,
            "_seed": self.problem.seed,
            **self._imitated,
        }

    def line(self, r):
        """The line that `verbose` prints for a round."""
        n_weights = self.problem.scope.n_remaining(r.mask)
        return f"Round {r.number}, weights = {n_weights}, loss = {r.loss:.8f}"


def _warn_of_decay(estimator, network, objective):
    """Warn if the penalty is larger than the loss of a constant prediction."""
    penalty, most = penalty_of(network, objective), constant_loss(network, objective)
    y = objective.y if objective.labels is None else objective.labels
    if estimator.weight_decay and penalty > most and np.ptp(y, axis=0).any():
        remedy = "Scale y to a standard deviation of 1"
        if is_classifier(estimator):
            remedy = "Train with a larger `alpha`, so that the weights stay smaller"
        warn(
            f"weight_decay={estimator.weight_decay} penalises the weights of the network by "
            f"{penalty:.2g}, which is more than the loss of a constant prediction, {most:.2g}. "
            "Retraining will therefore shrink the weights to almost 0. "
            f"{remedy}, or lower `weight_decay`."
        )


def _finished(run, watch):
    """All rounds, or those that were finished before a callback or Ctrl-C ended the run."""
    finished = []

    def as_it_stands():
        return run.attributes | run.changed(finished)

    try:
        for _ in range(run.most_rounds):
            watch.begin(as_it_stands)
            _, r = next(run.rounds, (None, None))
            if r is None:  # fewer rounds than at most: large groups, or no further swap was found
                watch.end(None)
                break
            _add(finished, r)
            if run.estimator.verbose:
                print(run.line(r))
            if watch.end(as_it_stands):
                break
    except KeyboardInterrupt:
        warn(
            f"Pruning was interrupted by user: the {len(finished)} finished rounds are kept, but "
            "the target sparsity is not reached. To continue, call `prune`.",
        )
    return finished


def _add(finished, r):
    """Append a round, and drop the network of the round before, which is not needed any more."""
    if finished:
        finished[-1] = finished[-1].record()
    finished.append(r)


def importances_of(estimator, attributes, problem) -> np.ndarray:
    """The importances of the inputs of the fitted network, on the samples of the problem.

    An input has the importance of its variable, or 0 if it is not read.
    """
    network, mask = network_of(estimator, attributes), mask_of(attributes)
    rng = problem.rng(attributes["n_rounds_"] + 1)
    found, _ = importances(network, mask, problem, rng)
    importance = np.zeros(network.layout.units[0])
    for value, inputs in zip(found, inputs_of(problem.plan, network.layout), strict=True):
        importance[np.intersect1d(inputs, attributes["inputs_"])] = value
    return importance


def importances_or_none(estimator, attributes, problem) -> np.ndarray | None:
    """The importances after a run, or None, with a warning, if they cannot be computed."""
    try:
        return importances_of(estimator, attributes, problem)
    except (KeyboardInterrupt, MemoryError, LinAlgError) as error:
        reason = str(error) or type(error).__name__
        warn(
            f"The network is pruned, but the importances of its inputs could not be computed: "
            f"{reason}. You can compute them later by `sklearn_obs.input_importances`.",
        )
        return None


def seed_of(estimator) -> int:
    """The seed from which the random generators of all rounds are made."""
    return check_random_state(estimator.random_state).randint(np.iinfo(np.int32).max)


def objective_of(estimator, attributes, X, y, sample_weight, taught=None):
    """The objective of pruning and retraining; without labels (y is None), only distillation.

    The penalty of the initial training depends on the number of samples in one of its steps.
    """
    n_samples = X.shape[0]
    objective = mean_objective(
        X,
        None if y is None else y.astype(X.dtype),
        np.ones(n_samples) if sample_weight is None else sample_weight.astype(np.float64),
        alpha=estimator.alpha,
        step_samples=attributes["n_step_samples_"] or n_samples,
    )
    if estimator.weight_decay is not None:
        objective = replace(objective, penalty=float(estimator.weight_decay))
    distillation = 1 if y is None else estimator.distillation
    return imitating(objective, dense_of(estimator, attributes), distillation, taught)
