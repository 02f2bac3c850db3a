"""`python -m sklearn_obs data.csv --target y`: files out, or one clear line."""

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from c_programs import FLAGS, compiled, needs_c, outputs
from sklearn.base import BaseEstimator
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import train_test_split

from sklearn_obs.__main__ import main
from sklearn_obs.command import own_data
from sklearn_obs.command.model import cross_validated, split
from sklearn_obs.command.progress import progress
from sklearn_obs.command.scores import Row, Scores
from sklearn_obs.command.table import read_table
from sklearn_obs.export import load_skops

ROOT = Path(__file__).parents[2]
QUICK = ["--hidden", "8", "--sparsity", "0.6"]


@pytest.fixture(scope="module")
def flowers():
    bunch = load_iris(as_frame=True)
    return bunch.frame.assign(target=bunch.target_names[bunch.target])


def flat(printed):
    """Without the ends of lines."""
    return " ".join(printed.split())


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
    assert "112 training rows, 38 test rows (a quarter of each class, drawn at random)" in flat(
        printed
    )
    assert "has 3 classes (setosa 33.3%, versicolor 33.3%, virginica 33.3%)" in flat(printed)
    weights = [line.split()[3] for line in printed.splitlines() if line.startswith("network ")]
    assert weights == ["56", "22"]
    model, X = load_skops(exports[1]), flowers.iloc[:, :4]
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
    assert "9 columns" in flat(printed) and "'target' is a number" in flat(printed)
    said = float(printed.split("R2 in int8 ")[1].split()[0])
    _, _, _, found = outputs(compiled(path, "values"), frame.drop(columns=["s6", "target"]))
    y = frame["target"].to_numpy()
    # all rows, where the figure is of a quarter of them
    assert 1 - ((y - found.ravel()) ** 2).sum() / ((y - y.mean()) ** 2).sum() > said - 0.15


@needs_c
@pytest.mark.parametrize(
    ("factor", "dtype"),
    [(10, "uint8"), (-10, "int8"), (300, "int16"), (1e6, "float"), (1, "float")],
)
def test_whole_numbers(flowers, tmp_path, capsys, factor, dtype):
    """In the narrowest that hold all columns; what is said is what the program does."""
    columns = flowers.iloc[:, :4] * factor
    columns = columns if factor == 1 else columns.round().astype(int)
    columns.assign(target=flowers["target"]).to_csv(tmp_path / "data.csv", index=False)
    path = tmp_path / "model.c"
    arguments = [tmp_path / "data.csv", "--target", "target", *QUICK, "--integer"]
    assert status_of([*arguments, "--bits", "3", "--export", path]) == 0
    printed = flat(capsys.readouterr().out)
    assert "with weights of 3 bits" in printed and "With weights of 3 bits, accuracy is" in printed
    type_ = dtype if dtype == "float" else f"{dtype}_t"
    assert f"model_predict(const {type_} *x)" in printed
    flags = [*FLAGS, "-DMODEL_PROBA"]
    program = compiled(path, real=type_, value="float", flags=flags)
    index, *_ = outputs(program, columns, type_)
    said = float(printed.split("accuracy in whole numbers ")[1].split()[0])
    right = index == np.searchsorted(np.unique(flowers["target"]), flowers["target"])
    assert abs(right.mean() - said) < 0.1  # all rows, where the figure is of a quarter of them


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("int16", "model_predict(const int16_t *x)"),
        ("float32", "model_predict(const float *x)"),
        (
            "int8",
            "--input-dtype int8 holds whole numbers from -128 to 127, but column 'petal length "
            "(cm)' has numbers from 40 to 276",
        ),
    ],
)
@pytest.mark.parametrize("integer", [["--integer"], ["--dtype", "integer"]])
def test_the_type_of_columns_can_be_given(flowers, tmp_path, capsys, given, said, integer):
    columns = (flowers.iloc[:, [2, 3]] * 40).astype(int)
    columns.iloc[:, 1] = columns.iloc[:, 1].clip(upper=100)
    columns.assign(target=flowers["target"]).to_csv(tmp_path / "data.csv", index=False)
    arguments = [tmp_path / "data.csv", "--target", "target", *QUICK, *integer]
    path = tmp_path / "model.c"
    status = status_of([*arguments, "--export", path, "--input-dtype", given])
    captured = capsys.readouterr()
    assert said in flat(captured.out + captured.err)
    assert (status, path.exists()) == ((2, False) if given == "int8" else (0, True))
    if status:
        assert captured.out == ""  # before any work
    assert "not all whole numbers" not in captured.out  # where float is what was asked for


@needs_c
def test_what_c_computes_is_scored_and_a_linear_model_is_possible(flowers, tmp_path, capsys):
    columns = (flowers.iloc[:, :4] * 10).round().astype(int)
    columns.assign(target=flowers["target"]).to_csv(tmp_path / "data.csv", index=False)
    path = tmp_path / "model.c"
    linear = ["--hidden", "0", "--sparsity", "0", "--integer", "--bits", "2", "--export", path]
    assert status_of([tmp_path / "data.csv", "--target", "target", *linear]) == 0
    said = flat(capsys.readouterr().out)
    assert "4 inputs, no hidden units and 3 outputs" in said and "0% of its weights" in said
    (score,) = re.findall(r"in whole numbers, as in C 12 ([\d.]+) -", said)
    flags = [*FLAGS, "-DMODEL_PROBA"]
    program = compiled(path, real="uint8_t", value="float", flags=flags)
    index, *_ = outputs(program, columns, "uint8_t")
    _, test, _, y_test = split(read_table(tmp_path / "data.csv", "target"), 0)
    right = np.unique(flowers["target"])[index][test.index] == y_test
    assert f"{right.mean():.3f}" == score
    assert "x is uint8: the columns go from 1 to 79" in said
    header = path.with_suffix(".h").read_text()
    assert "#define MODEL_X_PETAL_LENGTH_CM 2\n" in header
    assert 'x[2] "petal length (cm)", 10 to ' in header  # of the training rows


def test_balanced_classes_count_the_same(tmp_path, capsys):
    frame = rows_of("ab", 600)
    chance = 1 / (1 + np.exp(3.5 - 2 * frame["a"]))
    frame["y"] = np.where(np.random.default_rng(1).random(600) < chance, "rare", "usual")
    frame.to_csv(tmp_path / "data.csv", index=False)
    arguments = [tmp_path / "data.csv", "--target", "y", "--hidden", "5", "--sparsity", ".5"]
    found, alarms = [], []
    for options in ([], ["--class-weight", "balanced"]):
        assert status_of([*arguments, *options]) == 0
        said = flat(capsys.readouterr().out)
        n_found, n_alarms = re.search(
            r"and (\d+) after pruning; false alarms: (\d+)", said
        ).groups()
        found.append(int(n_found))
        alarms.append(int(n_alarms))
    assert found[1] > found[0] and alarms[1] > alarms[0]
    assert "weights balanced accuracy log loss always 'usual' 0 0.500" in said
    assert "All classes count the same here" in said and "--class-weight" not in said
    (tmp_path / "numbers.csv").write_text("x,y\n" + "".join(f"{i},{i}.5\n" for i in range(30)))
    arguments = [tmp_path / "numbers.csv", "--target", "y", "--class-weight", "balanced"]
    assert status_of(arguments) == 2
    assert "--class-weight needs classes, but y is a number" in capsys.readouterr().err


def test_a_header_that_is_missing_and_classes_that_are_written_in_two_ways(tmp_path, capsys):
    rows = "".join(f"{i},{i % 7},{['ok', 'Dry run', 'dry-run'][i % 3]}\n" for i in range(60))
    (tmp_path / "none.csv").write_text("5,1,ok\n" + rows)
    assert status_of([tmp_path / "none.csv", "--target", "state"]) == 2
    assert "has no column 'state'; it has '5', '1', 'ok'. Is its first" in capsys.readouterr().err
    assert status_of([tmp_path / "none.csv", "--target", "ok", *QUICK]) == 0
    said = flat(capsys.readouterr().out)
    assert "most names of columns are numbers: is the first line of the file a header?" in said
    assert "the classes 'Dry run' and 'dry-run' differ only in how they are written" in said
    (tmp_path / "some.csv").write_text("a,b,state\n" + rows)
    assert status_of([tmp_path / "some.csv", "--target", "state", *QUICK]) == 0
    assert "a header?" not in capsys.readouterr().out


def test_whole_numbers_of_a_regression(tmp_path, capsys):
    load_diabetes(as_frame=True).frame.to_csv(tmp_path / "diabetes.csv", index=False)
    path = tmp_path / "model.c"
    arguments = [tmp_path / "diabetes.csv", "--target", "target", *QUICK, "--integer"]
    assert status_of([*arguments, "--export", path]) == 0
    printed = flat(capsys.readouterr().out)
    assert "with weights of 4 bits" in printed  # by default
    assert "model_predict(const float *x, int32_t *y)" in printed


@needs_c
@pytest.mark.parametrize("numbers", [["--integer"], ["--dtype", "int8"]])
def test_the_program_of_test_vectors_runs_as_it_is_said(flowers, tmp_path, capsys, numbers):
    flowers.to_csv(tmp_path / "data.csv", index=False)
    arguments = [tmp_path / "data.csv", "--target", "target", *QUICK, *numbers]
    path = tmp_path / "model.c"
    assert status_of([*arguments, "--export", path, "--test-vectors", "20"]) == 0
    (command,) = re.findall(r"check: (.*)", capsys.readouterr().out)
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "20 of 20 test vectors agree\n" and not done.stderr
    assert status_of([*arguments, "--export", tmp_path / "m.c", "--test-vectors", "39"]) == 2
    assert "--test-vectors 39: there are only 38 test rows" in capsys.readouterr().err
    both = ["--export", tmp_path / "a.c", "--export", tmp_path / "a_test.c"]
    assert status_of([*arguments, *both, "--test-vectors", "3"]) == 2
    assert "or would replace" in flat(capsys.readouterr().err)
    path.unlink(), path.with_suffix(".h").unlink()
    assert status_of([*arguments, "--export", path, "--test-vectors", "20"]) == 2
    assert "model_test.c' exists. Pass --overwrite" in flat(capsys.readouterr().err)


def test_bits_for_other_files(flowers, tmp_path, capsys):
    pytest.importorskip("skops")
    flowers.to_csv(tmp_path / "data.csv", index=False)
    path = tmp_path / "model.skops"
    arguments = [tmp_path / "data.csv", "--target", "target", *QUICK, "--bits", "2"]
    assert status_of([*arguments, "--export", path]) == 0
    assert "with weights of 2 bits" in capsys.readouterr().out
    assert load_skops(path)[-1].n_bits_ == 2


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
    assert "5 columns (1 of text)" in flat(printed) and "bytes in C" not in printed
    assert "model.skops')" in printed
    model = load_skops(exports[1])
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
        ("a,a,y\n1,2,u\n", "several columns with the name 'a'"),
        ("a,b,z\n1,2,u\n", "has no column 'y'; it has 'a', 'b', 'z'"),
        ("a,b,y\n" + "1,2,u\n" * 12, "the target 'y' has only one value: 'u'"),
        ("a,b,y\n" + "1,2,u\n1,2,v\n" * 3, "has 6 rows with a target, but at least 10 are needed"),
        ("y\n" + "u\nv\n" * 6, "has no column to predict 'y' from"),
        ("a,y\n" + ",u\n?,v\n" * 6, "has no column to predict 'y' from"),
        ("a,y\n" + "1,u\n1,v\n" * 6, "has no column to predict 'y' from"),
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
        ([], "--target is missing: name the column of"),
        (["--target", "target", "--export", "model.pkl"], "has to end in .c, .onnx, .skops"),
        (["--target", "target", "--export", "no/model.onnx"], "There is no folder"),
        (
            ["--target", "target", "--export", "model.c"],
            "C needs numbers only, but 'colour' is text",
        ),
        (
            ["--target", "target", "--drop", "colour", "--export", "model.c"],
            "C needs numbers only, but 'sepal width (cm)' has missing numbers (the "
            "first in line 5)",
        ),
        (["--target", "target", "--drop", "color"], "has no column 'color', but 'colour'"),
        (["--target", "Target"], "has no column 'Target', but 'target'"),
        (
            ["--target", "target", "--drop", "colour,target"],
            "--drop target: this column is the target",
        ),
        (["--target", "target", "--sparsity", "95"], "such as 0.9 for 90%"),
        (["--target", "target", "--dtype", "int8"], "--dtype int8 needs --export of a file"),
        (["--target", "target", "--task", "regression"], "--task regression needs numbers"),
        (["--target", "target", "--dtype", "int4"], "invalid choice: 'int4'"),
        (["--target", "target", "--bits", "5"], "invalid choice: 5"),
        (["--target", "target", "--integer"], "--integer needs --export of a file in C"),
        (
            ["--target", "target", "--integer", "--export", "model"],
            "--export model: the name has to end in .c",
        ),
        (["--target", "target", "--export", "main.c"], "main.c is your own program"),
        (["--target", "target", "--test-vectors", "3"], "--test-vectors 3 needs --export of"),
        (
            ["--target", "target", "--export", "m.c", "--input-dtype", "int8"],
            "--input-dtype int8 needs --integer",
        ),
        (["--target", "target", "--test-vectors", "100"], "expected an int from 1 to 99"),
        (
            ["--target", "target", "--export", "m.skops", "--export", "m.skops"],
            "--export m.skops is given twice, or would replace m.skops",
        ),
        (
            ["--target", "target", "--integer", "--dtype", "int8", "--export", "model.c"],
            "--dtype int8 and --integer: give only one of them",
        ),
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
    assert "exists. Pass --overwrite to replace it" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert status_of([*arguments, "--overwrite"]) == 0
    assert path.read_text() != "mine"


def test_bundled_data_take_no_options_of_files(capsys):
    assert status_of(["iris", "--target", "y"]) == 2
    assert "--target needs a file, but got 'iris'" in capsys.readouterr().err


def test_what_the_target_is(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=60),
            "few": rng.integers(0, 4, 60),
            "many": np.arange(60) // 2,
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
    frame["code"] = [f"{i // 2},5x" for i in range(len(frame))]
    frame.loc[3, "target"] = ""
    frame.loc[frame["target"] == "setosa", "target"] = "none"  # a word like any other
    frame.to_csv(tmp_path / "iris.csv", index=False, sep=";")
    arguments = [tmp_path / "iris.csv", "--target", "target", *QUICK]
    assert status_of(arguments) == 0
    printed = capsys.readouterr().out
    assert "'target' has 3 classes (none" in flat(printed)
    assert "note: rows without a target are left out: 1" in printed
    said = "'code' is text (line 2: '0,5x') and becomes an input for each of its 75 values"
    assert said in flat(printed)
    assert "missing cells among text" not in printed  # "none" is a word there
    assert max(map(len, printed.splitlines())) < 500  # not a name for each of a hundred inputs
    assert status_of([*arguments, "--export", tmp_path / "m.c"]) == 2
    assert "but 'code' is text (line 2: '0,5x'). Leave columns out" in capsys.readouterr().err


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
        arguments = [path, "--target", "y", *QUICK, "--seed", seed]
        status = main(list(map(str, arguments)))
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


def rows_of(columns, n, seed=0):
    """A frame of normal numbers."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: rng.normal(size=n) for name in columns})


def test_the_sparsity_is_chosen_on_the_training_rows(flowers, tmp_path, capsys, monkeypatch):
    flowers.to_csv(tmp_path / "iris.csv", index=False)
    seen = []

    def choose(model, X, *rest, **options):
        seen.append(X)
        return cross_validated(model, X, *rest, **options)

    monkeypatch.setattr(own_data, "cross_validated", choose)
    assert status_of([tmp_path / "iris.csv", "--target", "target", "--hidden", "6"]) == 0
    said = flat(capsys.readouterr().out)
    (X,) = seen
    table = read_table(tmp_path / "iris.csv", "target")
    train, test, *_ = split(table, 0)
    pd.testing.assert_frame_equal(X, train)
    assert not set(test.index) & set(X.index)
    assert "of its weights are removed" in said
    assert "by cross-validation (5 folds of the training rows), its score is then within" in said


def test_one_class_in_thirty(tmp_path, capsys):
    """The share of the common class is said, and that accuracy says nothing there."""
    frame = rows_of("abcd", 600)
    chance = 1 / (1 + np.exp(4.5 - 1.5 * frame["a"]))
    frame["leaves"] = np.where(np.random.default_rng(1).random(600) < chance, "yes", "no")
    frame.to_csv(tmp_path / "churn.csv", index=False)
    arguments = [tmp_path / "churn.csv", "--target", "leaves", "--hidden", "8", "--sparsity", ".9"]
    assert status_of(arguments) == 0
    said = flat(capsys.readouterr().out)
    assert "has 2 classes (no 9" in said
    assert "always 'no' 0 0.9" in said
    assert "logistic regression 4 0.9" in said
    assert "Use predict_proba, and act on lower probabilities of 'yes' than a half" in said
    assert "By accuracy it is no better than always 'no': that class is so common" in said


def test_columns_by_what_they_are_worth_with_those_of_one_variable_together(tmp_path, capsys):
    frame = rows_of(["useless", "small", "large"], 400)
    frame["word"] = np.random.default_rng(2).choice(["p", "q", "r"], 400)
    shift = frame["word"].map({"p": 0.0, "q": 2.0, "r": -2.0})
    frame["y"] = 4 * frame["large"] + shift + 0.8 * frame["small"]
    frame.to_csv(tmp_path / "data.csv", index=False)
    arguments = [tmp_path / "data.csv", "--target", "y", "--hidden", "8", "--sparsity", ".8"]
    assert status_of(arguments) == 0
    printed = capsys.readouterr().out
    lines = printed.split("It reads 3 of 4 columns:\n")[1].splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["large", "word", "small"]
    assert "It does not read useless." in printed
    assert "ridge regression" in printed
    assert "how much the error grows if the column is shuffled" in printed


def test_a_sparsity_that_costs_accuracy_is_said_with_what_to_do(tmp_path, capsys):
    frame = rows_of("abcd", 300)
    frame["y"] = frame["a"] * frame["b"] + frame["c"] * frame["d"]
    frame.to_csv(tmp_path / "data.csv", index=False)
    arguments = [tmp_path / "data.csv", "--target", "y", "--hidden", "12"]
    assert status_of([*arguments, "--sparsity", ".97"]) == 0
    given = flat(capsys.readouterr().out)
    assert "If that is too much, give a smaller --sparsity, or leave it out" in given
    assert status_of(arguments) == 0
    chosen = flat(capsys.readouterr().out)
    assert "or leave it out" not in chosen  # it has been left out


class Answers:
    """A classifier of one column, that is the probability of 'yes'."""

    classes_ = np.array(["no", "yes"])

    def predict_proba(self, X):
        return np.column_stack([1 - X[:, 0], X[:, 0]])


OVERFITS = "Before pruning the network predicts worse than the logistic regression. It probably"
CONSTANT, LINEAR = ("always 'no'", 0, 0.9, 0.3), ("logistic regression", 4, 0.92, 0.2)
POOR = ("logistic regression", 4, 0.9, 0.4)


@pytest.mark.parametrize(
    ("linear", "before", "after", "chosen", "said", "unsaid"),
    [
        (LINEAR, (0.95, 0.12), (0.95, 0.12), True, "is the same as that before", "No model"),
        (LINEAR, (0.9, 0.3), (0.9, 0.3), True, "The pruned network is no better", "No model"),
        (POOR, (0.9, 0.3), (0.9, 0.35), True, "columns say little of 'y'", "--hidden 0"),
        (LINEAR, (0.95, 0.12), (0.92, 0.25), False, "give a smaller --sparsity", "No model"),
        (
            LINEAR,
            (0.95, 0.12),
            (0.92, 0.25),
            True,
            "(--hidden 0), if its 4 weights",
            "leave it out",
        ),
        (
            LINEAR,
            (0.95, 0.12),
            (0.92, 0.25),
            True,
            "accepts a loss of one standard",
            "leave it out",
        ),
        (LINEAR, (0.95, 0.1), (0.9, 0.25), True, "find 100% of them, and 50% of", "No model"),
        (LINEAR, (0.95, 0.21), (0.95, 0.12), True, OVERFITS, "No model"),
        (LINEAR, (0.95, 0.19), (0.95, 0.12), True, "the same as", "overfits"),
        (LINEAR, (1.0, 0.0), (1.0, 0.0), True, "does one of the columns contain 'y'", "No model"),
    ],
)
def test_what_is_said_of_the_scores(linear, before, after, chosen, said, unsaid):
    networks = [("network before pruning", 40, *before), ("network after pruning", 4, *after)]
    X = np.array([[0.0]] * 6 + [[0.45]] * 2 + [[0.4]] * 2)
    y = np.array(["no"] * 8 + ["yes"] * 2)
    scores = Scores(SimpleNamespace(classification=True), y, X, y)
    scores.rows = [Row(*row, {"yes": (1, 0)}) for row in (CONSTANT, linear, *networks)]
    text = " ".join(scores.verdict(Answers(), chosen=chosen, target="y"))
    assert said in text
    assert unsaid not in text


class Says(BaseEstimator):
    """A classifier that has its answers already."""

    classes_ = np.array(["a", "b", "c"])

    def __init__(self, answers):
        self.answers = answers

    def __getitem__(self, step):  # a Pipeline of itself
        return self

    def predict(self, X):
        return np.array(list(self.answers))

    def predict_proba(self, X):
        return (self.predict(X)[:, None] == self.classes_) * 0.7 + 0.1


@pytest.mark.parametrize(
    ("y", "before", "after", "said", "unsaid"),
    [
        (
            "aaaaaaaabbbbbbc",
            "aaaaaaaabbbbbbc",
            "aaaaaaaabbbbbbb",
            "Of the 1 test rows of the rare class 'c', the network finds 1 before pruning, and 0 "
            "after pruning; false alarms: 0. To find more rows of rare classes, try a smaller "
            "--sparsity, or --class-weight balanced, with more false alarms.",
            "class 'b'",
        ),
        (
            "aaaaaaabbbbbbcc",
            "a" * 15,
            "aaaaaaabbbbbbcc",
            "finds 0 before pruning, and 2",
            "--spars",
        ),
        (
            "aaaaaabbbbbbccc",
            "a" * 15,
            "aaaaaabbbbbbccc",
            "",
            "rare",
        ),  # half of their share at least
        ("a" * 13 + "bc", "a" * 15, "a" * 15, "rare class 'c', the network finds 0", "balanced"),
    ],
)
def test_rows_of_rare_classes_that_are_found(y, before, after, said, unsaid):
    table, labels = SimpleNamespace(classification=True), np.array(list(y))
    scores = Scores(table, labels, np.zeros((15, 1)), labels)
    for name, answers in (("always 'a'", "a" * 15), ("linear", before), ("", before), ("", after)):
        scores.add(name, Says(answers))
    text = " ".join(scores.verdict(Says(after), chosen=True, target="y"))
    assert said in text
    assert unsaid not in text


def test_names_that_are_also_those_of_one_hot_columns(tmp_path, capsys):
    rng = np.random.default_rng(0)
    frame = rows_of(["a_b", "v"], 200)
    frame["a"], frame["a_c"] = rng.choice(["b", "c_d"], 200), rng.choice(["d", "e"], 200)
    frame["y"] = 3 * frame["a_b"] + (frame["a"] == "b")
    frame.to_csv(tmp_path / "names.csv", index=False)
    assert status_of([tmp_path / "names.csv", "--target", "y", *QUICK]) == 0
    said = capsys.readouterr().out.split("It reads")[1].splitlines()[1:]
    assert [line.split()[0] for line in said[:2]] == ["a_b", "a"]


def rows_of_the_split(n=40):
    """The rows for training and those for testing, of a target without classes to keep."""
    return train_test_split(np.arange(n), test_size=n // 4, random_state=0)


def test_a_class_of_one_training_row(tmp_path, capsys):
    train, _ = rows_of_the_split()
    frame = rows_of(["x", "z"], 40)
    frame["y"] = np.where(np.arange(40) == train[3], "q", "p")
    frame.to_csv(tmp_path / "one.csv", index=False)
    assert status_of([tmp_path / "one.csv", "--target", "y", "--hidden", "4"]) == 0
    assert "by cross-validation" in flat(capsys.readouterr().out).lower()


def test_a_column_that_only_the_test_rows_have(tmp_path, capsys):
    _, test = rows_of_the_split()
    frame = rows_of(["x", "z", "y"], 40)
    frame["g"] = np.where(np.isin(np.arange(40), test[:2]), np.arange(40.0), np.nan)
    frame.to_csv(tmp_path / "g.csv", index=False)
    assert status_of([tmp_path / "g.csv", "--target", "y", *QUICK]) == 2
    assert (
        "column 'g' has no number in the 30 training rows: use --drop g" in capsys.readouterr().err
    )


def test_the_same_export_twice_is_refused(mixed, tmp_path, capsys):
    exports = ["--export", tmp_path / "m.skops"] * 2
    assert status_of([mixed, "--target", "target", *QUICK, *exports]) == 2
    assert "is given twice" in capsys.readouterr().err


def test_classes_that_are_in_every_row_are_refused(tmp_path, capsys):
    rows = "".join(f"{i % 7},word{i}\n" for i in range(30))
    (tmp_path / "many.csv").write_text("x,y\n" + rows)
    assert status_of([tmp_path / "many.csv", "--target", "y"]) == 2
    assert "has 30 different values in 30 rows, which is too many" in capsys.readouterr().err


def test_ctrl_c_ends_it_and_nothing_is_written(tmp_path):
    rng = np.random.default_rng(0)
    frame = (
        pd.DataFrame(rng.normal(size=(4000, 30))).add_prefix("c").assign(y=rng.normal(size=4000))
    )
    frame.to_csv(tmp_path / "long.csv", index=False)
    command = [sys.executable, "-m", "sklearn_obs", "long.csv", "--target", "y", "--export", "m.c"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = subprocess.Popen(
        [*command, "--hidden", "200,200"], cwd=tmp_path, env=environment, **options
    )
    running.stdout.readline()  # it has begun
    running.send_signal(signal.SIGINT)
    _, error = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted; nothing more is written" in error
    assert not (tmp_path / "m.c").exists()


@pytest.mark.parametrize(
    "rows",
    [
        "".join(f"{i},{'abcd'[i % 4]}\n" for i in range(12)),
        "".join(f"{i},{i}\n" for i in range(12)),
        "".join(f"{i},{'aaaaaaaaab'[i % 10]}\n" for i in range(20)),
        "".join(f"{i},{i * i}.5\n" for i in range(10)),
    ],
    ids=["four classes", "twelve numbers", "a rare class", "numbers"],
)
def test_few_rows_are_enough_to_choose_a_sparsity(tmp_path, rows, capsys):
    (tmp_path / "few.csv").write_text("x,y\n" + rows)
    assert status_of([tmp_path / "few.csv", "--target", "y", "--hidden", "3"]) == 0
    assert "by cross-validation" in flat(capsys.readouterr().out).lower()


@needs_c
def test_what_it_says_to_do_next_can_be_done(flowers, tmp_path, capsys, monkeypatch):
    pytest.importorskip("skops")
    ort = pytest.importorskip("onnxruntime")
    pytest.importorskip("skl2onnx")
    monkeypatch.chdir(tmp_path)
    flowers.to_csv("iris.csv", index=False)
    exports = [a for path in ("a b.c", "m.onnx", "m.skops") for a in ("--export", path)]
    assert status_of(["iris.csv", "--target", "target", *QUICK, *exports]) == 0
    said = capsys.readouterr().out
    assert "call int a_b_predict(const float *x) from a main.c" in said
    (tmp_path / "main.c").write_text(
        '#include "a b.h"\nint main(void)\n'
        "{float x[A_B_N_FEATURES] = {0}; return a_b_predict(x) < 0;}\n"
    )
    subprocess.run(re.search("Then: (cc .*)", said)[1], shell=True, check=True)
    subprocess.run("./main", check=True)
    found = {"frame": pd.read_csv("iris.csv"), "onnxruntime": ort}
    by_onnx, by_skops = (lines_after(said, file, found) for file in ("m.onnx:", "m.skops:"))
    assert (by_onnx == by_skops).mean() > 0.95


def test_a_column_that_float32_rounds_is_named_with_the_score(tmp_path, capsys):
    pytest.importorskip("skl2onnx")
    frame = rows_of("ab", 300)
    frame["at"] = 1.7e9 + np.round(20 * frame["a"])
    frame["y"] = np.where(frame["a"] > 0, "late", "early")
    frame[["b", "at", "y"]].to_csv(tmp_path / "times.csv", index=False)
    exports = [a for path in ("m.c", "m.onnx") for a in ("--export", str(tmp_path / path))]
    assert status_of([tmp_path / "times.csv", "--target", "y", *QUICK, *exports]) == 0
    said = flat(capsys.readouterr().out)
    named = "float32 rounds these columns by more than 1% of their spread: 'at' (around 1.7e+09"
    assert said.count(named) == 2
    assert "or use --dtype float64" in said
    scores = [float(part.split()[0].rstrip(".")) for part in said.split("accuracy in float32 ")[1:]]
    assert len(scores) == 2 and max(scores) < 0.9


def lines_after(said, start, names):
    """The value of the last of the lines that the command says to run in Python."""
    _, *lines = said.split(start)[1].split(".skops:")[0].splitlines()
    imported = "from sklearn_obs.export import load_skops"
    *before, last = [line.strip() for line in lines if line.startswith("        ")]
    exec("\n".join([imported, *before]), names)
    return eval(last, names)


def test_the_lines_for_onnx_read_a_mixed_table_with_gaps(tmp_path, capsys, monkeypatch):
    ort = pytest.importorskip("onnxruntime")
    pytest.importorskip("skl2onnx")
    pytest.importorskip("skops")
    monkeypatch.chdir(tmp_path)
    frame = rows_of(["a b", "c"], 200)
    frame["word"] = np.resize(["x", "y", None, "z"], 200)
    frame["sure"] = np.resize([True, False], 200)
    frame["y"] = np.where(frame["c"] + (frame["word"] == "x") > 0, "p", "q")
    frame.loc[::9, "a b"] = np.nan
    frame.to_csv("mixed.csv", index=False)
    exports = ["--export", "m.onnx", "--export", "m.skops"]
    assert status_of(["mixed.csv", "--target", "y", *QUICK, *exports]) == 0
    said = capsys.readouterr().out
    assert "missing numbers are filled with the mean of the training rows: 'a b' (23)" in flat(said)
    assert "missing cells among text count as a word of their own: 'word' (" in flat(said)
    found = {"frame": frame, "onnxruntime": ort}
    model = load_skops("m.skops")
    rows = frame[list(model.feature_names_in_)].fillna({"word": ""}).astype({"sure": float})
    assert (lines_after(said, "m.onnx:", found) == model.predict(rows)).mean() > 0.98


def test_help_names_every_default(capsys):
    assert status_of(["--help"]) == 0
    options = capsys.readouterr().out.split("--")[1:]
    without = {"help", "target", "version"}
    said = {option.split()[0].rstrip(",") for option in options if "(default" in option}
    assert {
        option.split()[0].rstrip(",]") for option in options if option.strip()
    } - said <= without


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_one_line_on_a_terminal_and_none_elsewhere(capsys, monkeypatch):
    with progress("begin") as seen:
        print("a result")
    assert not seen and capsys.readouterr() == ("a result\n", "")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress("begin") as seen:
        print("Fold 1 of 2: score -0.3")
        print("Fold 2 of", "2: score -0.4")
    assert seen and capsys.readouterr().out == ""
    shown = terminal.getvalue()
    assert "\n" not in shown
    assert [line.strip() for line in shown.split("\r") if line.strip()] == [
        "begin ...",
        "begin ... fold 1 of 2",
        "begin ... fold 2 of 2",
    ]
    assert shown.endswith(" \r")  # nothing is left of it
