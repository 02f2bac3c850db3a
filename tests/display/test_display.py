"""Displays: what is drawn is what the estimator holds, no text lies on another, errors say why."""

import itertools
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from small_nets import ESTIMATORS, small

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV, input_importances
from sklearn_obs.display import (
    InputImportancesDisplay,
    NetworkDisplay,
    PruningPathDisplay,
    WeightMaskDisplay,
)
from sklearn_obs.display.diagram import diagram_of, touching_output
from sklearn_obs.export import export_text

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")

DISPLAYS = [PruningPathDisplay, WeightMaskDisplay, NetworkDisplay]
LOSSES = ("predicted_loss", "pruned_loss", "loss")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def cancer():
    """About 30 weights of a net with long names of inputs, and the data set."""
    data = load_breast_cancer()
    net = OBSPrunedMLPClassifier((8,), "tanh", target_sparsity=0.88, alpha=0.1, random_state=0)
    return net.fit(scale(data.data), data.target), data


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    net = OBSPrunedMLPClassifier((20,), target_sparsity=0.95, step=0.3, random_state=0)
    return net.set_params(max_iter=30, solver="lbfgs").fit(X / 16, y)


def random_net(*units, density=0.3, seed=0):
    rng = np.random.default_rng(seed)
    masks = [rng.random(shape) < density for shape in itertools.pairwise(units)]
    return {"coefs": [rng.standard_normal(m.shape) * m for m in masks], "masks": masks}


def assert_apart(texts):
    """After rendering, no visible text overlaps another or leaves the figure."""
    figure = texts[0].figure
    figure.canvas.draw()
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts if t.get_visible()]
    assert boxes
    for (a, box_a), (b, box_b) in itertools.combinations(boxes, 2):
        assert not box_a.overlaps(box_b), f"{a!r} overlaps {b!r}"
    for text, box in boxes:
        inside = figure.bbox.contains(box.x0, box.y0) and figure.bbox.contains(box.x1, box.y1)
        assert inside, f"{text!r} is cut"


def legend_labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# what all displays share


@pytest.mark.parametrize("display", DISPLAYS)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_display_of_every_estimator_is_rendered(display, cls, iris):
    net, open_before = small(cls).fit(*iris), len(plt.get_fignums())
    drawn = display.from_estimator(net)
    drawn.figure_.canvas.draw()
    assert drawn.ax_ is drawn.axes_[0] and drawn.ax_.figure is drawn.figure_
    assert drawn.plot() is drawn  # again, on a new figure
    assert len(plt.get_fignums()) == open_before + 2


@pytest.mark.parametrize("display", DISPLAYS)
def test_unfitted_is_said(display):
    with pytest.raises(NotFittedError):
        display.from_estimator(OBSPrunedMLPClassifier())


@pytest.mark.parametrize("display", DISPLAYS)
def test_the_network_inside_is_drawn(display, iris):
    X, y = iris
    pipeline = make_pipeline(StandardScaler(), small(target_sparsity=0.7)).fit(X, y)
    search = OBSPrunedMLPCV(pipeline, sparsities=[0.7], cv=2).fit(X, y)
    expected = vars(display.from_estimator(pipeline[-1]))
    for model in (pipeline, search):
        drawn = vars(display.from_estimator(model))
        for name in ("coefs", "loss"):
            if name in expected:
                assert all(map(np.array_equal, drawn[name], expected[name]))
    with pytest.raises(TypeError, match=r"Got a LogisticRegression, but expected a fitted OBS"):
        display.from_estimator(LogisticRegression())


def test_a_network_of_scikit_learn_is_drawn_with_the_names_of_its_steps(iris):
    X, y = iris
    frame = pd.DataFrame(X, columns=["sl", "sw", "pl", "pw"])
    mlp = MLPClassifier((3,), solver="lbfgs", max_iter=300, random_state=0)
    pipeline = make_pipeline(StandardScaler(), mlp).fit(frame, y)
    display = NetworkDisplay.from_estimator(pipeline)
    assert display.diagram_.weights.size == 4 * 3 + 3 * 3
    assert {"sl", "sw", "pl", "pw"} <= {label.get_text() for label in display.labels_}
    assert {label.get_text() for label in NetworkDisplay.from_estimator(mlp).labels_} >= {"x0"}


def test_an_order_keeps_places_in_a_series(iris):
    X, y = iris
    net = small(hidden_layer_sizes=(6,), target_sparsity=0.2, max_iter=200).fit(X, y)
    first = NetworkDisplay.from_estimator(net)
    sparser = net.prune(X, y, target_sparsity=0.8)
    second = NetworkDisplay.from_estimator(sparser, order=first.order_)
    for number, (nodes, heights) in enumerate(
        zip(second.diagram_.nodes, second.diagram_.heights, strict=True)
    ):
        before = dict(
            zip(first.diagram_.nodes[number], first.diagram_.heights[number], strict=True)
        )
        assert [before[node] for node in nodes] == list(heights)
    assert second.order_ == first.order_
    with pytest.raises(ValueError, match=r"without \[.*\] in column 0.*densest network"):
        NetworkDisplay.from_estimator(net, order=[[], *first.order_[1:]])
    with pytest.raises(ValueError, match="order of 2 columns, but expected 3"):
        NetworkDisplay.from_estimator(net, order=first.order_[1:])


def test_weights_are_written_where_they_are_few(iris):
    X, y = iris
    net = small(hidden_layer_sizes=(6,), target_sparsity=0.65, max_iter=200).fit(X, y)
    display = NetworkDisplay.from_estimator(net)
    assert 8 < display.diagram_.weights.size <= 20
    written = [float(text.get_text()) for text in display.weights_]
    np.testing.assert_allclose(written, display.diagram_.weights, rtol=0.05)  # two digits
    assert not NetworkDisplay.from_estimator(small(target_sparsity=0).fit(X, y)).weights_
    assert_apart(display.weights_)


def test_intercepts_are_written_below_where_there_is_room(iris):
    X, y = iris
    net = small(hidden_layer_sizes=(4,), target_sparsity=0.6, max_iter=200, prune_intercepts=True)
    net.fit(X, y)
    display = NetworkDisplay.from_estimator(net)
    drawn = [b[nodes] for b, nodes in zip(net.intercepts_, display.diagram_.nodes[1:], strict=True)]
    expected = np.concatenate([b[b != 0] for b in drawn])
    assert expected.size
    written = [float(text.get_text().removeprefix("b = ")) for text in display.intercepts_]
    np.testing.assert_allclose(written, expected, rtol=0.05)  # two digits
    assert_apart([*display.intercepts_, *display.labels_])
    assert_apart([*display.intercepts_, *display.weights_])
    low = plt.figure(figsize=(6, 1.6)).subplots()
    assert not NetworkDisplay.from_estimator(net, ax=low).intercepts_
    assert not NetworkDisplay(coefs=net.coefs_, masks=net.masks_).plot().intercepts_


def test_units_have_the_same_numbers_in_pictures_and_formulae(iris):
    X, y = iris
    net = small(hidden_layer_sizes=(12,), target_sparsity=0.8, max_iter=200).fit(X, y)
    units = [f"h{unit + 1}" for unit in net.units_[0]]
    assert units != [f"h{unit + 1}" for unit in range(len(units))]  # some are removed
    labels = [label.get_text() for label in NetworkDisplay.from_estimator(net).labels_]
    assert set(labels) >= set(units) and not set(labels) & {f"h{n}" for n in range(13)} - set(units)
    assert [
        line.split(" = ")[0] for line in export_text(net).splitlines() if "h" in line[0]
    ] == units


@pytest.mark.parametrize("display", DISPLAYS)
@pytest.mark.parametrize("n_got", [0, 5])
def test_a_wrong_number_of_axes_is_named(display, n_got, iris):
    net = small(hidden_layer_sizes=(6, 5, 4)).fit(*iris)
    n_needed = 4 if display is WeightMaskDisplay else 1
    axes = plt.figure().subplots(1, 5)[:n_got]
    with pytest.raises(ValueError, match=f"Got ax with {n_got} axes, but expected {n_needed}"):
        display.from_estimator(net, ax=axes)


@pytest.mark.parametrize("display", DISPLAYS)
def test_without_matplotlib_the_extra_is_named(display, iris, monkeypatch):
    net = small().fit(*iris)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-obs\[plot\]'"):
        display.from_estimator(net)


@pytest.mark.parametrize("display", [WeightMaskDisplay, NetworkDisplay])
def test_names_of_another_number_are_refused(display, iris):
    net = small().fit(*iris)
    with pytest.raises(ValueError, match="Got 2 names in `feature_names`, but expected 4"):
        display.from_estimator(net, feature_names=["a", "b"])


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_a_single_axes_is_divided_once(layout):
    net = random_net(6, 5, 3)
    figure = plt.figure(layout=layout)
    left, right = figure.subplots(1, 2)
    drawn = WeightMaskDisplay(**net).plot(ax=right)
    assert drawn.axes_.shape == (2,) and drawn.figure_ is figure
    assert not right.axison and left.axison
    with pytest.raises(ValueError, match=r"the 2 that are needed.*`axes_`"):
        WeightMaskDisplay(**net).plot(ax=right)
    with pytest.raises(ValueError, match="not part of a grid"):
        WeightMaskDisplay(**net).plot(ax=plt.figure().add_axes((0, 0, 1, 1)))


# paths


@pytest.mark.parametrize("prune_intercepts", [False, True])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_lines_are_the_pruning_path(cls, prune_intercepts, iris):
    net = small(cls, prune_intercepts=prune_intercepts).fit(*iris)
    drawn = PruningPathDisplay.from_estimator(net)
    for line, kind in zip(drawn.lines_, LOSSES, strict=True):
        percent, values = line.get_data()
        np.testing.assert_array_equal(values, net.pruning_path_[kind])
        assert percent[-1] == pytest.approx(100 * net.sparsity_)
    assert drawn.ax_.get_yscale() == "log"
    unit = "nats" if cls is OBSPrunedMLPClassifier else "squared units of y"
    assert drawn.ax_.get_ylabel() == f"training loss ({unit})"
    assert legend_labels(drawn.ax_) == ["predicted", "after removal", "after retraining"]
    assert [line.get_fillstyle() for line in drawn.lines_] == ["none", "bottom", "full"]


def test_a_criterion_without_prediction_has_no_line_for_it(iris):
    drawn = PruningPathDisplay.from_estimator(small(criterion="magnitude").fit(*iris))
    assert legend_labels(drawn.ax_) == ["after removal", "after retraining"]


def test_an_unpruned_network_has_no_path(iris):
    net = small(target_sparsity=0).fit(*iris)
    with pytest.raises(ValueError, match=r"without a round of pruning.*`prune`"):
        PruningPathDisplay.from_estimator(net)


def test_displays_on_the_same_axes_differ_in_colour_and_marker(iris):
    axes = None
    for criterion in ("obs", "obd", "magnitude"):
        net = small(criterion=criterion).fit(*iris)
        drawn = PruningPathDisplay.from_estimator(net, name=criterion, ax=axes)
        axes = drawn.axes_
    lines = drawn.ax_.get_lines()
    styles = [(line.get_color(), line.get_marker(), line.get_linestyle()) for line in lines]
    assert len(set(styles)) == len(lines) >= 7
    assert len({colour for colour, _, _ in styles}) == 3
    assert len({marker for _, marker, _ in styles}) == 3
    assert len(legend_labels(drawn.ax_)) == len(lines)
    assert "magnitude, after retraining" in legend_labels(drawn.ax_)


def test_curves_of_others_stay_where_a_display_is_drawn():
    ax = plt.figure().subplots()
    ax.plot([0, 100], [0, 1])
    drawn = PruningPathDisplay(sparsities=[0, 1], score=[1, 0], dense_score=1, name="OBS")
    assert legend_labels(drawn.plot(ax=ax).ax_) == ["OBS", "dense network"]


def test_more_displays_than_styles_are_drawn_all_the_same():
    axes = None
    for number in range(9):
        axes = PruningPathDisplay(sparsities=[0, 1], score=[1, 0], name=number).plot(ax=axes).axes_
    assert len(axes[0].get_lines()) == 9


@pytest.fixture
def path():
    return SimpleNamespace(
        sparsities=np.array([0, 0.5, 0.9]),
        n_weights=np.array([100, 50, 10]),
        predicted_loss=np.array([np.nan, 0.2, 0.3]),
        pruned_loss=np.array([0.1, 0.21, 0.5]),
        loss=np.array([0.1, 0.15, 0.3]),
        score=np.array([0.99, 0.98, 0.9]),
    )


def test_a_path_has_scores_beside_losses(path):
    drawn = PruningPathDisplay.from_path(path, chosen=0.5, score_name="accuracy")
    score, *losses = drawn.lines_
    assert drawn.axes_.shape == (2,) and drawn.axes_[0].get_ylabel() == "accuracy"
    np.testing.assert_array_equal(score.get_xdata(), [0, 50, 90])
    np.testing.assert_array_equal(score.get_ydata(), path.score)
    for line, kind in zip(losses, LOSSES, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), getattr(path, kind))
    for ax in drawn.axes_:
        assert legend_labels(ax)[-1] == "chosen: 50%"
        assert ax.get_xlabel() == "weights removed (%)"
    assert drawn.axes_[1].get_yscale() == "log"  # the vertical line at 0 to 1 does not matter


def test_a_second_path_goes_on_the_same_two_axes(path):
    first = PruningPathDisplay.from_path(path, name="a", chosen=0.5)
    path.loss = path.loss - 0.2  # not positive: no logarithms
    second = PruningPathDisplay.from_path(path, name="b", ax=first.axes_)
    assert list(second.axes_) == list(first.axes_)
    assert second.axes_[1].get_yscale() == "linear"
    assert legend_labels(second.axes_[0]) == ["a", "a, chosen: 50%", "b"]


def test_what_is_nan_or_none_has_no_panel(path):
    path.score = np.full(3, np.nan)
    path.predicted_loss = None
    drawn = PruningPathDisplay.from_path(path)
    assert drawn.axes_.size == 1 and len(drawn.lines_) == 2
    with pytest.raises(ValueError, match="neither `score` nor a loss"):
        PruningPathDisplay(sparsities=[0.5]).plot()


class Search(OBSPrunedMLPCV):
    """The fitted attributes of a cross-validation that `from_cv` reads."""

    def __init__(self, n_folds=4, scoring="neg_log_loss"):
        super().__init__(None)
        self.n_folds = n_folds
        self.scoring = scoring

    def fit(self, X=None, y=None):
        self.sparsities_ = np.array([0.5, 0.8, 0.9])
        self.scores_ = np.random.default_rng(0).random((self.n_folds, 3))
        self.sparsity_ = 0.8
        return self


def test_a_cross_validation_has_means_with_standard_errors():
    search = Search().fit()
    drawn = PruningPathDisplay.from_cv(search)
    expected = search.scores_.mean(axis=0)
    np.testing.assert_allclose(drawn.lines_[0].get_ydata(), expected)
    np.testing.assert_allclose(drawn.score_error, search.scores_.std(axis=0, ddof=1) / 2)
    (band,) = drawn.ax_.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx((expected + drawn.score_error).max())
    label = "neg log loss, mean of 4 folds"
    assert drawn.ax_.get_ylabel() == label
    assert legend_labels(drawn.ax_) == [f"{label} ± standard error", "chosen: 80%"]


def test_one_fold_has_no_standard_error():
    drawn = PruningPathDisplay.from_cv(Search(1, scoring=None).fit(), score_name="R2")
    assert drawn.score_error is None and not drawn.ax_.collections
    assert drawn.ax_.get_ylabel() == "R2"


def test_an_unfitted_cross_validation_is_said():
    with pytest.raises(NotFittedError):
        PruningPathDisplay.from_cv(Search())


@pytest.mark.parametrize("draw", ["from_cv", "from_path", "from_estimator"])
@pytest.mark.parametrize(
    "other", [{"scores_": np.zeros(10_000)}, GridSearchCV(LogisticRegression(), {})]
)
def test_something_else_is_named_by_its_type_alone(draw, other):
    with pytest.raises((TypeError, NotFittedError), match=type(other).__name__) as caught:
        getattr(PruningPathDisplay, draw)(other)
    assert len(str(caught.value)) < 300


def test_the_dense_level_is_drawn_once_and_named_last():
    axes = None
    for name in ("OBS", "magnitude"):
        curve = {"sparsities": [0.5, 0.9], "score": [0.9, 0.8], "dense_score": 0.95}
        axes = PruningPathDisplay(**curve, name=name).plot(ax=axes).axes_
    assert legend_labels(axes[0]) == ["OBS", "magnitude", "dense network"]
    assert len({line.get_linestyle() for line in axes[0].get_lines()}) == 3
    assert PruningPathDisplay(sparsities=[0, 1], score=[1, 0]).plot().ax_.get_legend() is None


# masks


def test_cells_are_the_remaining_weights(iris):
    net = small().fit(*iris)
    drawn = WeightMaskDisplay.from_estimator(net)
    largest = max(abs(W).max() for W in net.coefs_)
    for ax, W, mask in zip(drawn.axes_, net.coefs_, net.masks_, strict=True):
        (image,) = ax.get_images()
        shown = image.get_array()
        np.testing.assert_array_equal(~np.ma.getmaskarray(shown), mask)
        np.testing.assert_array_equal(shown[mask], W[mask])
        assert image.get_clim() == pytest.approx((-largest, largest))
        assert f"{mask.sum()} of {mask.size} weights" in ax.get_title()
        plus, minus = ax.collections[-2:]  # one sign a remaining weight
        assert len(plus.get_offsets()) == (W[mask] >= 0).sum()
        assert len(minus.get_offsets()) == (W[mask] < 0).sum()
    assert drawn.colorbar_.ax.get_ylabel() == "weight"


def test_a_matrix_too_large_for_cells_loses_no_weight():
    net = random_net(900, 200, 2, density=0.01)
    drawn = WeightMaskDisplay(**net).plot(colorbar=False)
    assert not drawn.axes_[0].get_images() and drawn.colorbar_ is None
    signs = drawn.axes_[0].collections
    assert sum(len(sign.get_offsets()) for sign in signs) == net["masks"][0].sum()


@pytest.mark.parametrize("n_features", [12, 90])
def test_names_of_features_are_thinned_where_there_are_many(n_features):
    names = [f"feature {i}" for i in range(n_features)]
    drawn = WeightMaskDisplay(**random_net(n_features, 4, 1), feature_names=names).plot()
    labels = drawn.ax_.get_yticklabels()
    assert [label.get_text() for label in labels] == names[:: 1 if n_features < 40 else 3]
    assert_apart(labels)


def test_names_are_those_of_fitting(iris):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(iris[0], columns=["a", "b", "c", "d"])
    net = small().fit(frame, iris[1])
    labels = WeightMaskDisplay.from_estimator(net).ax_.get_yticklabels()
    assert [label.get_text() for label in labels] == ["a", "b", "c", "d"]
    inputs = NetworkDisplay.from_estimator(net).labels_[: net.inputs_.size]
    assert {label.get_text() for label in inputs} == {"abcd"[i] for i in net.inputs_}


def test_each_remaining_unit_shows_its_pixels(digits):
    drawn = WeightMaskDisplay.from_estimator(digits, image_shape=(8, 8))
    n_pixels = digits.masks_[0].sum(axis=0)
    np.testing.assert_array_equal(drawn.units_, np.flatnonzero(n_pixels))
    for unit, ax in zip(drawn.units_, drawn.axes_, strict=True):
        shown = ax.get_images()[0].get_array()
        assert shown.shape == (8, 8) and shown.count() == n_pixels[unit]
        assert ax.get_title() == f"unit {unit}: {n_pixels[unit]} px"
    assert drawn.colorbar_.ax.get_ylabel() == "weight"


def test_titles_do_not_overlap(digits):
    assert_apart([ax.title for ax in WeightMaskDisplay.from_estimator(digits).axes_])
    drawn = WeightMaskDisplay.from_estimator(digits, image_shape=(8, 8))
    assert_apart([ax.title for ax in drawn.axes_])
    many = WeightMaskDisplay(**random_net(16, 120, 1), image_shape=(4, 4))
    assert_apart([ax.title for ax in many.plot(colorbar=False).axes_])


@pytest.mark.parametrize("image_shape", [(8, 7), (64,), (4, 4, 4)])
def test_a_mismatch_of_pixels_is_said(digits, image_shape):
    with pytest.raises(ValueError, match=r"Got image_shape=\(.* number of inputs, 64"):
        WeightMaskDisplay.from_estimator(digits, image_shape=image_shape)


def test_a_network_that_reads_nothing_has_no_pixels():
    net = random_net(4, 3, 1, density=0)
    with pytest.raises(ValueError, match="reads no pixel"):
        WeightMaskDisplay(**net, image_shape=(2, 2)).plot()
    WeightMaskDisplay(**net).plot().figure_.canvas.draw()
    NetworkDisplay(**net).plot().figure_.canvas.draw()


# networks


def test_edges_are_the_living_weights_between_living_units(cancer):
    net, _ = cancer
    diagram = NetworkDisplay.from_estimator(net).diagram_
    assert sorted(diagram.nodes[0]) == list(net.inputs_)
    assert sorted(diagram.nodes[1]) == list(net.units_[0])
    for (column, start, end), weight in zip(diagram.edges, diagram.weights, strict=True):
        i, j = diagram.nodes[column][start], diagram.nodes[column + 1][end]
        assert net.masks_[column][i, j] and net.coefs_[column][i, j] == weight
    assert len(diagram.weights) == net.n_weights_ - net.n_dead_weights_


def test_signs_differ_in_colour_and_in_line_style(cancer):
    drawn = NetworkDisplay.from_estimator(cancer[0])
    positive, negative = drawn.ax_.collections[:2]
    weights = drawn.diagram_.weights
    assert len(positive.get_segments()) == (weights >= 0).sum()
    assert len(negative.get_segments()) == (weights < 0).sum()
    assert positive.get_linestyle()[0][1] is None and negative.get_linestyle()[0][1] is not None
    order = np.argsort(weights[weights >= 0])
    assert (np.diff(np.asarray(positive.get_linewidth())[order]) >= 0).all()
    labels = legend_labels(drawn.ax_)
    assert labels[:2] == ["positive weight", "negative weight"]
    assert labels[2] == f"|weight| = {abs(weights).max():.2g}"


@pytest.mark.parametrize("layout", [None, "constrained"])
@pytest.mark.parametrize("width", [None, 4, 9])
def test_labels_do_not_overlap(cancer, width, layout):
    net, data = cancer
    ax = width and plt.figure(figsize=(width, 5), layout=layout).subplots()
    drawn = NetworkDisplay.from_estimator(
        net, feature_names=data.feature_names, class_names=data.target_names, ax=ax
    )
    texts = [text.get_text() for text in drawn.labels_]
    assert texts[-1] == "benign" and len(texts) == len(set(texts))
    assert set(texts[: net.inputs_.size]) == set(data.feature_names[net.inputs_])
    assert_apart([*drawn.ax_.texts, *drawn.ax_.get_legend().get_texts()])


@pytest.mark.parametrize("units", [(17, 3, 1), (30, 12, 10), (60, 30, 20, 10), (400, 60, 10)])
def test_labels_of_larger_networks_do_not_overlap_or_are_dropped(units):
    drawn = NetworkDisplay(**random_net(*units, density=0.15)).plot()
    assert_apart(drawn.ax_.texts)
    n_named = len(drawn.labels_)
    assert n_named == sum(map(len, drawn.diagram_.nodes)) or units[0] == 400


def test_dead_ends_are_not_drawn():
    masks = [np.array([[1, 1, 0], [0, 0, 1], [0, 0, 1.0]]) > 0, np.array([[1], [1], [0]]) > 0]
    coefs = [mask.astype(float) for mask in masks]
    drawn = NetworkDisplay(coefs=coefs, masks=masks).plot()
    assert [list(nodes) for nodes in drawn.diagram_.nodes] == [[0], [0, 1], [0]]
    assert [text.get_text() for text in drawn.labels_] == ["x0", "h1", "h2", "output"]
    assert len(drawn.diagram_.weights) == 4


def test_orders_avoid_crossings():
    masks = [np.eye(6, dtype=bool)[::-1], np.eye(6, dtype=bool)]
    diagram = diagram_of([m.astype(float) for m in masks], masks, touching_output(masks))
    assert list(diagram.nodes[0]) == [5, 4, 3, 2, 1, 0]
    assert list(diagram.nodes[2]) == list(range(6))  # outputs stay in their order
    for start, end in diagram.segments:
        assert start[1] == end[1] and end[0] == start[0] + 1


def test_outputs_are_named_after_classes(iris):
    def names(net, **kwargs):
        drawn = NetworkDisplay.from_estimator(net, **kwargs)
        return [label.get_text() for label in drawn.labels_][-net.n_outputs_ :]

    X, y = iris
    net = small().fit(X, y)
    assert names(net) == ["class 0", "class 1", "class 2"]
    assert names(net, class_names=["a", "b", "c"]) == ["a", "b", "c"]
    assert names(small().fit(X, np.where(y, "pos", "neg"))) == ["pos"]
    assert names(small().fit(X, y > 0), class_names=["other"]) == ["other"]
    assert names(small(ESTIMATORS[1]).fit(X, y)) == ["output"]
    with pytest.raises(ValueError, match="Got 2 names in `class_names`, but expected 3"):
        names(net, class_names=["a", "b"])


def test_a_linear_network_and_names_with_dollars_are_drawn(iris):
    net = small(hidden_layer_sizes=()).fit(*iris)
    names = ["$a$", "b_$", "c^2$", "\\d"]
    drawn = NetworkDisplay.from_estimator(net, feature_names=names)
    assert len(drawn.diagram_.nodes) == 2
    assert_apart(drawn.ax_.texts)
    WeightMaskDisplay.from_estimator(net, feature_names=names).figure_.canvas.draw()


# Importances


def test_importances_are_sorted_bars_with_their_spread(cancer):
    net, data = cancer
    X, y = scale(data.data), data.target
    found = input_importances(net, X, y)
    display = InputImportancesDisplay.from_estimator(net, X, y, n_most=7)
    widths = [bar.get_width() for bar in display.bars_]
    np.testing.assert_array_equal(widths, np.sort(found.importances_mean)[::-1][:7])
    order = np.argsort(-found.importances_mean, kind="stable")[:7]
    names = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert names == [f"x{i}" for i in order]
    lines = display.bars_.errorbar.lines[2][0].get_segments()
    spreads = [(right - left) / 2 for (left, _), (right, _) in lines]
    np.testing.assert_allclose(spreads, found.importances_std[order])
    assert display.ax_.get_ylim()[0] > display.ax_.get_ylim()[1]  # the largest on top
    assert "nats" in display.ax_.get_xlabel()
    _, ax = plt.subplots()
    assert InputImportancesDisplay.from_estimator(net, X, y, ax=ax).ax_ is ax


def test_importances_that_do_not_fit_together():
    with pytest.raises(ValueError, match="2 importances, 2 spreads and 1 names"):
        InputImportancesDisplay(importances=[1, 2], spread=[1, 1], names=["one"]).plot()
