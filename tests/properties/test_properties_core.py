"""Elimination, swaps and compaction against slow and obvious computations, on random input.

By default the same examples are drawn every time. The long form, with as many others as is asked
for::

    SKLEARN_OBS_EXAMPLES=10000 python -m pytest tests/properties
"""

import itertools
import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from unittest import mock

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from networks import random_network
from numpy.testing import assert_allclose, assert_array_equal
from oracles import constrained_minimum, spd, textbook

from sklearn_obs.curvature import BlockInverse, FullInverse, LowRankInverse, inverted
from sklearn_obs.elimination import (
    Block,
    BlockTask,
    SwapModel,
    all_at_once,
    blocks,
    eliminate,
    eliminate_blocks,
    eliminate_groups,
    eliminate_groups_ranked,
    eliminate_ranked,
    greedy,
    group_saliencies,
)
from sklearn_obs.elimination.groups import LastGroupError, groups_of
from sklearn_obs.network import Layout, forward
from sklearn_obs.network.compaction import (
    Orphans,
    compacted,
    dead_weights,
    fold_constants,
    inputs_read,
    remaining_units,
)

EXAMPLES = int(os.environ.get("SKLEARN_OBS_EXAMPLES", "200"))  # of all tests of this module
DERANDOMIZED = "SKLEARN_OBS_EXAMPLES" not in os.environ

RTOL = 1e-7  # cond(H) <= 1e3, some thirty removals, squares


def examples(share):
    """Settings for that share of the examples."""
    return settings(
        max_examples=max(1, round(share * EXAMPLES)),
        derandomize=DERANDOMIZED,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )


@dataclass
class Quadratic:
    """Weights at the minimum of a quadratic loss, and what may be removed."""

    weights: np.ndarray
    H: np.ndarray = field(repr=False)
    eligible: np.ndarray
    n_remove: int
    stops: tuple
    freed: dict  # weight -> the weights that its removal leaves without effect
    pieces: list  # indices of the blocks of H
    drawn: tuple  # what they are made from

    @property
    def n(self):
        return self.weights.size

    def freed_by(self, q):
        return np.array(self.freed.get(int(q), []), np.intp)

    def blocks(self, at_hand=True):
        """Those of H: their inverses at hand, or made whenever they are asked for."""
        pieces = [(i, self.H[np.ix_(i, i)]) for i in self.pieces]
        if at_hand:
            return [inverted(i, FullInverse(H)) for i, H in pieces]
        return [Block(i, BlockTask("a block", FullInverse), H) for i, H in pieces]


@st.composite
def quadratics(draw, one_block=False, most_blocks=5):
    """A random quadratic loss, block-diagonal unless it is `one_block`."""
    seed = draw(st.integers(0, 2**31))
    rng = np.random.default_rng(seed)
    n_blocks = 1 if one_block else draw(st.integers(1, most_blocks))
    sizes = draw(st.lists(st.integers(1, 9), min_size=n_blocks, max_size=n_blocks))
    n = sum(sizes) if not one_block else draw(st.integers(1, 30))
    sizes = [n] if one_block else sizes
    scale = 10.0 ** draw(st.sampled_from([0, 0, 0, -3, 5, -40, 40]))
    H, pieces = np.zeros((n, n)), []
    condition = draw(st.sampled_from([1.0, 10.0, 1000.0]))
    for index in np.split(rng.permutation(n), np.cumsum(sizes)[:-1]):
        i = np.sort(index)
        H[np.ix_(i, i)] = scale * spd(rng, i.size, condition)
        pieces.append(i)
    weights = rng.standard_normal(n) * rng.choice([1, 1e-3, 10], size=n)
    eligible = rng.random(n) < draw(st.sampled_from([1.0, 0.7]))
    n_eligible = int(eligible.sum())
    n_remove = draw(st.integers(0, n_eligible))
    stops = sorted(draw(st.sets(st.integers(1, max(1, n_remove - 1)), max_size=3)))
    if n_remove < 2:
        stops = []
    freed = {
        int(q): rng.permutation(n)[: rng.integers(1, 4)].tolist()
        for q in rng.permutation(n)[: draw(st.integers(0, 4))]
    }
    return Quadratic(weights, H, eligible, n_remove, tuple(stops), freed, pieces, (seed, scale))


@contextmanager
def sizes(small):
    """A context in which panels and paths are short, if `small`, so that they are cut and go on."""
    with ExitStack() as stack:
        if small:
            stack.enter_context(mock.patch.multiple(greedy, PANEL=3, CANDIDATES=5))
            stack.enter_context(mock.patch.multiple(blocks, AHEAD=0.3, MARGIN=1, HELD=0))
        yield


def slowly(q):
    """`eliminate`, H inverted anew after each removal: (order, saliencies, states)."""
    w, living, order, saliencies, states = q.weights.copy(), list(range(q.n)), [], [], [q.weights]
    for _ in range(q.n_remove):
        C = np.linalg.inv(q.H[np.ix_(living, living)])
        saliency = w[living] ** 2 / (2 * C.diagonal())
        candidates = [at for at, i in enumerate(living) if q.eligible[i]]
        at = min(candidates, key=lambda at: saliency[at])
        gone = living[at]
        order.append(gone)
        saliencies.append(saliency[at])
        w[living] -= w[gone] / C[at, at] * C[:, at]
        w[gone] = 0
        living.remove(gone)
        w[[i for i in q.freed_by(gone) if i in living]] = 0
        states.append(w.copy())
    return np.array(order, np.intp), np.array(saliencies), states


def path_is(path, expected, q):
    """Order, saliencies, weights, and what stood at each stop."""
    order, saliency, states = expected
    assert_array_equal(path.order, order)
    tiny = 1e-12 * float(q.weights**2 @ q.H.diagonal())
    assert_allclose(path.saliency, saliency, rtol=RTOL, atol=tiny)
    near = {"rtol": 0, "atol": RTOL * max(1.0, np.abs(q.weights).max())}
    assert_allclose(path.weights, states[-1], **near)
    assert_array_equal(path.weights[order], 0)
    assert len(path.earlier) == len(q.stops)
    for stop, earlier in zip(q.stops, path.earlier, strict=True):
        assert_array_equal(earlier.order, order[:stop])
        assert_array_equal(earlier.saliency, path.saliency[:stop])
        assert_allclose(earlier.weights, states[stop], **near)
        assert_array_equal(earlier.weights[order[:stop]], 0)


def seen(calls):
    """A callable that notes which weights were said to be removed."""

    def watch(function):
        return lambda q: calls.append(int(q)) or function(q)

    return watch


@examples(0.2)
@given(quadratics(), st.booleans(), st.booleans())
def test_blocks_are_removed_as_one_matrix_is(q, small, at_hand):
    expected = slowly(q)
    options = {"eligible": q.eligible, "stops": q.stops}
    with sizes(small):
        apart, whole = [], []
        by_blocks = eliminate_blocks(
            q.weights, q.blocks(at_hand), q.n_remove, freed=seen(apart)(q.freed_by), **options
        )
        by_one = eliminate(
            q.weights, FullInverse(q.H), q.n_remove, freed=seen(whole)(q.freed_by), **options
        )
        joined = eliminate(
            q.weights, BlockInverse(q.blocks()), q.n_remove, freed=q.freed_by, **options
        )
    for path in (by_blocks, by_one, joined):
        path_is(path, expected, q)
    assert apart == whole == expected[0].tolist()


@examples(0.2)
@given(quadratics(one_block=True), st.booleans())
def test_the_loop_is_the_textbooks(q, small):
    q.freed = {}
    expected = textbook(q.weights, np.linalg.inv(q.H), q.n_remove, q.eligible)
    kept = q.H.copy()
    with sizes(small):
        path = eliminate(
            q.weights, FullInverse(q.H), q.n_remove, eligible=q.eligible, stops=q.stops
        )
    assert_array_equal(q.H, kept)
    path_is(path, slowly(q), q)
    assert_array_equal(path.order, expected[0])
    C = FullInverse(q.H)
    for n_removed in (*q.stops, q.n_remove):
        removed = path.order[:n_removed]
        at_once = all_at_once(q.weights, C.columns(removed), removed)
        minimum, cost = constrained_minimum(q.weights, q.H, removed)
        near = {"rtol": 0, "atol": RTOL * max(1.0, np.abs(q.weights).max())}
        stood = path if n_removed == q.n_remove else path.earlier[q.stops.index(n_removed)]
        assert_allclose(at_once, stood.weights, **near)
        assert_allclose(at_once, minimum, **near)
        assert_allclose(path.saliency[:n_removed].sum(), cost, rtol=1e-6)


@examples(0.08)
@given(st.integers(0, 2**31), st.integers(2, 25), st.integers(1, 8), st.booleans())
def test_low_rank_is_removed_as_the_full_matrix_is(seed, n, m, small):
    rng = np.random.default_rng(seed)
    G, ridge = rng.standard_normal((n, min(m, n - 1))), rng.uniform(0.1, 1, size=n)
    w = rng.standard_normal(n)
    n_remove = int(rng.integers(1, n + 1))
    expected = textbook(w, np.linalg.inv(G @ G.T + np.diag(ridge)), n_remove)
    with sizes(small):
        path = eliminate(w, LowRankInverse(G.copy(), ridge), n_remove)
    assert_array_equal(path.order, expected[0])
    assert_allclose(path.saliency, expected[1], rtol=RTOL, atol=1e-12)
    assert_allclose(path.weights, expected[2], rtol=0, atol=RTOL)


@examples(0.06)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=25), st.data())
def test_ties_go_to_the_lowest_index(weights, data):
    w = np.array(weights, float)
    n_remove = data.draw(st.integers(0, w.size))
    owner = np.array(data.draw(st.lists(st.integers(0, 3), min_size=w.size, max_size=w.size)))
    pieces = [np.flatnonzero(owner == number) for number in np.unique(owner)]
    expected = np.argsort(np.abs(w), kind="stable")[:n_remove]
    apart = [inverted(i, FullInverse(np.eye(i.size))) for i in pieces]
    with sizes(data.draw(st.booleans())):
        assert_array_equal(eliminate(w, FullInverse(np.eye(w.size)), n_remove).order, expected)
        assert_array_equal(eliminate_blocks(w, apart, n_remove).order, expected)


def ranked_slowly(q, score):
    """Lowest score first; what has lost its output is next, in the order in which it was freed."""
    w, left, waiting, order, saliencies = q.weights.copy(), set(range(q.n)), [], [], []
    costless, states = set(), [q.weights]
    for _ in range(q.n_remove):
        waiting = [i for i in waiting if i in left]
        candidates = [i for i in range(q.n) if i in left and q.eligible[i]]
        gone = waiting.pop(0) if waiting else min(candidates, key=lambda i: score[i])
        left.remove(gone)
        order.append(gone)
        saliencies.append(0 if gone in costless else score[gone])
        freed = [i for i in q.freed_by(gone) if i in left]
        w[[gone, *freed]] = 0
        costless.update(freed)
        waiting += [i for i in freed if q.eligible[i]]
        states.append(w.copy())
    return np.array(order, np.intp), np.array(saliencies, float), states


@examples(0.1)
@given(quadratics(one_block=True))
def test_ranking_lets_what_is_freed_follow(q):
    score = np.abs(q.weights)
    options = {"eligible": q.eligible, "freed": q.freed_by, "stops": q.stops}
    path = eliminate_ranked(q.weights, score, score, q.n_remove, **options)
    path_is(path, ranked_slowly(q, score), q)


# groups


@dataclass
class Grouped:
    """A network's groups over the remaining weights, with a quadratic loss."""

    groups: list
    weights: np.ndarray
    H: np.ndarray = field(repr=False)
    pieces: list
    eligible: np.ndarray
    n_remove: int
    stops: tuple


@st.composite
def grouped(draw):
    """Units or inputs of a random network of which some weights have been removed."""
    hidden = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
    layout = Layout((draw(st.integers(1, 4)), *hidden, draw(st.integers(1, 2))))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    mask = rng.random(layout.n_parameters) < draw(st.sampled_from([1.0, 0.8, 0.5]))
    mask[layout.n_coefs :] |= draw(st.booleans())
    mask &= ~dead_weights(layout, mask)
    assume(mask.any())
    keep = np.flatnonzero(mask)
    position = layout.positions(keep)
    groups = groups_of(draw(st.sampled_from(["unit", "input"])), layout, position)
    owner = np.zeros(layout.n_parameters, int)
    if draw(st.booleans()):
        for layer, index in enumerate(layout.index):
            owner[index] = layer
    pieces = [np.flatnonzero(owner[keep] == layer) for layer in np.unique(owner[keep])]
    H = np.zeros((keep.size, keep.size))
    for i in pieces:
        H[np.ix_(i, i)] = spd(rng, i.size, 50)
    eligible = (keep < layout.n_coefs) | draw(st.booleans())
    n_remove = draw(st.integers(1, max(1, int(eligible.sum()) - 1)))
    stops = sorted(draw(st.sets(st.integers(1, max(1, n_remove - 1)), max_size=2)))
    stops = tuple(stops) if n_remove > 1 else ()
    return Grouped(groups, rng.standard_normal(keep.size), H, pieces, eligible, n_remove, stops)


def cheapest_of(g, w, living, groups):
    """(cost, members, new weights, group) of each group that is not the last of its layer."""
    keep, tried = sorted(living), []
    for group in groups:
        if not any(other.layer == group.layer for other in groups if other is not group):
            continue
        pairs = zip(group.members, group.costs, strict=True)
        here = [(m, costs) for m, costs in pairs if m in living]
        start = w.copy()
        start[[m for m, costs in here if not costs]] = 0
        members = [m for m, _ in here]
        new, cost = constrained_minimum(
            start[keep], g.H[np.ix_(keep, keep)], [keep.index(m) for m in members]
        )
        tried.append((cost, members, dict(zip(keep, new, strict=True)), group))
    return tried


def groups_slowly(g):
    """(order, costs, states as (n_removed, weights)), or None where only last groups are left."""
    w, living, order, costs, states = g.weights.copy(), set(range(g.weights.size)), [], [], []
    groups = list(g.groups)
    while len(order) < g.n_remove:
        tried = cheapest_of(g, w, living, groups)
        if not tried:
            return None
        cost, members, new, group = min(tried, key=lambda t: t[0])
        for i, value in new.items():
            w[i] = value
        w[members] = 0
        living -= set(members)
        order += [m for m in members if g.eligible[m]]
        costs.append(cost)
        groups = [other for other in groups if other is not group]
        states.append((len(order), w.copy()))
    return np.array(order, np.intp), costs, states


@examples(0.1)
@given(grouped())
def test_groups_go_by_the_constrained_minimum(g):
    whole = FullInverse(g.H)
    blocks_of_it = BlockInverse([inverted(i, FullInverse(g.H[np.ix_(i, i)])) for i in g.pieces])
    prices = []
    for group in g.groups:
        start = g.weights.copy()
        start[group.members[~group.costs]] = 0
        prices.append(constrained_minimum(start, g.H, group.members)[1])
    if g.groups:
        for C in (whole, blocks_of_it):
            assert_allclose(group_saliencies(g.weights, C, g.groups), prices, rtol=RTOL)
    expected = groups_slowly(g)
    for C in (FullInverse(g.H), blocks_of_it):
        options = {"eligible": g.eligible, "stops": g.stops}
        try:
            path = eliminate_groups(g.weights, C, g.groups, g.n_remove, **options)
        except LastGroupError:
            assert expected is None
            continue
        assert expected is not None
        order, costs, states = expected
        assert_array_equal(path.order, order)
        assert_allclose(path.weights, states[-1][1], rtol=0, atol=RTOL)
        assert_array_equal(path.weights[order], 0)
        if g.eligible.all():
            assert_allclose(path.saliency.sum(), sum(costs), rtol=RTOL)
        assert (path.saliency >= 0).all()
        for stop, earlier in zip(g.stops, path.earlier, strict=True):
            n_removed, weights = next(state for state in states if state[0] >= stop)
            assert_array_equal(earlier.order, order[:n_removed])
            assert_allclose(earlier.weights, weights, rtol=0, atol=RTOL)


@examples(0.03)
@given(grouped())
def test_ranked_groups_go_by_the_sum_of_what_costs(g):
    score, living, order = np.abs(g.weights), set(range(g.weights.size)), []
    groups = list(g.groups)

    def price(group):
        pairs = zip(group.members, group.costs, strict=True)
        return sum(score[m] for m, costs in pairs if costs and m in living)

    possible = True
    while len(order) < g.n_remove and possible:
        several = [a for a in groups if sum(a.layer == b.layer for b in groups) > 1]
        possible = bool(several)
        if possible:
            chosen = min(several, key=price)
            order += [m for m in chosen.members if m in living and g.eligible[m]]
            living -= set(chosen.members.tolist())
            groups = [group for group in groups if group is not chosen]
    try:
        path = eliminate_groups_ranked(
            g.weights, score, score, g.groups, g.n_remove, eligible=g.eligible, stops=g.stops
        )
    except LastGroupError:
        assert not possible
        return
    assert possible
    assert_array_equal(path.order, order)
    assert_array_equal(
        path.weights, np.where(np.isin(np.arange(score.size), list(living)), g.weights, 0)
    )
    assert len(path.earlier) == len(g.stops)


# swaps


@examples(0.05)
@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 5))
def test_swaps_are_the_best_of_all_pairs(seed, n_remain, n_removed):
    rng = np.random.default_rng(seed)
    n = n_remain + n_removed
    H, slope = spd(rng, n, condition=100), rng.normal(size=n)
    remains = rng.permutation(np.arange(n) < n_remain)

    def minimum(remains):
        w = np.zeros(n)
        w[remains] = np.linalg.solve(H[np.ix_(remains, remains)], -slope[remains])
        return slope @ w + 0.5 * w @ H @ w

    def swapped(out, back):
        other = remains.copy()
        other[out], other[back] = False, True
        return other

    w = np.zeros(n)
    w[remains] = np.linalg.solve(H[np.ix_(remains, remains)], -slope[remains])
    path = SwapModel(w, slope + H @ w, H, remains).path(4, eligible=np.ones(n, bool), least=1e-9)
    for out, back, change, weights in zip(
        path.out, path.back, path.change, path.weights, strict=True
    ):
        pairs = itertools.product(np.flatnonzero(remains), np.flatnonzero(~remains))
        best = min(minimum(swapped(*pair)) for pair in pairs)
        before, remains = minimum(remains), swapped(out, back)
        assert_allclose(minimum(remains), best, rtol=RTOL, atol=1e-10)
        assert_allclose(change, best - before, rtol=1e-5, atol=1e-10)
        assert_array_equal(weights[~remains], 0)
        assert_allclose(slope @ weights + 0.5 * weights @ H @ weights, best, rtol=RTOL, atol=1e-10)


# compaction


@st.composite
def masked_networks(draw):
    """(network, X, mask): removed weights are 0, and some others as well."""
    hidden = tuple(draw(st.lists(st.integers(1, 4), max_size=3)))
    network, X, *_ = random_network(
        draw(st.sampled_from(["relu", "tanh", "logistic", "identity"])),
        draw(st.sampled_from(["softmax", "logistic", "identity", "exp"])),
        hidden,
        n_inputs=draw(st.integers(1, 5)),
        n_outputs=draw(st.integers(1, 3)),
        seed=draw(st.integers(0, 2**31)),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    n, n_coefs = network.layout.n_parameters, network.layout.n_coefs
    mask = rng.random(n) < draw(st.sampled_from([0.3, 0.1, 0.6, 0.9]))
    mask[n_coefs:] |= rng.random(n - n_coefs) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    theta = network.theta * mask
    theta[rng.random(n) < draw(st.sampled_from([0.0, 0.2]))] = 0
    return network.with_theta(theta), X, mask


def same_function(network, X, other, Z):
    """To rounding."""
    assert_allclose(forward(other, Z)[-1], forward(network, X)[-1], rtol=1e-11, atol=1e-11)


@examples(0.08)
@given(masked_networks(), st.booleans())
def test_compaction_keeps_the_function(drawn, drop_inputs):
    network, X, mask = drawn
    layout = network.layout
    folded = fold_constants(network, mask)
    same_function(network, X, folded, X)
    dead = dead_weights(layout, mask)
    assert not (dead & ~mask).any()
    assert_array_equal(folded.theta[dead], 0)
    assert_array_equal(folded.theta[~mask], 0)
    # once folded, dead weights may go: the function stays, and there are no others
    assert not dead_weights(layout, mask & ~dead).any()
    again = fold_constants(folded, mask & ~dead)
    assert_array_equal(again.theta, folded.theta)
    less, less_mask, kept = compacted(network, mask, drop_inputs)
    same_function(network, X, less, X[:, kept[0]])
    assert_array_equal(less.theta[~less_mask], 0)
    assert np.count_nonzero(less.theta) <= np.count_nonzero(network.theta)
    assert [len(units) for units in kept] == list(less.layout.units)
    if not drop_inputs:
        assert less.layout.units[0] == layout.units[0]
    # inputs are kept as the mask says, and the mask is smaller by then: more may go the second time
    twice, twice_mask, _ = compacted(less, less_mask, drop_inputs=False)
    assert_array_equal(twice.theta, less.theta)
    assert_array_equal(twice_mask, less_mask)


@examples(0.05)
@given(masked_networks())
def test_what_is_not_read_has_no_effect(drawn):
    network, X, mask = drawn
    folded = fold_constants(network, mask)
    expected = forward(folded, X)[-1]
    other = X.copy()
    others = np.setdiff1d(np.arange(X.shape[1]), inputs_read(network.layout, mask))
    other[:, others] = 5.5
    assert_array_equal(forward(folded, other)[-1], expected)
    # what a unit that does not remain holds has no effect: its intercept and incoming weights go
    theta = folded.theta.copy()
    for layer, units in enumerate(remaining_units(network.layout, mask)):
        gone = np.setdiff1d(np.arange(network.layout.units[layer + 1]), units)
        theta[network.layout.index[layer][:, gone]] = 3.25
    changed = folded.with_theta(theta)
    values = forward(changed, X)[-1]
    constant = [np.setdiff1d(np.arange(len(W)), units) for W, units in _read_by(folded, mask)]
    if all(not W[gone].any() for gone, W in zip(constant, folded.coefs[1:], strict=True)):
        assert_array_equal(values, expected)


def _read_by(network, mask):
    return zip(network.coefs[1:], remaining_units(network.layout, mask), strict=True)


@examples(0.05)
@given(masked_networks(), st.integers(0, 2**31))
def test_orphans_are_all_that_lead_nowhere(drawn, seed):
    network, _, mask = drawn
    layout = network.layout

    def leading_nowhere(mask):
        """Remaining incoming weights, and intercepts, of hidden units without outgoing weights."""
        coefs, _ = layout.split(mask)
        found = set()
        for layer in range(1, layout.n_layers):
            for unit in np.flatnonzero(~coefs[layer].any(axis=1)):
                index = layout.index[layer - 1][:, unit]
                found |= set(index[mask[index]].tolist())
        return found

    mask = mask.copy()
    while leading_nowhere(mask):
        mask[list(leading_nowhere(mask))] = False
    orphans, rng = Orphans(layout, mask), np.random.default_rng(seed)
    for q in rng.permutation(np.flatnonzero(mask)):
        next_up = [q]
        while next_up:
            gone = next_up.pop(0)
            if not mask[gone]:
                continue
            mask[gone] = False
            freed = np.asarray(orphans(gone), np.intp)
            assert mask[freed].all()
            next_up += freed.tolist()
        assert not leading_nowhere(mask)
