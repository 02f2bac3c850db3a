"""Unit blocks of a 784-300-100-10 network on MNIST: one job, two threads, two processes.

    python examples/benchmarks/parallel.py [--json FILE] [--repeats 3]

The elimination of the first round: 10 % of the weights, 5,000 curvature rows, damping=0.02. The
variants run in turn in one process; processes are started before they are timed.
"""

import argparse
import json
import sys
import warnings
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from joblib import cpu_count, parallel_config
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from sklearn_obs.curvature import Measurement
from sklearn_obs.elimination.blocks import eliminate_blocks
from sklearn_obs.network import Network
from sklearn_obs.network.compaction import never_read
from sklearn_obs.pruning.criteria import Case

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import mnist

N_ROWS, ALPHA, BATCH = 5000, 1e-3, 200
VARIANTS = {
    "one job": (1, nullcontext),
    "2 threads": (2, lambda: parallel_config(backend="threading")),
    "2 processes": (2, nullcontext),
}


def first_round(X, y):
    """The dense network's first round, and how many weights go in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        dense = MLPClassifier((300, 100), alpha=ALPHA, max_iter=15, random_state=0).fit(X, y)
    network = Network(tuple(dense.coefs_), tuple(dense.intercepts_), "relu", "softmax")
    rows = np.sort(np.random.default_rng(0).choice(len(X), N_ROWS, replace=False))
    one_hot = np.eye(10, dtype=np.float32)[y[rows]]
    keep = np.flatnonzero(~never_read(network.layout, X))
    case = Case(
        measurement=Measurement(network, X[rows], one_hot, np.full(N_ROWS, 1 / N_ROWS), "ggn"),
        keep=keep,
        eligible=keep < network.layout.n_coefs,
        penalty=ALPHA / BATCH,
        damping=0.02,
        structure="unit",
        n_jobs=None,
        rng=None,
    )
    return case, int(0.1 * network.layout.n_coefs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", help="write the results here as well")
    options = parser.parse_args()
    X, y, _, _ = mnist()
    case, n_remove = first_round(X, y)
    blocks = case.inverse_hessian().blocks()

    def timed(n_jobs, backend):
        with backend():
            start = perf_counter()
            path = eliminate_blocks(
                case.weights, blocks, n_remove, eligible=case.eligible, n_jobs=n_jobs
            )
            return perf_counter() - start, path

    timed(*VARIANTS["2 processes"])
    times, first = {name: [] for name in VARIANTS}, None
    for _ in range(options.repeats):
        for name, variant in VARIANTS.items():
            seconds, path = timed(*variant)
            times[name].append(seconds)
            first = path if first is None else first
            for field in ("order", "saliency", "weights"):
                np.testing.assert_array_equal(getattr(path, field), getattr(first, field), name)
    medians = {name: median(seconds) for name, seconds in times.items()}
    for name, seconds in medians.items():
        ratio = medians["one job"] / seconds
        print(f"{name}: {seconds:.2f} s, {ratio:.2f} times as fast as one job", flush=True)
    print(f"{n_remove:,} of {case.keep.size:,} parameters, {len(blocks)} blocks; same bits")
    print(f"{cpu_count()} cores")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"cores": cpu_count(), "seconds": medians}, file, indent=1)


if __name__ == "__main__":
    main()
