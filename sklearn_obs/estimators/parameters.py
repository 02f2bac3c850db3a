"""Validation of the pruning parameters; scikit-learn checks those of the initial training."""

from numbers import Integral, Real

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_array

from sklearn_obs.curvature import FACTORED, KINDS, STRUCTURES
from sklearn_obs.estimators.attributes import network_of
from sklearn_obs.estimators.variables import as_sequence
from sklearn_obs.network.compaction import prunable
from sklearn_obs.pruning.criteria import CRITERIA
from sklearn_obs.retraining.newton import LEAST_EPOCHS

TRAINING_PARAMETERS = (
    "hidden_layer_sizes",
    "activation",
    "solver",
    "alpha",
    "batch_size",
    "learning_rate",
    "learning_rate_init",
    "power_t",
    "max_iter",
    "shuffle",
    "random_state",
    "tol",
    "verbose",
    "momentum",
    "nesterovs_momentum",
    "early_stopping",
    "validation_fraction",
    "beta_1",
    "beta_2",
    "epsilon",
    "n_iter_no_change",
    "max_fun",
)

LOSSES = ("squared_error", "poisson")  # of a regressor
RETRAIN_SOLVERS = ("auto", "newton", "lbfgs", "adam")
GRANULARITIES = ("weight", "unit", "input")


def _integer(value, low):
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= low


def _real(value):
    return isinstance(value, Real) and not isinstance(value, bool)


def check_sparsity(value):
    """Raise ValueError unless `value` is a share of weights to remove."""
    if not (_real(value) and 0 <= value < 1):
        raise ValueError(
            f"Got target_sparsity={value!r}, but expected a number in [0, 1): the share of weights "
            "to remove, such as 0.9 for 90%."
        )


def sparsity_of_weights(estimator, n_weights, target_sparsity):
    """The sparsity at which a fitted network has `n_weights` weights.

    Raises
    ------
    ValueError
        If the network cannot reach this number of weights, or a sparsity is given, too.
    """
    if target_sparsity is not None:
        raise ValueError(
            f"Got target_sparsity={target_sparsity!r} and n_weights={n_weights!r}, but expected "
            "only one of them. Leave the other one out."
        )
    if not (_integer(n_weights, 1) and n_weights <= estimator.n_weights_):
        raise ValueError(
            f"Got n_weights={n_weights!r}, but expected an int in [1, {estimator.n_weights_}]. The "
            "network has no more weights, and `prune` does not bring removed weights back."
        )
    layout = network_of(estimator, vars(estimator)).layout
    return 1 - n_weights / np.count_nonzero(prunable(layout, estimator.prune_intercepts))


def check_sparsities(values):
    """The sparsities without duplicates, in ascending order: ndarray of shape (n_levels,).

    Raises
    ------
    ValueError
        If there are none, or one of them is not in [0, 1).
    """
    levels = np.unique(check_array(values, ensure_2d=False, input_name="sparsities"))
    outside = levels[(levels < 0) | (levels >= 1)]
    if outside.size:
        raise ValueError(
            f"Got sparsities with {outside.tolist()}, but expected numbers in [0, 1): the shares "
            "of weights to remove, such as 0.9 for 90%."
        )
    return levels.astype(np.float64)


def check_parameters(estimator):
    """Raise ValueError if a parameter is out of range, with its value and what was expected."""
    check_sparsity(estimator.target_sparsity)
    step, epochs = estimator.step, estimator.retrain_epochs
    increase = estimator.max_loss_increase
    decay = estimator.weight_decay
    rules = {
        "loss": _known(getattr(estimator, "loss", "squared_error"), LOSSES),
        "class_weight": (
            _is_class_weight(getattr(estimator, "class_weight", None)),
            "None, 'balanced', or a dict from class to weight (for label sets a list of dicts)",
        ),
        "distillation": (
            _real(estimator.distillation) and 0 <= estimator.distillation <= 1,
            "a number in [0, 1]: the share of the dense network's outputs in the targets of "
            "pruning and retraining, where 0 means that only y counts",
        ),
        "weight_decay": (
            decay is None or (_real(decay) and 0 <= decay < float("inf")),
            "a finite non-negative number (coefficient of half the squared weights in pruning and "
            "retraining) or None (the penalty of the initial training, from `alpha`)",
        ),
        "damping": (
            _real(estimator.damping) and 0 <= estimator.damping < float("inf"),
            "a finite non-negative number",
        ),
        "step": (
            _integer(step, 1) or (_real(step) and not isinstance(step, Integral) and 0 < step < 1),
            "an int >= 1 (weights per round) or a float in (0, 1) (share of the remaining weights)",
        ),
        "retrain_epochs": (
            epochs is None or _integer(epochs, 0),
            "an int >= 0 (epochs in each round) or None (until retraining converges)",
        ),
        "n_curvature_samples": (_integer(estimator.n_curvature_samples, 1), "an int >= 1"),
        "prune_intercepts": (
            estimator.prune_intercepts in (True, False),
            "True or False",
        ),
        "max_loss_increase": (
            increase is None or (_real(increase) and 0 <= increase < float("inf")),
            "a finite non-negative number (relative increase of the loss) or None (no limit)",
        ),
        "n_swaps": (_integer(estimator.n_swaps, 0), "an int >= 0 (0 means no swaps)"),
        "granularity": _known(estimator.granularity, GRANULARITIES),
        "n_jobs": (
            estimator.n_jobs is None
            or (isinstance(estimator.n_jobs, Integral) and estimator.n_jobs != 0),
            "None or an int other than 0",
        ),
        "criterion": _known(estimator.criterion, CRITERIA),
        "structure": _known(estimator.structure, ("auto", *STRUCTURES)),
        "curvature": _known(estimator.curvature, KINDS),
        "retrain_solver": _known(estimator.retrain_solver, RETRAIN_SOLVERS),
    }
    for name, (valid, expected) in rules.items():
        if not valid:
            raise ValueError(f"Got {name}={getattr(estimator, name)!r}, but expected {expected}.")
    if not (estimator.input_groups is None or callable(estimator.input_groups)):
        as_sequence(estimator.input_groups)
    _check_curvature(estimator)
    _check_teacher(estimator)
    _check_epochs(estimator)
    _check_groups(estimator)


def check_not_quantized(estimator):
    """Raise ValueError if the weights of a fitted network are on a grid."""
    if hasattr(estimator, "n_bits_"):
        raise ValueError(
            f"Got a network with weights that have been quantized to {estimator.n_bits_} bits, but "
            "pruning and retraining would change them. Prune first, then quantize: fit again, or "
            "prune a copy that was made before `quantize`."
        )


def check_without_labels(estimator, *, pruning=True):
    """Raise ValueError if the curvature needs labels or, if `pruning`, another parameter does."""
    teacher = estimator.teacher
    needs = [
        (
            pruning and teacher is not None and not isinstance(teacher, FrozenEstimator),
            f"a teacher that has to be fitted, a {type(teacher).__name__}",
            "fit the teacher and wrap it in sklearn.frozen.FrozenEstimator",
        ),
        (
            pruning and estimator.distillation == 0,
            "distillation=0",
            "set a `distillation` above 0, so that retraining imitates the dense network's outputs",
        ),
        (
            pruning and estimator.max_loss_increase is not None,
            f"max_loss_increase={estimator.max_loss_increase!r}",
            "set max_loss_increase=None, because it limits the loss against y",
        ),
        (
            estimator.curvature == "empirical_fisher",
            "curvature='empirical_fisher'",
            "use 'ggn' or 'fisher', which do not need y",
        ),
    ]
    for fails, setting, remedy in needs:
        if fails:
            raise ValueError(f"Got no y with {setting}, but it needs targets. Pass y, or {remedy}.")


def _check_teacher(estimator):
    """Raise ValueError if the teacher is not an estimator, or would not be used."""
    teacher = estimator.teacher
    if teacher is None:
        return
    if isinstance(teacher, type) or not hasattr(teacher, "fit"):
        is_class = isinstance(teacher, type)
        what = f"the class {teacher.__name__}" if is_class else f"a {type(teacher).__name__}"
        raise ValueError(
            f"Got teacher: {what}, but expected None or an estimator with `fit` and "
            "`predict_proba` (or `predict` for a regression)."
        )
    if estimator.distillation == 0:
        raise ValueError(
            f"Got a teacher, a {type(teacher).__name__}, with distillation=0, but then only y "
            "counts and the teacher is not used. Set a `distillation` above 0, or teacher=None."
        )


def _check_groups(estimator):
    """Raise ValueError if groups are to be removed, but criterion or swaps need single weights."""
    granularity = estimator.granularity
    if granularity == "weight":
        return
    if estimator.criterion == "layer_magnitude":
        raise ValueError(
            f"Got criterion='layer_magnitude' with granularity={granularity!r}, but expected "
            "granularity='weight', because it removes the same share of single weights in each "
            "layer. Use criterion='magnitude'."
        )
    if estimator.n_swaps:
        raise ValueError(
            f"Got n_swaps={estimator.n_swaps} with granularity={granularity!r}, but expected "
            "granularity='weight', because swaps exchange single weights. Set n_swaps=0."
        )


def _check_epochs(estimator):
    """Raise ValueError if `retrain_epochs` is too small for the criterion or the solver."""
    epochs, newton = estimator.retrain_epochs, estimator.retrain_solver == "newton"
    if epochs is None:
        return
    if estimator.criterion == "movement":
        least = 2 * (LEAST_EPOCHS if newton else 1)
        if epochs < least:
            raise ValueError(
                f"Got retrain_epochs={epochs} with criterion='movement', but expected at least "
                f"{least}, because it measures in half of them how the weights change. Increase "
                "`retrain_epochs`, or use criterion='obs', which needs none."
            )
    elif newton and 0 < epochs < LEAST_EPOCHS:
        raise ValueError(
            f"Got retrain_epochs={epochs} with retrain_solver='newton', but expected 0 or at least "
            f"{LEAST_EPOCHS}, because its first step takes so many. For fewer, use 'lbfgs'."
        )


def _check_curvature(estimator):
    """Raise ValueError if the structure or the criterion cannot use this kind of curvature."""
    kind = estimator.curvature
    structure = STRUCTURES.get(estimator.structure)  # None for "auto", which accepts every kind
    if estimator.criterion == "obs" and structure is not None and kind not in structure.kinds:
        valid = "; ".join(
            f"structure={name!r} with {', '.join(map(repr, structure.kinds))}"
            for name, structure in STRUCTURES.items()
        )
        raise ValueError(
            f"Got structure={estimator.structure!r} with curvature={kind!r}, but expected one of "
            f"these pairs: {valid}."
        )
    if estimator.criterion == "obd" and kind not in FACTORED:
        raise ValueError(
            f"Got criterion='obd' with curvature={kind!r}, but expected a curvature with a "
            f"diagonal that is never negative: one of {', '.join(map(repr, FACTORED))}."
        )


def _is_class_weight(value):
    if isinstance(value, list):
        return all(isinstance(each, dict) for each in value)
    return value is None or isinstance(value, dict) or (value == "balanced")


def _known(value, names):
    return isinstance(value, str) and value in names, f"one of {', '.join(map(repr, names))}"
