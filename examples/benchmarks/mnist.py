"""A 784-40-20-10 network on MNIST to 98 % sparsity, without and with retraining: time, accuracy.

    python examples/benchmarks/mnist.py [--json FILE] [--repeats 5]

Unit blocks, step=0.2, 3,000 curvature rows, all cores. The dense network is trained once and is not
timed. With retrain_epochs=0 every sparsity starts from the dense network; with retraining by
default, each goes on from the one before, and its seconds count from the dense network.
"""

import argparse
import json
import sys
import warnings
from pathlib import Path
from statistics import median
from time import perf_counter

from joblib import cpu_count
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import mnist


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--json", help="write the results here as well")
    options = parser.parse_args()
    X, y, X_test, y_test = mnist()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        dense = MLPClassifier((40, 20), alpha=1e-3, max_iter=15, random_state=0).fit(X, y)
    settings = {
        "structure": "unit",
        "step": 0.2,
        "n_curvature_samples": 3000,
        "n_jobs": options.n_jobs,
    }
    results, levels = [], (0.8, 0.9, 0.95, 0.98)
    for level in levels:
        times = []
        for _ in range(options.repeats if level == levels[-1] else 1):
            model = OBSPrunedMLPClassifier.from_sklearn(
                dense, target_sparsity=level, retrain_epochs=0, **settings
            )
            start = perf_counter()
            model.prune(X, y)
            times.append(perf_counter() - start)
        accuracy = model.score(X_test, y_test)
        results.append({"sparsity": level, "seconds": median(times), "accuracy": accuracy})
        print(f"{level:.0%}: {median(times):.1f} s, test accuracy {accuracy:.4f}", flush=True)
    model = OBSPrunedMLPClassifier.from_sklearn(dense, **settings)
    start = perf_counter()
    for level in (0.5, *levels):
        model.set_params(target_sparsity=level).prune(X, y)
        took, accuracy = perf_counter() - start, model.score(X_test, y_test)
        results.append({"retrained": level, "seconds": took, "accuracy": accuracy})
        print(f"{level:.0%} retrained: {took:.0f} s, test accuracy {accuracy:.4f}", flush=True)
    print(f"dense: test accuracy {dense.score(X_test, y_test):.4f}; {cpu_count()} cores")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"cores": cpu_count(), "results": results}, file, indent=1)


if __name__ == "__main__":
    main()
