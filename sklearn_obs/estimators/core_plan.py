"""Conversion of an estimator's parameters to a `Plan`, the plain data that the core uses."""

from sklearn import get_config

from sklearn_obs.estimators.variables import checked_labels, variables_of
from sklearn_obs.plan import AdamSettings, Plan


def plan_of(estimator, n_features=None, names=None) -> Plan:
    """The `Plan` of an estimator: its parameters of pruning and retraining.

    The number and names of the features are by default those seen in `fit`.
    """
    variables = None
    if estimator.input_groups is not None:
        if n_features is None:
            n_features = estimator.n_features_in_
            names = getattr(estimator, "feature_names_in_", None)
        variables = variables_of(checked_labels(estimator.input_groups, n_features, names))
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
        adam=AdamSettings(
            batch_size=_batch_size(estimator),
            # the learning rate of another solver would not suit adam
            learning_rate=estimator.learning_rate_init if estimator.solver == "adam" else 0.001,
            beta_1=estimator.beta_1,
            beta_2=estimator.beta_2,
            epsilon=estimator.epsilon,
            n_iter_no_change=estimator.n_iter_no_change,
        ),
        n_jobs=estimator.n_jobs,
        batch_bytes=int(get_config()["working_memory"] * 2**20),
        variables=variables,
    )


def _batch_size(estimator):
    return 200 if estimator.batch_size == "auto" else estimator.batch_size
