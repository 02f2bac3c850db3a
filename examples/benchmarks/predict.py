"""Prediction with a pruned network: seconds against sparsity, batch and form.

    python examples/benchmarks/predict.py [--repeats 9]

The network is 784-300-100-10 on MNIST (two epochs: time does not depend on the fit), pruned by
magnitude, and 64-32-10 on digits, pruned at the defaults. Each figure is the time of `predict`
divided by that of the dense scikit-learn network on the same rows, both called in turn, median of
the ratios: "as it is", "compacted" and "CSR" are the pruned estimator held to a form, "predict" is
what it does by its rule, in the form named of each layer, and "compact()" the compacted estimator.
First come the constants of the rule as this machine has them, last half of the units removed as
wholes.
"""

import argparse
import sys
import warnings
from pathlib import Path
from time import perf_counter
from unittest import mock

import numpy as np
from scipy.sparse import csr_array
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.estimators.attributes import network_of
from sklearn_obs.network import prediction

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import mnist

BATCHES = (1, 100, 1000, 10_000)


def seconds(call):
    start = perf_counter()
    call()
    return perf_counter() - start


def ratio(model, reference, X, repeats):
    """Median of the ratios of their times, called in turn; short calls many times each."""
    n = max(1, int(0.02 / seconds(lambda: reference.predict(X))))
    calls, references = (lambda m=m: [m.predict(X) for _ in range(n)] for m in (model, reference))
    calls()
    return np.median([seconds(calls) / seconds(references) for _ in range(repeats)])


def networks():
    """(name, dense network, rows, pruned estimator by sparsity)."""
    X, y, X_test, _ = mnist()
    X, X_test = X.astype(float), X_test.astype(float)
    dense = MLPClassifier((300, 100), max_iter=2, random_state=0).fit(X, y)
    few = {"criterion": "magnitude", "retrain_epochs": 0, "step": 0.5}
    pruned = {
        s: OBSPrunedMLPClassifier.from_sklearn(dense, **few).prune(
            X[:100], y[:100], target_sparsity=s
        )
        for s in (0.5, 0.8, 0.9, 0.95, 0.98)
    }
    yield "784-300-100-10", dense, X_test, pruned
    X, y = load_digits(return_X_y=True)
    X = X / 16
    dense = MLPClassifier((32,), alpha=1e-3, max_iter=1000, random_state=0).fit(X, y)
    pruned = {
        s: OBSPrunedMLPClassifier.from_sklearn(dense).prune(X, y, target_sparsity=s)
        for s in (0.8, 0.95)
    }
    yield "64-32-10", dense, np.vstack([X] * 6), pruned


def table(repeats):
    print("| network | sparsity | rows | as it is | compacted | CSR | predict | form | compact() |")
    print("|---|---|---|---|---|---|---|---|---|")
    worst = 0
    for name, dense, X, pruned in networks():
        for sparsity, clf in pruned.items():
            n_layers = len(clf.coefs_)
            ways = (None, ["dense"] * n_layers, ["rows"] * n_layers)
            less = clf.compact()
            for n in BATCHES:
                rows = X[:n]
                state = network_of(clf, vars(clf)), n, clf.masks_, clf.inputs_, clf.units_
                form = ", ".join(prediction.forms(*state) or ["as it is"])
                held = []
                for way in ways:
                    with mock.patch.object(prediction, "forms", lambda *_, way=way, **__: way):
                        held.append(ratio(clf, dense, rows, repeats))
                own, small = (ratio(m, dense, rows, repeats) for m in (clf, less))
                worst = max(worst, own)
                held = " | ".join(f"{r:.2f}" for r in held)
                share = f"{100 * sparsity:.0f} %"
                print(f"| {name} | {share} | {n:,} | {held} | {own:.2f} | {form} | {small:.2f} |")
    print(f"\nslowest pruned predict: {worst:.2f} times the dense network's time\n")


def half_the_units(repeats):
    X, y, X_test, _ = mnist()
    X, X_test = X.astype(float), X_test.astype(float)
    dense = MLPClassifier((300, 100), max_iter=2, random_state=0).fit(X, y)
    clf = OBSPrunedMLPClassifier.from_sklearn(
        dense, granularity="unit", criterion="magnitude", retrain_epochs=0, step=0.2
    )
    target = 0.5
    while sum(map(len, clf.units_)) > 200:
        clf.prune(X[:100], y[:100], target_sparsity=target)
        target += 0.01
    less = clf.compact()
    units = "-".join(str(n) for n in less.hidden_layer_sizes)
    for n in BATCHES:
        rows = X_test[:n]
        own, small = (ratio(m, dense, rows, repeats) for m in (clf, less))
        print(
            f"784-300-100-10 with 784-{units}-10 left, {n:,} rows: {1 / own:.2f} times faster, "
            f"compact() {1 / small:.2f} times"
        )


def constants(repeats):
    """Nanoseconds for the letters of `sklearn_obs.prediction`, on one BLAS thread."""
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(10_000, 784)), rng.normal(size=(784, 300))

    def turned(V):
        z = np.empty((len(X), 300))
        for i in range(0, len(X), prediction.TURNED_ROWS):
            z[i : i + prediction.TURNED_ROWS] = (
                V @ np.ascontiguousarray(X[i : i + prediction.TURNED_ROWS].T)
            ).T

    def time(call):
        return 1e9 * np.median([seconds(call) for _ in range(repeats)])

    few, more = (csr_array((W * (rng.random(W.shape) < share)).T) for share in (0.02, 0.1))
    half = np.arange(0, 784, 2)
    with threadpool_limits(1):
        product = time(lambda: X @ W) / (len(X) * W.size)
        rows, all_rows = (time(lambda V=V: turned(V)) / len(X) for V in (few, more))
        per_weight = (all_rows - rows) / (more.nnz - few.nnz)
        turn = (rows - per_weight * few.nnz) / sum(W.shape)
        scan = time(lambda: csr_array((W * (W > 1)).T)) / W.size
        pick = time(lambda: X.take(half, axis=1)) / (len(X) * len(half))
    print(f"D {product:.3f} ({1 / 24:.3f} in the rule), R {per_weight:.2f}, T {turn:.2f}, ", end="")
    print(f"C {scan:.2f}, S {pick:.2f}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    constants(options.repeats)
    table(options.repeats)
    half_the_units(options.repeats)


if __name__ == "__main__":
    main()
