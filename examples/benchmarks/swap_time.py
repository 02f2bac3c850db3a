"""What one swap costs: the CPU time of `fit` with `n_swaps=1` beside that of `n_swaps=0`.

    python examples/benchmarks/swap_time.py [--repeats 5]

The network is 64-81-10 on digits, of which 90 % are removed, so that 600 weights are left; one BLAS
thread.
"""

import argparse
import warnings
from statistics import median
from time import process_time

from sklearn.datasets import load_digits

from sklearn_obs import OBSPrunedMLPClassifier


def seconds(X, y, n_swaps):
    clf = OBSPrunedMLPClassifier((81,), target_sparsity=0.9, n_swaps=n_swaps, random_state=0)
    start = process_time()
    clf.fit(X, y)
    return process_time() - start, clf


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = load_digits(return_X_y=True)
    pairs = []
    for _ in range(options.repeats):
        (without, _), (with_one, clf) = (seconds(X / 16, y, n) for n in (0, 1))
        pairs.append((without, with_one))
    without, with_one = (median(column) for column in zip(*pairs, strict=True))
    ratio = median(b / a for a, b in pairs)
    swapped = clf.pruning_path_["regrown"].size
    print(f"{clf.n_weights_} weights left, {swapped} brought back")
    print(f"n_swaps=0: {without:.1f} s, n_swaps=1: {with_one:.1f} s, {ratio:.2f} times as long")


if __name__ == "__main__":
    main()
