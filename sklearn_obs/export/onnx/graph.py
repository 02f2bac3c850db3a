"""ONNX graphs, converted by skl2onnx; zeros can be left out. Imports the optional packages.

A sparse initializer has the weights that are not 0 and their positions, counted row by row.
Runtimes make it dense when they load it, so it saves bytes on the disk, but no time.
"""

from copy import deepcopy

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_obs.estimators import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor
from sklearn_obs.estimators.inside import taken_apart
from sklearn_obs.export.folding import compacted_on_targets, n_features
from sklearn_obs.export.onnx.inputs import WHOLE
from sklearn_obs.export.onnx.steps import check_indicators, check_missing, for_onnx

SUPPORTED = "https://onnx.ai/sklearn-onnx/supported.html"


def graph_of(model, columns):
    """Convert a fitted model to a graph with dense matrices, and check it.

    `columns` is a dict with the columns of some rows by name, or None if all are numbers.
    """
    steps, estimator, of_targets = taken_apart(model)
    steps = [(name, for_onnx(step)) for name, step in steps]
    network = compacted_on_targets(estimator, of_targets)
    options = None
    if is_classifier(network):
        _check_labels(network.classes_)
        options = {"zipmap": False}
    for _, step in steps:
        check_indicators(step)
    n = n_features(steps, estimator)
    if columns is None:
        inputs = [(WHOLE, FloatTensorType([None, n]))]
    else:
        if len(columns) != n:
            raise ValueError(f"Got X with {len(columns)} columns, but the model has {n}.")
        inputs = [
            (name, (StringTensorType if c.dtype.kind == "O" else FloatTensorType)([None, 1]))
            for name, c in columns.items()
        ]
        for _, step in steps[:1]:
            check_missing(step, list(columns))
        if not steps:  # add a step that joins the columns to a matrix
            side_by_side = StandardScaler(with_mean=False, with_std=False).fit(np.zeros((1, n)))
            steps = [("columns", side_by_side)]
    register()
    whole = Pipeline([*steps, ("network", network)]) if steps else network
    try:
        graph = convert_sklearn(whole, initial_types=inputs, options=options)
    except Exception as error:  # converters raise errors of any kind
        raise ValueError(_what_to_do(error, columns)) from error
    checker.check_model(graph)
    return graph


def _what_to_do(error, columns):
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    remedy = f"The models that it can convert are listed at {SUPPORTED}."
    if columns is None:
        remedy = (
            "If a step names columns, or if they contain text, pass X=some samples, as a DataFrame "
            f"like the one that the model was fitted on. {remedy}"
        )
    return f"skl2onnx cannot convert the model: {said} {remedy}"


def evaluated(graph, feeds):
    """The first output of the graph, computed by the slow evaluator of the ONNX package."""
    return ReferenceEvaluator(graph).run(None, feeds)[0]


def register():
    """Register our estimators at skl2onnx."""
    update_registered_converter(
        OBSPrunedMLPClassifier,
        "SklearnOBSPrunedMLPClassifier",
        _classifier_shapes,
        _convert_classifier,
        options={
            "zipmap": [True, False, "columns"],
            "output_class_labels": [False, True],
            "nocl": [True, False],
        },
    )
    update_registered_converter(
        OBSPrunedMLPRegressor,
        "SklearnOBSPrunedMLPRegressor",
        _regressor_shapes,
        _convert_regressor,
    )


def _classifier_shapes(operator):
    calculate_linear_classifier_output_shapes(operator)
    if len(operator.raw_operator.classes_) == 1:
        operator.outputs[1].type.shape[1] = 2  # as in `predict_proba`


def _regressor_shapes(operator):
    calculate_linear_regressor_output_shapes(operator)
    operator.outputs[0].type.shape[1] = operator.raw_operator.n_outputs_


def _convert_classifier(scope, operator, container):
    labels, p = _by_skl2onnx(scope, operator, container, "SklearnMLPClassifier")
    ours = [output.full_name for output in operator.outputs]
    _node(scope, container, "Identity", [labels], ours[0])
    model = operator.raw_operator
    if model.out_activation_ == "logistic" and model.n_outputs_ == 2:
        # skl2onnx treats two labels like two classes, and returns 1 - p before p: keep only p
        ends = [_integers(scope, container, [end]) for end in (2, 4, 1)]
        _node(scope, container, "Slice", [p, *ends], ours[1])
    elif len(model.classes_) == 1:  # skl2onnx returns only p
        one, rest = (scope.get_unique_variable_name(name) for name in ("one", "rest"))
        container.add_initializer(one, TensorProto.FLOAT, [1], [1.0])
        _node(scope, container, "Sub", [one, p], rest)
        container.add_node(
            "Concat", [rest, p], ours[1], name=scope.get_unique_operator_name("Concat"), axis=1
        )
    else:
        _node(scope, container, "Identity", [p], ours[1])


def _convert_regressor(scope, operator, container):
    model = operator.raw_operator
    (values,) = _by_skl2onnx(scope, operator, container, "SklearnMLPRegressor")
    if model.out_activation_ == "exp":
        linear, values = values, scope.get_unique_variable_name("exponentials")
        _node(scope, container, "Exp", [linear], values)
    # skl2onnx returns several outputs as one column
    shape = _integers(scope, container, [-1, model.n_outputs_])
    _node(scope, container, "Reshape", [values, shape], operator.outputs[0].full_name)


def _by_skl2onnx(scope, operator, container, kind):
    """Names of the outputs of scikit-learn's estimator of the same network, added by skl2onnx."""
    mlp = operator.raw_operator.compact().to_sklearn()
    if mlp.out_activation_ == "exp":  # skl2onnx does not know it
        mlp.out_activation_ = "identity"
    plain = scope.declare_local_operator(kind, mlp)
    plain.inputs = operator.inputs
    for output in operator.outputs:
        kind_of_its_own = deepcopy(output.type)  # skl2onnx will set its shape
        plain.outputs.append(scope.declare_local_variable(output.onnx_name, type=kind_of_its_own))
    return [output.full_name for output in plain.outputs]


def _node(scope, container, kind, inputs, output):
    container.add_node(kind, inputs, output, name=scope.get_unique_operator_name(kind))


def _integers(scope, container, values):
    name = scope.get_unique_variable_name("integers")
    container.add_initializer(name, TensorProto.INT64, [len(values)], values)
    return name


def _check_labels(classes):
    whole = classes.dtype.kind in "iub"
    if whole and all(-(2**31) <= label < 2**31 for label in classes.tolist()):
        return
    if all(isinstance(label, str) for label in classes):
        return
    raise ValueError(
        f"Got the class labels {classes.tolist()}, but expected strings or 32-bit integers, "
        "because skl2onnx takes no others. Encode y before fit, for example with LabelEncoder."
    )


def leave_out_zeros(graph):
    """Replace matrices in the graph by sparse initializers if those are smaller."""
    for dense in list(graph.initializer):
        W = numpy_helper.to_array(dense)
        places = np.flatnonzero(W)
        if W.ndim != 2 or W.dtype.kind != "f" or not places.size:
            continue
        n, name = [len(places)], f"{dense.name}_places"
        values = helper.make_tensor(dense.name, dense.data_type, n, W.ravel()[places])
        indices = helper.make_tensor(name, TensorProto.INT64, n, places)
        rows = helper.make_sparse_tensor(values, indices, W.shape)
        if rows.ByteSize() < dense.ByteSize():
            graph.initializer.remove(dense)
            graph.sparse_initializer.append(rows)
