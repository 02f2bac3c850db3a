"""`python -m sklearn_obs data.csv --target y`: files out, or one clear line."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from c_programs import compiled, needs_c, outputs
from sklearn.datasets import load_diabetes, load_iris

from sklearn_obs.__main__ import main
from sklearn_obs.command.table import read_table
from sklearn_obs.export import load_skops

ROOT = Path(__file__).parents[2]
QUICK = ["--hidden", "8", "--sparsity", "0.6"]


@pytest.fixture(scope="module")
def flowers():
    bunch = load_iris(as_frame=True)
    return bunch.frame.assign(target=bunch.target_names[bunch.target])


def status_of(arguments):
    try:
        return main(list(map(str, arguments)))
    except SystemExit as stopped:
        return stopped.code


@needs_c
def test_classification(flowers, tmp_path, capsys):
    pytest.importorskip("skops")
    flowers.to_csv(tmp_path / "iris.csv", index=False)
    exports = [tmp_path / "model.c", tmp_path / "model.skops"]
    arguments = [tmp_path / "iris.csv", "--target", "target", *QUICK]
    assert status_of(arguments + [a for path in exports for a in ("--export", path)]) == 0
    printed = capsys.readouterr().out
    assert "112 training rows, 38 test rows, 4 columns (0 of text); 'target': 3 classes" in printed
    assert "dense:  56 weights" in printed and "pruned: 22 weights" in printed
    assert printed.count("accuracy") == 3 and "multiply adds" in printed
    model, X = load_skops(exports[1]), flowers.iloc[:, :4].to_numpy()
    index, *_ = outputs(compiled(exports[0]), X)
    assert (model.classes_[index] == model.predict(X)).all()
    assert 'x[2] "petal length (cm)"' in exports[0].with_suffix(".h").read_text()


@needs_c
def test_regression_of_eight_bits(tmp_path, capsys):
    frame = load_diabetes(as_frame=True).frame
    frame.to_csv(tmp_path / "diabetes.csv", index=False, sep=";")
    path = tmp_path / "model.c"
    arguments = [tmp_path / "diabetes.csv", "--target", "target", "--drop", "s6", *QUICK]
    assert status_of([*arguments, "--export", path, "--dtype", "int8"]) == 0
    printed = capsys.readouterr().out
    assert "9 columns" in printed and "regression" in printed and "R2 in int8" in printed
    said = float(printed.split("R2 in int8 ")[1])
    _, _, _, found = outputs(compiled(path, "values"), frame.drop(columns=["s6", "target"]))
    y = frame["target"].to_numpy()
    # all rows, where the figure is of a quarter of them
    assert 1 - ((y - found.ravel()) ** 2).sum() / ((y - y.mean()) ** 2).sum() > said - 0.15


@pytest.fixture
def mixed(flowers, tmp_path):
    frame = flowers.assign(colour=np.resize(["red", "grün", 'bl"ue, dark'], 150))
    frame.iloc[3, 1] = np.nan
    frame.to_csv(tmp_path / "mixed.csv", index=False)
    return tmp_path / "mixed.csv"


def test_mixed_types_and_gaps(mixed, tmp_path, capsys):
    ort = pytest.importorskip("onnxruntime")
    pytest.importorskip("skl2onnx")
    pytest.importorskip("skops")
    exports = [tmp_path / "model.onnx", tmp_path / "model.skops"]
    arguments = [mixed, "--target", "target", *QUICK]
    assert status_of(arguments + [a for path in exports for a in ("--export", path)]) == 0
    printed = capsys.readouterr().out
    assert "5 columns (1 of text)" in printed and "c bytes" not in printed
    assert "load_skops needs trusted=['numpy.dtype']" in printed
    model = load_skops(exports[1], trusted=["numpy.dtype"])
    table = read_table(mixed, "target")
    session = ort.InferenceSession(str(exports[0]))
    columns = [
        column[:, None].astype(object if column.dtype == object else np.float32)
        for column in table.columns.values()
    ]
    names = [given.name for given in session.get_inputs()]
    labels, _ = session.run(None, dict(zip(names, columns, strict=True)))
    assert (labels == model.predict(table.X())).mean() > 0.99  # float32 may tip a row


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("", "is empty"),
        ("a,b,y\n1,2,u\n1,2\n", "line 3 of {} has 2 cells, but its header has 3"),
        ("a,a,y\n1,2,u\n", "several columns of the name 'a'"),
        ("a,b,z\n1,2,u\n", "has no column 'y'; it has 'a', 'b', 'z'"),
        ("a,b,y\n" + "1,2,u\n" * 12, "the target 'y' has one value only: 'u'"),
        ("a,b,y\n" + "1,2,u\n1,2,v\n" * 3, "has 6 rows, but 10 are the least"),
        ("y\n" + "u\nv\n" * 6, "has no column to predict 'y' from"),
        ("a,y\n" + ",u\n?,v\n" * 6, "has no column to predict 'y' from"),
        ("a,y\n" + "1,u\ninf,v\n" * 6, "column 'a' has infinite numbers"),
    ],
)
def test_bad_files(rows, words, tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text(rows)
    assert status_of([path, "--target", "y"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and words.format(path) in error


def test_what_is_dropped_may_be_anything(tmp_path):
    (tmp_path / "data.csv").write_text("a,b,y\n" + "1,inf,u\n2,x,v\n3,inf,v\n" * 6)
    assert list(read_table(tmp_path / "data.csv", "y", drop=["b"]).columns) == ["a"]
    (tmp_path / "data.csv").write_text("a,b,y\n" + "1,inf,u\n2,3,v\n" * 6)
    assert list(read_table(tmp_path / "data.csv", "y", drop=["b"]).columns) == ["a"]


def test_files_that_are_not_there_or_not_text(tmp_path, capsys):
    assert status_of([tmp_path / "none.csv", "--target", "y"]) == 2
    assert "there is no file" in capsys.readouterr().err
    (tmp_path / "data.csv").write_bytes(b"a,y\n\0\1,1\n")
    assert status_of([tmp_path / "data.csv", "--target", "y"]) == 2
    assert "is not a text file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--target: which column of"),
        (["--target", "target", "--export", "model.pkl"], "has to end in .c, .onnx, .skops"),
        (["--target", "target", "--export", "no/model.onnx"], "There is no folder"),
        (
            ["--target", "target", "--export", "model.c"],
            "C takes numbers only, but 'colour' is text",
        ),
        (
            ["--target", "target", "--drop", "colour", "--export", "model.c"],
            "C takes numbers only, but 'sepal width (cm)' has missing numbers",
        ),
        (["--target", "target", "--drop", "color"], "has no column 'color'"),
        (["--target", "target", "--task", "regression"], "--task regression needs numbers"),
        (["--target", "target", "--dtype", "int4"], "invalid choice: 'int4'"),
    ],
)
def test_refused_before_any_work(arguments, words, mixed, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert status_of([mixed, *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and words in captured.err
    assert [path.name for path in tmp_path.iterdir()] == ["mixed.csv"]


def test_existing_files_and_overwrite(flowers, tmp_path, capsys):
    flowers.to_csv(tmp_path / "iris.csv", index=False)
    path = tmp_path / "model.c"
    path.write_text("mine")
    arguments = [tmp_path / "iris.csv", "--target", "target", *QUICK, "--export", path]
    assert status_of(arguments) == 2
    assert "exists; pass --overwrite to replace it" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert status_of([*arguments, "--overwrite"]) == 0
    assert path.read_text() != "mine"


def test_bundled_data_take_no_options_of_files(capsys):
    assert status_of(["iris", "--target", "y"]) == 2
    assert "--target goes with a file, not with 'iris'" in capsys.readouterr().err


def test_what_the_target_is(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=60),
            "few": rng.integers(0, 4, 60),
            "many": np.arange(60),
            "real": rng.normal(size=60),
            "text": rng.choice(["a", "b"], 60),
        }
    )
    frame.loc[5, "text"] = None
    frame.to_csv(tmp_path / "data.csv", index=False)
    for target, classes in {"few": True, "many": False, "real": False, "text": True}.items():
        assert read_table(tmp_path / "data.csv", target).classification == classes
    assert read_table(tmp_path / "data.csv", "many", task="classification").y.dtype.kind == "i"
    assert len(read_table(tmp_path / "data.csv", "text").y) == 59  # a row without a target
    table = read_table(tmp_path / "data.csv", "real", drop=["many"])
    assert list(table.columns) == ["x", "few", "text"] and table.text == ["text"]


def test_what_a_reader_might_not_expect_is_said(flowers, tmp_path, capsys):
    frame = flowers.astype(object)
    frame["code"] = [f"{i // 2},5" for i in range(len(frame))]  # decimal commas
    frame.loc[3, "target"] = ""
    frame.loc[frame["target"] == "setosa", "target"] = "none"  # a word like any other
    frame.to_csv(tmp_path / "iris.csv", index=False, sep=";")
    arguments = [tmp_path / "iris.csv", "--target", "target", *QUICK]
    assert status_of(arguments) == 0
    printed = capsys.readouterr().out
    assert "'target': 3 classes" in printed
    assert "note:   rows without a target, left out: 1" in printed
    assert "'code' is text (line 2: '0,5'), an input for each of its 75 values" in printed
    assert max(map(len, printed.splitlines())) < 500  # not a name for each of a hundred inputs
    assert status_of([*arguments, "--export", tmp_path / "m.c"]) == 2
    assert "but 'code' is text (line 2: '0,5'); leave columns out" in capsys.readouterr().err


def test_a_number_that_is_missing_by_another_name(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,y\n" + "".join(f"{i},{i}.5\n" for i in range(30)) + "None,None\nn/a,3.5\n")
    table = read_table(path, "y")
    assert not table.classification and table.n_left_out == 1
    assert table.gaps == ["a"] and np.isfinite(table.y).all() and not table.words


def test_a_name_that_c_does_not_take(flowers, tmp_path, capsys):
    flowers.to_csv(tmp_path / "iris.csv", index=False)
    path = tmp_path / "3d.c"
    assert status_of([tmp_path / "iris.csv", "--target", "target", "--export", path]) == 2
    captured = capsys.readouterr()
    assert "the name has to begin with a letter" in captured.err and not captured.out


def test_a_class_that_only_the_held_out_rows_have(tmp_path, capsys):
    """Seeds for which the one row of a class is held out are refused in words on the file."""
    path = tmp_path / "rare.csv"
    path.write_text("x,y\n" + "".join(f"{i},a\n" for i in range(11)) + "11,b\n")
    refused = 0
    for seed in range(8):
        status = main([str(path), "--target", "y", "--hidden", "2", "--seed", str(seed)])
        said = capsys.readouterr()
        if status:
            refused += 1
            assert "all 9 training rows" in said.err and "too rare" in said.err
        else:
            assert "2 classes" in said.out
    assert 0 < refused < 8


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_a_terminal_that_cannot_print_a_name_loses_no_work(tmp_path, encoding):
    rows = "".join(f"{i},{i * 7 % 5},{'np'[i % 2]}\n" for i in range(40))
    (tmp_path / "価格.csv").write_text(f"価格,b,y\n{rows}", encoding="utf-8")
    arguments = ["価格.csv", "--target", "y", "--hidden", "4", "--sparsity", ".5"]
    done = subprocess.run(
        [sys.executable, "-m", "sklearn_obs", *arguments, "--export", "m.c"],
        cwd=tmp_path,
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "m.c").exists()
    name = "価格".encode() if encoding == "utf-8" else b"\\u4fa1\\u683c"
    assert name in done.stdout
