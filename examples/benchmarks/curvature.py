"""Speed of the exact Gauss-Newton matrix against `syrk` on formed rows, in one process.

    python examples/benchmarks/curvature.py [--json FILE] [--repeats 5]

1,347 samples, 10 outputs, networks 64-30-10 (n = 2,260) and 64-100-10 (n = 7,510). Both sides start
from the network and X; the other side's rows G are formed before its clock starts, so that it is
charged for `G' G` alone (numpy calls `syrk` for it).
"""

import argparse
import itertools
import json
import tracemalloc
from statistics import median
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_obs.curvature import Measurement, gauss_newton
from sklearn_obs.curvature.factors import layer_factors
from sklearn_obs.network import Network

N_ROWS = 1347


def random_network(units, seed=0):
    rng = np.random.default_rng(seed)
    return Network(
        tuple(rng.normal(size=s) / np.sqrt(s[0]) for s in itertools.pairwise(units)),
        tuple(rng.normal(size=n) / 10 for n in units[1:]),
        "relu",
        "softmax",
    )


def measurement_of(hidden, n_samples):
    X = np.random.default_rng(1).normal(size=(n_samples, 64))
    y, v = np.zeros((n_samples, 10)), np.full(n_samples, 1 / n_samples)  # 'ggn' does not look at y
    return Measurement(random_network((64, hidden, 10)), X, y, v, "ggn")


def formed_rows(measurement):
    """G, of shape (n_samples * n_outputs, n_parameters), in flat order."""
    layout = measurement.network.layout
    G = np.empty((measurement.n_samples * measurement.n_signals, layout.n_parameters))
    for factors, index in zip(layer_factors(measurement), layout.index, strict=True):
        rows = np.einsum("ti,tkj->tkij", factors.inputs, factors.signals)
        G[:, index.ravel()] = rows.reshape(len(G), -1)
    return G


def measure(hidden, repeats):
    measurement = measurement_of(hidden, N_ROWS)
    keep = np.arange(measurement.network.layout.n_parameters)
    ours, syrk = [], []
    for _ in range(repeats):
        start = perf_counter()
        H = gauss_newton(measurement, keep)
        ours.append(perf_counter() - start)
        G = formed_rows(measurement)
        start = perf_counter()
        exact = G.T @ G
        syrk.append(perf_counter() - start)
        del G
    return {
        "n": keep.size,
        "ratio": median(syrk) / median(ours),
        "seconds": median(ours),
        "syrk_seconds": median(syrk),
        "relative_error": float(np.abs(H - exact).max() / np.abs(exact).max()),
    }


def peak_beyond_the_matrix(hidden, n_samples):
    """Megabytes at the peak beyond H itself, which must not grow with the rows."""
    measurement = measurement_of(hidden, n_samples)
    keep = np.arange(measurement.network.layout.n_parameters)
    tracemalloc.start()
    H = gauss_newton(measurement, keep)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"n": keep.size, "rows": n_samples, "megabytes": (peak - H.nbytes) / 1e6}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", help="write the results here as well")
    options = parser.parse_args()
    with threadpool_limits(1):  # as in a fit
        threads = {i["internal_api"]: i["num_threads"] for i in threadpool_info()}
        print(f"threads {threads}, median of {options.repeats}")
        results = [measure(hidden, options.repeats) for hidden in (30, 100)]
    for r in results:
        print(
            f"n = {r['n']}: {r['ratio']:.1f} times faster than syrk on formed rows "
            f"({r['seconds']:.3f} s, {r['syrk_seconds']:.3f} s), error {r['relative_error']:.0e}"
        )
    memory = [peak_beyond_the_matrix(30, rows) for rows in (1347, 13470, 134700)]
    for r in memory:
        print(f"n = {r['n']}, {r['rows']} rows: {r['megabytes']:.0f} MB beyond the matrix")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"threads": threads, "results": results, "memory": memory}, file, indent=1)


if __name__ == "__main__":
    main()
