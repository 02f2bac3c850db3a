"""Time and peak memory of one round of surgery against the number of weights, and on paper.

    python examples/benchmarks/scaling.py [--json FILE] [--structures unit ...] [--paper]

One round is curvature and elimination of 10 % of the weights (`criteria.obs` on a `Case`), without
retraining, on random data and a random network inputs-hidden-10 of relu units and softmax with
inputs = 2.6 hidden (as 784-300-10), so that both grow as sqrt(n). Rows: 2,000 of 'ggn', but 150 of
'fisher' for 'low_rank' (m = 150). Every measurement is a process of its own, on one core: one BLAS
thread, n_jobs=1; seconds are CPU time, so that other work on the machine counts little. Its peak is
the high-water mark of resident memory, less what was resident before the round; a round on a small
network goes first, so that libraries and BLAS buffers are there.

Leading terms, with p = inputs + 1, h = hidden, r rows, m rows of G, and 0.1 n removals. Paths of
blocks are computed for twice their share (0.2), and their columns of C are kept (0.2 p of p):

    structure   flops                                              bytes / 8
    full        r n^2 / 2 + n^3 (1 + 0.1)                          1.25 n^2
    layer       the same, n the first layer, 0.2 for 0.1           2.2 n^2  (C and the copy in use)
    unit        h (r p^2 / 2 + 1.2 p^3)                            0.2 h p^2 + 2 p^2 + r (p + h)
    kronecker   h 1.2 p^3 + r p^2 + 10 r h^2 + t 4 p h (p + h)     0.2 h p^2 + 2 p^2 + 2 (p^2 + h^2)
    low_rank    2 n m^2 + 0.1 n (2 m + 64) n                       1.5 n m

(half of the rows reach a relu unit; potrf + potri take n^3; a removal updates a triangle of C, n^2,
or takes a product with F, 2 n m, and 64 n to bring it up to date within its panel; t iterations of
conjugate gradients). "theory" is the exponent of these terms over the same n, "limit" that of
n -> infinity with r, m and t fixed. Exponents of memory leave out peaks below 4 MB.

`--paper` prints one round on 1.07e9 weights, four layers of 16,384 x 16,384, from the same terms
and the measured rates of the largest n, which take some minutes.

The bars of 'low_rank' (m = 150, n = 3,000) come last: peak memory (tracemalloc) of inverse and
elimination of 95 % against 'full', and time against the textbook loop, one outer product a removal.
"""

import argparse
import json
import subprocess
import sys
import tracemalloc
from itertools import pairwise
from pathlib import Path
from time import process_time

import numpy as np
from threadpoolctl import threadpool_limits

from sklearn_obs.curvature import STRUCTURES, FullInverse, LowRankInverse, Measurement, extent
from sklearn_obs.curvature.gauss_newton import formed_rows
from sklearn_obs.curvature.inverse import kronecker as kronecker_module
from sklearn_obs.curvature.kinds import targets
from sklearn_obs.elimination import eliminate
from sklearn_obs.network import Network
from sklearn_obs.pruning.criteria import Case, obs

OUTPUTS = 10
RATIO = 2.6  # inputs : hidden
SHARE = 0.1  # of the weights, that go in the round
PATHS = 2 * SHARE  # of a block's weights: blockwise.AHEAD times its share
DENSE = (1_000, 1_800, 3_200, 5_600)
MEDIUM = (1_000, 3_000, 10_000, 30_000)
LARGE = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000)
SIZES = {"unit": LARGE, "layer": DENSE, "full": DENSE, "low_rank": MEDIUM, "kronecker": LARGE}
LIMITS = {  # n -> infinity: exponents of time and of memory
    "unit": (2, 1.5),
    "layer": (3, 2),
    "full": (3, 2),
    "low_rank": (2, 1),
    "kronecker": (2, 1.5),
}
SMALLEST_PEAK = 4e6  # bytes: below, pages and Python's own objects show
SIDE, LAYERS, CORES = 16_384, 4, 64  # on paper


def shape(n):
    """(inputs, hidden) of a network of about n parameters."""
    hidden = round(max(2, ((OUTPUTS + 1) ** 2 + 4 * RATIO * n) ** 0.5 - OUTPUTS - 1) / (2 * RATIO))
    return round(RATIO * hidden), hidden


def network_of(n, rng):
    """A random network of about n parameters."""
    units = (*shape(n), OUTPUTS)
    return Network(
        tuple(rng.normal(size=(a, b)) * (2 / a) ** 0.5 for a, b in pairwise(units)),
        tuple(0.1 * rng.normal(size=b) for b in units[1:]),
        "relu",
        "softmax",
    )


def kind_and_rows(structure):
    """What curvature is measured: its kind, rows of data."""
    return ("fisher", 150) if structure == "low_rank" else ("ggn", 2_000)


def case_of(structure, n):
    """A round's case on random data."""
    rng = np.random.default_rng(0)
    network = network_of(n, rng)
    kind, n_samples = kind_and_rows(structure)
    X = rng.normal(size=(n_samples, network.coefs[0].shape[0]))
    y = np.eye(OUTPUTS)[rng.integers(OUTPUTS, size=n_samples)]
    y = targets(kind, network, X, y, rng)
    keep = np.arange(network.layout.n_parameters)
    return Case(
        measurement=Measurement(network, X, y, np.full(n_samples, 1 / n_samples), kind),
        keep=keep,
        eligible=keep < network.layout.n_coefs,
        penalty=1e-4,
        damping=0.05,
        structure=structure,
        n_jobs=1,
        rng=rng,
    )


def estimate(case, n_remove):
    """What pruning would say that the round takes."""
    measurement = case.measurement
    size = extent(
        measurement.network.layout,
        case.keep,
        kind=measurement.kind,
        n_samples=measurement.n_samples,
        n_remove=n_remove,
        n_jobs=1,
        itemsize=measurement.dtype.itemsize,
    )
    return STRUCTURES[case.structure].needs(size)


def status(field):
    """Bytes of a field of /proc/self/status (Linux): of this process alone, unlike ru_maxrss."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(field)).split()[1])


def measure(structure, n):
    """One round in this process: seconds, peak bytes, their estimate."""
    iterations = count_iterations()
    with threadpool_limits(1):
        small = case_of(structure, 300)
        obs(small, 20, lambda q: ())
        case = case_of(structure, n)
        iterations.clear()
        n_remove = int(SHARE * np.count_nonzero(case.eligible))
        before = status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # high-water mark := now
        start = process_time()
        obs(case, n_remove, lambda q: ())
        seconds = process_time() - start
        peak = status("VmHWM") - before
    result = {
        "structure": structure,
        "n": case.keep.size,
        "seconds": seconds,
        "bytes": peak,
        "estimate": estimate(case, n_remove),
        "iterations": len(iterations),
    }
    result["gflops"] = 1e-9 * flops(structure, result["n"], result["iterations"]) / seconds
    return result


def count_iterations():
    """A list that grows by one with each iteration of conjugate gradients from here on."""
    iterations, cg = [], kronecker_module.cg
    kronecker_module.cg = lambda *a, **k: cg(*a, callback=iterations.append, **k)
    return iterations


def flops(structure, n, iterations=0):
    """The leading terms of the docstring."""
    p, h = shape(n)
    p, r = p + 1, kind_and_rows(structure)[1]
    if structure == "full":
        return r * n**2 / 2 + (1 + SHARE) * n**3
    if structure == "layer":
        return r * (p * h) ** 2 / 2 + (1 + PATHS) * (p * h) ** 3
    if structure == "low_rank":
        return 2 * n * r**2 + SHARE * n * (2 * r + 64) * n
    if structure == "unit":
        return unit_flops(h, p, r)
    return kronecker_flops(h, p, r, iterations)


def unit_flops(h, p, r):
    """Of h blocks of p weights."""
    return h * (r * p**2 / 2 + (1 + PATHS) * p**3)


def kronecker_flops(h, p, r, iterations):
    """Of a layer of p inputs and h units."""
    solve = iterations * 2 * 2 * p * h * (p + h)
    return h * (1 + PATHS) * p**3 + r * p**2 + r * OUTPUTS * h**2 + solve


def leading_bytes(structure, n):
    """The leading terms of the docstring."""
    p, h = shape(n)
    p, r = p + 1, kind_and_rows(structure)[1]
    kept = PATHS * h * p**2 + 2 * p**2
    return (
        8
        * {
            "full": 1.25 * n**2,
            "layer": 2.2 * (p * h) ** 2,
            "unit": kept + r * (p + h),
            "kronecker": kept + 2 * (p**2 + h**2),
            "low_rank": 1.5 * n * r,
        }[structure]
    )


def exponent(n, values):
    """The slope of log values on log n."""
    return float(np.polyfit(np.log(n), np.log(values), 1)[0]) if len(n) > 1 else float("nan")


def apart(structure, n):
    """`measure` in a process of its own."""
    command = [sys.executable, __file__, "--measure", structure, str(n)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def readable(n_bytes):
    """'1.2 GB'."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if n_bytes < 999.5 or unit == "TB":
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return None


def measurements(structures):
    """Every structure at every size."""
    print(
        "| structure | n | CPU s | peak | estimate | estimate / peak | Gflop/s | iterations of CG |"
    )
    print("|---|---|---|---|---|---|---|---|")
    results = []
    for structure in structures:
        for n in SIZES[structure]:
            r = apart(structure, n)
            results.append(r)
            print(
                f"| {structure} | {r['n']:,} | {r['seconds']:.3g} | {readable(r['bytes'])} "
                f"| {readable(r['estimate'])} | {r['estimate'] / max(r['bytes'], 1):.2f} "
                f"| {r['gflops']:.3g} | {r['iterations'] or ''} |",
                flush=True,
            )
    return results


def exponents(results):
    """Fitted exponents beside those of the leading terms."""
    print("\n| structure | n | time | its last two n | theory | limit | memory | theory | limit |")
    print("|---|---|---|---|---|---|---|---|---|")
    rows = []
    for structure in dict.fromkeys(r["structure"] for r in results):
        mine = [r for r in results if r["structure"] == structure]
        large = [r for r in mine if r["bytes"] >= SMALLEST_PEAK]
        n, n_large = [r["n"] for r in mine], [r["n"] for r in large]
        row = {
            "structure": structure,
            "time": exponent(n, [r["seconds"] for r in mine]),
            "time_last": exponent(n[-2:], [r["seconds"] for r in mine[-2:]]),
            "time_theory": exponent(n, [flops(structure, r["n"], r["iterations"]) for r in mine]),
            "memory": exponent(n_large, [r["bytes"] for r in large]),
            "memory_theory": exponent(n_large, [leading_bytes(structure, i) for i in n_large]),
        }
        time, memory = LIMITS[structure]
        print(
            f"| {structure} | {n[0]:,} to {n[-1]:,} | {row['time']:.2f} "
            f"| {row['time_last']:.2f} | {row['time_theory']:.2f} "
            f"| {time:g} | {row['memory']:.2f} | {row['memory_theory']:.2f} | {memory:g} |"
        )
        rows.append(row)
    return rows


def paper(results):
    """One round on a stack of large layers, from the leading terms and the measured rates."""
    largest = {r["structure"]: r for r in results}  # the last of each
    solved = [r for r in results if r["iterations"] and r["n"] > 20_000]
    growth = exponent([r["n"] for r in solved], [r["iterations"] for r in solved])
    iterations = solved[-1]["iterations"] * (SIDE * (SIDE + 1) / solved[-1]["n"]) ** growth
    p, r, n_blocks = SIDE + 1, 5_000, LAYERS * SIDE
    block, columns = 8 * p**2, 8 * p * int(PATHS * p) * n_blocks
    rows = {
        "weights and intercepts": [f"{n_blocks * p:.3g}"] * 2,
        "blocks of units": [f"{n_blocks:,} of {p:,} weights"] * 2,
        "bytes of one block's C (a worker's, and one copy in use)": [readable(block)] * 2,
        "bytes of the weights themselves, float64": [readable(8 * n_blocks * p)] * 2,
        "bytes of what a layer's blocks share": [
            f"{readable(8 * r * p)} of inputs, {readable(8 * r * SIDE)} of signals",
            f"{readable(8 * p**2)} of A, {readable(8 * SIDE**2)} of B",
        ],
        "bytes of all kept columns (a fifth of C)": [readable(columns)] * 2,
    }
    inversion = n_blocks * p**3
    parts = {
        "assembly": [n_blocks * r * p**2 / 2, LAYERS * (r * p**2 + r * OUTPUTS * SIDE**2)],
        "inversion of the blocks": [inversion, inversion],
        "paths": [PATHS * inversion, PATHS * inversion],
        "joint repair": [
            0,
            LAYERS * iterations * 4 * p * SIDE * (p + SIDE),
        ],
    }
    rates = [1e9 * largest[s]["gflops"] for s in ("unit", "kronecker")]
    totals = [sum(part[k] for part in parts.values()) for k in range(2)]
    for name, pair in parts.items():
        rows[f"flops, {name}"] = [
            f"{f:.2g} ({f / t:.1%})" if f else "-" for f, t in zip(pair, totals, strict=True)
        ]
    rows["iterations of the repair, extrapolated"] = ["-", f"{iterations:,.0f} (n^{growth:.2f})"]
    rows["flops, all"] = [f"{t:.3g}" for t in totals]
    rows["Gflop/s of one core, measured"] = [f"{rate / 1e9:.3g}" for rate in rates]
    hours = [t / rate / 3600 for t, rate in zip(totals, rates, strict=True)]
    rows["core-hours a round"] = [f"{t:,.0f}" for t in hours]
    rows[f"hours a round of a machine of {CORES} cores"] = [f"{t / CORES:,.0f}" for t in hours]
    working = 2 * block * CORES
    rows[f"working memory of {CORES} workers"] = [readable(working)] * 2
    print("\n| one round, 10 % of the weights | unit | kronecker |")
    print("|---|---|---|")
    for name, pair in rows.items():
        print(f"| {name} | {pair[0]} | {pair[1]} |")
    return rows


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


def peak_of(function):
    """Peak bytes of a call, of all that NumPy takes in it."""
    tracemalloc.start()
    function()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def low_rank_bars(n=3_000):
    """Memory of the low rank against the full matrix, time against the textbook loop."""
    case = case_of("low_rank", n)
    G = np.concatenate(list(formed_rows(case.measurement, case.keep, np.float64)), axis=1)
    n, m = G.shape
    w, n_remove = case.weights, int(0.95 * n)
    ridge = np.full(n, 0.05 * np.einsum("ij,ij->", G, G) / n)

    def small():
        return eliminate(w, LowRankInverse(G.copy(), ridge), n_remove, overwrite=True)

    def hessian():
        H = G @ G.T
        H[np.diag_indices(n)] += ridge
        return H

    def full():
        return eliminate(w, FullInverse(hessian(), overwrite=True), n_remove, overwrite=True)

    small()
    small_peak, full_peak = peak_of(small), peak_of(full)
    times = []
    for _ in range(3):
        start = process_time()
        path = small()
        times.append(process_time() - start)
    C = np.linalg.inv(hessian())
    start = process_time()
    order, weights = textbook(w, C, n_remove)
    slow, fast = process_time() - start, sorted(times)[1]
    wrong = int(np.count_nonzero(order != path.order))
    error = float(np.abs(weights - path.weights).max() / np.abs(weights).max())
    same = "the same" if not wrong else f"{wrong} of {n_remove} differ"
    print(f"\n| low_rank, n = {n:,}, m = {m}, 95 % removed | figure |")
    print("|---|---|")
    print(
        f"| peak memory, against full | {full_peak / small_peak:.1f} times less "
        f"({readable(small_peak)}, {readable(full_peak)}) |"
    )
    print(
        f"| time, against the textbook loop | {slow / fast:.0f} times faster "
        f"({fast:.2g} s, {slow:.1f} s) |"
    )
    print(f"| order | {same}; weights to {error:.0e} relative |")
    return {
        "n": n,
        "m": m,
        "bytes": small_peak,
        "full_bytes": full_peak,
        "seconds": fast,
        "textbook_seconds": slow,
        "order_differs": wrong,
        "relative_error": error,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--paper", action="store_true", help="one round on 1e9 weights, on paper")
    parser.add_argument("--json", help="write the results here as well")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        structure, n = options.measure
        print(json.dumps(measure(structure, int(n))))
        return
    if options.paper:
        rates = [apart("unit", LARGE[-1]), *(apart("kronecker", n) for n in LARGE[-3:])]
        results = {"measurements": rates, "paper": paper(rates)}
    else:
        results = {"measurements": measurements(options.structures)}
        results["exponents"] = exponents(results["measurements"])
        if {"unit", "kronecker"} <= set(options.structures):
            results["paper"] = paper(results["measurements"])
        if "low_rank" in options.structures:
            with threadpool_limits(1):
                results["low_rank"] = low_rank_bars()
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
