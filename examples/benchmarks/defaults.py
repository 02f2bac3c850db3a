"""How the defaults of `structure`, `damping`, `retrain_epochs` and `step` were chosen.

    python examples/benchmarks/defaults.py [--json FILE] [--seeds 3] [--n-jobs 2]

Four bundled data sets, one dense network a seed, pruned on from 80 to 90, 95 and 98 %. One
parameter is varied at a time. What is reported is the training loss over its minimum among the
settings of the same table (geometric mean over data sets, seeds and levels; 1 is the best) and the
mean test score.
"""

import argparse
import json
import warnings
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor

LEVELS = (0.8, 0.9, 0.95, 0.98)
DATA = {
    "digits": (datasets.load_digits, (30,), OBSPrunedMLPClassifier),
    "breast_cancer": (datasets.load_breast_cancer, (30,), OBSPrunedMLPClassifier),
    "wine": (datasets.load_wine, (30,), OBSPrunedMLPClassifier),
    "diabetes": (datasets.load_diabetes, (30,), OBSPrunedMLPRegressor),
}
TABLES = {
    "structure, without retraining": [
        {"structure": s, "retrain_epochs": 0} for s in ("unit", "layer", "full")
    ],
    "structure": [{"structure": s} for s in ("unit", "layer", "full")],
    "damping, without retraining": [
        {"damping": d, "retrain_epochs": 0} for d in (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3)
    ],
    "damping": [{"damping": d} for d in (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3)],
    "retrain_epochs": [{"retrain_epochs": e} for e in (0, 3, 5, 10, 20, 50)],
    "step": [{"step": s} for s in (0.05, 0.1, 0.2, 0.4)],
}


def one_net(name, seed):
    """Per setting: (loss, test score) at each level, and the seconds of all four."""
    load, hidden, estimator = DATA[name]
    X, y = load(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, random_state=seed)
    scaler = StandardScaler().fit(X)
    X, X_test = scaler.transform(X), scaler.transform(X_test)
    if estimator is OBSPrunedMLPRegressor:
        y, y_test = (y - y.mean()) / y.std(), (y_test - y.mean()) / y.std()
    found = {}
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        dense = estimator(hidden, target_sparsity=0, alpha=1e-3, max_iter=500, random_state=seed)
        dense = dense.fit(X, y).to_sklearn()
        for setting in _settings():
            model = estimator.from_sklearn(dense, **setting)
            start, rows = perf_counter(), []
            for level in LEVELS:
                model.prune(X, y, target_sparsity=level)
                rows.append((model.loss_, model.score(X_test, y_test)))
            found[str(setting)] = rows, perf_counter() - start
    return found


def _settings():
    unique = {str(s): s for table in TABLES.values() for s in table}
    return list(unique.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--json", help="write the results here as well")
    options = parser.parse_args()
    cases = [(name, seed) for name in DATA for seed in range(options.seeds)]
    nets = Parallel(options.n_jobs, batch_size=1)(delayed(one_net)(*case) for case in cases)
    results = []
    for title, settings in TABLES.items():
        # (settings, nets, levels, 2)
        values = np.array([[net[str(s)][0] for net in nets] for s in settings])
        seconds = np.array([[net[str(s)][1] for net in nets] for s in settings]).sum(axis=1)
        excess = np.exp(np.log(values[..., 0] / values[..., 0].min(axis=0)).mean(axis=(1, 2)))
        print(f"\n**{title}**\n")
        print("| setting | loss over the best | test score 80 / 90 / 95 / 98 % | seconds |")
        print("|---|---|---|---|")
        for setting, e, v, s in zip(settings, excess, values, seconds, strict=True):
            scores = v[..., 1].mean(axis=0)
            text = ", ".join(f"{k}={x}" for k, x in setting.items())
            print(f"| {text} | {e:.2f} | {' / '.join(f'{x:.3f}' for x in scores)} | {s:.0f} |")
            results.append({"table": title, "setting": setting, "excess": e, "seconds": s})
            results[-1]["scores"] = scores.tolist()
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
