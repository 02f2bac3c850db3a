"""The remaining network as a diagram."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_classifier

from sklearn_obs.display.checks import checked_axes, checked_names, checked_network
from sklearn_obs.display.diagram import diagram_of, touching_output
from sklearn_obs.display.strokes import (
    GAP,
    draw_edges,
    draw_headers,
    draw_intercepts,
    draw_nodes,
    draw_weights,
    set_width,
)
from sklearn_obs.display.styles import size_in_points

MOST_WRITTEN = 20  # weights whose numbers are written on their lines


class NetworkDisplay:
    """Diagram of the remaining network: its inputs, units, outputs and weights.

    The width of a line shows the size of the weight. Lines of positive weights are solid, and lines
    of negative weights are dashed. If there are at most 20 weights and there is room, their values
    are written on the lines, and the intercepts below units and outputs ("b = 0.5"; none that is
    0). Inputs, units and weights that do not affect an output are left out. Units are numbered from
    1 in each hidden layer, as in `export_text`, and keep their numbers when others are removed.

    Parameters
    ----------
    coefs : list of ndarray of shape (fan_in, fan_out)
        Weights, layer by layer.
    masks : list of ndarray of shape (fan_in, fan_out), bool
        True for each remaining weight.
    inputs : ndarray of int, default=None
        Indices of the inputs to draw; by default those that affect an output.
    units : list of ndarray of int, default=None
        For each hidden layer, the indices of the units to draw; by default those that affect an
        output.
    feature_names : list of str, default=None
        Names of all inputs; "x0", "x1", ... by default.
    class_names : list of str, default=None
        Names of the outputs. For a single output, two names are those of the negative and of the
        positive class. "output 0", "output 1", ... by default.
    intercepts : list of ndarray of shape (fan_out,), default=None
        Intercepts, layer by layer; by default none are written.
    order : list of ndarray of int, default=None
        The indices of the inputs, of the units of each hidden layer, and of the outputs, each from
        top to bottom, such as the `order_` of another display. All of them keep the places that
        they have in this order, and the places of those that are not drawn stay empty, so that a
        series of pictures can be compared. By default the order has few crossings of lines.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes with the diagram.
    axes_ : ndarray of shape (1,)
        The same axes in an array, as in the other displays.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.
    diagram_ : Diagram
        The nodes in the order in which they are drawn, and the lines between them.
    order_ : list of ndarray of int
        The order of the nodes, for other displays: `order`, or the order in this diagram.
    weights_ : list of matplotlib.text.Text
        The numbers on the lines.
    intercepts_ : list of matplotlib.text.Text
        The intercepts below units and outputs.
    labels_ : list of matplotlib.text.Text
        Names of inputs, units and outputs. A column without room for names has none.

    See Also
    --------
    WeightMaskDisplay : Which weights remain, as an image for each layer.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.display import NetworkDisplay
    >>> iris = load_iris()
    >>> clf = OBSPrunedMLPClassifier((5,), target_sparsity=0.7, solver="lbfgs", random_state=0)
    >>> display = NetworkDisplay.from_estimator(
    ...     clf.fit(scale(iris.data), iris.target),
    ...     feature_names=iris.feature_names,
    ...     class_names=iris.target_names,
    ... )
    >>> [label.get_text() for label in display.labels_][-3:]
    ['setosa', 'versicolor', 'virginica']
    """

    def __init__(
        self,
        *,
        coefs,
        masks,
        inputs=None,
        units=None,
        feature_names=None,
        class_names=None,
        intercepts=None,
        order=None,
    ):
        self.coefs = coefs
        self.masks = masks
        self.inputs = inputs
        self.units = units
        self.feature_names = feature_names
        self.class_names = class_names
        self.intercepts = intercepts
        self.order = order

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        feature_names: ArrayLike | None = None,
        class_names: ArrayLike | None = None,
        order: Sequence[ArrayLike] | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw the remaining network of a fitted estimator.

        Parameters
        ----------
        estimator : object
            A fitted OBSPrunedMLPClassifier or OBSPrunedMLPRegressor, a Pipeline or a search that
            contains one, or scikit-learn's own network.
        feature_names : array-like of shape (n_features,), default=None
            Names of the network's inputs. By default they are the names that it was fitted with, or
            that the steps before it give their columns, if any.
        class_names : array-like of shape (n_outputs,) or (2,), default=None
            Names of the outputs, or of the two classes; by default the `classes_` of a classifier.
        order : list of array-like of int, default=None
            The order of inputs, units and outputs, such as the `order_` of another display.
        ax : matplotlib.axes.Axes or list of one, default=None
            The axes to draw in; by default those of a new figure.

        Returns
        -------
        NetworkDisplay
            The display, which has been drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            As in `plot`.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("agg")
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> clf = clf.set_params(target_sparsity=0.6).fit(scale(X), y)
        >>> from sklearn_obs.display import NetworkDisplay
        >>> display = NetworkDisplay.from_estimator(clf)
        >>> len(display.diagram_.nodes)  # inputs, one hidden layer, outputs
        3
        """
        estimator, names = checked_network(estimator)
        if feature_names is None:
            feature_names = names
        if class_names is None and is_classifier(estimator):
            class_names = [c if isinstance(c, str) else f"class {c}" for c in estimator.classes_]
        display = cls(
            coefs=estimator.coefs_,
            masks=estimator.masks_,
            inputs=estimator.inputs_,
            units=estimator.units_,
            feature_names=feature_names,
            class_names=class_names,
            intercepts=estimator.intercepts_,
            order=order,
        )
        return display.plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw the diagram.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or list of one, default=None
            The axes to draw in; by default those of a new figure.

        Returns
        -------
        NetworkDisplay
            The display, which has been drawn.

        Raises
        ------
        ValueError
            If there are not as many names as inputs or outputs, if `order` does not contain
            everything that is drawn, or if `ax` is a list of another length than 1.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("agg")
        >>> import numpy as np
        >>> from sklearn_obs.display import NetworkDisplay
        >>> W, v = np.array([[1.0, 0.0], [0.5, -2.0]]), np.array([[1.0], [3.0]])
        >>> display = NetworkDisplay(coefs=[W, v], masks=[W != 0, v != 0]).plot()
        >>> [label.get_text() for label in display.labels_][:2]
        ['x0', 'x1']
        """
        names = self._names()
        self.diagram_ = diagram_of(self.coefs, self.masks, self._in_use(), self.order)
        self.order_ = self.diagram_.nodes if self.order is None else list(self.order)
        n_columns, tallest = len(names), max(map(len, self.order_))
        few = self.diagram_.weights.size <= MOST_WRITTEN
        with_intercepts = few and self.intercepts is not None
        tall = (0.52 if with_intercepts else 0.21) * tallest  # inches
        size = (2.2 * n_columns + 1.2, min(max(tall, 2) + 0.9, 10))
        self.axes_ = checked_axes(ax, 1, figsize=size)
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        self.ax_.set_axis_off()
        root = self.figure_.canvas.figure
        if root.get_layout_engine() is not None:
            root.get_layout_engine().execute(root)  # the sizes used below are those after layout
        headers = draw_headers(self.ax_, self._headers())
        legend = draw_edges(self.ax_, self.diagram_)
        rooms = [size_in_points(box)[1] + 2 * GAP for box in (legend, headers[n_columns // 2])]
        height = max(size_in_points(self.ax_)[1] - sum(rooms), 20)
        self.ax_.set_ylim(-rooms[0] / height, 1 + rooms[1] / height)
        n_places = [len(column) for column in self.order_]
        self.labels_ = draw_nodes(self.ax_, self.diagram_, names, height, n_places)
        self.intercepts_ = []
        if with_intercepts:
            self.intercepts_ = draw_intercepts(
                self.ax_, self.diagram_, self.intercepts, height, n_places
            )
        set_width(self.ax_, headers, [*self.labels_, *self.intercepts_])
        self.weights_ = draw_weights(self.ax_, self.diagram_, self.intercepts_) if few else []
        return self

    def _in_use(self):
        """For each column, the indices of the nodes that are drawn."""
        inputs, *units, outputs = touching_output(self.masks)
        inputs = inputs if self.inputs is None else np.asarray(self.inputs)
        units = units if self.units is None else [np.asarray(layer) for layer in self.units]
        return [inputs, *units, outputs]

    def _names(self):
        """For each column, the names of all its inputs, units or outputs."""
        n_inputs, n_outputs = len(self.coefs[0]), self.coefs[-1].shape[1]
        h = "h" if len(self.coefs) == 2 else ""  # headers name the layers if there are several
        inputs = checked_names(self.feature_names, n_inputs, "feature_names")
        outputs = self.class_names
        if outputs is not None and n_outputs == 1 and len(outputs) == 2:
            outputs = outputs[1:]
        outputs = checked_names(outputs, n_outputs, "class_names")
        return [
            inputs or [f"x{i}" for i in range(n_inputs)],
            *([f"{h}{unit + 1}" for unit in range(len(W))] for W in self.coefs[1:]),
            outputs
            or (["output"] if n_outputs == 1 else [f"output {i}" for i in range(n_outputs)]),
        ]

    def _headers(self):
        drawn = [len(column) for column in self.diagram_.nodes]
        there = [len(W) for W in self.coefs]
        hidden = [f"{n} of {n_all} units" for n, n_all in zip(drawn[1:-1], there[1:], strict=True)]
        if len(hidden) > 1:
            hidden = [f"hidden layer {i}\n{header}" for i, header in enumerate(hidden, start=1)]
        outputs = "1 output" if drawn[-1] == 1 else f"{drawn[-1]} outputs"
        return [f"{drawn[0]} of {there[0]} inputs", *hidden, outputs]
