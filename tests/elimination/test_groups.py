import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracles import constrained_minimum, spd
from sklearn.datasets import load_iris
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from small_nets import ESTIMATORS, LABELS_ALONE, small

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.curvature import STRUCTURES, BlockInverse, FullInverse, inverted
from sklearn_obs.elimination import (
    PANEL,
    Group,
    eliminate_groups,
    eliminate_groups_ranked,
    group_saliencies,
)
from sklearn_obs.elimination.groups import LastGroupError, groups_of, least_left, not_last
from sklearn_obs.estimators.attributes import network_of

X, y = load_iris(return_X_y=True)


def units(paying, layer=1):
    """A group whose members are (positions, positions that pay)."""
    quiet, loud = paying
    members = np.array([*quiet, *loud])
    return Group(members, np.arange(members.size) >= len(quiet), layer)


def brute_force(weights, hessian, groups, n_remove):
    """Every group tried by its KKT system in each step, what does not pay put to 0 first."""
    w, living, order, costs = np.array(weights), set(range(len(weights))), [], []
    groups = list(groups)
    while len(order) < n_remove:
        keep = sorted(living)
        tried = []
        for group in groups:
            if not any(g.layer == group.layer for g in groups if g is not group):
                continue
            here = [m for m in group.members if m in living]
            quiet = [m for m, costs in zip(group.members, group.costs, strict=True) if not costs]
            start = w.copy()
            start[[m for m in quiet if m in living]] = 0
            new, cost = constrained_minimum(
                start[keep], hessian[np.ix_(keep, keep)], [keep.index(m) for m in here]
            )
            tried.append((cost, here, dict(zip(keep, new, strict=True)), group))
        cost, here, new, group = min(tried, key=lambda t: t[0])
        for i, value in new.items():
            w[i] = value
        w[here] = 0
        living -= set(here)
        order += here
        costs.append(cost)
        groups = [g for g in groups if g is not group]
    return order, costs, w


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("overlapping", [False, True])
def test_groups_go_as_brute_force_removes_them(seed, overlapping):
    rng = np.random.default_rng(seed)
    n = 14
    H, w = spd(rng, n, 50), rng.standard_normal(n)
    positions = rng.permutation(n)
    groups = [units((positions[i : i + 1], positions[i + 1 : i + 3])) for i in (0, 3, 6)]
    if overlapping:  # of the next layer, whose weights that do not pay are others' that do
        groups += [units((positions[[1, 4]], positions[9:11]), 2)]
        groups += [units((positions[[2, 8]], positions[11:13]), 2)]
    order, costs, weights = brute_force(w, H, groups, 6)
    path = eliminate_groups(w, FullInverse(H), groups, 6)
    assert_array_equal(path.order, order)
    assert_allclose(path.saliency.sum(), sum(costs), rtol=1e-10)
    assert_allclose(path.weights, weights, rtol=1e-9, atol=1e-10)
    assert not path.weights[path.order].any()


def test_what_does_not_pay_has_no_saliency_and_what_is_barred_is_not_recorded():
    rng = np.random.default_rng(0)
    H, w = spd(rng, 8), rng.standard_normal(8)
    groups = [units(([0, 1], [2, 3])), units(([4], [5, 6, 7]))]
    eligible = np.array([True, False, True, True, True, True, True, True])
    path = eliminate_groups(w, FullInverse(H.copy()), groups, 1, eligible=eligible)
    if path.order[0] == 0:
        assert_array_equal(path.order, [0, 2, 3])
        assert path.weights[1] == 0
        assert path.saliency[0] == 0
    else:
        assert_array_equal(path.order, [4, 5, 6, 7])
        assert path.saliency[0] == 0
    (cheapest,) = {group_saliencies(w, FullInverse(H), groups).min()}
    assert_allclose(path.saliency.sum(), cheapest, rtol=1e-12)


def test_block_inverse_serves_groups_across_blocks():
    rng = np.random.default_rng(3)
    n, a, b = 9, np.array([0, 2, 4, 6, 8]), np.array([1, 3, 5, 7])
    H = np.zeros((n, n))
    H[np.ix_(a, a)], H[np.ix_(b, b)] = spd(rng, 5), spd(rng, 4)
    w = rng.standard_normal(n)
    groups = [units(([], [0, 1, 2])), units(([5], [3, 4])), units(([], [6, 7, 8]))]
    blocks = BlockInverse([inverted(i, FullInverse(H[np.ix_(i, i)])) for i in (a, b)])
    assert_allclose(blocks.columns([3, 6], rows=[6, 0]), np.linalg.inv(H)[np.ix_([6, 0], [3, 6])])
    whole = eliminate_groups(w, FullInverse(H), groups, 5)
    apart = eliminate_groups(w, blocks, groups, 5)
    assert_array_equal(whole.order, apart.order)
    assert_allclose(whole.weights, apart.weights, atol=1e-12)


@pytest.mark.parametrize("in_blocks", [False, True])
def test_panels_and_stacks_remove_what_brute_force_removes(in_blocks):
    """More members than a panel holds, groups of one to seven members, spread over two blocks."""
    rng = np.random.default_rng(7)
    n = 2 * PANEL + 40
    H, w, shuffled = spd(rng, n, 50), rng.standard_normal(n), rng.permutation(n)
    half = np.sort(shuffled[::2])
    index = [half, np.setdiff1d(np.arange(n), half)]
    C = FullInverse(H)
    if in_blocks:
        H[np.ix_(*index)] = H[np.ix_(*index[::-1])] = 0
        C = BlockInverse([inverted(i, FullInverse(H[np.ix_(i, i)])) for i in index])
    ends = np.cumsum(rng.integers(1, 8, n))
    groups = [units(([], some)) for some in np.split(rng.permutation(n), ends[ends < n])]
    order, costs, weights = brute_force(w, H, groups, n - 20)
    path = eliminate_groups(w, C, groups, n - 20, stops=(PANEL,))
    assert_array_equal(path.order, order)
    assert_allclose(path.saliency.sum(), sum(costs), rtol=1e-9)
    assert_allclose(path.weights, weights, rtol=1e-8, atol=1e-9)
    (earlier,) = path.earlier
    assert_array_equal(earlier.order, order[: earlier.order.size])
    left = np.delete(np.arange(n), earlier.order)
    assert_allclose(
        earlier.weights[left],
        constrained_minimum(w, H, list(earlier.order))[0][left],
        rtol=1e-8,
        atol=1e-9,
    )


def joint_with(H, n_groups):
    """delta' H delta / 2, the update of each group put together from those of the blocks."""

    def joint(updates):
        delta = np.zeros((len(H), n_groups))
        for index, some, part in updates:
            delta[np.ix_(index, some)] += part
        return np.einsum("pg,pq,qg->g", delta, H, delta) / 2

    return joint


def test_the_joint_price_is_what_all_blocks_lose_together():
    rng = np.random.default_rng(5)
    n = 12
    H, w = spd(rng, n, 20), rng.standard_normal(n)
    index = [np.arange(0, n, 2), np.arange(1, n, 2)]
    groups = [units(([], np.arange(i, i + 3))) for i in range(0, n, 3)]

    def blocks():
        return BlockInverse([inverted(i, FullInverse(H[np.ix_(i, i)])) for i in index])

    apart_H = np.where(np.equal.outer(np.arange(n) % 2, np.arange(n) % 2), H, 0)
    alone = eliminate_groups(w, blocks(), groups, 9)
    same = eliminate_groups(w, blocks(), groups, 9, joint=joint_with(apart_H, 4))
    assert_array_equal(same.order, alone.order)
    assert_allclose(same.saliency, alone.saliency, rtol=1e-10)
    prices = []
    for group in groups:  # each block adjusts by itself; what it costs is by the whole H
        new = constrained_minimum(w, apart_H, list(group.members))[0]
        prices.append((new - w) @ H @ (new - w) / 2)
    first = eliminate_groups(w, blocks(), groups, 1, joint=joint_with(H, 4))
    cheapest = groups[int(np.argmin(prices))]
    assert_array_equal(first.order, cheapest.members)
    assert_allclose(first.saliency.sum(), min(prices), rtol=1e-9)
    assert not np.array_equal(first.order, alone.order[:3])  # here it makes a difference


def test_ranked_groups_take_the_least_sum_over_what_costs():
    groups = [units(([0], [1, 2])), units(([3], [4])), units(([], [5]))]
    score = np.array([-9, 3, 3, -9, 5, 7.0])
    path = eliminate_groups_ranked(np.ones(6), score, score, groups, 3, eligible=np.ones(6, bool))
    assert_array_equal(path.order, [3, 4, 0, 1, 2])
    assert_array_equal(path.saliency, [0, 5, 0, 3, 3])
    assert_array_equal(path.weights, [0, 0, 0, 0, 0, 1])


def test_the_last_group_of_a_layer_stays():
    groups = [units(([], [0]), 1), units(([], [1]), 2), units(([], [2]), 2)]
    assert_array_equal(not_last(np.array([1, 2, 2]), np.ones(3, bool)), [1, 2])
    with pytest.raises(LastGroupError):
        eliminate_groups(np.ones(3), FullInverse(np.eye(3)), groups, 2)


def test_groups_of_a_network_are_its_units_and_inputs():
    mlp = MLPClassifier((3, 2), max_iter=1, random_state=0)
    with pytest.warns(match="Maximum iterations"):
        mlp.fit(X, y)
    model = OBSPrunedMLPClassifier.from_sklearn(mlp)
    network = network_of(model, vars(model))
    position = np.arange(network.layout.n_parameters)
    found = groups_of("unit", network.layout, position)
    assert [group.layer for group in found] == [1, 1, 1, 2, 2]
    first = found[0]
    assert_array_equal(first.members[first.costs], network.layout.index[1][0])
    assert_array_equal(first.members[~first.costs], network.layout.index[0][:, 0])
    found = groups_of("input", network.layout, position)
    assert_array_equal([group.members for group in found], network.layout.index[0][:-1])
    left = least_left("unit", network.layout) & (position < network.layout.n_coefs)
    assert np.count_nonzero(left) == 4 + 1 + 3
    left = least_left("input", network.layout) & (position < network.layout.n_coefs)
    assert np.count_nonzero(left) == 3 + 3 * 2 + 2 * 3


@pytest.mark.parametrize("criterion", ["obs", "obd", "magnitude", "movement", "random"])
def test_whole_units_go_and_weights_inside_what_is_left_later(criterion):
    model = small(granularity="unit", criterion=criterion, target_sparsity=0.4).fit(X, y)
    # the unit that reaches the target is the last: at most 4 + 5 weights of 69 too many
    assert 0.4 <= model.sparsity_ < 0.4 + 9 / 69
    W, V, _ = model.masks_
    for layer, masks in enumerate((model.masks_[:2], model.masks_[1:])):
        ins, out = masks[0].any(axis=0), masks[1].any(axis=1)
        assert_array_equal(ins, out)
        assert_array_equal(model.units_[layer], np.flatnonzero(ins))
    assert W[:, model.units_[0]].all()
    assert V[np.ix_(*model.units_)].all()
    n_weights = model.n_weights_
    assert n_weights == 4 * W.any(0).sum() + V.sum() + 3 * V.any(0).sum()
    model.set_params(granularity="weight").prune(X, y, target_sparsity=0.8)
    assert model.n_weights_ == round(0.2 * 69)


@pytest.mark.parametrize("structure", ["auto", *STRUCTURES])
def test_every_structure_removes_groups(structure):
    # more passes than for the dense network, whose outputs are hardly worth imitating
    model = small(granularity="unit", structure=structure, target_sparsity=0.5, **LABELS_ALONE)
    model.fit(X, y)
    assert 0.5 <= model.sparsity_ < 0.75
    assert model.score(X, y) > 0.3
    model = small(granularity="input", structure=structure, target_sparsity=0.15).fit(X, y)
    assert model.inputs_.size == 2


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_intercepts_go_with_their_units_where_they_may(cls):
    model = small(cls, granularity="unit", prune_intercepts=True, target_sparsity=0.5).fit(X, y)
    for mask, units_left in zip(model.intercept_masks_, model.units_, strict=False):
        assert_array_equal(np.flatnonzero(mask), units_left)
    assert model.n_dead_weights_ == 0


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("criterion", ["obs", "magnitude"])
def test_importance_is_0_where_nothing_is_read_and_the_groups_saliency_elsewhere(cls, criterion):
    model = small(cls, target_sparsity=0.8, criterion=criterion).fit(X, y)
    read = np.isin(np.arange(4), model.inputs_)
    assert model.feature_importances_.shape == (4,)
    assert_array_equal(model.feature_importances_ > 0, read)


def test_importance_is_the_predicted_loss_of_removing_the_input():
    model = small(structure="full", target_sparsity=0.3, retrain_epochs=0).fit(X, y)
    assert model.n_dead_weights_ == 0
    importance = model.feature_importances_
    read = model.inputs_
    assert read.size > 1
    model.set_params(granularity="input", step=1)
    cheapest = read[np.argmin(importance[read])]
    # one more round, of one group: the input of least importance, at the predicted price
    model.prune(X, y, target_sparsity=1 - (model.n_weights_ - 1) / 69)
    assert_array_equal(model.inputs_, np.setdiff1d(read, cheapest))
    saliency = model.pruning_path_["saliency"][model.pruning_path_["round"] == model.n_rounds_]
    assert_allclose(saliency.sum(), importance[cheapest], rtol=1e-8)


def test_importances_serve_feature_selection():
    rng = np.random.default_rng(0)
    noisy = np.hstack([X, rng.standard_normal((len(X), 4))])
    chosen = RFE(
        small(hidden_layer_sizes=(4,), solver="lbfgs", alpha=0.1, max_iter=300),
        n_features_to_select=2,
    ).fit(noisy, y)
    assert set(np.flatnonzero(chosen.support_)) <= set(range(4))
    selector = SelectFromModel(small(granularity="input", target_sparsity=0.3), threshold=1e-300)
    pipeline = make_pipeline(selector, MLPClassifier((3,), max_iter=2000, random_state=0))
    pipeline.fit(noisy, y)
    model = pipeline[0].estimator_
    assert_array_equal(pipeline[0].get_support(indices=True), model.inputs_)


def test_no_importances_before_pruning():
    model = small(target_sparsity=0).fit(X, y)
    with pytest.raises(AttributeError, match=r"last round of pruning.*Prune"):
        _ = model.feature_importances_.size
    model.prune(X, y, target_sparsity=0.3)
    assert model.feature_importances_.size == 4


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"granularity": "layer"}, "granularity='layer'.*'weight', 'unit', 'input'"),
        (
            {"granularity": "unit", "target_sparsity": 0.99},
            r"sparsity of 0.9855 with granularity='unit'.*at most 0.8841.*granularity='weight'",
        ),
        (
            {"granularity": "input", "target_sparsity": 0.5},
            r"at most 0.2609: beyond it, the last input.*Lower `target_sparsity`",
        ),
        ({"granularity": "unit", "hidden_layer_sizes": ()}, "at most 0: beyond it"),
        ({"granularity": "unit", "n_swaps": 3}, "n_swaps=3 with granularity='unit'.*n_swaps=0"),
        (
            {"granularity": "input", "criterion": "layer_magnitude"},
            "criterion='layer_magnitude' with granularity='input'.*criterion='magnitude'",
        ),
    ],
)
def test_groups_refuse_what_cannot_be_before_training(parameters, message):
    model = small(**parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


def test_groups_that_cannot_reach_the_target_leave_the_network_as_it_was():
    model = small(target_sparsity=0.75).fit(X, y)
    before = model.n_weights_
    model.set_params(granularity="unit")
    with pytest.raises(ValueError, match=r"out of reach: the next one.*granularity='weight'"):
        model.prune(X, y, target_sparsity=0.97)  # 2 weights, of a path of 3
    assert model.n_weights_ == before
