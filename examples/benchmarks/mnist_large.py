"""A 784-300-100-10 network on MNIST to 95 % sparsity with the default step: time, memory, accuracy.

    python examples/benchmarks/mnist_large.py [--json FILE] [--n-jobs 2] [--parts surgery retrained]
        [--iterations 15] [--dense FILE]

266,200 weights, unit blocks, all else default but `n_jobs`. "surgery" is retrain_epochs=0,
"retrained" the default; each runs in a process of its own. Peak memory is that of this process,
with the data, and of its workers (Linux). The dense network is trained once and is not timed; with
``--dense`` it is kept in that file, for another version of the library to prune the same one.
Levels are those of one path: 95 % goes on from 80 %.
"""

import argparse
import json
import os
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import joblib
from joblib.externals.loky import get_reusable_executor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import mnist

LEVELS = (0.8, 0.95)
PARTS = {"surgery": {"retrain_epochs": 0}, "retrained": {}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--iterations", type=int, default=15, help="of the dense network")
    parser.add_argument("--dense", type=Path, help="where the dense network is kept")
    parser.add_argument("--json", help="write the results here as well")
    options = parser.parse_args()
    X, y, X_test, y_test = mnist()
    if options.dense and options.dense.exists():
        dense = joblib.load(options.dense)
    else:
        dense = MLPClassifier((300, 100), alpha=1e-3, max_iter=options.iterations, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            dense.fit(X, y)
        if options.dense:
            joblib.dump(dense, options.dense)
    accuracy = dense.score(X_test, y_test)
    del X, y, X_test, y_test
    print(f"dense: test accuracy {accuracy:.4f}\n")
    print("| part | sparsity | seconds | peak memory, MiB | test accuracy |")
    print("|---|---|---|---|---|")
    results = []
    for part in options.parts:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            for row in pool.submit(operate, dense, PARTS[part], options.n_jobs).result():
                results.append({"part": part} | row)
                print(
                    f"| {part} | {row['sparsity']:.0%} | {row['seconds']:.0f} | {row['peak']:.0f} "
                    f"| {row['accuracy']:.4f} |",
                    flush=True,
                )
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"dense": accuracy, "results": results}, file, indent=1)


def operate(dense, parameters, n_jobs):
    """One path: seconds since its start, peak memory and accuracy at each level."""
    X, y, X_test, y_test = mnist()
    model = OBSPrunedMLPClassifier.from_sklearn(
        dense, structure="unit", n_jobs=n_jobs, **parameters
    )
    rows, seconds = [], 0.0
    for level in LEVELS:
        start = perf_counter()
        model.prune(X, y, target_sparsity=level)
        seconds += perf_counter() - start
        accuracy = model.score(X_test, y_test)
        row = {"sparsity": level, "seconds": seconds, "peak": peak_mib(), "accuracy": accuracy}
        rows.append(row)
    get_reusable_executor().shutdown()  # else this process waits for its workers, and they for it
    return rows


def peak_mib():
    """The sum of the peaks of this process and of its workers, as Linux counts them."""
    me = os.getpid()
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:  # it has ended
            continue
        if me in (int(fields["Pid"]), int(fields["PPid"])):
            total += int(fields.get("VmHWM", "0 kB").split()[0])
    return total / 1024


if __name__ == "__main__":
    main()
