"""Few bits on digits: what `quantize` costs, beside rounding each weight by itself.

    python examples/benchmarks/quantize.py [--seeds 5] [--n-jobs 2]

64-32-10 networks with the library's defaults, a quarter of the samples for testing, pruned to
three sparsities and put on grids of 8, 4, 3 and 2 bits. "rounded" puts each weight on the nearest
value of the same grid, with no other making up for it; scales and intercepts are trained after it
in the same way. Mean test accuracy over seeds in whole numbers, as `integer_predict` and the C of
``export_c(..., dtype="integer", input_dtype="uint8")`` compute it, and the standard error of the
paired difference from the network in floating point before; the mean loss on the training samples
stands beside it.
"""

import argparse
import warnings
from copy import deepcopy
from unittest.mock import patch

import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.estimators import quantization
from sklearn_obs.export import integer_predict
from sklearn_obs.pruning.quantization import quantized

SPARSITIES = (0.8, 0.9, 0.95)
BITS = (8, 4, 3, 2)


def rounded(*arguments):
    return quantized(*arguments, by_elimination=False)


def in_whole_numbers(network, X, y):
    """Accuracy on a device that has the pixels as they are, from 0 to 16."""
    scaler = MaxAbsScaler().fit(np.full((1, X.shape[1]), 16.0))
    labels = integer_predict(make_pipeline(scaler, network), 16 * X, input_dtype="uint8")
    return accuracy_score(y, labels)


def measured(seed):
    """(accuracy, loss) of each sparsity: as it is, then for each number of bits both ways."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        X, y = load_digits(return_X_y=True)
        X, X_test, y, y_test = train_test_split(X / 16, y, random_state=seed)
        net = OBSPrunedMLPClassifier((32,), target_sparsity=0, max_iter=500, random_state=seed)
        net.fit(X, y)
        rows = []
        for sparsity in SPARSITIES:
            net.prune(X, y, target_sparsity=sparsity)
            models = [net]
            for bits in BITS:
                models.append(deepcopy(net).quantize(X, y, bits=bits))
                with patch.object(quantization, "quantized", rounded):
                    models.append(deepcopy(net).quantize(X, y, bits=bits))
            scores = [model.score(X_test, y_test) for model in models[:1]]
            scores += [in_whole_numbers(model, X_test, y_test) for model in models[1:]]
            losses = [model.loss_ for model in models]
            rows.append(list(zip(scores, losses, strict=True)))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--n-jobs", type=int, default=2)
    options = parser.parse_args()
    seeds = Parallel(options.n_jobs)(delayed(measured)(seed) for seed in range(options.seeds))
    found = np.array(seeds)  # (seeds, sparsities, models, 2)
    root = len(seeds) ** 0.5
    print(
        "| removed | bits | quantize: accuracy | difference | loss | rounded | difference | loss |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for row, sparsity in enumerate(SPARSITIES):
        before = found[:, row, 0]
        accuracy, loss = before.mean(axis=0)
        print(f"| {sparsity:.0%} | float | {accuracy:.4f} | | {loss:.3f} | | | |")
        for number, bits in enumerate(BITS):
            cells = []
            for model in (1 + 2 * number, 2 + 2 * number):
                apart = found[:, row, model, 0] - before[:, 0]
                error = apart.std(ddof=1) / root
                accuracy, loss = found[:, row, model].mean(axis=0)
                cells += [f"{accuracy:.4f}", f"{apart.mean():+.4f} ± {error:.4f}", f"{loss:.3f}"]
            print(f"| {sparsity:.0%} | {bits} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
