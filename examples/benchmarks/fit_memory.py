"""The growth of a process's peak memory during `fit`, beside the estimate that is made before it.

    python examples/benchmarks/fit_memory.py

Each fit runs in a process of its own, with one BLAS thread (Linux: /proc/self/status is read).
"""

import argparse
import subprocess
import sys
import warnings

import numpy as np

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.estimators.run import scope_before_training

NETWORKS = {
    "500-100-2": (500, 100, 2),
    "240-300-10": (240, 300, 10),  # blocks small enough to be eliminated in step
    "784-1000-10": (784, 1000, 10),
}
SAMPLES = (1_000, 6_000)  # lbfgs retrains up to 5,000, adam more
TARGET = 0.1


def status(field):
    """Bytes of a field of /proc/self/status."""
    with open("/proc/self/status", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return 1024 * int(lines[field].split()[0])


def one_fit(name, n_samples, structure):
    """Growth of the peak and estimate, in bytes."""
    n_inputs, n_hidden, n_classes = NETWORKS[name]
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, n_inputs))
    y = (X[:, :n_classes] + 0.5 * rng.standard_normal((n_samples, n_classes))).argmax(axis=1)
    options = {"max_iter": 3, "random_state": 0, "structure": structure}
    small = OBSPrunedMLPClassifier((3,), **options).fit(X[:50], y[:50])  # what is loaded but once
    clf = OBSPrunedMLPClassifier((n_hidden,), target_sparsity=TARGET, **options)
    estimate = scope_before_training(clf, X, small.n_outputs_, TARGET).needed_bytes()
    before = status("VmRSS")
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")  # the peak is counted from here on
    clf.fit(X, y)
    return status("VmHWM") - before, estimate


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", nargs=3, metavar=("NAME", "SAMPLES", "STRUCTURE"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.one:
        name, n_samples, structure = options.one
        print(*one_fit(name, int(n_samples), structure))
        return
    print("| network | samples | structure | growth, MB | estimate, MB | growth / estimate |")
    print("|---|---|---|---|---|---|")
    for name in NETWORKS:
        for n_samples in SAMPLES:
            for structure in ("auto", "unit", "kronecker"):
                command = [sys.executable, __file__, "--one", name, str(n_samples), structure]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                growth, estimate = map(float, done.stdout.split())
                print(
                    f"| {name} | {n_samples:,} | {structure} | {growth / 1e6:.0f} | "
                    f"{estimate / 1e6:.0f} | {growth / estimate:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
