"""What `size_report` says, against the files themselves."""

import re

import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from small_nets import small

from sklearn_obs import OBSPrunedMLPCV, OBSPrunedMLPRegressor
from sklearn_obs.export import export_c, export_onnx, size_report
from sklearn_obs.export import size as size_module


@pytest.fixture(scope="module")
def model():
    X, y = load_iris(return_X_y=True)
    return make_pipeline(StandardScaler(), small(hidden_layer_sizes=(40, 30))).fit(X, y)


def test_weights_and_units(model):
    clf, report = model[-1], size_report(model)
    assert list(report["layer"]) == ["1", "2", "3", "total"]
    assert list(report["weights"]) == [160, 1200, 90, 1450]
    assert report["remaining"].iloc[-1] == clf.n_weights_ - clf.n_dead_weights_
    assert list(report["units"]) == [40, 30, 3, 73]
    assert list(report["units_left"][:2]) == [len(units) for units in clf.units_]
    assert list(report["multiply_adds"]) == list(report["remaining"])
    assert list(report["dense_bytes"][:3]) == [4 * (160 + 40), 4 * (1200 + 30), 4 * (90 + 3)]


def test_bytes_of_csr(model):
    less, report = model[-1].compact(), size_report(model)
    for W, b, n_bytes in zip(less.coefs_, less.intercepts_, report["csr_bytes"], strict=False):
        matrix = csr_matrix(W.astype("float32"))
        parts = (matrix.data, matrix.indices, matrix.indptr, b.astype("float32"))
        assert n_bytes == sum(part.nbytes for part in parts)


def bytes_in(source):
    """Bytes of the arrays in the one struct of constants of a C source."""
    struct = source.partition("static const struct {")[2].partition("}")[0]
    arrays = re.findall(r"(u?int(\d+)_t|float|double) \w+\[(\d+)\];", struct)
    bits = {"float": 32, "double": 64}
    return sum(int(n) * bits.get(kind, int(width or 0)) // 8 for kind, width, n in arrays)


NAMES = (
    "bare",
    "dense",
    "scaled",
    "shifted",
    "columns",
    "no hidden layer",
    "nothing left",
    "scaled target",
    "search",
)


def models():
    X, y = load_iris(return_X_y=True)
    net = small(hidden_layer_sizes=(40, 30), target_sparsity=0.8)
    nothing = small(criterion="magnitude", target_sparsity=0.99)
    regressor = small(OBSPrunedMLPRegressor)
    chosen = ColumnTransformer([("a", StandardScaler(), [3, 0])])
    search = OBSPrunedMLPCV(small(), sparsities=[0.2, 0.5], cv=2)
    return {
        "bare": clone(net).fit(X, y),
        "dense": clone(net).set_params(target_sparsity=0).fit(X, y),
        "scaled": make_pipeline(StandardScaler(), net).fit(X, y),
        "shifted": make_pipeline(StandardScaler(with_std=False), clone(net)).fit(X, y),
        "columns": make_pipeline(chosen, clone(net)).fit(X, y),
        "no hidden layer": make_pipeline(MinMaxScaler(), small(hidden_layer_sizes=())).fit(X, y),
        "nothing left": make_pipeline(StandardScaler(), nothing).fit(X, y),
        "scaled target": TransformedTargetRegressor(
            make_pipeline(StandardScaler(), regressor), transformer=StandardScaler()
        ).fit(X, y),
        "search": make_pipeline(StandardScaler(), search).fit(X, y),
    }


@pytest.fixture(scope="module")
def every_model():
    return models()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8"])
def test_bytes_of_c(every_model, name, dtype, tmp_path):
    model = every_model[name]
    written = export_c(model, tmp_path / "model.c", dtype=dtype)
    report = size_report(model, dtype=dtype)["c_bytes"]
    assert report.iloc[-1] == report.iloc[:-1].sum() == written.n_bytes
    assert written.n_bytes == bytes_in(written.source.read_text())


@pytest.mark.parametrize("sparsity", [0, 0.3, 0.9])
def test_bytes_of_onnx(sparsity, iris, tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("skl2onnx")
    clf = small(hidden_layer_sizes=(40, 30), target_sparsity=sparsity).fit(*iris)
    export_onnx(clf, tmp_path / "model.onnx", sparse=True)
    graph = onnx.load(tmp_path / "model.onnx").graph
    numbers = [t.ByteSize() for t in graph.initializer if t.data_type == onnx.TensorProto.FLOAT]
    numbers += [t.ByteSize() for t in graph.sparse_initializer]
    said = size_report(clf)["onnx_bytes"].iloc[-1]
    # names, shapes and types on top: some 20 bytes a tensor, of which there are up to 9
    assert said < sum(numbers) < said + 9 * 40


def test_what_c_cannot_hold_is_left_out():
    X, y = load_iris(return_X_y=True)
    X = pd.DataFrame(X, columns=list("abcd")).assign(e=y.astype(str))
    columns = make_column_transformer((StandardScaler(), list("abcd")), (OneHotEncoder(), ["e"]))
    report = size_report(make_pipeline(columns, small()).fit(X, y))
    assert "c_bytes" not in report and report["weights"].iloc[0] == 7 * 6


def test_scaled_targets(iris):
    X, y = iris
    net = small(OBSPrunedMLPRegressor)
    model = TransformedTargetRegressor(net, transformer=StandardScaler()).fit(X, y)
    assert size_report(model).equals(
        size_report(net.fit(X, StandardScaler().fit_transform(y[:, None]).ravel()))
    )


def test_without_pandas_a_table_is_printed(model, monkeypatch, capsys):
    frame = size_report(model)
    monkeypatch.setattr(size_module, "find_spec", lambda name: None)
    columns = size_report(model)
    assert columns == frame.to_dict("list")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["layer", "weights"] and lines[-1].split()[:2] == [
        "total",
        "1,450",
    ]
    assert len({len(line) for line in lines}) == 1


def test_errors(iris):
    X, y = iris
    with pytest.raises(NotFittedError):
        size_report(small())
    with pytest.raises(TypeError, match="Got a LogisticRegression, but expected"):
        size_report(LogisticRegression().fit(X, y))
    with pytest.raises(ValueError, match="Got dtype='int4'"):
        size_report(small().fit(X, y), dtype="int4")
