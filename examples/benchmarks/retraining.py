"""lbfgs or adam for retraining: what `retrain_solver="auto"` goes by.

    python examples/benchmarks/retraining.py [--json FILE]

A 784-40-20-10 network on the first rows of MNIST, pruned to 95 % in rounds of 20 % with 10 passes a
round by either solver: training loss and test accuracy for more and more rows.
"""

import argparse
import json
import sys
import warnings
from pathlib import Path
from time import perf_counter

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import mnist

ROWS = (1000, 3000, 10_000, 30_000)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", help="write the results here as well")
    options = parser.parse_args()
    X, y, X_test, y_test = mnist()
    results = []
    print("| rows | solver | training loss | test accuracy | seconds |")
    print("|---|---|---|---|---|")
    for n_rows in ROWS:
        X_some, y_some = X[:n_rows], y[:n_rows]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            dense = MLPClassifier((40, 20), alpha=1e-3, max_iter=20, random_state=0)
            dense.fit(X_some, y_some)
        for solver in ("lbfgs", "adam"):
            model = OBSPrunedMLPClassifier.from_sklearn(
                dense, target_sparsity=0.95, step=0.2, retrain_solver=solver
            )
            start = perf_counter()
            model.prune(X_some, y_some)
            seconds, accuracy = perf_counter() - start, model.score(X_test, y_test)
            print(f"| {n_rows} | {solver} | {model.loss_:.4f} | {accuracy:.4f} | {seconds:.0f} |")
            results.append({"rows": n_rows, "solver": solver, "loss": model.loss_})
            results[-1] |= {"accuracy": accuracy, "seconds": seconds}
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
