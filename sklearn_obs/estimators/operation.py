"""Surgery on a fitted network: what is asked before, the rounds, and the state that they leave."""

import itertools
import warnings
from numbers import Integral

import numpy as np
from scipy.linalg import LinAlgError
from sklearn import get_config
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from sklearn_obs.estimators.fitted import described, extended, mask_of, network_of, recorded
from sklearn_obs.network import Network, mean_objective
from sklearn_obs.plan import Plan
from sklearn_obs.removal import check_memory, check_reach, importances, never_read, prunable
from sklearn_obs.surgery import most_rounds, operate


def check_fits(estimator, X, n_outputs, target_sparsity):
    """How many rounds surgery will take at most, asked before the dense stage.

    Raises
    ------
    MemoryError
        If surgery would need more than there is.
    ValueError
        If whole groups cannot go that far.
    """
    hidden = np.atleast_1d(np.asarray(estimator.hidden_layer_sizes, dtype=object)).tolist()
    if not target_sparsity:
        return 0
    if not all(isinstance(n, Integral) and n > 0 for n in hidden):
        return None  # scikit-learn's to refuse
    units = (X.shape[1], *hidden, n_outputs)
    network = Network(
        tuple(np.zeros(shape, X.dtype) for shape in itertools.pairwise(units)),
        tuple(np.zeros(n, X.dtype) for n in units[1:]),
        estimator.activation,
        "identity",
    )
    plan = plan_of(estimator)
    n_prunable = np.count_nonzero(prunable(network, plan.prune_intercepts))
    n_remove = round(target_sparsity * n_prunable)
    check_reach(network, n_prunable - n_remove, plan)
    check_memory(network, ~never_read(network, X), X.shape[0], plan)
    return most_rounds(n_prunable, n_remove, plan)


def rounds_to_go(estimator, state, target_sparsity):
    """How many rounds surgery on the network in `state` will take at most.

    Raises
    ------
    ValueError
        If it is sparser already, or whole groups cannot go that far.
    """
    network, mask = network_of(estimator, state), mask_of(state)
    may_go, plan = prunable(network, estimator.prune_intercepts), plan_of(estimator)
    n_remove = _n_remove(may_go, mask, target_sparsity)
    if n_remove < 0:
        raise ValueError(
            f"Got target_sparsity={target_sparsity}, but the network has a sparsity of "
            f"{state['sparsity_']:.4g} already and removed weights do not come back. Expected at "
            "least that; fit again for a lower sparsity."
        )
    n_living = int(np.count_nonzero(may_go & mask))
    if n_remove and mask.all():
        check_reach(network, n_living - n_remove, plan)
    return most_rounds(n_living, n_remove, plan) if n_remove else 0


def _n_remove(may_go, mask, target_sparsity):
    n_prunable = int(np.count_nonzero(may_go))
    return round(target_sparsity * n_prunable) - int(np.count_nonzero(may_go & ~mask))


def operated(estimator, state, X, y, sample_weight, target_sparsity, watch):
    """The attributes that change by surgery on the network in `state`, to `target_sparsity`.

    `watch` sees each round (see `callbacks`) and may end surgery after it.
    """
    surgery = _Surgery(estimator, state, X, y, sample_weight, [target_sparsity])
    finished = _finished(surgery, watch)
    if not finished:
        return {}
    plan = surgery.plan
    n_failed = sum(not r.converged for r in finished)
    if estimator.retrain_epochs is None and n_failed:
        warnings.warn(
            f"Retraining did not converge in {n_failed} of {len(finished)} rounds. Increase "
            f"`max_iter` (now {estimator.max_iter}), or set `retrain_epochs`.",
            ConvergenceWarning,
            stacklevel=3,
        )
    importances = _importances(finished[-1], surgery.objective, plan, surgery.seed)
    return surgery.changed(finished) | {"_importances": importances}


def branched(estimator, state, X, y, sample_weight, sparsities):
    """A state for each of the ascending `sparsities`, as `operated` by itself would leave it.

    One surgery with side branches. Input importances are left out.
    """
    surgery = _Surgery(estimator, state, X, y, sample_weight, sparsities)
    finished = [[] for _ in surgery.n_remove]
    for which, r in surgery.rounds:
        if estimator.verbose:
            print(surgery.line(r))
        for i in which:
            finished[i].append(r)
    finished = dict(zip(surgery.n_remove, finished, strict=True)) | {0: []}
    states = []
    for sparsity in sparsities:
        rounds = finished[_n_remove(surgery.may_go, surgery.mask, sparsity)]
        states.append(state | surgery.changed(rounds) if rounds else dict(state))
    return states


class _Surgery:
    """The rounds to come, and what an estimator holds after them."""

    def __init__(self, estimator, state, X, y, sample_weight, sparsities):
        self.estimator, self.state = estimator, state
        network, self.mask = network_of(estimator, state), mask_of(state)
        self.plan = plan_of(estimator)
        self.may_go = prunable(network, estimator.prune_intercepts)
        numbers = {_n_remove(self.may_go, self.mask, sparsity) for sparsity in sparsities}
        self.n_remove = sorted(numbers - {0})
        self.objective = objective_of(estimator, X, y, sample_weight)
        self.seed = check_random_state(estimator.random_state).randint(np.iinfo(np.int32).max)
        self.rounds, self.most_rounds = iter(()), 0
        if self.n_remove:
            n_living = int(np.count_nonzero(self.may_go & self.mask))
            self.most_rounds = most_rounds(n_living, self.n_remove[-1], self.plan)
            self.rounds = operate(
                network,
                self.mask,
                self.objective,
                self.n_remove,
                self.plan,
                seed=self.seed,
                first_round=len(state["pruning_path_"]["loss"]) + 1,
            )

    def changed(self, finished):
        """The attributes that change by the rounds `finished`, but for importances."""
        if not finished:
            return {}
        last, path = finished[-1], self.state["pruning_path_"]
        return {
            "loss_": last.loss,
            **described(self.estimator, last.network, last.mask),
            **recorded(extended(path, finished, self.may_go)),
            "_importances": None,
        }

    def line(self, r):
        """What `verbose` prints of a round."""
        n_weights = np.count_nonzero(r.mask & self.may_go)
        return f"Round {r.number}, weights = {n_weights}, loss = {r.loss:.8f}"


def _finished(surgery, watch):
    """All rounds, or those that a callback or Ctrl-C leaves."""
    finished = []

    def as_it_stands():
        return surgery.state | surgery.changed(finished)

    try:
        for _ in range(surgery.most_rounds):
            watch.begin(as_it_stands)
            _, r = next(surgery.rounds, (None, None))
            if r is None:  # the groups were larger, or there was nothing left to exchange
                watch.end(None)
                break
            finished.append(r)
            if surgery.estimator.verbose:
                print(surgery.line(r))
            if watch.end(as_it_stands):
                break
    except KeyboardInterrupt:
        warnings.warn(
            f"Surgery interrupted by user: the {len(finished)} finished rounds are kept, the "
            "target sparsity is not reached.",
            stacklevel=4,
        )
    return finished


def _importances(last, objective, plan, seed):
    """Of the inputs after the last round; None where the curvature cannot be inverted any more."""
    rng = np.random.default_rng([seed, last.number + 1])
    unread = never_read(last.network, objective.X)
    try:
        return importances(last.network, last.mask, unread, objective, plan, rng)
    except LinAlgError:
        return None


def objective_of(estimator, X, y, sample_weight):
    """What the dense solver minimised: its penalty depends on the rows of one step."""
    n_rows = X.shape[0]
    batch_rows = n_rows
    if estimator.solver != "lbfgs":
        if estimator.early_stopping:
            batch_rows -= int(np.ceil(estimator.validation_fraction * n_rows))
        batch_rows = min(_batch_size(estimator), batch_rows)
    return mean_objective(
        X,
        y.astype(X.dtype),
        np.ones(n_rows) if sample_weight is None else sample_weight.astype(np.float64),
        alpha=estimator.alpha,
        batch_rows=batch_rows,
    )


def plan_of(estimator):
    """The surgical parameters, for the core."""
    return Plan(
        criterion=estimator.criterion,
        structure=estimator.structure,
        curvature=estimator.curvature,
        damping=estimator.damping,
        step=estimator.step,
        prune_intercepts=estimator.prune_intercepts,
        n_curvature_samples=estimator.n_curvature_samples,
        retrain_epochs=estimator.retrain_epochs,
        retrain_solver=estimator.retrain_solver,
        max_loss_increase=estimator.max_loss_increase,
        n_swaps=estimator.n_swaps,
        granularity=estimator.granularity,
        max_iter=estimator.max_iter,
        tol=estimator.tol,
        adam={
            "batch_size": _batch_size(estimator),
            "learning_rate": estimator.learning_rate_init,
            "beta_1": estimator.beta_1,
            "beta_2": estimator.beta_2,
            "epsilon": estimator.epsilon,
            "n_iter_no_change": estimator.n_iter_no_change,
        },
        n_jobs=estimator.n_jobs,
        batch_bytes=int(get_config()["working_memory"] * 2**20),
    )


def _batch_size(estimator):
    return 200 if estimator.batch_size == "auto" else estimator.batch_size
