"""Pages whose code is to be believed: it runs."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from small_nets import small
from test_curvature import check_inverse

from sklearn_obs.curvature import STRUCTURES

DOCS = Path(__file__).parents[1] / "docs"


def code_of(page):
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.S)


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
    # nothing repairs, so that greedy is a ranking: OBD's, the damping in it beside
    for a, b in zip(greedy.masks_, once.masks_, strict=True):
        assert (a == b).mean() > 0.9
    path = greedy.pruning_path_
    assert greedy.n_rounds_ == 1
    assert_array_equal(np.sort(path["saliency"]), path["saliency"])


RESULTS = {file.name: file.read_text(encoding="utf-8") for file in (DOCS / "results").glob("*.txt")}


@pytest.mark.parametrize("name", sorted(RESULTS))
def test_tables_are_what_the_benchmarks_printed(name):
    pages = "\n".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))
    rows = [line for line in RESULTS[name].splitlines() if line.startswith("| ")]
    assert rows
    for row in rows:
        assert row in pages, f"docs/results/{name} has another row than the docs: {row}"


def test_the_figures_of_the_readme_are_those_of_the_benchmarks():
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Why is it not faster?")[1].split("\n## ")[0]
    printed = set(numbers_in(RESULTS["predict.txt"] + RESULTS["devices.txt"]))
    for figure in numbers_in(re.sub(r"`[^`]*`|784-300-100-10|64-32-10", "", section)):
        rounded = {f"{float(n):.1f}" for n in printed if "." in n}
        assert figure in printed or figure in rounded, f"README: {figure} was not measured"


def numbers_in(text):
    """'.71', '0.71' and '10,125' as '0.71', '0.71' and '10125'."""
    found = re.findall(r"(?<![\w.,])\d[\d,]*\.?\d*|(?<![\w.])\.\d+", text)
    plain = [n.replace(",", "").rstrip(".") for n in found]
    return [f"0{n}" if n.startswith(".") else n for n in plain]
