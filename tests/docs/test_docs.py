"""Pages whose code is to be believed: it runs."""

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest
from c_programs import needs_avr, needs_c
from numpy.testing import assert_array_equal
from oracles import check_inverse
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_nets import small

from sklearn_obs import OBSPrunedMLPRegressor
from sklearn_obs.__main__ import main
from sklearn_obs.curvature import STRUCTURES
from sklearn_obs.export import export_c, integer_predict
from sklearn_obs.network import loss_and_gradient
from sklearn_obs.pruning.criteria import CRITERIA

DOCS = Path(__file__).parents[2] / "docs"


def code_of(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    return [dedent(block) for block in re.findall(r"```python\n(.*?)```", text, re.S)]


def test_the_derivation_checks_itself():
    names, n_checks = {}, 0
    for block in code_of("how_it_works.md"):
        exec(block, names)
        n_checks += block.count("assert ")
    assert n_checks >= 10


def test_the_structure_of_the_page(iris, monkeypatch):
    file, line, test = code_of("structures.md")
    names = {"__name__": "diagonal", "np": np, "check_inverse": check_inverse}
    exec(file, names)
    exec(test, names)
    names["test_diagonal"]()
    assert '"diagonal": DIAGONAL' in line
    monkeypatch.setitem(STRUCTURES, "diagonal", names["DIAGONAL"])
    X, y = iris
    greedy = small(structure="diagonal", step=0.5, retrain_epochs=0, target_sparsity=0.4).fit(X, y)
    once = small(criterion="obd", step=0.5, retrain_epochs=0, target_sparsity=0.4).fit(X, y)
    # nothing is adjusted, so that greedy is a ranking: OBD's, the damping in it beside
    for a, b in zip(greedy.masks_, once.masks_, strict=True):
        assert (a == b).mean() > 0.9
    path = greedy.pruning_path_
    assert greedy.n_rounds_ == 1
    assert_array_equal(np.sort(path["saliency"]), path["saliency"])


# pages with tests of their own, below and in other files
ON_THEIR_OWN = {"criteria.md", "devices.md", "exports.md", "how_it_works.md", "structures.md"}
WITH_CODE = [page.name for page in sorted(DOCS.glob("*.md")) if code_of(page.name)]
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
# another BLAS trains another network: twice the standard error of an accuracy of 0.94 of 450
# samples is 0.022, and a handful of weights more or less may remain
APART, SHARE = 0.035, 0.1


def blocks(page):
    """(code, what the page says that it prints, or None) of each block of Python, in order."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(
        r"^( *)```python\n(.*?)^ *```\n(?:\s*prints\s*)?(?:\s*^ *```\n(.*?)^ *```)?",
        text,
        re.S | re.M,
    )
    return [(dedent(code), dedent(output)) for _, code, output in found]


def assert_prints(said, printed):
    """The same words, and numbers that another machine may round or train otherwise."""
    assert NUMBER.sub("#", printed).split() == NUMBER.sub("#", said).split()
    for old, new in zip(NUMBER.findall(said), NUMBER.findall(printed), strict=True):
        if "." in old or "." in new:
            assert abs(float(old) - float(new)) <= max(APART, SHARE * abs(float(old)))
        else:
            assert abs(int(old) - int(new)) <= SHARE * abs(int(old)) + 3


@pytest.mark.parametrize("page", ["../README.md", *sorted(set(WITH_CODE) - ON_THEIR_OWN)])
def test_the_code_of_a_page_runs_and_prints_what_it_says(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for code, said in blocks(DOCS / page):
        exec(code, names)
        printed = capsys.readouterr().out
        if said:
            assert_prints(said, printed)


@needs_c
@pytest.mark.parametrize("program, target", [(0, "species"), (1, "size")])
def test_the_programs_of_the_quick_start(iris, tmp_path, monkeypatch, program, target):
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "quickstart.md").read_text(encoding="utf-8")
    source = re.findall(r"```c\n(.*?)```", page, re.S)[program]
    X, y = iris
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame[target] = (
        np.array(["setosa", "other", "virginica"])[y] if target == "species" else y + X[:, 3]
    )
    frame.to_csv("data.csv", index=False)
    command = re.search(r"python -m sklearn_obs data.csv --target y (.*)\n", page)[1]
    assert main(["data.csv", "--target", target, "--hidden", "8", *command.split()]) == 0
    Path("main.c").write_text(source)
    build = re.search(r"gcc .*(?= && ./main)", page)[0]
    subprocess.run(build.split(), check=True)
    printed = subprocess.run("./main", capture_output=True, text=True, check=True).stdout
    if target == "species":
        assert printed in {"class setosa\n", "class other\n", "class virginica\n"}
    else:
        assert -1 < float(printed) < 4


@needs_c
@needs_avr
def test_the_page_of_microcontrollers(tmp_path, monkeypatch):
    """Every block in order: Python, the command, compilers, simavr; what is printed is said."""
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "devices.md").read_text(encoding="utf-8")
    said = re.search(r"Both print `(.*?)`", page)[1]
    names, n_agree = {}, 0
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", page, re.S):
        if language == "python":
            if "model.c" not in block:  # as in the text, of what is at hand
                exec(dedent(block), names)
            continue
        for line in block.strip().splitlines():
            command = line.replace("python -m", f"{sys.executable} -m")
            done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0 or "simavr" in command, done.stderr
            n_agree += said in done.stdout + done.stderr
    assert n_agree == 2
    firmware, lines = re.findall(r"```c\n(.*?)```", page, re.S)
    Path("firmware.c").write_text(firmware)
    subprocess.run(["gcc", "-std=c99", "-Wall", "-Werror", "-c", "firmware.c"], check=True)
    written, net = names["written"], names["net"]
    assert written.exported_score > written.score - 0.02
    assert net.n_bits_ == 4 and Path("pixels.c").exists()
    regressor = small(OBSPrunedMLPRegressor).fit(names["X"], names["y"] + 0.5)
    regressor.quantize(names["X"], names["y"] + 0.5)
    export_c(regressor, "model.c", dtype="integer", input_dtype="uint8", overwrite=True)
    main_c = '#include <math.h>\n#include <stdio.h>\n#include "model.h"\nint main(void)\n{\n'
    main_c += f"uint8_t x[MODEL_N_FEATURES] = {{0}};\n{lines}"
    Path("main.c").write_text(main_c + 'printf("%.17g", value);\nreturn 0;\n}\n')
    subprocess.run("gcc -std=c99 main.c model.c -lm -o main", shell=True, check=True)
    printed = subprocess.run("./main", capture_output=True, text=True, check=True).stdout
    zeros = np.zeros((1, 64))
    assert float(printed) == integer_predict(regressor, zeros, input_dtype="uint8")[0]


def test_the_criterion_of_the_page(iris, monkeypatch):
    function, line = code_of("criteria.md")
    names = {"np": np}
    exec(function, names)
    assert '"first_order": first_order' in line
    monkeypatch.setitem(CRITERIA, "first_order", names["first_order"])
    X, y = iris
    clf = small(criterion="first_order", retrain_epochs=0, step=8, target_sparsity=0).fit(X, y)
    network, _, objective = clf._at_hand(X, y, None)
    _, gradient = loss_and_gradient(network, objective)
    cost = np.abs(network.theta * gradient)[: network.layout.n_coefs]
    clf.prune(X, y, target_sparsity=8 / network.layout.n_coefs)
    # the slow and obvious way; no unit has lost its last output, so that none went for nothing
    gone = np.flatnonzero(~np.concatenate([m.ravel() for m in clf.masks_]))
    assert clf.n_dead_weights_ == 0
    assert_array_equal(gone, np.sort(np.argsort(cost, kind="stable")[:8]))
    assert np.isnan(clf.pruning_path_["saliency"]).all()


def test_the_format_of_the_page(iris, tmp_path):
    file, test = code_of("exports.md")
    names = {}
    exec(file, names)
    exec(test, names)
    X, y = iris
    names["test_json"](tmp_path, make_pipeline(StandardScaler(), small().fit(X, y)).fit(X, y), X)


def test_links_between_pages_lead_somewhere():
    for page in (DOCS.parent / "README.md", *DOCS.glob("*.md")):
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
