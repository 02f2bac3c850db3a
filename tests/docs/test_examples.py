"""The examples run as a user runs them, and their output says what they claim."""

import importlib.util
import os
import re
import subprocess
import sys
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
HAS_MONKS = Path(os.environ.get("SKLEARN_OBS_DATA") or os.devnull, "monks").is_dir()


def output(folder, script, n_seeds=None):
    """What the example prints; with `n_seeds`, with fewer seeds than it has."""
    file = EXAMPLES / script
    if n_seeds:
        text, n_found = re.subn(
            r"^N_SEEDS = \d+$", f"N_SEEDS = {n_seeds}", file.read_text(encoding="utf-8"), flags=re.M
        )
        assert n_found == 1
        file = folder / script
        file.write_text(text, encoding="utf-8")
    paths = [str(ROOT), str(EXAMPLES), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [sys.executable, str(file)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "ConvergenceWarning" not in done.stderr
    assert set(folder.iterdir()) <= {folder / script}  # examples leave no files behind
    return done.stdout


def numbers(line):
    return [float(n) for n in re.findall(r"-?\d+\.?\d*", line)]


def test_each_example_is_in_a_group_of_the_gallery(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import gallery_options

    names = {file.stem.removeprefix("plot_") for file in EXAMPLES.glob("plot_*.py")}
    assert set(gallery_options.ORDER) == names
    header = (EXAMPLES / "GALLERY_HEADER.rst").read_text(encoding="utf-8")
    listed = re.findall(r"^([A-Z].*)\n-+\n|sphx_glr_gallery_plot_(\w+)\.py", header, flags=re.M)
    groups = {}
    for title, name in listed[:-1]:  # the last title is that of the thumbnails
        if title:
            members = groups.setdefault(title, [])
        else:
            members.append(name)
    assert groups == {title: list(names) for title, names in gallery_options.GROUPS.items()}


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("plot_*.py")), ids=lambda file: file.stem)
def test_an_example_is_a_plain_script_with_a_figure(file):
    text = file.read_text(encoding="utf-8")
    assert "plt.show()" in text
    assert "argparse" not in text and "savefig" not in text
    if "datasets import" in text.replace("sklearn.datasets", ""):  # not in what one downloads
        assert "put that file beside it" in text


def test_figures_of_the_docs_are_drawn_by_examples():
    spec = importlib.util.spec_from_file_location("draw", ROOT / "docs" / "draw_figures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for example, names in module.FIGURES.items():
        assert (EXAMPLES / f"{example}.py").exists()
        for name in filter(None, names):
            assert (ROOT / "docs" / "figures" / name).exists()


def test_digits_pipeline(tmp_path):
    pytest.importorskip("matplotlib")
    rows = [numbers(line) for line in output(tmp_path, "plot_digits_pipeline.py").splitlines()[1:]]
    weights = {sparsity: n for sparsity, n, *_ in rows}
    accuracy = {row[0]: row[-1] for row in rows}
    assert weights == {0.0: 2220, 0.8: 444, 0.9: 222}  # the target is met exactly
    # a test sample of 450 is 0.002 and the standard error of an accuracy of 0.95 is 0.010
    assert accuracy[0.8] > accuracy[0.0] - 0.03
    assert accuracy[0.9] > 0.92


def test_grid_search(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_grid_search.py")
    sparsity, accuracy = re.search(r"target_sparsity=([\d.]+).*accuracy ([\d.]+)", text).groups()
    assert float(sparsity) >= 0.8  # a linear model on 30 inputs does as well: few weights suffice
    assert float(accuracy) > 0.94  # logistic regression has 0.98, the larger class 0.63


def test_formula(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_formula.py")
    left, whole, accuracy = re.search(r"(\d+) of (\d+) weights, accuracy ([\d.]+)", text).groups()
    assert int(left) < int(whole) / 5  # it can be read
    assert float(accuracy) > 0.92  # logistic regression has 0.97, the larger class 0.63
    assert float(re.search(r"difference from the Pipeline: (\S+)", text)[1]) < 1e-9
    assert "    jacket is not green and body is not octagon\n" in text
    assert "108 of 108 samples" in text


def test_variables(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("pandas")
    text = output(tmp_path, "plot_variables.py")
    assert "the first four removed: batch, noise 1, noise 2, shadow" in text
    # the log odds of the table allow some 0.81, the larger class has 0.53
    assert float(re.search(r"test accuracy ([\d.]+)", text)[1]) > 0.77


def test_mixed_table(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("pandas")
    text = output(tmp_path, "plot_mixed_table.py")
    assert float(re.search(r"([\d.]+)% of the weights are removed", text)[1]) > 85
    # measured .733; the odds that make the table allow .767, and the larger class has .575
    assert float(re.search(r"accuracy on test samples: ([\d.]+)", text)[1]) > 0.70
    not_read = set(text.split("columns not read: ")[1].strip().split(", "))
    noise = {"visits", *(f"region_{name}" for name in ("north", "south", "east", "west"))}
    assert len(not_read & noise) >= 4  # measured: all 5
    assert not not_read & {"age", "income", "distance"}


def test_imbalance(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_imbalance.py")
    rows = {line[:26].strip(): numbers(line[26:]) for line in text.splitlines()[2:]}
    (dense, pruned), (_, balanced) = list(rows.values())[:2], list(rows.values())[2:]
    # measured .775 and .846, of 390 samples of the rare class: a standard error is .012
    assert balanced[1] > pruned[1] + 0.03
    assert pruned[2] < dense[2] + 0.01  # measured .137 and .166
    assert balanced[2] > 1.5 * pruned[2]  # .342: probabilities of balanced classes


def test_memory(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_memory.py")
    assert text == "36 networks were pruned, 3 dense networks were trained\n"


def test_without_labels(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_without_labels.py")
    dense, *_ = numbers(text.splitlines()[0])
    rows = [numbers(line[42:]) for line in text.splitlines()[2:]]
    with_labels, without, others = rows
    # at 90%: measured .938, .940, .947, dense .947; a standard error is .011
    assert min(with_labels[3], without[3], others[3]) > dense - 0.03 > 0.9
    assert without[3] > with_labels[3] - 0.02 and others[3] > with_labels[3] - 0.02


def test_few_bits(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_few_bits.py").replace(",", "")
    rows = [line.split() for line in text.splitlines()[1:]]
    results = {(row[0], row[1]): (float(row[-2]), int(row[-1])) for row in rows}
    for sparsity in ("80%", "90%", "95%"):
        sizes = [results[sparsity, bits][1] for bits in ("float32", "8", "4", "3", "2")]
        assert sizes == sorted(sizes, reverse=True) and sizes[2] < sizes[0] / 2
        # measured within .004; the standard error of an accuracy of .95 is .010
        assert abs(results[sparsity, "4"][0] - results[sparsity, "float32"][0]) < 0.03
    assert results["80%", "2"][1] < results["95%", "float32"][1]


def test_one_weight(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_one_weight.py")
    costs = re.findall(r"(.+): w = .* by ([\d.]+)", text)
    rises = {name: float(rise) for name, rise in costs}
    assert list(rises) == ["magnitude", "magnitude, with OBS's update", "OBD", "OBS"]
    cost, with_update, obd, obs = rises.values()
    assert obs < with_update < obd < cost  # .027, .032, .054, .061
    ratios = [float(ratio) for ratio in re.findall(r"predicted is ([\d.]+)", text)]
    assert len(ratios) == 3 and all(1.2 < ratio < 1.8 for ratio in ratios[:2])  # Gauss-Newton
    assert abs(ratios[2] - 1) < 0.05  # the exact Hessian: measured 1.00


def test_lesson(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_lesson.py")
    by_hand, library = re.findall(r"saliencies \[(.*?)\], update without weight 2 \[(.*?)\]", text)
    assert by_hand == library
    steps = [
        numbers(line.split("predicted")[1]) for line in text.splitlines() if "retrained" in line
    ]
    before = [0.0858, *(step[2] for step in steps)]
    for start, (predicted, measured, *_, accuracy) in zip(before[:3], steps[:3], strict=True):
        assert measured - start < 2 * (predicted - start) + 1e-3 and accuracy > 0.98
    assert steps[3][1] > 3 * steps[3][0]  # the fourth costs far more than predicted
    costs = {
        line.split()[0]: numbers(line)[-1] for line in text.splitlines() if "first three" in line
    }
    assert costs["obs"] < costs["magnitude"] / 2 < costs["obd"] / 2  # measured .018, .057, .768


def test_compensation(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_compensation.py")
    row = next(numbers(line) for line in text.splitlines() if line.startswith("    0.90"))
    updated, not_updated, smallest = row[1:]
    # measured .904, .773 and .136: the order is the paper's claim, 0.05 several standard errors
    assert updated > not_updated + 0.05 > smallest + 0.1


def test_xor(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_xor.py")
    sizes = {
        line.split(":")[0].strip(): set(numbers(line.split(":")[1]))
        for line in text.splitlines()
        if re.match(r" *(obs|obd|magnitude):", line)
    }
    assert sizes == {"obs": {8}, "obd": {9}, "magnitude": {9}}  # eight is the least possible


def test_teacher(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_teacher.py").replace(",", "")
    rows = {line[:17].strip(): numbers(line[17:]) for line in text.splitlines() if " 95% " in line}
    trees = next(numbers(line) for line in text.splitlines() if line.startswith("boosted"))
    _, accuracy, _, n_bytes = rows["trees"]
    # measured .846 and .806, .812; the standard error of an accuracy of .85 on 500 samples is .016
    assert accuracy > max(rows["labels"][1], rows["dense network"][1]) + 0.016
    assert n_bytes < trees[-1] / 100


@pytest.mark.skipif(not HAS_MONKS, reason="needs a folder SKLEARN_OBS_DATA with monks/ in it")
def test_monks(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_monks.py", n_seeds=3)
    rows = re.findall(r"MONK-(\d)   \(a\) +(\d+) +(\d+)", text)
    assert [(problem, published) for problem, published, _ in rows] == [
        ("1", "14"),
        ("2", "15"),
        ("3", "4"),
    ]
    # 10, 5 and 8 of ten seeds were measured to reach it; 3, 2 and 3 of the first three
    assert all(int(n_reach) >= 1 for *_, n_reach in rows)
    assert "drawn: 14 weights, test accuracy 1.000" in text  # as in the 1992 paper
    assert text.count("agrees with the network on 432 of 432 samples") == 2
    assert "    jacket is not blue and body is not octagon\n" in text  # of MONK-3
    assert "jacket is red" in text.split("MONK-1, 14 weights")[1]


@pytest.fixture
def datasets():
    spec = importlib.util.spec_from_file_location("datasets", EXAMPLES / "datasets.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("test_rows_first", [False, True])
def test_monks_from_openml_keeps_the_split(datasets, monkeypatch, test_rows_first):
    test = np.array(list(product(range(3), range(3), range(2), range(3), range(4), range(2))))
    train = test[::3]
    rows = np.vstack([test, train] if test_rows_first else [train, test]).astype(float)
    found = SimpleNamespace(data=rows, target=(rows[:, 4] == 0).astype(int).astype(str))
    monkeypatch.delenv("SKLEARN_OBS_DATA", raising=False)
    monkeypatch.setattr(datasets, "fetch_openml", lambda *args, **kwargs: found)
    X_train, y_train, X_test, y_test = datasets.monks(1)
    assert X_train.shape == (144, 17) and X_test.shape == (432, 17)
    assert np.array_equal(X_train, X_test[::3])
    assert np.array_equal(X_test[:, 11] == 1, y_test) and np.array_equal(X_train[:, 11], y_train)


@pytest.mark.parametrize("load", [lambda d: d.monks(2), lambda d: d.mnist()])
def test_missing_data_is_said_in_a_line(datasets, monkeypatch, load):
    def offline(*args, **kwargs):
        raise OSError("offline")

    monkeypatch.delenv("SKLEARN_OBS_DATA", raising=False)
    monkeypatch.setattr(datasets, "fetch_openml", offline)
    with pytest.raises(SystemExit, match=r"^Missing data: put .* SKLEARN_OBS_DATA .*$"):
        load(datasets)


def test_digits_sparsity(tmp_path):
    pytest.importorskip("matplotlib")
    printed = output(tmp_path, "plot_digits_sparsity.py", n_seeds=2)
    rows = {
        line[:26].strip(): [float(score) for score in line[26:].split()]
        for line in printed.splitlines()
        if line.startswith(("OBS", "magnitude"))
    }
    # at 90% without weight update and retraining a network guesses; with the update it does not
    assert rows["OBS, no retraining"][5] > 0.85 > 0.5 > rows["magnitude, no retraining"][5]


def test_stopping(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_stopping.py", n_seeds=3)
    rules = {
        line[:20].strip(): numbers(line[20:])
        for line in text.splitlines()
        if line.startswith(("saliency", "loss", "one", "prediction"))
    }
    # published: the least error after about 20 of the weights; ten seeds have it at 20
    assert 10 <= rules["prediction error"][0] <= 30
    dense, *_ = numbers(text.splitlines()[1])
    # within the standard error of 1,000 samples the rules cost nothing, or what they say they cost
    assert rules["prediction error"][-1] < dense + 0.015
    assert rules["one standard error"][-1] < dense + 0.03


def test_lottery(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_lottery.py", n_seeds=2)
    rows = {row[0]: row[1::2] for row in map(numbers, text.splitlines()[2:6])}
    pruned, ticket, _, chance = rows[0.9]
    # of five networks .950, .944 and .75, with standard errors of .003, .004 and .05
    assert pruned > 0.93 and ticket > 0.9 > chance + 0.05
    assert rows[0.98][0] > rows[0.98][1]  # .83 and .65, +- .09 of five


def test_digits_pixels(tmp_path):
    pytest.importorskip("matplotlib")
    weights, pixels = output(tmp_path, "plot_digits_pixels.py").splitlines()
    n_left, n_dense, accuracy, dense = numbers(weights)
    assert (n_left, n_dense) == (111, 2220)
    assert accuracy > dense - 0.06 > 0.89  # measured .936 and .964, standard errors .012 and .009
    n_read, n_pixels, n_units, n_all_units, _ = numbers(pixels)
    assert n_read < 0.75 * n_pixels and n_units < n_all_units


def test_tabular(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_tabular.py")
    n_left, n_columns, by_columns = numbers(text.splitlines()[0])
    assert n_left < n_columns == 30
    few, everything = numbers(text.split("logistic regression:")[1].splitlines()[0])
    n_weights, n_read, _, n_units, by_weights = numbers(text.splitlines()[-1])
    assert n_weights == 30 and n_read < 30 and n_units <= 8
    # measured .958, .944 and .979; 143 test samples, so that a standard error is .015
    assert min(by_columns, few, by_weights) > 0.92 and few > everything - 0.03


def test_damping(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_damping.py")
    rows = [numbers(line) for line in text.splitlines()[2:]]
    at_89 = {damping: scores[4] for damping, *scores in rows}
    # measured .956, .951, .916 and .431: a standard error is .010 above .9, and .024 at one half
    assert min(at_89[1e-4], at_89[0.02]) > 0.9 > 0.7 > at_89[100]


def test_dask(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("dask.distributed")
    text = output(tmp_path, "plot_dask.py")
    assert text.splitlines()[-1] == "the same weights as with one job: True"
    assert numbers(text.replace(",", ""))[1] > 0.9


def test_choose_sparsity(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_choose_sparsity.py")
    chosen = [numbers(line) for line in text.splitlines() if "chosen" in line]
    assert len(chosen) == 2
    for sparsity, score in chosen:
        assert sparsity > 80  # %: dense networks overfit there
        assert score > 0.35


def test_csv_to_c(tmp_path):
    pytest.importorskip("matplotlib")
    text = output(tmp_path, "plot_csv_to_c.py")
    table = text.split("/*")[0]  # then comes the header file
    rows = [numbers(line.replace(",", "")) for line in table.splitlines() if "%" in line]
    n_bytes = [row[2] for row in rows]
    assert n_bytes == sorted(n_bytes, reverse=True) and n_bytes[0] > 10 * n_bytes[-2]
    assert rows[4][0] == 95 and rows[4][3] > 0.93  # measured .965, standard error .015
    assert all(abs(row[3] - row[5]) <= 0.01 for row in rows)  # eight bits cost at most 0.01
    assert "int model_predict(const float *x" in text
