"""Accuracy on digits for every valid pair of kind and structure of curvature, no retraining.

    python examples/benchmarks/kinds.py [--json FILE] [--seeds 10] [--hessian-seeds 10] [--n-jobs 2]

The protocol of digits.py: X / 16, a quarter of the rows for testing, 30 hidden units, alpha=1e-3,
max_iter=1000, the rest default, one dense network a seed, retrain_epochs=0. Each pair prunes that
network to 80, 90, 95 and 98 % in turn, each level from the one before. Curvature is measured on all
1,347 rows, but on 150 for 'ggn' with 'low_rank', whose G has ten rows for each row of data.

Accuracy is the mean over seeds with its standard error, the loss is the geometric mean of the
training loss; seconds are the mean time of the whole surgery to 98 %, on one BLAS thread. A pair
that fails at some seed (`LinAlgError`) is counted over the seeds where it does not, and says so.
"""

import argparse
import json
import warnings
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed
from scipy.linalg import LinAlgError
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.curvature import KINDS, STRUCTURES

LEVELS = (0.8, 0.9, 0.95, 0.98)
PAIRS = [(kind, name) for kind in KINDS for name, s in STRUCTURES.items() if kind in s.kinds]
ROWS = {("ggn", "low_rank"): 150}  # ten rows of G each: m = 1,500 < n = 2,260


def one_seed(seed, pairs):
    """Dense test accuracy, and per pair: levels of (test accuracy, training loss), seconds."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=seed)
    rows = {}
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        dense = MLPClassifier((30,), alpha=1e-3, max_iter=1000, random_state=seed).fit(X, y)
        for kind, structure in pairs:
            model = OBSPrunedMLPClassifier.from_sklearn(
                dense,
                structure=structure,
                curvature=kind,
                n_curvature_samples=ROWS.get((kind, structure), len(X)),
                retrain_epochs=0,
                random_state=seed,
            )
            levels, start, scoring = [], perf_counter(), 0.0
            try:
                for level in LEVELS:
                    model.prune(X, y, target_sparsity=level)
                    pause = perf_counter()
                    levels.append((model.score(X_test, y_test), model.loss_))
                    scoring += perf_counter() - pause
            except LinAlgError as error:
                rows[kind, structure] = str(error)
                continue
            rows[kind, structure] = levels, perf_counter() - start - scoring
    return dense.score(X_test, y_test), rows


def row_name(kind, structure, n_seeds, n_all):
    """What the table calls a pair."""
    name = f"{kind}, {structure}"
    if (kind, structure) in ROWS:
        name += f" ({ROWS[kind, structure]} rows)"
    return name if n_seeds == n_all else f"{name} ({n_seeds} seeds)"


def summary(pair, seeds):
    """One row of the table."""
    results = [rows[pair] for _, rows in seeds if pair in rows]
    done = [result for result in results if not isinstance(result, str)]
    if not done:
        return {"pair": pair, "n_seeds": 0, "errors": results}
    values = np.array([levels for levels, _ in done])
    deviation = values.std(axis=0, ddof=1) if len(done) > 1 else np.full(values.shape[1:], np.nan)
    return {
        "pair": pair,
        "n_seeds": len(done),
        "accuracy": values[..., 0].mean(axis=0).tolist(),
        "standard_error": (deviation[:, 0] / len(done) ** 0.5).tolist(),
        "loss": np.exp(np.log(values[..., 1]).mean(axis=0)).tolist(),
        "seconds": float(np.mean([seconds for _, seconds in done])),
        "errors": [result for result in results if isinstance(result, str)],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--hessian-seeds", type=int, default=10, help="for the exact Hessian")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--json", help="write the results here as well")
    options = parser.parse_args()
    slow = [pair for pair in PAIRS if pair[0] == "hessian"]
    fast = [pair for pair in PAIRS if pair[0] != "hessian"]
    seeds = Parallel(options.n_jobs)(
        delayed(one_seed)(seed, fast + slow if seed < options.hessian_seeds else fast)
        for seed in range(options.seeds)
    )
    print(f"dense: accuracy {np.mean([dense for dense, _ in seeds]):.4f}, {len(seeds)} seeds\n")
    print(
        "| kind, structure | accuracy 80 / 90 / 95 / 98 % | standard errors | training loss | s |"
    )
    print("|---|---|---|---|---|")
    results = [summary(pair, seeds) for pair in PAIRS]
    for result in results:
        name = row_name(*result["pair"], result["n_seeds"], len(seeds))
        if not result["n_seeds"]:
            print(f"| {name} | fails | | | |")
            continue
        accuracy = " / ".join(f"{a:.4f}" for a in result["accuracy"])
        errors = " / ".join(f"{e:.3f}" for e in result["standard_error"])
        loss = " / ".join(f"{a:.4f}" for a in result["loss"])
        print(f"| {name} | {accuracy} | {errors} | {loss} | {result['seconds']:.1f} |")
    failures = {str(r["pair"]): r["errors"] for r in results if r["errors"]}
    for pair, errors in failures.items():
        print(f"\n{pair} failed {len(errors)} times: {errors[0]}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
