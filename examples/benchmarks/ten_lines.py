"""What the ten lines of the README cost and keep: digits, a tenth of the weights, ten networks.

    python examples/benchmarks/ten_lines.py [--seeds 10]

The network, the split of the samples and the sparsity are those of the README; only the seed
changes. The difference in test accuracy is paired by seed, with its standard error. Times are wall
clock, of one process with as many threads as BLAS takes by itself.
"""

import argparse
from time import perf_counter

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier


def one_seed(seed):
    """(weights, accuracy, log loss, seconds) of the dense and the pruned network."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, random_state=seed)
    start = perf_counter()
    mlp = MLPClassifier((30,), alpha=1e-3, max_iter=1000, random_state=seed).fit(X, y)
    trained = perf_counter()
    clf = OBSPrunedMLPClassifier.from_sklearn(mlp).prune(X, y, target_sparsity=0.9)
    pruned = perf_counter()
    rows = []
    for model, seconds in ((mlp, trained - start), (clf, pruned - trained)):
        n_weights = sum(int(np.count_nonzero(W)) for W in model.coefs_)
        loss = log_loss(y_test, model.predict_proba(X_test))
        rows.append((n_weights, model.score(X_test, y_test), loss, seconds))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    found = np.array([one_seed(seed) for seed in range(options.seeds)])
    print("| network | weights | test accuracy | log loss | seconds to train, to prune |")
    print("|---|---|---|---|---|")
    for name, (n_weights, accuracy, loss, seconds) in zip(
        ("dense", "pruned"), found.mean(axis=0), strict=True
    ):
        print(f"| {name} | {n_weights:,.0f} | {accuracy:.4f} | {loss:.3f} | {seconds:.1f} |")
    apart = found[:, 1, 1] - found[:, 0, 1]
    error = apart.std(ddof=1) / len(apart) ** 0.5
    print(f"\ndifference in accuracy: {apart.mean():+.4f} ± {error:.4f}")


if __name__ == "__main__":
    main()
