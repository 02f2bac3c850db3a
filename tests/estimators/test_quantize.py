"""Few bits: weights on grids, what is kept, and what is refused."""

import pickle
from copy import deepcopy

import numpy as np
import pytest
from joblib import parallel_backend
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from small_nets import ESTIMATORS, assert_same, small

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor
from sklearn_obs.curvature import STRUCTURES
from sklearn_obs.export import export_skops, load_skops, size_report
from sklearn_obs.pruning import quantization
from sklearn_obs.pruning.quantization import least_squares_scales

BITS = (8, 4, 3, 2)
OPTIONS = {"max_iter": 300, "alpha": 0.1, "hidden_layer_sizes": (8,)}


def pruned(iris, cls=OBSPrunedMLPClassifier, **parameters):
    X, y = iris
    return small(cls, **OPTIONS | parameters).fit(X, y)


def on_grid(model, bits):
    most = 2 ** (bits - 1) - 1
    for W, scale in zip(model.coefs_, model.weight_scales_, strict=True):
        assert (scale > 0).all()
        integers = np.rint(W / scale)
        assert np.abs(integers).max() <= most
        assert_array_equal(W, scale * integers)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("structure", ["auto", *STRUCTURES])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_weights_are_whole_numbers_times_the_scale_of_their_unit(iris, cls, structure, bits):
    X, y = iris
    model = pruned(iris, cls, structure=structure)
    masks, before = model.masks_, model.sparsity_
    assert model.quantize(X, y, bits=bits) is model
    on_grid(model, bits)
    assert model.n_bits_ == bits
    assert model.sparsity_ == before
    for mask, now, W in zip(masks, model.masks_, model.coefs_, strict=True):
        assert_array_equal(mask, now)
        assert not W[~mask].any()
    assert_allclose(model.input_range_, [X.min(axis=0), X.max(axis=0)])


@pytest.mark.parametrize("kind", ["ggn", "fisher", "empirical_fisher", "hessian"])
def test_every_kind_of_curvature(iris, kind):
    X, y = iris
    model = pruned(iris, curvature=kind).quantize(X, y, bits=3)
    on_grid(model, 3)
    assert model.score(X, y) > 0.9  # measured .96 to .97; a class has a third


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays_and_predictions_are_those_of_the_grid(iris, dtype):
    X, y = iris[0].astype(dtype), iris[1]
    model = small(**OPTIONS).fit(X, y).quantize(X, y)
    assert model.coefs_[0].dtype == model.weight_scales_[0].dtype == dtype
    on_grid(model, 4)
    hidden = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
    z = hidden @ model.coefs_[1] + model.intercepts_[1]
    assert_array_equal(model.predict(X), z.argmax(axis=1))
    assert_allclose(model.activation_scales_, [hidden.max() / 127], rtol=1e-6)


def test_scales_are_those_of_least_squares():
    rng = np.random.default_rng(0)
    W = rng.standard_normal((9, 4)) * [1, 10, 0.01, 0]
    for most in (1, 3, 7, 127):
        scales = least_squares_scales(W, most)
        for w, s in zip(W.T[:3], scales[:3], strict=True):

            def error(t, w=w, most=most):
                return ((w - t * np.clip(np.rint(w / t), -most, most)) ** 2).sum()

            if most == 127:  # more local minima than starts, all of them good enough
                assert error(s) <= error(np.abs(w).max() / 127)
                continue
            fine = np.linspace(0.05, 1.5, 20_001)[1:] * np.abs(w).max() / most
            assert error(s) <= 1.001 * min(map(error, fine))
    assert least_squares_scales(np.zeros((3, 2)), 7).tolist() == [1, 1]


def test_elimination_and_training_each_lower_the_loss(monkeypatch):
    """On digits at 90 % and 2 bits, where rounding by itself costs most."""
    X, y = load_digits(return_X_y=True)
    X = X / 16
    model = OBSPrunedMLPClassifier((32,), target_sparsity=0.9, max_iter=200, random_state=0)
    model.fit(X, y)
    losses = {}
    original = quantization.quantized
    for epochs in (0, quantization.EPOCHS):
        monkeypatch.setattr(quantization, "EPOCHS", epochs)
        for elimination in (True, False):
            monkeypatch.setattr(
                "sklearn_obs.estimators.quantization.quantized",
                lambda *args, by=elimination: original(*args, by_elimination=by),
            )
            losses[epochs, elimination] = deepcopy(model).quantize(X, y, bits=2).loss_
    assert losses[0, True] < 0.9 * losses[0, False]
    # measured .66 and .90 of it
    assert losses[20, True] < 0.95 * losses[0, True]


def test_the_loss_is_measured_anew_and_without_labels_the_outputs_count(iris):
    X, y = iris
    model = pruned(iris)
    by_labels = deepcopy(model).quantize(X, y, bits=3)
    without = deepcopy(model).quantize(X, bits=3)
    assert by_labels.loss_ != model.loss_
    assert not np.array_equal(by_labels.intercepts_[0], without.intercepts_[0])
    on_grid(without, 3)
    with pytest.raises(AttributeError, match="quantized since"):
        _ = by_labels.feature_importances_.size


def test_sparse_samples_and_weights(iris):
    X, y = iris
    weight = np.linspace(0, 1, len(y))
    model = pruned(iris)
    dense = deepcopy(model).quantize(X, y, sample_weight=weight)
    sparse = deepcopy(model).quantize(csr_array(X), y, sample_weight=weight)
    for one, other in zip(dense.coefs_, sparse.coefs_, strict=True):
        assert_allclose(one, other, atol=1e-12)
    assert_allclose(dense.input_range_, sparse.input_range_)


@pytest.mark.parametrize("structure", ["unit", "layer", "kronecker"])
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_workers_change_no_bit(iris, structure, backend, monkeypatch):
    monkeypatch.setattr("sklearn_obs.elimination.blocks.SMALL_WORK", 0)
    X, y = iris
    model = pruned(iris, structure=structure, hidden_layer_sizes=(12,))
    serial = deepcopy(model).quantize(X, y)
    with parallel_backend(backend, n_jobs=2):
        assert_same(deepcopy(model).quantize(X, y), serial)


def test_compact_and_files_keep_the_grid(iris, tmp_path):
    X, y = iris
    model = pruned(iris, target_sparsity=0.8).quantize(X, y, bits=3)
    compacted = model.compact(drop_inputs=True)
    on_grid(compacted, 3)
    assert compacted.n_bits_ == 3
    assert_allclose(
        compacted.predict_proba(X[:, model.inputs_]), model.predict_proba(X), atol=1e-12
    )
    assert compacted.input_range_.shape == (2, len(model.inputs_))
    assert_same(pickle.loads(pickle.dumps(model)), model)
    pytest.importorskip("skops")
    export_skops(model, tmp_path / "model.skops")
    assert_same(load_skops(tmp_path / "model.skops"), model)


def test_the_report_knows_the_bits(iris):
    X, y = iris
    model = pruned(iris)
    assert "packed_bytes" not in size_report(model)
    report = size_report(model.quantize(X, y, bits=3))
    for l, W in enumerate(model.coefs_):
        n = np.count_nonzero(model.compact().coefs_[l])
        assert report["packed_bytes"][l] == -(-3 * n // 8) + 8 * model.compact().coefs_[l].shape[1]
        assert W.size >= n


def test_fit_and_from_sklearn_forget_the_bits(iris):
    X, y = iris
    model = pruned(iris).quantize(X, y)
    assert not hasattr(clone(model), "n_bits_")
    again = OBSPrunedMLPClassifier.from_sklearn(model.to_sklearn(), keep_zeros=True)
    assert not hasattr(again, "n_bits_")
    model.fit(X, y)
    for name in ("n_bits_", "weight_scales_", "activation_scales_", "input_range_"):
        assert not hasattr(model, name)
    model.prune(X, y, target_sparsity=0.8)


def test_a_second_time_with_fewer_bits(iris):
    X, y = iris
    model = pruned(iris).quantize(X, y, bits=8).quantize(X, y, bits=2)
    on_grid(model, 2)


@pytest.mark.parametrize("bits", [1, 5, 16, 4.0, "4", True, None])
def test_unknown_bits(iris, bits):
    with pytest.raises(ValueError, match=r"Got bits=.*expected one of 2, 3, 4, 8"):
        pruned(iris).quantize(*iris, bits=bits)


def test_what_is_refused(iris):
    X, y = iris
    with pytest.raises(NotFittedError):
        small().quantize(X, y)
    model = pruned(iris).quantize(X, y)
    before = deepcopy(vars(model))
    with pytest.raises(ValueError, match=r"quantized to 4 bits.*Prune first, then quantize"):
        model.prune(X, y, target_sparsity=0.9)
    with pytest.raises(ValueError, match="features"):
        model.quantize(X[:, :2], y, bits=2)
    assert vars(model).keys() == before.keys()
    assert model.n_bits_ == 4
    labels_alone = pruned(iris, distillation=0)
    with pytest.raises(ValueError, match="no y with distillation=0"):
        labels_alone.quantize(X)


def test_what_acts_in_pruning_alone_is_not_asked(iris):
    X, y = iris
    on_grid(pruned(iris, max_loss_increase=0.5).quantize(X), 4)
    pair = {"criterion": "magnitude", "structure": "unit", "curvature": "hessian"}
    with pytest.raises(ValueError, match="structure='unit' with curvature='hessian', but expected"):
        pruned(iris, **pair).quantize(X, y)


def test_networks_that_are_odd(iris):
    X, y = iris
    dense = small(target_sparsity=0, **OPTIONS).fit(X, y).quantize(X, y, bits=2)
    on_grid(dense, 2)
    linear = small(hidden_layer_sizes=(), target_sparsity=0.3).fit(X, y).quantize(X, y)
    on_grid(linear, 4)
    assert linear.activation_scales_.shape == (0,)
    one = small(target_sparsity=0.98).fit(X, y).quantize(X, y, bits=3)
    on_grid(one, 3)
    zeros = np.column_stack([X, np.zeros(len(X))])  # a column that no sample reads
    on_grid(small(target_sparsity=0, **OPTIONS).fit(zeros, y).quantize(zeros, y), 4)
    faint = small(target_sparsity=0, **OPTIONS).fit(X, y)
    faint.coefs_[0][:, 0] = 5e-324  # too small for a scale
    assert np.isfinite(faint.quantize(X, y).loss_)
    teacher = FrozenEstimator(LogisticRegression().fit(X, y))
    on_grid(small(teacher=teacher, **OPTIONS).fit(X, y).quantize(X, y), 4)
    counts = small(OBSPrunedMLPRegressor, loss="poisson", **OPTIONS).fit(X, y).quantize(X, y)
    on_grid(counts, 4)


def test_other_criteria_quantize_by_obs(iris):
    X, y = iris
    model = pruned(iris)
    expected = deepcopy(model).quantize(X, y, bits=3)
    other = deepcopy(model).set_params(criterion="magnitude", granularity="unit")
    for one, two in zip(other.quantize(X, y, bits=3).coefs_, expected.coefs_, strict=True):
        assert_array_equal(one, two)


def test_a_network_of_scikit_learn(iris):
    X, y = iris
    mlp = MLPClassifier((6,), max_iter=500, alpha=1, random_state=0).fit(X, y)
    model = OBSPrunedMLPClassifier.from_sklearn(mlp).quantize(X, y, bits=4)
    assert model.score(X, y) > mlp.score(X, y) - 0.02  # three of 150 samples
