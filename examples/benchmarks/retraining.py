"""lbfgs or adam for retraining: what `retrain_solver="auto"` goes by.

    python examples/benchmarks/retraining.py [--json FILE]

A 784-40-20-10 network on the first rows of MNIST, for more and more rows, and 64-30-10 on digits,
pruned to 95 % in rounds of 20 % with 10 passes a round by either solver: training loss and test
accuracy.
"""

import argparse
import json
import sys
import warnings
from pathlib import Path
from time import perf_counter

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import mnist

ROWS = (1000, 3000, 10_000)


def cases():
    """(name, hidden units, X, X_test, y, y_test)."""
    X, y = load_digits(return_X_y=True)
    yield "digits", (30,), *train_test_split(X / 16, y, test_size=0.25, random_state=0)
    X, y, X_test, y_test = mnist()
    for n_samples in ROWS:
        yield "MNIST", (40, 20), X[:n_samples], X_test, y[:n_samples], y_test


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", help="write the results here as well")
    options = parser.parse_args()
    results = []
    print("| data | rows | solver | training loss | test accuracy | seconds |")
    print("|---|---|---|---|---|---|")
    for name, hidden, X, X_test, y, y_test in cases():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            dense = MLPClassifier(hidden, alpha=1e-3, max_iter=100, random_state=0).fit(X, y)
        for solver in ("lbfgs", "adam"):
            model = OBSPrunedMLPClassifier.from_sklearn(
                dense, target_sparsity=0.95, step=0.2, retrain_solver=solver
            )
            start = perf_counter()
            model.prune(X, y)
            found = model.loss_, model.score(X_test, y_test), perf_counter() - start
            row = "| {} | {} | {} | {:.4f} | {:.4f} | {:.0f} |"
            print(row.format(name, len(X), solver, *found), flush=True)
            results.append([name, len(X), solver, *found])
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
