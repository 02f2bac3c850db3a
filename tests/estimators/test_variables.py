"""Variables of several inputs: their labels, where these come from, and what is removed by them."""

from copy import copy

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracles import constrained_minimum, jacobian
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from small_nets import ESTIMATORS, small

from sklearn_obs import OBSPrunedMLPCV, input_groups_of, input_importances, obs_pruning_path
from sklearn_obs.estimators.core_plan import plan_of
from sklearn_obs.inspection import hessian
from sklearn_obs.network import Layout, Network, forward
from sklearn_obs.pruning import Scope

GROUPS = ["a", None, "b", "a", "b", None]  # of six inputs: four variables
VARIABLES = [[0, 3], [1], [2, 4], [5]]


@pytest.fixture
def six():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((120, 6))
    return X, X[:, 0] - X[:, 3] + 0.5 * X[:, 2] + 0.1 * rng.standard_normal(120)


def targets(estimator, y):
    return y if estimator is ESTIMATORS[1] else np.digitize(y, np.quantile(y, [1 / 3, 2 / 3]))


@pytest.mark.parametrize("structure", ["full", "layer", "unit"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_variable_has_the_joint_saliency_of_its_inputs(six, estimator, structure):
    X, y = six
    options = {"solver": "lbfgs", "max_iter": 100, "structure": structure, "input_groups": GROUPS}
    model = small(estimator, target_sparsity=0.3, **options).fit(X, targets(estimator, y))
    found = input_importances(model, X, targets(estimator, y))
    assert found.names == ["a", "x1", "b", "x5"]
    assert [inputs.tolist() for inputs in found.inputs] == VARIABLES
    H, index = hessian(model, X, targets(estimator, y))  # of the structure, which makes delta
    whole, _ = hessian(copy(model).set_params(structure="full"), X, targets(estimator, y))
    w = np.array(
        [model.coefs_[l][i, j] if i >= 0 else model.intercepts_[l][j] for l, i, j in index]
    )
    for mean, inputs in zip(found.importances_mean, VARIABLES, strict=True):
        of_variable = np.flatnonzero((index[:, 0] == 0) & np.isin(index[:, 1], inputs))
        delta = constrained_minimum(w, H, of_variable)[0] - w
        # H is well damped: 1e-8 is far above the rounding of either route
        assert_allclose(mean, delta @ whole @ delta / 2, rtol=1e-8)
        read = np.intersect1d(inputs, model.inputs_)
        assert (model.feature_importances_[read] == mean).all()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_spread_is_that_of_resampled_rows(six, estimator, weighted):
    """Each sample's rise, from finite differences and a dense H; means of it drawn 20,000 times."""
    X, y = six[0], targets(estimator, six[1])
    weight = np.linspace(0.5, 2, len(X)) if weighted else None
    options = {"activation": "tanh", "solver": "lbfgs", "max_iter": 200, "alpha": 1.0}
    model = small(estimator, target_sparsity=0, structure="full", input_groups=GROUPS, **options)
    model.fit(X, y, sample_weight=weight)
    found = input_importances(model, X, y, sample_weight=weight)
    H, index = hessian(model, X, y, sample_weight=weight)
    network = Network(
        tuple(model.coefs_), tuple(model.intercepts_), model.activation, model.out_activation_
    )
    at = [
        network.layout.index[l][i if i >= 0 else -1, j] for l, i, j in index
    ]  # flat indices of the rows of H
    Y = y[:, None] if estimator is ESTIMATORS[1] else np.eye(3)[y]
    shares = np.full(len(X), 1 / len(X)) if weight is None else weight / weight.sum()

    def losses(theta):
        full = network.theta.copy()
        full[at] = theta
        p = forward(network.with_theta(full), X)[-1]
        if model.out_activation_ == "identity":
            return ((p - Y) ** 2).sum(axis=1) / 2
        return -np.log((p * Y).sum(axis=1))

    w, rng = network.theta[at], np.random.default_rng(0)
    J = jacobian(losses, w, 1e-5)
    bends = _bends(network, X, at)
    for std, inputs in zip(found.importances_std, VARIABLES, strict=True):
        of_variable = np.flatnonzero((index[:, 0] == 0) & np.isin(index[:, 1], inputs))
        delta = constrained_minimum(w, H, of_variable)[0] - w
        q = J @ delta + np.einsum("tpq,p,q->t", bends, delta, delta) / 2
        n = round(1 / (shares**2).sum())
        drawn = rng.choice(len(X), size=(20_000, n), p=shares)
        # of 20,000 means the deviation is known to 1 / sqrt(40,000); n is rounded
        assert_allclose(std, q[drawn].mean(axis=1).std(), rtol=0.03)


def _bends(network, X, at):
    """Each sample's own Gauss-Newton matrix over the parameters `at`, (n, m, m)."""

    def linear(theta):
        full = network.theta.copy()
        full[at] = theta
        p = forward(network.with_theta(full), X)[-1]
        return p if network.out_activation == "identity" else np.log(p)

    J = jacobian(linear, network.theta[at], 1e-5)  # of z, but for a constant of each sample
    p = forward(network, X)[-1]
    if network.out_activation == "identity":
        S = np.broadcast_to(np.eye(p.shape[1]), (len(p), p.shape[1], p.shape[1]))
    else:
        S = np.eye(p.shape[1]) * p[:, None] - p[:, :, None] * p[:, None]
    return np.einsum("tkp,tkl,tlq->tpq", J, S, J)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_without_an_update_it_is_what_the_weights_of_a_variable_lose_together(six, estimator):
    X, y = six[0], targets(estimator, six[1])
    options = {"solver": "lbfgs", "max_iter": 100, "input_groups": GROUPS, "structure": "full"}
    model = small(estimator, target_sparsity=0.3, criterion="magnitude", **options).fit(X, y)
    found = input_importances(model, X, y)
    H, index = hessian(model, X, y, damping=0)
    w = np.array(
        [model.coefs_[l][i, j] if i >= 0 else model.intercepts_[l][j] for l, i, j in index]
    )
    for mean, inputs in zip(found.importances_mean, VARIABLES, strict=True):
        delta = np.where((index[:, 0] == 0) & np.isin(index[:, 1], inputs), -w, 0)
        assert_allclose(mean, delta @ H @ delta / 2, rtol=1e-9)
    assert (found.importances_std > 0).all()


def test_thinned_samples_say_about_the_same(six, monkeypatch):
    """G delta of fewer samples, where that of all would be too large an array."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((2000, 4))
    y = (X[:, 0] - X[:, 1] + rng.logistic(size=2000) > 0).astype(int)
    model = small(target_sparsity=0, max_iter=100, n_curvature_samples=2000).fit(X, y)
    whole = input_importances(model, X, y)
    monkeypatch.setattr("sklearn_obs.pruning.joint.MOST_NUMBERS", 4 * 500)
    some = input_importances(model, X, y)
    # of 500 samples: a relative standard error of some 5 %
    assert_allclose(some.importances_mean, whole.importances_mean, rtol=0.2)
    assert_allclose(some.importances_std, whole.importances_std, rtol=0.2)


def test_noise_has_a_spread_as_large_as_its_importance():
    """Of a logistic regression 2 n L is Wald's z^2 and the spread |z| / n: the ratio is |z| / 2."""
    rng = np.random.default_rng(1)
    n = 4000
    X = rng.standard_normal((n, 6))
    y = X[:, 0] - X[:, 1] + rng.logistic(size=n) > 0
    options = {"solver": "lbfgs", "max_iter": 500, "alpha": 1e-6, "damping": 1e-6}
    model = small(hidden_layer_sizes=(), target_sparsity=0, n_curvature_samples=n, **options)
    found = input_importances(model.fit(X, y), X, y)
    ratio = found.importances_mean / found.importances_std
    # z of noise is beyond 3 in one of 370 cases
    assert ratio[:2].min() > 5 > 1.5 > ratio[2:].max()
    z = np.sqrt(2 * n * found.importances_mean)
    # Fisher's information of so many samples is known to a few percent
    assert_allclose(ratio[2:], z[2:] / 2, rtol=0.1)


@pytest.mark.parametrize("criterion", ["obs", "obd", "magnitude", "random"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_variables_are_removed_whole(six, estimator, criterion):
    X, y = six[0], targets(estimator, six[1])
    options = {"granularity": "input", "input_groups": GROUPS, "criterion": criterion}
    trained = {"solver": "lbfgs", "max_iter": 300, "alpha": 1, "hidden_layer_sizes": (6,)}
    model = small(estimator, target_sparsity=0.3, step=1, **options, **trained).fit(X, y)
    left = set(model.inputs_.tolist())
    assert 0 < len(left) < 6
    for inputs in VARIABLES:
        assert left.issuperset(inputs) or left.isdisjoint(inputs)
    if criterion in ("obs", "obd"):
        assert left >= {0, 3}  # the signal


def prefix(names):
    """A column's variable: what its name begins with."""
    return [name.split("__")[-1].split("_")[0] for name in names]


def test_a_callable_works_in_each_fold_of_a_search(mixed):
    frame, y = mixed
    columns = make_column_transformer(
        (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["colour", "shape"]),
        (StandardScaler(), ["size", "noise"]),
    ).set_output(transform="pandas")
    net = small(granularity="input", input_groups=prefix, target_sparsity=0.2)
    pipeline = make_pipeline(columns, net)
    search = GridSearchCV(pipeline, {"obsprunedmlpclassifier__target_sparsity": [0, 0.2]}, cv=2)
    found = input_importances(search.fit(frame, y), frame, y)
    assert sorted(found.names) == ["colour", "noise", "shape", "size"]
    ours = OBSPrunedMLPCV(pipeline, sparsities=3, cv=2).fit(frame, y)
    # 11 columns, 6 and 5 units, one output; the largest variable, of six colours, stays
    assert_allclose(ours.sparsities_[-1], 1 - (6 * 6 + 6 * 5 + 5) / (11 * 6 + 6 * 5 + 5))
    labels = input_groups_of(ours.estimator_[:-1])
    assert_array_equal(labels, prefix(ours.estimator_[0].get_feature_names_out()))
    path = obs_pruning_path(
        clone(net).set_params(input_groups=labels),
        ours.estimator_[0].transform(frame).to_numpy(),
        y,
        sparsities=3,
    )
    assert_array_equal(path.sparsities, ours.sparsities_)


@pytest.fixture
def mixed():
    rng = np.random.default_rng(0)
    n = 200
    frame = pd.DataFrame(
        {
            "colour": rng.choice(["red", "green", "blue", "black", "white", "pink"], n),
            "shape": rng.choice(["round", "long", "flat"], n),
            "size": rng.standard_normal(n),
            "noise": rng.standard_normal(n),
        }
    )
    return frame, ((frame["shape"] == "flat") ^ (frame["size"] > 0)).to_numpy().astype(int)


def test_compact_keeps_the_labels_of_what_is_read(six):
    X, y = six[0], targets(ESTIMATORS[0], six[1])
    model = small(granularity="input", input_groups=GROUPS, target_sparsity=0.3, step=1).fit(X, y)
    compacted = model.compact(drop_inputs=True)
    assert compacted.input_groups == [GROUPS[i] for i in model.inputs_]
    some = input_importances(compacted, X[:, model.inputs_], y)
    every = input_importances(model, X, y)
    read = every.importances_mean > 0
    # compaction folds constants; the curvature samples are all samples
    assert_allclose(some.importances_mean, every.importances_mean[read], rtol=1e-8)


ENCODERS = {
    "one-hot": OneHotEncoder(),
    "first dropped": OneHotEncoder(drop="first"),
    "pairs dropped": OneHotEncoder(drop="if_binary"),
    "rare together": OneHotEncoder(min_frequency=40, handle_unknown="infrequent_if_exist"),
    "at most three": OneHotEncoder(max_categories=3, drop="first"),
    "ordinal": OrdinalEncoder(),
}


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_labels_are_the_columns_that_names_begin_with(mixed, encoder, named):
    frame, _ = mixed
    frame = frame.assign(
        pair=np.where(frame["size"] > 1, "u", "v"), size=frame["size"].mask(frame["noise"] > 1)
    )
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    chosen = (["colour", "shape", "pair"], ["size", "noise"]) if named else ([0, 1, 4], [2, 3])
    X = frame if named else frame.to_numpy()
    columns = make_column_transformer((ENCODERS[encoder], chosen[0]), (numbers, chosen[1])).fit(X)
    after = [
        name.split("__")[1].removeprefix("missingindicator_")
        for name in columns.get_feature_names_out()
    ]
    assert_array_equal(input_groups_of(columns), [name.split("_")[0] for name in after])
    assert len(after) == columns.transform(X).shape[1]


def test_labels_of_other_transformers(mixed):
    frame, y = mixed
    numbers = frame[["size", "noise"]]
    bins = KBinsDiscretizer(3, encode="onehot-dense", strategy="uniform").fit(numbers)
    assert input_groups_of(bins).tolist() == ["size"] * 3 + ["noise"] * 3
    mixed_up = make_pipeline(StandardScaler(), PCA(2)).fit(numbers)
    assert input_groups_of(mixed_up).tolist() == [None, None]
    chosen = make_pipeline(StandardScaler(), SelectKBest(k=1), LogisticRegression()).fit(numbers, y)
    assert input_groups_of(chosen).tolist() == ["size"]
    parts = ColumnTransformer(
        [
            ("dropped", "drop", ["noise"]),
            ("category", OneHotEncoder(), make_column_selector(dtype_exclude="number")),
            ("nothing", StandardScaler(), []),
        ],
        remainder="passthrough",
    ).fit(frame)
    assert input_groups_of(parts).tolist() == ["colour"] * 6 + ["shape"] * 3 + ["size"]
    with pytest.raises(NotFittedError):
        input_groups_of(StandardScaler())
    with pytest.raises(TypeError, match="LogisticRegression without `get_feature_names_out`"):
        input_groups_of(LogisticRegression().fit(numbers, y))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["a", "b"], r"2 labels, but X has 6 features. Expected a label for each feature"),
        ("ab", r"input_groups='ab', but expected a label for each feature, a callable"),
        (3, "input_groups=3, but expected a label for each feature"),
        (prefix, r"needs the names of the features, but X has none. Pass X as a DataFrame"),
    ],
)
def test_groups_that_do_not_fit_are_refused_before_training(six, groups, message):
    X, y = six[0], targets(ESTIMATORS[0], six[1])
    model = small(input_groups=groups, granularity="input", target_sparsity=0.1)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")
    fitted = small(target_sparsity=0.1).fit(X, y).set_params(input_groups=groups)
    for call in (fitted.prune, lambda X, y: input_importances(fitted, X, y)):
        with pytest.raises(ValueError, match=message):
            call(X, y)


@pytest.mark.parametrize(
    "groups",
    [
        [("a", 1), None, ("b", 1), ("a", 1), ("b", 1), None],
        pd.Series(["a", None, "b", "a", "b", None], dtype="string"),
        pd.Series([1, None, 2, 1, 2, None], dtype="Int64"),
        pd.Series(["a", np.nan, "b", "a", "b", np.nan], index=list("uvwxyz")),
        np.array([1, np.nan, 2, 1, 2, np.nan]),
        pd.Index(["a", None, "b", "a", "b", None]),
        (True, None, False, True, False, None),
    ],
    ids=lambda groups: type(groups).__name__,
)
def test_labels_of_every_kind_and_their_container(six, groups):
    X, y = six[0], targets(ESTIMATORS[0], six[1])
    model = small(input_groups=groups, granularity="input", target_sparsity=0.2, step=1).fit(X, y)
    left = set(model.inputs_.tolist())
    for inputs in VARIABLES:
        assert left.issuperset(inputs) or left.isdisjoint(inputs)
    assert [inputs.tolist() for inputs in input_importances(model, X, y).inputs] == VARIABLES
    compacted = model.compact(drop_inputs=True)
    variables = [
        inputs.tolist() for inputs in input_importances(compacted, X[:, model.inputs_], y).inputs
    ]
    assert [model.inputs_[inputs].tolist() for inputs in variables] == [
        inputs for inputs in VARIABLES if left.issuperset(inputs)
    ]


@pytest.mark.parametrize("groups", [np.eye(6), [["a"]] * 6, {"a": 1}, b"abcdef"])
def test_what_holds_no_labels(six, groups):
    with pytest.raises(ValueError, match="expected a label for each feature"):
        small(input_groups=groups).fit(six[0], targets(ESTIMATORS[0], six[1]))


def test_idle_steps_and_steps_that_name_nothing(mixed):
    frame, y = mixed
    numbers = frame[["size", "noise"]]
    idle = Pipeline([("first", "passthrough"), ("scaler", StandardScaler()), ("last", None)])
    assert input_groups_of(idle.fit(numbers)).tolist() == ["size", "noise"]
    net = make_pipeline(StandardScaler(), "passthrough", small()).fit(numbers, y)
    assert input_groups_of(net[:-1]).tolist() == ["size", "noise"]
    columns = make_column_transformer(
        (OneHotEncoder(), ["shape"]), (FunctionTransformer(np.abs), ["size", "noise"])
    ).fit(frame)
    assert input_groups_of(columns).tolist() == ["shape"] * 3 + [None, None]


def test_a_pipeline_s_steps_name_the_variables(mixed):
    frame, y = mixed
    numbers = frame[["size", "noise"]]
    pipeline = make_pipeline(StandardScaler(), small(hidden_layer_sizes=(3,))).fit(numbers, y)
    assert input_importances(pipeline, numbers, y).names == ["size", "noise"]
    with pytest.raises(NotFittedError):
        input_importances(GridSearchCV(small(), {"alpha": [1]}), numbers, y)


def test_variables_count_and_not_their_columns(six):
    groups = np.repeat(np.arange(10), 30)
    net = small(granularity="input", input_groups=groups)
    layout = Layout((300, 5, 3))
    assert Scope.of(layout, plan_of(net, 300), np.ones((2, 300))).joint
    assert not Scope.of(layout, plan_of(net.set_params(input_groups=None)), np.ones((2, 300))).joint


def test_a_callable_that_returns_too_few_labels(six):
    X = pd.DataFrame(six[0], columns=list("abcdef"))
    model = small(input_groups=lambda names: names[:2])
    with pytest.raises(ValueError, match="2 labels, but X has 6 features"):
        model.fit(X, targets(ESTIMATORS[0], six[1]))


def test_the_last_variable_stays(six):
    X, y = six[0], targets(ESTIMATORS[0], six[1])
    one = small(input_groups=["all"] * 6, granularity="input", target_sparsity=0.1)
    with pytest.raises(ValueError, match=r"at most 0: beyond it, the last input"):
        one.fit(X, y)
    # six inputs of 6 weights, 30 and 15 more; the largest variable, of two inputs, stays
    with pytest.raises(ValueError, match=f"at most {24 / 81:.4g}"):
        small(input_groups=GROUPS, granularity="input", target_sparsity=0.35).fit(X, y)


@pytest.mark.parametrize("search", [OBSPrunedMLPCV, GridSearchCV])
def test_a_search_has_its_transformers_inside(search):
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), small())
    options = {"sparsities": [0.5], "cv": 2} if search is OBSPrunedMLPCV else {"param_grid": {}}
    fitted = search(pipeline, **options).fit(X, y)
    found = "estimator_" if search is OBSPrunedMLPCV else "best_estimator_"
    with pytest.raises(TypeError, match=rf"pass `{found}\[:-1\]`"):
        input_groups_of(fitted)
    assert input_groups_of(getattr(fitted, found)[:-1]).tolist() == ["x0", "x1", "x2", "x3"]
