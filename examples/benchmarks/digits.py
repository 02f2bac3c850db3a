"""Accuracy and log loss on digits at 80 / 90 / 95 / 98 %, ten seeds, one dense net a seed.

    python examples/benchmarks/digits.py [--json FILE] [--seeds 10] [--n-jobs 2] [--only newton ...]
        [--levels 0.97]

X / 16, a quarter of the rows for testing, 30 hidden units, alpha=1e-3, max_iter=1000, the rest
default. Each level is a fit of its own from the seed's dense network. On the rows for testing: the
mean over seeds of the accuracy, its standard error, and the mean log loss over that of the dense
network. "CPU" is the mean CPU time of pruning over that of training the dense network.
"""

import argparse
import json
import warnings
from time import process_time

import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier

LEVELS = (0.8, 0.9, 0.95, 0.98)
UNRETRAINED = {"retrain_epochs": 0}
CONFIGURATIONS = {
    "no retraining, unit": UNRETRAINED | {"structure": "unit"},
    "no retraining, unit, step=0.05, damping=0.01": UNRETRAINED
    | {"structure": "unit", "step": 0.05, "damping": 0.01},
    "no retraining, full": UNRETRAINED | {"structure": "full"},
    "no retraining, defaults": UNRETRAINED,
    "no retraining, magnitude": UNRETRAINED | {"criterion": "magnitude"},
    "defaults": {},
    "unit, else defaults": {"structure": "unit"},
    "magnitude, same rounds and retraining": {"criterion": "magnitude"},
    "obd, same rounds and retraining": {"criterion": "obd"},
    "labels alone": {"distillation": 0, "weight_decay": None},
    "without labels": {"distillation": 1},
    "step=0.1": {"step": 0.1},
    "10 swaps": {"n_swaps": 10},
    "5 passes, 10 swaps": {"retrain_epochs": 5, "n_swaps": 10},
    "newton": {"retrain_solver": "newton"},
    "newton, 15 passes": {"retrain_solver": "newton", "retrain_epochs": 15},
    "newton, 15 passes, 10 swaps": {
        "retrain_solver": "newton",
        "retrain_epochs": 15,
        "n_swaps": 10,
    },
}


def one_seed(seed, names, levels=LEVELS):
    """Per configuration and level: accuracy, log loss, CPU seconds of pruning; the dense one's."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=seed)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        dense = MLPClassifier((30,), alpha=1e-3, max_iter=1000, random_state=seed)
        start = process_time()
        dense.fit(X, y)
        seconds = process_time() - start
        of_dense = (
            dense.score(X_test, y_test),
            log_loss(y_test, dense.predict_proba(X_test)),
            seconds,
        )
        rows = {}
        for name in names:
            for level in levels:
                model = OBSPrunedMLPClassifier.from_sklearn(
                    dense, target_sparsity=level, **CONFIGURATIONS[name]
                )
                start = process_time()
                model.prune(X, y)
                seconds = process_time() - start
                log_loss_ = log_loss(y_test, model.predict_proba(X_test))
                rows[name, level] = model.score(X_test, y_test), log_loss_, seconds
    return of_dense, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--json", help="write the results here as well")
    parser.add_argument("--only", nargs="*", default=[""], help="what configurations begin with")
    parser.add_argument("--levels", type=float, nargs="*", default=LEVELS)
    options = parser.parse_args()
    names = [name for name in CONFIGURATIONS if name.startswith(tuple(options.only))]
    run = delayed(one_seed)
    levels, pool = options.levels, Parallel(options.n_jobs)
    seeds = pool(run(seed, names, levels) for seed in range(options.seeds))
    dense = np.mean([dense for dense, _ in seeds], axis=0)
    print(
        f"dense: accuracy {dense[0]:.4f}, log loss {dense[1]:.4f}, CPU {dense[2]:.1f} s; "
        f"{len(seeds)} seeds\n"
    )
    percent = " / ".join(f"{100 * level:.0f}" for level in levels)
    print(f"| configuration | accuracy {percent} % | standard errors | log loss | CPU |")
    print("|---|---|---|---|---|")
    results = []
    for name in names:
        values = np.array([[rows[name, level] for level in levels] for _, rows in seeds])
        mean, error = values.mean(axis=0), values.std(axis=0, ddof=1) / len(seeds) ** 0.5
        accuracy = " / ".join(f"{a:.4f}" for a in mean[:, 0])
        errors = " / ".join(f"{e:.3f}" for e in error[:, 0])
        loss = " / ".join(f"{a:.2f}" for a in mean[:, 1] / dense[1])
        cpu = " / ".join(f"{a:.1f}" for a in mean[:, 2] / dense[2])
        print(f"| {name} | {accuracy} | {errors} | {loss} | {cpu} |", flush=True)
        results.append({"configuration": name, "mean": mean.tolist(), "error": error.tolist()})
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
