"""`python -m sklearn_obs`: its table, its figure, and one clear line for anything wrong."""

import sys

import pytest

from sklearn_obs.__main__ import main


@pytest.mark.parametrize("data", ["iris", "wine", "diabetes"])
def test_table_and_figure(data, tmp_path, capsys):
    arguments = [data, "--hidden", "8", "--sparsity", "0.6", "--out", str(tmp_path)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert ("R2" if data == "diabetes" else "accuracy") in printed
    rows = [line for line in printed.splitlines() if line.strip()[:1].isdigit() and "|" in line]
    sparsities = [float(line.split("%")[0]) for line in rows]
    assert sparsities == sorted(sparsities)
    assert sparsities[-1] == pytest.approx(60, abs=1)
    assert all(line.count("|") == 2 for line in rows)
    assert (tmp_path / f"sklearn_obs_{data}.png").stat().st_size > 10_000


def test_the_seed_makes_it_repeatable(tmp_path, capsys):
    arguments = ["iris", "--hidden", "5,4", "--sparsity", "0.5", "--out", str(tmp_path)]
    printed = []
    for seed in ("1", "1", "2"):
        assert main([*arguments, "--seed", seed]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != printed[2]


def test_without_matplotlib_there_is_a_table_and_a_word(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["iris", "--hidden", "4", "--sparsity", "0.3", "--out", str(tmp_path)]) == 0
    assert "sklearn-obs[plot]" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "data"),
        (["mnist"], "got 'mnist', but expected a file whose name ends in .csv"),
        (
            ["iris", "--sparsity", "1"],
            "a number from 0 to below 1, such as 0.9 for 90%",
        ),
        (["iris", "--sparsity", "nan"], "got 'nan'"),
        (["iris", "--hidden", "0,3"], "got '0,3', but expected unit counts"),
        (["iris", "--hidden", "ten"], "got 'ten'"),
        (["iris", "--seed", "-1"], "seed"),
        (["iris", "--seed", "x"], "got 'x', but expected an int"),
        (["iris", "--out", "no/such/folder"], "no folder 'no/such/folder'"),
        (["iris", "--epochs", "3"], "unrecognized arguments"),
    ],
)
def test_anything_wrong_is_one_line_and_status_2(arguments, words, capsys):
    try:
        status = main(arguments)
    except SystemExit as stopped:
        status = stopped.code
    captured = capsys.readouterr()
    assert status == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert words in captured.err
