"""Pages whose code is to be believed: it runs."""

import re
from pathlib import Path

import numpy as np
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
