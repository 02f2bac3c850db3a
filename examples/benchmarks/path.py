"""Twenty sparsities by one path, and by cross-validation: what sharing the rounds saves.

    python examples/benchmarks/path.py [--repeats 5] [--skip-search]

A path of 20 sparsities on digits (64-30-10) against one fit at the highest, in turn, one process,
median. Then `OBSPrunedMLPCV` over 20 sparsities and 5 folds against `GridSearchCV` over these, on
breast_cancer (30-30-1), once, one job each; scores and the best must be the same.
"""

import argparse
import warnings
from statistics import median
from time import perf_counter

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import scale
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV, obs_pruning_path

LEVELS = np.linspace(0, 0.98, 20)


def seconds(task):
    start = perf_counter()
    result = task()
    return perf_counter() - start, result


def path_against_fit(repeats):
    X, y = load_digits(return_X_y=True)
    X = X / 16
    clf = OBSPrunedMLPClassifier((30,), alpha=1e-3, max_iter=1000, random_state=0)
    clf.set_params(target_sparsity=LEVELS[-1])
    fits, paths = [], []
    for _ in range(repeats):
        fits.append(seconds(lambda: clf.fit(X, y))[0])
        took, path = seconds(lambda: obs_pruning_path(clf, X, y, sparsities=LEVELS))
        paths.append(took)
    for ours, theirs in zip(path.coefs[-1], clf.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    fit, path = median(fits), median(paths)
    print(f"20 sparsities by path: {path / fit:.2f} times one fit ({path:.1f} s, {fit:.1f} s)")


def search_against_grid():
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    clf = OBSPrunedMLPClassifier((30,), alpha=1e-3, max_iter=1000, random_state=0)
    ours = OBSPrunedMLPCV(clf, sparsities=LEVELS, selection="best")
    ours_s, _ = seconds(lambda: ours.fit(X, y))
    grid = GridSearchCV(clf, {"target_sparsity": LEVELS})
    grid_s, _ = seconds(lambda: grid.fit(X, y))
    scores = [grid.cv_results_[f"split{k}_test_score"] for k in range(5)]
    np.testing.assert_array_equal(ours.scores_, scores)
    assert ours.sparsity_ == grid.best_params_["target_sparsity"]
    print(
        f"OBSPrunedMLPCV: {grid_s / ours_s:.1f} times faster than GridSearchCV "
        f"({ours_s:.0f} s, {grid_s:.0f} s), same scores, same choice ({ours.sparsity_:.3f})"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--skip-search", action="store_true")
    options = parser.parse_args()
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        path_against_fit(options.repeats)
        if not options.skip_search:
            search_against_grid()


if __name__ == "__main__":
    main()
