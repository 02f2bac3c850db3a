"""Counts: Poisson's deviance, in all that a regression can do."""

import numpy as np
import pytest
from c_programs import compiled, needs_c, outputs
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_poisson_deviance
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.tree import DecisionTreeRegressor
from small_nets import LABELS_ALONE, assert_same, small

from sklearn_obs import OBSPrunedMLPCV, OBSPrunedMLPRegressor, obs_pruning_path
from sklearn_obs.export import export_c, export_onnx


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    return X, rng.poisson(np.exp(0.7 * X[:, 0] - 0.5 * X[:, 1])).astype(float)


def poisson(**parameters):
    return small(OBSPrunedMLPRegressor, loss="poisson", **parameters)


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("solver", ["adam", "lbfgs", "sgd"])
def test_of_sparsity_zero_it_is_scikit_learn_s(counts, n_outputs, solver):
    X, y = counts
    y = y if n_outputs == 1 else np.c_[y, y[::-1]]
    options = {"hidden_layer_sizes": (6, 5), "solver": solver, "max_iter": 20, "random_state": 0}
    options["learning_rate_init"] = 1e-4
    theirs = MLPRegressor(loss="poisson", **options).fit(X, y)
    ours = poisson(target_sparsity=0, **options).fit(X, y)
    for arrays in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, arrays), getattr(theirs, arrays), strict=True):
            assert_array_equal(a, b)
    assert ours.out_activation_ == theirs.out_activation_ == "exp"
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-12)
    back = ours.to_sklearn()
    assert back.loss == "poisson" and back.out_activation_ == "exp"
    assert_array_equal(back.predict(X), theirs.predict(X))
    assert_array_equal(OBSPrunedMLPRegressor.from_sklearn(back).predict(X), ours.predict(X))


def test_the_loss_of_the_labels_is_half_the_deviance(counts):
    X, y = counts
    reg = poisson(target_sparsity=0.5, **LABELS_ALONE).fit(X, y)
    exact = mean_poisson_deviance(y, reg.predict(X)) / 2
    assert_allclose(reg.pruning_path_["label_loss"][-1], exact, rtol=1e-12)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"curvature": "fisher"},
        {"curvature": "empirical_fisher"},
        {"curvature": "hessian", "structure": "full", "damping": 1.0},
        {"structure": "kronecker"},
        {"structure": "low_rank"},
        {"criterion": "magnitude", "retrain_solver": "newton", "retrain_epochs": 8},
        {"retrain_solver": "adam"},
        {"distillation": 0},
        {"distillation": 1},
        {"n_swaps": 2},
        {"granularity": "input"},
        {"granularity": "unit"},
    ],
    ids=str,
)
def test_everything_that_a_regression_can_do(counts, parameters):
    X, y = counts
    sparsity = 0.3 if parameters.get("granularity") == "input" else 0.5  # two inputs say all
    reg = poisson(solver="lbfgs", max_iter=100, target_sparsity=sparsity, **parameters).fit(X, y)
    assert reg.sparsity_ >= sparsity - 1e-3 and np.isfinite(reg.loss_)
    p = reg.predict(X)
    assert (p > 0).all()
    # better than the mean in every row, by the loss that it has
    assert mean_poisson_deviance(y, p) < mean_poisson_deviance(y, np.full_like(y, y.mean()))


def test_pruned_networks_find_what_counts_depend_on(counts):
    X, y = counts
    options = {"hidden_layer_sizes": (10,), "solver": "lbfgs", "max_iter": 300, "alpha": 0.1}
    reg = poisson(target_sparsity=0.85, retrain_epochs=20, **options).fit(X, y)
    assert set(reg.inputs_) >= {0, 1}
    assert reg.feature_importances_[:2].min() > reg.feature_importances_[2:].max()


def test_without_labels_and_in_a_search(counts):
    X, y = counts
    reg = poisson(target_sparsity=0).fit(X, y)
    assert reg.prune(X, target_sparsity=0.5).sparsity_ >= 0.5
    search = OBSPrunedMLPCV(poisson(), sparsities=[0.2, 0.5], cv=2).fit(X, y)
    assert search.estimator_.loss == "poisson"
    (level,) = obs_pruning_path(poisson(), X, y, sparsities=[0.6]).estimators
    assert_same(level, poisson(target_sparsity=0.6).fit(X, y))


def test_teachers_whose_counts_are_negative_are_refused(counts):
    X, y = counts
    assert (poisson(teacher=DecisionTreeRegressor(max_depth=3)).fit(X, y).predict(X) > 0).all()
    with pytest.raises(ValueError, match=r"a LinearRegression, with the prediction -.*PoissonRegr"):
        poisson(teacher=LinearRegression()).fit(X, y)
    fitted = poisson(target_sparsity=0.2).fit(X, y)
    fitted.set_params(loss="squared_error", teacher=LinearRegression())  # the fitted loss counts
    with pytest.raises(ValueError, match=r"a LinearRegression, with the prediction -"):
        fitted.prune(X, y, target_sparsity=0.8)


@needs_c
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("target", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8"])
def test_c_and_onnx_agree_with_python(counts, tmp_path, n_outputs, target, dtype):
    onnxruntime = pytest.importorskip("onnxruntime")
    X, y = counts
    y = y if n_outputs == 1 else np.c_[y, y[::-1]]
    model = make_pipeline(StandardScaler(), poisson(target_sparsity=0.4, max_iter=60))
    if target:
        model = TransformedTargetRegressor(model, transformer=MaxAbsScaler())
    p = model.fit(X, y).predict(X).reshape(len(X), -1)
    written = export_c(model, tmp_path / "m.c", dtype=dtype, test_data=(X, y))
    real = "double" if dtype == "float64" else "float"
    _, _, _, found = outputs(compiled(tmp_path / "m.c", "values", real=real), X, real)
    # of a network in float32 five digits remain behind the exponential; eight bits have two
    tolerance = {"float64": 1e-12, "float32": 1e-5, "int8": 0.1}[dtype]
    assert_allclose(found, p, rtol=tolerance)
    if dtype == "float64":
        assert written.exported_score == pytest.approx(written.score, rel=1e-12)
    if dtype == "float32":
        export_onnx(model, tmp_path / "m.onnx")
        session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
        assert_allclose(session.run(None, {"X": X.astype(np.float32)})[0], p, rtol=1e-5)


def test_what_is_refused(counts, tmp_path):
    X, y = counts
    with pytest.raises(ValueError, match=r"Got loss='gamma', but expected one of 'squared_error'"):
        small(OBSPrunedMLPRegressor, loss="gamma").fit(X, y)
    with pytest.raises(ValueError, match=r"Got y with the value -1.0 and loss='poisson'"):
        poisson().fit(X, y - 1)
    reg = poisson().fit(X, y)
    with pytest.raises(ValueError, match=r"Got y with the value -1.0 and loss='poisson'"):
        reg.prune(X, y - 1, target_sparsity=0.8)
    scaled = TransformedTargetRegressor(poisson(), func=None, transformer=_Up()).fit(X, y)
    with pytest.raises(TypeError, match="A scaler that shifts the target cannot be folded"):
        export_c(scaled, tmp_path / "m.c")


@pytest.mark.parametrize("losses", [("squared_error", "poisson"), ("poisson", "squared_error")])
def test_the_fitted_loss_counts_where_the_parameter_has_changed(counts, losses):
    X, y = counts
    reg = small(OBSPrunedMLPRegressor, loss=losses[0]).fit(X, y).set_params(loss=losses[1])
    assert_allclose(reg.to_sklearn().predict(X), reg.predict(X), rtol=1e-12)
    assert reg.to_sklearn().loss == losses[0]
    if losses[0] == "poisson":
        with pytest.raises(ValueError, match="Got y with the value"):
            reg.prune(X, -y, target_sparsity=0.8)


class _Up(StandardScaler):
    """A scaler whose targets are all positive."""

    def fit(self, y, *args):
        super().fit(y)
        self.mean_ = self.mean_ - 10 * self.scale_
        return self
