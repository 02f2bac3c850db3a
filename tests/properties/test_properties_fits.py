"""Whatever the parameters and the data, a fit is refused at once or keeps all promises.

Hypothesis draws all parameters at once, on small made-up data of every kind (`drawn_fits`); what
is true of every fitted estimator is in `invariants`. By default the same few hundred examples are
drawn every time. The long form, with as many others as is asked for::

    SKLEARN_OBS_EXAMPLES=10000 python -m pytest tests/properties
"""

import copy
import os
import pickle
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

import drawn_fits
import invariants
import numpy as np
import pytest
from drawn_fits import Case
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from invariants import assert_same
from joblib import parallel_config
from numpy.testing import assert_array_equal
from scipy.linalg import LinAlgError
from sklearn.exceptions import ConvergenceWarning
from small_nets import assert_same_value

from sklearn_obs import input_importances, obs_pruning_path
from sklearn_obs.elimination import blocks
from sklearn_obs.estimators.attributes import network_of
from sklearn_obs.network import evaluate

EXAMPLES = int(os.environ.get("SKLEARN_OBS_EXAMPLES", "300"))  # of all tests of this module
DERANDOMIZED = "SKLEARN_OBS_EXAMPLES" not in os.environ


def examples(share):
    """Settings for that share of the examples."""
    return settings(
        max_examples=max(1, round(share * EXAMPLES)),
        derandomize=DERANDOMIZED,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


# what may happen beside a fit


class Training:
    """What scikit-learn's initial training did: it may warn and fail as it likes."""

    def __init__(self):
        self.started = self.failed = self.diverged = False

    @contextmanager
    def watched(self, cls):
        """A context in which the initial training is noted."""
        original = cls._dense_class.fit

        def fit(mlp, *args, **kwargs):
            self.started = True
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    original(mlp, *args, **kwargs)
                except Exception:
                    self.failed = True
                    raise
            self.diverged = max(np.abs(W).max() for W in mlp.coefs_) > 1e10
            return mlp

        with mock.patch.object(cls._dense_class, "fit", fit):
            yield self


def nothing_but_known_warnings(caught, estimator, diverged=False):
    """A run may say why it ended, or what could not be computed; NumPy has nothing to say.

    Unless the initial training has diverged: squares of weights of 1e80 are more than there is.
    """
    for warning in caught:
        message = str(warning.message)
        if issubclass(warning.category, ConvergenceWarning):
            assert message.startswith("Retraining did not converge"), message
            assert estimator.retrain_epochs is None
        elif issubclass(warning.category, RuntimeWarning) and diverged:
            continue
        elif issubclass(warning.category, RuntimeWarning):
            assert message.startswith("Pruning ends before round"), message
        else:
            known = (
                "The network is pruned, but the importances",
                "Swaps end here, and the network is kept",
                f"weight_decay={estimator.weight_decay} penalises the weights",
                "On these samples the network has the loss",  # targets are drawn at random
            )
            assert message.startswith(known), message


def error_is_one_of_the_promised(error, estimator, diverged=False):
    """After training: curvature that damping would help, memory, or the last group of a layer.

    Where the initial training has diverged, curvatures of 1e80 beside 1 leave no sum its digits.
    """
    message = str(error)
    if isinstance(error, LinAlgError):
        assert "damping" in message
        hopeless = "is 0 for every weight" in message or "not finite" in message
        enough = estimator.damping < 1e-3 or hopeless or diverged
        assert enough, "as much damping ought to be enough"
    elif isinstance(error, ValueError):
        if message.startswith("The loss of the network is"):  # the initial training has diverged
            assert "before anything is removed" in message
            return
        assert estimator.granularity != "weight"
        assert "is out of reach: the next one to be removed is the last of its layer" in message
    else:
        assert isinstance(error, MemoryError)


def refusal_says_what_was_expected(error):
    """Before training: what was got, and what was expected."""
    assert isinstance(error, ValueError)
    assert not isinstance(error, LinAlgError)
    assert str(error).startswith("Got ")
    assert "expected" in str(error)


def failed_fit_leaves_nothing(estimator, before):
    """No attributes beside the parameters."""
    assert vars(estimator).keys() == before


def parameters_are_unchanged(estimator, before):
    """`get_params` hands out what has been set."""
    after = estimator.get_params()
    assert after.keys() == before.keys()
    for name, value in before.items():
        assert after[name] is value, name


def fitted(case: Case, **others):
    """(the fitted estimator, warnings), or (None, the error): refused, or failed as promised."""
    data, estimator = case.data, case.estimator(**others)
    parameters, names = estimator.get_params(), vars(estimator).keys()
    names = set(names)
    training = Training()
    X, y, weight = data.X, data.y, data.sample_weight
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with training.watched(data.estimator), case.sizes.in_force():
                estimator.fit(X, y, weight)
        except (ValueError, LinAlgError, MemoryError) as error:
            if not training.started:
                refusal_says_what_was_expected(error)
            elif not training.failed:
                error_is_one_of_the_promised(error, estimator, training.diverged)
            failed_fit_leaves_nothing(estimator, names)
            return None, error
        finally:
            parameters_are_unchanged(estimator, parameters)
            arguments_are_unchanged(data, X, y, weight)
    assert training.started
    nothing_but_known_warnings(caught, estimator, training.diverged)
    return estimator, [str(warning.message) for warning in caught]


def arguments_are_unchanged(data, X, y, weight):
    """Neither X nor y nor the weights are written to."""
    assert_array_equal(invariants.dense(X), invariants.dense(data.X))
    assert_array_equal(y, data.y)
    if weight is not None:
        assert_array_equal(weight, data.sample_weight)


def target_if_not_stopped(model, target, messages):
    """The sparsity that has to be reached, or None where the run may have ended before."""
    stopped = any(message.startswith("Pruning ends") for message in messages)
    return None if stopped or model.max_loss_increase is not None else target


def dense_network_is_scikit_learns(model, case):
    """With nothing to remove, the network is that of the initial training, bit for bit."""
    data = case.data
    used = data.used
    training = {name: case.parameters[name] for name in drawn_fits.INITIAL_TRAINING}
    mlp = model._dense_class(**training)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlp.fit(data.X[used], data.y[used], data.used_weights)
    for ours, theirs in zip(
        model.coefs_ + model.intercepts_, mlp.coefs_ + mlp.intercepts_, strict=True
    ):
        assert_array_equal(ours, theirs)
    assert model.n_rounds_ == 0 and model.n_iter_ == mlp.n_iter_
    assert_array_equal(model.predict(data.X), mlp.predict(data.X))


@examples(0.3)
@given(drawn_fits.cases())
def test_fits(case):
    model, messages = fitted(case)
    if model is None:
        return
    target = target_if_not_stopped(model, case.parameters["target_sparsity"], messages)
    invariants.all_of_them(model, case.data, target=target)
    dense, _ = fitted(case, target_sparsity=0.0)
    assert dense is not None, "what can be pruned can be left as it is"
    invariants.all_of_them(dense, case.data, target=0.0)
    dense_network_is_scikit_learns(dense, case)
    invariants.dtype_is_kept(model, dense)
    invariants.saliencies_add_up(model, dense.loss_)
    invariants.swaps_lower_the_loss(model, dense.loss_)
    objective = dense._at_hand(case.data.X, case.data.y, case.data.sample_weight)[2]
    network = network_of(dense, vars(dense))
    invariants.loss_increase_is_kept(model, evaluate(network, objective).label)


@examples(0.15)
@given(drawn_fits.cases())
def test_other_forms_of_the_network(case):
    model, _ = fitted(case)
    if model is None:
        return
    X = case.data.X
    invariants.scikit_learn_predicts_the_same(model, X)
    invariants.compact_predicts_the_same(model, X)
    invariants.every_form_predicts_the_same(model, X, pytest.MonkeyPatch.context)
    invariants.pickle_keeps_everything(model, X)
    again, _ = fitted(case)
    assert_same(again, model)


def level_is_a_separate_fit(path, i, alone):
    """Of `obs_pruning_path` and `fit`, bit for bit."""
    assert path.n_weights[i] == alone.n_weights_
    assert_array_equal(path.loss[i], alone.loss_)
    for name in ("coefs", "intercepts", "masks", "intercept_masks"):
        assert_same_value(getattr(path, name)[i], getattr(alone, f"{name}_"), name)
    for name in ("predicted_loss", "pruned_loss"):
        recorded = alone.pruning_path_[name]
        last = recorded[-1] if recorded.size else alone.loss_
        assert_array_equal(getattr(path, name)[i], last)


def path_fails_as_a_fit_does(error, alone, training):
    """With the error of one of the separate fits, or that of the initial training."""
    errors = [str(message) for model, message in alone if model is None]
    assert errors, "no fit fails, but the path does"
    assert str(error) in errors or training.failed


@examples(0.15)
@given(drawn_fits.cases(), st.lists(st.floats(0, 1), min_size=1, max_size=2))
def test_levels_of_a_path(case, shares):
    top = case.parameters["target_sparsity"]
    levels = np.unique([top, *(share * top for share in shares)])
    alone = [fitted(case, target_sparsity=level) for level in levels]
    data = case.data
    training = Training()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with training.watched(data.estimator), case.sizes.in_force():
                path = obs_pruning_path(
                    case.estimator(),
                    data.X,
                    data.y,
                    sparsities=levels,
                    sample_weight=data.sample_weight,
                )
        except (ValueError, LinAlgError, MemoryError) as error:
            path_fails_as_a_fit_does(error, alone, training)
            return
    nothing_but_known_warnings(caught, case.estimator(), training.diverged)
    assert all(model is not None for model, _ in alone), "a fit fails, but the path does not"
    for i, (model, _) in enumerate(alone):
        level_is_a_separate_fit(path, i, model)


@dataclass(frozen=True)
class Pruning:
    """A call of `prune`: samples, how much of what is left to remove, parameters set before."""

    data: drawn_fits.Data
    share: float
    pruning_parameters: dict


@st.composite
def chains(draw):
    """A fit, and what is done with the network afterwards: a list of `Pruning` and words."""
    case = draw(drawn_fits.cases())
    case.parameters["target_sparsity"] *= draw(st.sampled_from([0.5, 0.2, 0.8]))
    steps = []
    for kind in draw(st.lists(st.sampled_from(["prune", *FORMS, "prune"]), min_size=1, max_size=3)):
        if kind != "prune":
            steps.append(kind)
            continue
        pruning_parameters = draw(drawn_fits.pruning_parameters()) if draw(st.booleans()) else {}
        share = draw(st.floats(0, 0.999))
        steps.append(Pruning(draw(drawn_fits.data(like=case.data)), share, pruning_parameters))
    return case, steps


def what_is_removed_stays_removed(model, before):
    """But for swaps."""
    if model.n_swaps == 0:
        assert not (invariants.masks_of(model) & ~invariants.masks_of(before)).any()


def earlier_rounds_stay_on_record(model, before):
    """The path is longer than it was, and the same as far as that."""
    path, earlier = model.pruning_path_, before.pruning_path_
    per_round = ("predicted_loss", "pruned_loss", "loss", "label_loss", "epochs")
    for name in (*per_round, "removed", "saliency"):
        n = len(earlier[name])
        assert_array_equal(path[name][:n], earlier[name])
    if model.prune_intercepts == before.prune_intercepts:
        n = len(earlier["n_weights"])
        assert_array_equal(path["n_weights"][:n], earlier["n_weights"])


def refusal_says_what_was_expected_of_prune(error):
    """What was got, and what was expected or is to be done."""
    assert "expected" in str(error).lower() or "Leave those samples out" in str(error)


@dataclass
class Chain:
    """A fitted estimator on its way, and what its record is to be compared with."""

    model: object
    sizes: drawn_fits.Sizes
    n_fitted: int | None  # samples of the initial training; None where that is not known
    start: np.ndarray  # what remained when the record began

    def prune(self, step: Pruning):
        """More pruning on other samples; False if it was refused, or failed as promised."""
        model, data, before = self.model, step.data, copy.deepcopy(self.model)
        model.set_params(**step.pruning_parameters)
        parameters, removable = model.get_params(), invariants.removable_of(model)
        n_before = int((removable & ~invariants.masks_of(model)).sum())
        target = n_before / removable.sum() * (1 - step.share) + 0.999 * step.share
        diverged = max(np.abs(W).max() for W in before.coefs_) > 1e10
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                with self.sizes.in_force():
                    model.prune(
                        data.X, data.y, target_sparsity=target, sample_weight=data.sample_weight
                    )
            except (ValueError, LinAlgError, MemoryError) as error:
                if isinstance(error, ValueError) and str(error).startswith("Got "):
                    refusal_says_what_was_expected_of_prune(error)
                else:
                    error_is_one_of_the_promised(error, model, diverged)
                assert_same(model, before)
                return False
            finally:
                parameters_are_unchanged(model, parameters)
        nothing_but_known_warnings(caught, model, diverged)
        if model.n_rounds_ == before.n_rounds_:
            assert_same(model, before)
            return False
        messages = [str(warning.message) for warning in caught]
        invariants.all_of_them(
            model,
            data,
            target=target_if_not_stopped(model, target, messages),
            n_before=n_before,
            n_fitted=self.n_fitted,
            start=self.start,
        )
        what_is_removed_stays_removed(model, before)
        earlier_rounds_stay_on_record(model, before)
        self.forms(data.X)
        return True

    def forms(self, X):
        """What holds of every network."""
        invariants.scikit_learn_predicts_the_same(self.model, X)
        invariants.compact_predicts_the_same(self.model, X)
        invariants.pickle_keeps_everything(self.model, X)


def compacted(chain):
    """Goes on with a smaller network, whose record is empty."""
    chain.model = chain.model.compact()
    chain.start = invariants.masks_of(chain.model)


def by_way_of_scikit_learn(chain):
    """Goes on with what `from_sklearn` reads from the zeros of `to_sklearn`."""
    model = chain.model
    pruning_parameters = {name: getattr(model, name) for name in drawn_fits.PRUNING}
    chain.model = model.from_sklearn(model.to_sklearn(), keep_zeros=True, **pruning_parameters)
    chain.start = invariants.masks_of(chain.model)
    if model.solver == "lbfgs":
        chain.n_fitted = None
    if model.n_rounds_:  # else it is scikit-learn's own, from before its last step
        assert chain.model.loss_ == model.loss_


def pickled(chain):
    """Goes on with a copy by way of a pickle."""
    chain.model = pickle.loads(pickle.dumps(chain.model))


FORMS = {"compact": compacted, "scikit-learn": by_way_of_scikit_learn, "pickle": pickled}


@examples(0.2)
@given(chains())
def test_a_network_can_be_pruned_on_and_on(drawn):
    case, steps = drawn
    model, _ = fitted(case)
    if model is None:
        return
    every = np.ones(invariants.masks_of(model).size, bool)
    chain = Chain(model, case.sizes, len(case.data.used), every)
    for step in steps:
        if isinstance(step, Pruning):
            if not chain.prune(step):
                return
        else:
            before = invariants.values(chain.model, case.data.X)
            FORMS[step](chain)
            after = invariants.values(chain.model, case.data.X)
            invariants.same_values(after, before, chain.model, case.data.X)
            invariants.of_the_network(chain.model, case.data.X)


# the same by other ways


def samples_of_weight_0_might_as_well_be_missing(case, model):
    """They are dropped before anything else."""
    data, used = case.data, case.data.used
    with warnings.catch_warnings(), case.sizes.in_force():
        warnings.simplefilter("ignore")
        other = case.estimator().fit(data.X[used], data.y[used], data.used_weights)
    invariants.assert_same(other, model)


def scikit_learns_network_is_pruned_alike(case, model):
    """`from_sklearn` and `prune` do what `fit` does with the network of its initial training."""
    data, used = case.data, case.data.used
    names = drawn_fits.INITIAL_TRAINING.keys()
    mlp = model._dense_class(**{name: case.parameters[name] for name in names})
    pruning_parameters = {name: v for name, v in case.parameters.items() if name not in names}
    with warnings.catch_warnings(), case.sizes.in_force():
        warnings.simplefilter("ignore")
        mlp.fit(data.X[used], data.y[used], data.used_weights)
        other = model.from_sklearn(mlp, **pruning_parameters)
        other.prune(data.X, data.y, sample_weight=data.sample_weight)
    for name in ("coefs_", "intercepts_", "masks_", "intercept_masks_", "pruning_path_"):
        assert_same_value(getattr(other, name), getattr(model, name), name)


def two_calls_are_as_good_as_one(case, model, share):
    """A run that ends at a round's end goes on as if it had not ended."""
    if model.n_rounds_ < 2 or model.n_swaps or model.max_loss_increase is not None:
        return
    n = int(invariants.removable_of(model).sum())
    number = 1 + int(share * (model.n_rounds_ - 2))
    n_removed = n - int(model.pruning_path_["n_weights"][number - 1])
    half, _ = fitted(case, target_sparsity=n_removed / n)
    assert half.n_rounds_ == number
    half.set_params(target_sparsity=case.parameters["target_sparsity"])
    data = case.data
    with warnings.catch_warnings(), case.sizes.in_force():
        warnings.simplefilter("ignore")
        half.prune(data.X, data.y, sample_weight=data.sample_weight)
    invariants.assert_same(half, model)


def importances_can_be_had_again(case, model):
    """`input_importances` on the samples of the fit are those of the fit."""
    if model._importances is None:
        return
    data = case.data
    with case.sizes.in_force():
        found = input_importances(model, data.X, data.y, sample_weight=data.sample_weight)
    for mean, inputs in zip(found.importances_mean, found.inputs, strict=True):
        read = np.intersect1d(inputs, model.inputs_)
        assert_array_equal(model.feature_importances_[read], mean)
        assert_array_equal(model.feature_importances_[np.setdiff1d(inputs, read)], 0)


@examples(0.15)
@given(drawn_fits.cases(), st.floats(0, 1))
def test_other_ways_to_the_same_network(case, share):
    model, _ = fitted(case)
    if model is None:
        return
    if case.data.weights == "some zero":
        samples_of_weight_0_might_as_well_be_missing(case, model)
    scikit_learns_network_is_pruned_alike(case, model)
    two_calls_are_as_good_as_one(case, model, share)
    importances_can_be_had_again(case, model)


@examples(0.05)
@given(drawn_fits.cases())
def test_workers_change_nothing(case):
    with mock.patch.object(blocks, "SMALL_WORK", 0):
        alone, _ = fitted(case, n_jobs=None)
        with parallel_config(backend="threading"):
            together, _ = fitted(case, n_jobs=2)
    assert (alone is None) == (together is None)
    if alone is not None:
        assert_same(together.set_params(n_jobs=None), alone)


@examples(0.15)
@given(drawn_fits.cases(), st.sampled_from([2, 3, 4, 8]))
def test_few_bits(case, bits):
    """Weights are whole numbers times the scale of their unit, and nothing that is gone is back."""
    model, _ = fitted(case)
    if model is None:
        return
    data, masks = case.data, invariants.masks_of(model)
    before = set(vars(model))
    try:
        with case.sizes.in_force(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.quantize(data.X, data.y, bits=bits, sample_weight=data.sample_weight)
    except LinAlgError:
        assert set(vars(model)) == before
        return
    except ValueError as error:  # a curvature that Optimal Brain Surgeon cannot use
        refusal_says_what_was_expected(error)
        assert set(vars(model)) == before
        return
    assert_array_equal(invariants.masks_of(model), masks)
    invariants.removed_weights_are_0(model)
    most = 2 ** (bits - 1) - 1
    for W, scale in zip(model.coefs_, model.weight_scales_, strict=True):
        integers = np.rint(W / scale)
        assert np.abs(integers).max(initial=0) <= most
        assert_array_equal(W, scale * integers)
    assert np.isfinite(model.loss_)
    assert np.isfinite(model.predict(data.X).astype(float) if data.is_regression else 0).all()


@examples(0.15)
@given(drawn_fits.cases())
def test_variables_are_whole(case):
    """Of a dense network whole inputs alone are removed, all of a variable's or none."""
    model, _ = fitted(case, granularity="input", n_swaps=0)
    if model is None or model.input_groups is None:
        return
    found = input_importances(model, case.data.X, case.data.y)
    left = {int(i) for i in np.flatnonzero(model.masks_[0].any(axis=1))}
    unread = set(np.flatnonzero(~case.data.dense_X()[case.data.used].any(axis=0)).tolist())
    for inputs in found.inputs:
        read = set(inputs.tolist()) - unread  # what no sample reads is removed before all else
        assert read <= left or read.isdisjoint(left)
