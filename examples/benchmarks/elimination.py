"""Speed and memory of the elimination, as ratios measured in one process.

    python examples/benchmarks/elimination.py [--json FILE] [--repeats 5]

The two sides of a ratio are run in turn with one BLAS thread, as in a fit, and the median of the
repeats is reported:

- `eliminate` of 95 % of n weights, inverse given, against the textbook loop (one outer product a
  removal);
- the same against LAPACK's inversion (`potrf` + `potri`) of the same matrix;
- the paths of all unit blocks of a 64-100-10 network (7,400 weights) and their merge, on one core;
- peak memory of the full structure: Hessian, inverse and elimination, in units of n^2 floats.
"""

import argparse
import itertools
import json
import subprocess
import sys
from statistics import median
from time import perf_counter

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_obs.curvature import STRUCTURES, FullInverse, Measurement, inverted
from sklearn_obs.elimination import eliminate
from sklearn_obs.elimination.blocks import eliminate_blocks
from sklearn_obs.network import Network

SHARE = 0.95

PEAK = """
def peak():
    with open("/proc/self/status") as status:  # Linux; of this process alone
        return 1024 * int(next(line for line in status if "VmHWM" in line).split()[1])
"""


def problem(n, seed=0):
    """Weights and a Hessian of condition number about 1e4."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, 2 * n)) * np.geomspace(1, 0.1, n)[:, None]
    return rng.standard_normal(n), A @ A.T / n + 1e-2 * np.eye(n)


def textbook(w, C, n_remove):
    """Hassibi and Stork's loop as one would write it in NumPy."""
    w, C = w.copy(), C.copy()
    order, alive = np.empty(n_remove, int), np.ones(w.size, bool)
    for step in range(n_remove):
        saliency = np.full(w.size, np.inf)
        saliency[alive] = w[alive] ** 2 / (2 * C.diagonal()[alive])
        q = order[step] = saliency.argmin()
        w -= w[q] / C[q, q] * C[:, q]
        C -= np.outer(C[:, q], C[q] / C[q, q])
        w[q], alive[q] = 0, False
    return order, w


def seconds(function, *arguments, **options):
    start = perf_counter()
    result = function(*arguments, **options)
    return perf_counter() - start, result


def against_textbook(n, repeats):
    w, H = problem(n)
    n_remove, C = int(SHARE * n), np.linalg.inv(H)
    inverse = FullInverse(H)
    slow, fast = [], []
    for _ in range(repeats):
        time, (order, weights) = seconds(textbook, w, C, n_remove)
        slow.append(time)
        time, path = seconds(eliminate, w, inverse, n_remove)
        fast.append(time)
    return {
        "what": f"eliminate 95 % of {n}, against the textbook loop",
        "ratio": median(slow) / median(fast),
        "seconds": median(fast),
        "other_seconds": median(slow),
        "same_order": bool(np.array_equal(order, path.order)),
        "relative_error": float(np.abs(weights - path.weights).max() / np.abs(weights).max()),
        "condition": float(np.linalg.cond(H)),
    }


def lapack_inverse(A):
    A, _ = dpotrf(A, lower=1, overwrite_a=1)
    return dpotri(A, lower=1, overwrite_c=1)[0]


def against_lapack(n, repeats):
    w, H = problem(n)
    lapack, ours = [], []
    for _ in range(repeats):  # both sides in memory that they may overwrite
        A = np.asfortranarray(H)
        lapack.append(seconds(lapack_inverse, A)[0])
        inverse = FullInverse(H)
        ours.append(seconds(eliminate, w, inverse, int(SHARE * n), overwrite=True)[0])
    return {
        "what": f"eliminate 95 % of {n}, against potrf + potri",
        "ratio": median(ours) / median(lapack),
        "seconds": median(ours),
        "other_seconds": median(lapack),
    }


def unit_blocks(repeats):
    rng = np.random.default_rng(0)
    units = (64, 100, 10)
    network = Network(
        tuple(rng.normal(size=s) / 8 for s in itertools.pairwise(units)),
        tuple(np.zeros(n) for n in units[1:]),
        "relu",
        "softmax",
    )
    X = rng.random((1347, 64))
    keep = np.arange(network.theta.size)
    v = np.full(len(X), 1 / len(X))
    measurement = Measurement(network, X, np.zeros((len(X), 10)), v, "ggn")
    blocks = STRUCTURES["unit"].invert(measurement, keep, np.full(keep.size, 1e-3))
    at_hand = [inverted(block.index, block.inverse()) for block in blocks.blocks()]
    eligible = keep < network.layout.n_coefs
    times = [
        seconds(
            eliminate_blocks,
            network.theta,
            at_hand,
            network.layout.n_coefs,
            eligible=eligible,
        )[0]
        for _ in range(repeats)
    ]
    return {
        "what": "paths of 110 unit blocks of 7,400 weights and their merge, one core",
        "seconds": median(times),
    }


def peak_of_full(n):
    """Peak memory of inversion and elimination in a process of their own, in n^2 floats.

    The process starts from the Hessian, which it may overwrite, as surgery does.
    """
    code = PEAK + (
        "import numpy as np\n"
        "from sklearn_obs.curvature import FullInverse\n"
        "from sklearn_obs.elimination import eliminate\n"
        "before = peak()\n"
        f"n = {n}\n"
        "H = np.full((n, n), 1e-3); H[np.diag_indices(n)] += 1 + np.arange(n) / n\n"
        "w = np.sin(np.arange(n) + 1.0)\n"
        f"eliminate(w, FullInverse(H, overwrite=True), int({SHARE} * n), overwrite=True)\n"
        "print((peak() - before) / (8 * n * n))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {
        "what": f"peak memory of the full structure, n = {n}, from the Hessian on (n^2 floats)",
        "ratio": float(done.stdout),
    }


def peak_of_full_surgery(hidden):
    """The same from the network on: assembly of the matrix, inversion, elimination."""
    code = PEAK + (
        "import numpy as np\n"
        "from sklearn_obs.curvature import STRUCTURES, Measurement\n"
        "from sklearn_obs.elimination import eliminate\n"
        "from sklearn_obs.network import Network\n"
        "rng = np.random.default_rng(0)\n"
        f"units = (64, {hidden}, 10)\n"
        "network = Network(tuple(rng.normal(size=s) / 8 for s in zip(units, units[1:])),\n"
        "    tuple(np.zeros(n) for n in units[1:]), 'relu', 'softmax')\n"
        "n = network.theta.size\n"
        "X, v, keep = rng.random((1347, 64)), np.full(1347, 1 / 1347), np.arange(n)\n"
        "before = peak()\n"
        "here = Measurement(network, X, np.zeros((len(X), 10)), v, 'ggn')\n"
        "C = STRUCTURES['full'].invert(here, keep, np.full(n, 1e-3))\n"
        f"eliminate(network.theta, C, int({SHARE} * n), overwrite=True)\n"
        "print(n, (peak() - before) / (8 * n * n))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    n, ratio = done.stdout.split()
    return {
        "what": f"peak memory of the full structure, n = {n}, from the network on (n^2 floats)",
        "ratio": float(ratio),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", help="write the results here as well")
    options = parser.parse_args()
    with threadpool_limits(1):
        results = [
            against_textbook(2260, options.repeats),
            against_lapack(4000, options.repeats),
            against_lapack(7510, options.repeats),
            unit_blocks(options.repeats),
        ]
        threads = {i["internal_api"]: i["num_threads"] for i in threadpool_info()}
    results += [peak_of_full(7510), peak_of_full_surgery(100)]
    print(f"threads {threads}, median of {options.repeats}")
    for result in results:
        print(f"{result['what']:<78}", *_facts(result))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"threads": threads, "results": results}, file, indent=1)


def _facts(result):
    for name, value in result.items():
        if name != "what":
            yield f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"


if __name__ == "__main__":
    main()
