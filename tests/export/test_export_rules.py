"""Rules: they are what the network does, and no longer than needed."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_nets import small

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor
from sklearn_obs.export import export_rules
from sklearn_obs.export.formula.cover import cover

SIZES = (3, 3, 2, 3, 4, 2)  # of the attributes of MONK's problems
MONK_NAMES = [f"a{i + 1}_{v + 1}" for i, n in enumerate(SIZES) for v in range(n)]
MONK_GROUPS = [name.split("_")[0] for name in MONK_NAMES]
ATTRIBUTES = np.array(list(itertools.product(*(range(1, n + 1) for n in SIZES))))
MONK_X = np.hstack(
    [a[:, None] == np.arange(1, n + 1) for a, n in zip(ATTRIBUTES.T, SIZES, strict=True)]
).astype(float)


def of_inputs(W, b, classes=(0, 1), names=None):
    """A linear network: class 1 where x W + b > 0."""
    net = OBSPrunedMLPClassifier((), target_sparsity=0, max_iter=1, random_state=0)
    net.fit(np.zeros((4, len(W))), np.array(classes)[[0, 1, 0, 1]])
    net.coefs_, net.intercepts_ = [np.array(W, float)[:, None]], [np.array([b], float)]
    return OBSPrunedMLPClassifier.from_sklearn(net.to_sklearn(), keep_zeros=True)


def weight_of(name):
    return np.array([float(each == name) for each in MONK_NAMES])


def test_monk_3_as_it_was_published():
    net = of_inputs(-weight_of("a5_4") - weight_of("a2_3"), 0.5)
    rules = export_rules(net, MONK_X, feature_names=MONK_NAMES, input_groups=MONK_GROUPS)
    assert rules.splitlines() == [
        "0 if",
        "    a5 is 4",
        "    or a2 is 3",
        "1 if",
        "    a5 is not 4 and a2 is not 3",
        "agrees with the network on 432 of 432 samples",
    ]


def test_monk_1_learned_by_a_network():
    y = (ATTRIBUTES[:, 0] == ATTRIBUTES[:, 1]) | (ATTRIBUTES[:, 4] == 1)
    net = OBSPrunedMLPClassifier(
        (4,), "tanh", solver="lbfgs", alpha=1e-2, max_iter=1000, random_state=0, target_sparsity=0.7
    ).fit(MONK_X, y)
    assert net.score(MONK_X, y) == 1
    rules = export_rules(net, MONK_X, feature_names=MONK_NAMES, input_groups=MONK_GROUPS)
    of_true = rules.split("True if\n")[1].splitlines()
    assert of_true[0].strip() == "a5 is 1"
    assert {line.strip().removeprefix("or ") for line in of_true[1:-1]} == {
        f"a1 is {v} and a2 is {v}" for v in (1, 2, 3)
    }


def read_rules(text, attributes, default=None):
    """The class of each row by the text alone: slow and independent of how it was made."""
    found = np.full(len(attributes), "", object)
    name = None
    for line in text.splitlines()[:-1]:
        if line.endswith(" if"):
            name = line.removesuffix(" if")
            continue
        if line.endswith(" always"):
            found[:] = line.removesuffix(" always")
            continue
        if line.endswith(" never"):
            continue
        inside = np.ones(len(attributes), bool)
        for part in line.strip().removeprefix("or ").split(" and "):
            variable, said = part.split(" is ")
            values = attributes[:, int(variable[1:]) - 1].astype(str)
            if said.startswith("neither "):
                inside &= ~np.isin(values, said.removeprefix("neither ").split(" nor "))
            elif said.startswith("not "):
                inside &= values != said.removeprefix("not ")
            else:
                inside &= np.isin(values, said.split(" or "))
        assert not (inside & (found != "") & (found != name)).any()  # no sample in two classes
        found[inside] = name
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n_classes", [2, 3])
def test_rules_say_what_the_network_does(seed, n_classes):
    rng = np.random.default_rng(seed)
    y = rng.integers(n_classes, size=len(MONK_X))
    net = small(random_state=seed, target_sparsity=0.75, max_iter=60, hidden_layer_sizes=(5,))
    net.fit(MONK_X, y)
    if len(net.inputs_) > 12:
        net.prune(MONK_X, y, target_sparsity=0.9)
    rules = export_rules(net, MONK_X, feature_names=MONK_NAMES, input_groups=MONK_GROUPS)
    assert rules.endswith("agrees with the network on 432 of 432 samples")
    assert_array_equal(read_rules(rules, ATTRIBUTES), net.predict(MONK_X).astype(str))


def test_a_pipeline_and_single_columns():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 2, 90), rng.choice([10, 20, 30], 90), rng.normal(size=90)])
    y = np.where((X[:, 0] == 1) & (X[:, 1] > 10), "go", "stay")
    net = OBSPrunedMLPClassifier((4,), solver="lbfgs", random_state=1, target_sparsity=0.5)
    model = make_pipeline(StandardScaler(), net).fit(X[:, :2], y)
    rules = export_rules(model, X[:, :2], feature_names=["open", "speed"])
    assert "open is 1 and speed is not 10" in rules or "speed is not 10 and open is 1" in rules
    assert rules.endswith("90 of 90 samples")


def test_one_hot_with_a_dropped_or_unknown_value():
    """Rows without a 1 are a value of their own, together with those that are not read."""
    names = ["c=red", "c=blue", "c=green"]
    X = np.vstack([np.eye(3), np.zeros((1, 3))])
    net = of_inputs([1, 0, 0], -0.5, classes=("other", "red"))
    rules = export_rules(net, X, feature_names=names, input_groups=["c"] * 3)
    assert rules.splitlines()[:4] == ["other if", "    c is not red", "red if", "    c is red"]


def test_label_sets_and_a_single_class():
    X = np.array(list(itertools.product((0, 1), repeat=3)) * 10)
    Y = np.c_[X[:, 0], X[:, 0] & X[:, 1]]
    net = OBSPrunedMLPClassifier((6,), solver="lbfgs", random_state=0, target_sparsity=0.4)
    rules = export_rules(net.fit(X, Y), X, class_names=["p", "q"])
    assert "p if\n    x0 is 1\n" in rules
    assert "q if\n    x0 is 1 and x1 is 1\n" in rules
    only = small().fit(X, np.full(80, "only"))
    assert export_rules(only, X).startswith("only always")


def test_a_cover_is_exact_and_short():
    """Against every set of combinations of three small variables: exact, and no cube is spare."""
    n_states = [2, 3, 2]
    every = np.array(list(itertools.product(*map(range, n_states))))
    rng = np.random.default_rng(0)
    for _ in range(300):
        wanted = rng.random(len(every)) < rng.random()
        cubes = cover(every, wanted, n_states)
        inside = [
            [all(s in states for s, states in zip(row, cube, strict=True)) for row in every]
            for cube in cubes
        ]
        inside = np.array(inside, bool).reshape(len(cubes), len(every))
        assert_array_equal(inside.any(axis=0), wanted)
        for k in range(len(cubes)):
            assert not (np.delete(inside, k, axis=0).any(axis=0) >= wanted).all()
            for axis, size in enumerate(n_states):  # none can allow one state more
                for state in set(range(size)) - cubes[k][axis]:
                    more = [*cubes[k]]
                    more[axis] = frozenset({state})
                    rows = [
                        all(s in states for s, states in zip(row, more, strict=True))
                        for row in every
                    ]
                    assert not wanted[np.array(rows)].all()


def test_what_is_refused(iris):
    X, y = iris
    net = small().fit(X, y)
    with pytest.raises(ValueError, match=r"different values, but rules are for .*Use export_text"):
        export_rules(net, X)
    with pytest.raises(TypeError, match="Got a regression, but rules are for classes"):
        export_rules(small(OBSPrunedMLPRegressor).fit(X, y), X)
    with pytest.raises(ValueError, match="Got X with 2 columns, but the model has 4"):
        export_rules(net, X[:, :2])
    with pytest.raises(ValueError, match="3 labels, but X has 4 features"):
        export_rules(net, X, input_groups=["a", "a", "b"])
    with pytest.raises(ValueError, match="group 'a' of 4 columns, but expected one-hot"):
        export_rules(net, X, input_groups=["a"] * 4)
    wide = of_inputs(np.ones(13), 0.5)
    with pytest.raises(ValueError, match=r"reads 13 inputs, but rules are for at most 12\. Prune"):
        export_rules(wide, np.zeros((2, 13)))
    rows = np.arange(10)[:, None] * np.ones(12)
    with pytest.raises(ValueError, match=r"Got inputs with 1,000,000,000,000 combinations"):
        export_rules(of_inputs(np.ones(12), 0.5), rows)


def test_networks_that_read_nothing():
    X = np.array(list(itertools.product((0, 1), repeat=3)) * 5, float)
    net = of_inputs([0.0, 0.0, 0.0], 0.5)
    assert export_rules(net, X).splitlines() == [
        "0 never",
        "1 always",
        "agrees with the network on 40 of 40 samples",
    ]


def test_groups_with_gaps_and_values_that_are_close():
    X = np.array(list(itertools.product((10115, 10117), (0, 1))) * 5, float)
    net = of_inputs([1.0, 0.0], -10116.0)
    rules = export_rules(net, X, input_groups=[np.nan, None])
    assert "x0 is 10117" in rules and "x0 is 10115" in rules
    assert rules.endswith("20 of 20 samples")
