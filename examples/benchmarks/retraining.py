"""lbfgs or adam for retraining: what `retrain_solver="auto"` goes by.

    python examples/benchmarks/retraining.py [--json FILE] [--rows 1000 10000 60000]

A 784-40-20-10 network on the first rows of MNIST, for more and more rows, and 64-30-10 on digits,
pruned to 95 % with the defaults but for the solver: accuracy and log loss on held-out rows beside
those of the dense network, and the CPU time of pruning.
"""

import argparse
import json
import sys
import warnings
from pathlib import Path
from time import process_time

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import mnist

SETTINGS = (("lbfgs", 20), ("adam", 20), ("adam", 5))


def cases(rows):
    """(name, hidden units, X, X_test, y, y_test)."""
    X, y = load_digits(return_X_y=True)
    yield "digits", (30,), *train_test_split(X / 16, y, test_size=0.25, random_state=0)
    X, y, X_test, y_test = mnist()
    for n_samples in rows:
        yield "MNIST", (40, 20), X[:n_samples], X_test, y[:n_samples], y_test


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[1000, 10_000, 60_000])
    parser.add_argument("--json", help="write the results here as well")
    options = parser.parse_args()
    results = []
    print("| data | rows | dense | solver, passes | accuracy | log loss | CPU, s |")
    print("|---|---|---|---|---|---|---|")
    for name, hidden, X, X_test, y, y_test in cases(options.rows):
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore", ConvergenceWarning)
            dense = MLPClassifier(hidden, alpha=1e-3, max_iter=30, random_state=0).fit(X, y)
        of_dense = dense.score(X_test, y_test), log_loss(y_test, dense.predict_proba(X_test))
        for solver, epochs in SETTINGS:
            model = OBSPrunedMLPClassifier.from_sklearn(
                dense, target_sparsity=0.95, retrain_solver=solver, retrain_epochs=epochs
            )
            start = process_time()
            model.prune(X, y)
            seconds = process_time() - start
            found = model.score(X_test, y_test), log_loss(y_test, model.predict_proba(X_test))
            row = "| {} | {} | {:.4f}, {:.3f} | {}, {} | {:.4f} | {:.3f} | {:.0f} |"
            print(row.format(name, len(X), *of_dense, solver, epochs, *found, seconds), flush=True)
            results.append([name, len(X), *of_dense, solver, epochs, *found, seconds])
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
