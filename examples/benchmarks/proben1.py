"""Proben1's fourteen problems, pruned, beside the published networks and linear models.

    SKLEARN_OBS_DATA=folder python examples/benchmarks/proben1.py [--seeds 5] [--n-jobs 2]
        [--records FILE] [--figure FILE] [--drawn FILE]

Each problem has three published permutations of its samples, and each of these a training, a
validation and a test part (Prechelt 1994). Inputs (and numbers as targets) are standardised on the
training samples, which alone train. Of dense networks of 16 hidden units the validation samples
choose `alpha`, by log loss (squared error); of the linear models (logistic, ridge) their penalty,
likewise. The network is then pruned along one path of `LEVELS`, everything else by default, and the
validation samples choose its size twice: by the least error, and by the rule of one standard error.

Errors are those of the test samples: wrong classes in per cent, or 100 times the mean squared error
of targets in [0, 1], as in the report; the mean over seeds. "weights" is the share of the dense
network's that is left, "inputs" and "units" are counts of those still used. With ``--records FILE``
what has been measured is kept there, and not measured again. ``--figure`` draws the error against
the size for all problems, ``--drawn`` three networks that one standard error chooses.
"""

import argparse
import json
import sys
import warnings
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor, obs_pruning_path
from sklearn_obs.stopping import one_standard_error

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import proben1
from records import Records

# Test errors of Prechelt (1994), permutations 1, 2, 3: networks without direct links from inputs
# to outputs (table 10, means of 60 runs), and linear networks (table 3).
NETWORKS = {
    "cancer": (1.38, 4.77, 3.70),
    "card": (14.05, 18.91, 18.84),
    "diabetes": (24.10, 26.42, 22.59),
    "gene": (16.67, 18.41, 21.82),
    "glass": (32.70, 55.57, 58.40),
    "heart": (19.72, 17.52, 24.08),
    "heartc": (20.82, 5.13, 15.40),
    "horse": (29.19, 35.86, 34.16),
    "soybean": (29.40, 5.14, 11.54),
    "thyroid": (2.38, 1.91, 2.27),
    "building": (1.36, 0.28, 0.26),
    "flare": (0.54, 0.32, 0.36),
    "hearta": (4.55, 4.33, 4.89),
    "heartac": (2.47, 4.41, 5.55),
}
REGRESSIONS = ("building", "flare", "hearta", "heartac")
LEVELS = 20  # from the dense network to 2 % of its weights
ALPHAS = (0.01, 0.1, 1, 10, 100)  # scikit-learn divides them by the number of samples
UNITS = 16
OPTIONS = {"solver": "lbfgs", "max_iter": 1000}


def parts(name, permutation):
    """X, y for training, validation and test; inputs (and numbers as targets) standardised."""
    X, y = proben1(name, permutation)
    scaler = StandardScaler().fit(X[0])
    X = [scaler.transform(part) for part in X]
    if name not in REGRESSIONS:
        return X, [part.argmax(axis=1) for part in y], 1.0
    mean, deviation = y[0].mean(axis=0), y[0].std(axis=0)
    deviation[deviation == 0] = 1
    y = [(part - mean) / deviation for part in y]
    return X, [part.ravel() if len(deviation) == 1 else part for part in y], deviation


def penalised_best(models, X, y, loss):
    """Of the models, the one of the least loss on the validation samples, fitted."""
    fitted = [model.fit(X[0], y[0]) for model in models]
    return min(fitted, key=lambda model: loss(model, X[1], y[1]))


def one_problem(name, permutation, seed, settings):
    """The record of one network."""
    X, y, deviation = parts(name, permutation)
    start = process_time()
    if name in REGRESSIONS:
        dense_class, pruned_class = MLPRegressor, OBSPrunedMLPRegressor
        linear = [Ridge(len(X[0]) * penalty) for penalty in np.logspace(-4, 1, 6)]

        def errors(model, k):  # of each sample
            off = (model.predict(X[k]) - y[k]).reshape(len(X[k]), -1)
            return 100 * (deviation**2 * off**2).mean(axis=1)

        def loss(model, X, y):
            return np.mean((model.predict(X) - y) ** 2)
    else:
        dense_class, pruned_class = MLPClassifier, OBSPrunedMLPClassifier
        linear = [LogisticRegression(C=C, max_iter=2000) for C in np.logspace(-3, 2, 6)]

        def errors(model, k):
            return 100.0 * (model.predict(X[k]) != y[k])

        def loss(model, X, y):
            return log_loss(y, model.predict_proba(X), labels=model.classes_)

    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        options = OPTIONS | {"random_state": seed}
        linear = penalised_best(linear, X, y, loss)
        dense = penalised_best(
            [dense_class(hidden_layer_sizes=(UNITS,), alpha=alpha, **options) for alpha in ALPHAS],
            X,
            y,
            loss,
        )
        middle = process_time()
        net = pruned_class((UNITS,), alpha=dense.alpha, **options, **settings)
        path = obs_pruning_path(net, X[0], y[0], sparsities=LEVELS, X_val=X[1], y_val=y[1])
        end = process_time()
        scores = np.array([-errors(network, 1) for network in path.estimators])
        chosen = {
            "least error": int(scores.mean(axis=1).argmax()),
            "one standard error": one_standard_error(scores),
        }
    return {
        "task": [name, permutation, seed],
        "alpha": dense.alpha,
        "linear": float(errors(linear, 2).mean()),
        "dense": float(errors(dense, 2).mean()),
        "path": [float(errors(network, 2).mean()) for network in path.estimators],
        "validation": (-scores.mean(axis=1)).tolist(),
        "chosen": chosen,
        "weights": path.n_weights.tolist(),
        "inputs": [len(network.inputs_) for network in path.estimators],
        "units": [len(network.units_[0]) for network in path.estimators],
        "seconds": [middle - start, end - middle],
    }


def measured(file, n_seeds, n_jobs, settings, names=tuple(NETWORKS)):
    """The records of all problems and seeds; `file`, if any, keeps them."""
    tasks = [
        (name, permutation, seed)
        for seed in range(n_seeds)
        for name in names
        for permutation in (1, 2, 3)
    ]
    return Records(partial(one_problem, settings=settings), file).of_all(tasks, n_jobs)


class Row:
    """What stands in the table for one permutation of a problem: means over its seeds."""

    def __init__(self, records):
        self.name, self.permutation, _ = records[0]["task"]
        self.published = NETWORKS[self.name][self.permutation - 1]
        self.linear = np.mean([r["linear"] for r in records])
        self.dense = np.mean([r["dense"] for r in records])
        self.seconds = np.mean([r["seconds"] for r in records], axis=0)
        for key, choice in (("least", "least error"), ("one", "one standard error")):
            at = [(r, r["chosen"][choice]) for r in records]
            setattr(self, key, np.mean([r["path"][i] for r, i in at]))
            for what in ("inputs", "units"):
                setattr(self, f"{key}_{what}", np.mean([r[what][i] for r, i in at]))
            shares = [r["weights"][i] / r["weights"][0] for r, i in at]
            setattr(self, f"{key}_weights", 100 * np.mean(shares))


def rows_of(records, names):
    keys = [(name, permutation) for name in names for permutation in (1, 2, 3)]
    groups = ([r for r in records if tuple(r["task"][:2]) == key] for key in keys)
    return [Row(group) for group in groups if group]


def table(rows):
    """The table in Markdown, line by line."""
    yield (
        "| problem | published | linear | dense | least error | weights, % | inputs, units "
        "| one standard error | weights, % | inputs, units |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for r in rows:
        n = 3 if r.name in REGRESSIONS else 1
        yield (
            f"| {r.name} {r.permutation} | {r.published:.2f} | {r.linear:.{n}f} | {r.dense:.{n}f} "
            f"| {r.least:.{n}f} | {r.least_weights:.1f} | {r.least_inputs:.0f}, "
            f"{r.least_units:.0f} | {r.one:.{n}f} | {r.one_weights:.1f} | {r.one_inputs:.0f}, "
            f"{r.one_units:.0f} |"
        )


def summary(rows):
    """What the permutations come to, line by line."""
    for key, title in (("least", "least error"), ("one", "one standard error")):
        error = np.array([getattr(r, key) for r in rows])
        dense = np.array([r.dense for r in rows])
        published = np.array([r.published for r in rows])
        weights = np.median([getattr(r, f"{key}_weights") for r in rows])
        yield (
            f"{title}: test error {error.mean():.2f} (dense {dense.mean():.2f}, published "
            f"{published.mean():.2f}, linear {np.mean([r.linear for r in rows]):.2f}); not above "
            f"the published on {(error <= published).sum()} of {len(rows)} (dense on "
            f"{(dense <= published).sum()}); median of weights left {weights:.1f} %; seconds "
            f"{np.median([r.seconds[1] for r in rows]):.1f} (median of the path)"
        )


def draw_errors(records, file):
    """Test error against the share of weights, a panel for each problem."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(3, 5, figsize=(13, 7.5), sharex=True)
    for ax, (name, published) in zip(axes.flat, NETWORKS.items(), strict=False):
        mine = [r for r in records if r["task"][0] == name]
        shares = 100 * np.mean([np.array(r["weights"]) / r["weights"][0] for r in mine], axis=0)
        ax.plot(shares, np.mean([r["path"] for r in mine], axis=0), "o-", ms=3, label="pruned")
        ax.axhline(np.mean(published), color="C1", ls="--", label="published network")
        ax.axhline(np.mean([r["linear"] for r in mine]), color="0.6", ls=":", label="linear model")
        ax.set_title(name, fontsize=10)
        ax.set_xscale("log")
        ax.set_xticks([100, 10, 2], ["100", "10", "2"])
        ax.minorticks_off()
    axes.flat[0].invert_xaxis()  # shared by all
    axes.flat[-1].set_axis_off()
    axes.flat[-1].legend(*axes.flat[0].get_legend_handles_labels(), loc="center", frameon=False)
    for ax in axes.flat[-6:-1]:
        ax.set_xlabel("weights left (%)")
        ax.xaxis.set_tick_params(labelbottom=True)
    for ax in axes[:, 0]:
        ax.set_ylabel("test error (%)")
    figure.tight_layout()
    figure.savefig(file, dpi=65)


DRAWN = {  # names of inputs and classes
    "cancer": (
        "clump thickness|cell size|cell shape|adhesion|epithelial size|nuclei|chromatin|nucleoli"
        "|mitoses",
        ["benign", "malignant"],
    ),
    "diabetes": (
        "pregnancies|glucose|blood pressure|skin fold|insulin|body mass|pedigree|age",
        ["diabetes", "none"],
    ),
    "gene": (
        "|".join(f"{base:+d} {bit}" for base in (*range(-30, 0), *range(1, 31)) for bit in "ab"),
        ["exon to intron", "intron to exon", "neither"],
    ),
}


def draw_networks(records, file):
    """The first permutation's networks of the first seed that one standard error chooses."""
    import matplotlib.pyplot as plt

    from sklearn_obs.display import NetworkDisplay

    figure, axes = plt.subplots(1, 3, figsize=(15, 5.4))
    for ax, (name, (inputs, classes)) in zip(axes, DRAWN.items(), strict=True):
        record = next(r for r in records if r["task"] == [name, 1, 0])
        at = record["chosen"]["one standard error"]
        X, y, _ = parts(name, 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            net = OBSPrunedMLPClassifier(
                (UNITS,),
                target_sparsity=1 - record["weights"][at] / record["weights"][0],
                alpha=record["alpha"],
                **OPTIONS,
                random_state=0,
            ).fit(X[0], y[0])
        NetworkDisplay.from_estimator(
            net, feature_names=inputs.split("|"), class_names=classes, ax=ax
        )
        error = 100 * (1 - net.score(X[2], y[2]))
        ax.set_title(f"{name} 1: {net.n_weights_} weights, test error {error:.1f} %")
    figure.tight_layout()
    figure.savefig(file, dpi=60)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--records", type=Path, help="file to keep what is measured in")
    parser.add_argument("--set", type=json.loads, default={}, help="other settings, as JSON")
    parser.add_argument("--figure", type=Path, help="file to draw test errors in")
    parser.add_argument("--drawn", type=Path, help="file to draw three networks in")
    options = parser.parse_args()
    records = measured(options.records, options.seeds, options.n_jobs, options.set)
    for names in ([n for n in NETWORKS if n not in REGRESSIONS], REGRESSIONS):
        rows = rows_of(records, names)
        print("\n".join([*table(rows), "", *summary(rows), ""]))
    if options.figure:
        draw_errors(records, options.figure)
    if options.drawn:
        draw_networks(records, options.drawn)


if __name__ == "__main__":
    main()
