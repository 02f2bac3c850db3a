"""Thyroid disease with 24, 18 and 14 weights, beside the networks of Unit-OBS.

    SKLEARN_OBS_DATA=folder python examples/benchmarks/thyroid.py choose [--seeds 10]
    SKLEARN_OBS_DATA=folder python examples/benchmarks/thyroid.py [report] [--seeds 10]
        [--figure FILE]

A network of 21 inputs, 10 hidden units and 3 outputs has 253 weights, intercepts included, which
are pruned here as weights are. Each seed prunes one network along one path: in rounds of a fifth
down to 50 weights, then one by one to 24, to 18 and to 14; at each of these sizes swaps follow.
Inputs are standardised on the training rows.

`report` prints the accuracy on the 3,428 test rows of the published split, and the CPU seconds of
the network so far, its dense training included, with one BLAS thread. `choose` is how the setting
was found, without the test rows: settings around a first guess, on the 3,772 training rows alone,
of which each seed sets another quarter aside. (The guess came from a few trials on such rows.) The
setting of the highest mean accuracy over the three sizes is the one that `report` uses. "reach"
counts the seeds at 98.5 % or better.

With ``--records FILE`` what has been measured is kept there, and not measured again. ``--figure``
draws the smallest network of `report` that reaches 98.5 %, of the first seed that has one.

- Stahlberger, A. and Riedmiller, M. (1996). Fast network pruning and feature extraction using the
  unit-OBS algorithm. Advances in Neural Information Processing Systems 9. Their network has 316
  weights, as it connects inputs to outputs directly, too; their minutes are of a machine of 1996.
"""

import argparse
import sys
import warnings
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import thyroid
from records import Records

SIZES = (24, 18, 14)
GOAL = 0.985
N_DENSE = 22 * 10 + 11 * 3
PUBLISHED = """\
| OBS (1996) | 28 weights | 98.5 % | 511 minutes |
| Unit-OBS, then OBS (1996) | 24 weights | 98.5 % | 137 minutes |"""
ATTRIBUTES = """\
age sex on_thyroxine query_on_thyroxine on_antithyroid_medication sick pregnant thyroid_surgery
I131_treatment query_hypothyroid query_hyperthyroid lithium goitre tumor hypopituitary psych TSH T3
TT4 T4U FTI"""

UNTIL = "rounds of a fifth down to"  # this many weights, then one by one
BALANCED = "balanced classes"  # as sample weights
GUESS = {
    "activation": "tanh",
    "solver": "lbfgs",
    "alpha": 1e-3,
    "max_iter": 500,
    "distillation": 0,
    "weight_decay": 1e-5,
    "retrain_epochs": 30,
    "n_swaps": 10,
    UNTIL: 50,
}
SETTINGS = [  # what `choose` compares: changes of the guess
    {},
    *({"activation": a} for a in ("logistic", "relu")),
    *({"alpha": a} for a in (1e-5, 1e-2)),
    {"max_iter": 60},
    {BALANCED: True},
    *({"distillation": d} for d in (0.4, 0.75, 1)),
    *({"weight_decay": w} for w in (1e-6, 1e-4)),
    *({"damping": d} for d in (0.002, 0.2)),
    {"structure": "full"},
    *({UNTIL: n} for n in (0, 120)),
    {"retrain_epochs": 100},
    {"retrain_epochs": 100, "retrain_solver": "newton"},
    *({"n_swaps": n} for n in (0, 30)),
    {"n_curvature_samples": 4_000},
    {"n_curvature_samples": 4_000, "n_swaps": 0},
    {"n_curvature_samples": 4_000, "n_swaps": 30},
    {"n_curvature_samples": 4_000, "weight_decay": 1e-4},
]
CHOSEN = {}  # the best of them: the guess as it is


def rows_of(kind, seed):
    """X, X_test, y, y_test, standardised; the test rows of "choose" are training rows set aside."""
    X, y, X_test, y_test = thyroid()
    if kind == "choose":
        X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), scaler.transform(X_test), y, y_test


def path(X, y, changes, seed):
    """The network when dense and at each of `SIZES`, one after the other, and CPU seconds."""
    setting = GUESS | changes
    until, n_swaps = setting.pop(UNTIL), setting.pop("n_swaps")
    weight = compute_sample_weight("balanced", y) if setting.pop(BALANCED, False) else None
    start = process_time()
    net = OBSPrunedMLPClassifier(
        (10,), target_sparsity=0, prune_intercepts=True, random_state=seed, **setting
    ).fit(X, y, sample_weight=weight)
    yield net, process_time() - start
    if until > SIZES[0]:
        net.prune(X, y, sample_weight=weight, target_sparsity=1 - until / N_DENSE)
    step = 1 if until else net.step
    net.set_params(step=step, n_swaps=n_swaps)
    for size in SIZES:
        net.prune(X, y, sample_weight=weight, target_sparsity=1 - size / N_DENSE)
        yield net, process_time() - start


def measured(kind, changes, seed):
    """Accuracy on training and on test rows and CPU seconds, dense and at each size."""
    X, X_test, y, y_test = rows_of(kind, seed)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        return [
            (net.n_weights_, net.score(X, y), net.score(X_test, y_test), seconds)
            for net, seconds in path(X, y, changes, seed)
        ]


def reached(accuracy):
    """Whether it is 98.5 % or better, rounding aside."""
    return accuracy >= GOAL - 1e-9


def text_of(setting):
    return ", ".join(f"{k}={v!r}" for k, v in setting.items()).replace(f"{UNTIL}=", f"{UNTIL} ")


def print_choice(records, seeds):
    print(f"The first guess: {text_of(GUESS)}.")
    print(f"Held-out training rows, {len(seeds)} seeds; dense, then 24 / 18 / 14 weights.\n")
    print("| changed | dense | accuracy, % | standard errors | mean | reach | seconds |")
    print("|---|---|---|---|---|---|---|")
    means = []
    for setting in SETTINGS:
        found = np.array([records.of("choose", setting, seed) for seed in seeds])
        percent = 100 * found[:, :, 2]
        mean, error = percent.mean(axis=0), percent.std(axis=0, ddof=1) / len(seeds) ** 0.5
        means.append(mean[1:].mean())
        reach = reached(found[:, 1:, 2]).sum(axis=0)
        print(
            f"| {text_of(setting) or 'nothing'} | {mean[0]:.2f} | "
            f"{' / '.join(f'{m:.2f}' for m in mean[1:])} | "
            f"{' / '.join(f'{e:.2f}' for e in error[1:])} | {means[-1]:.3f} | "
            f"{' / '.join(map(str, reach))} | {found[:, -1, 3].mean():.1f} |",
            flush=True,
        )
    print(f"\nThe highest mean: {text_of(SETTINGS[np.argmax(means)]) or 'nothing'} changed.")


def print_report(records, seeds):
    """One row a seed; returns accuracies, (n_seeds, n_sizes)."""
    print(f"The setting: {text_of(GUESS | CHOSEN)}.")
    print("Accuracy on the 3,428 test rows in %, and CPU seconds of the network so far.\n")
    print(f"| seed | {N_DENSE} | {' | '.join(f'{size} weights' for size in SIZES)} |")
    print("|---|---|---|---|---|")
    table = []
    for seed in seeds:
        table.append(np.array(records.of("report", CHOSEN, seed)))
        cells = [f"{100 * test:.2f}, {seconds:.1f} s" for _, _, test, seconds in table[-1]]
        print(f"| {seed} | {' | '.join(cells)} |", flush=True)
    found = np.array(table)
    cells = [f"{100 * test:.2f}, {seconds:.1f} s" for _, _, test, seconds in found.mean(axis=0)]
    print(f"| mean | {' | '.join(cells)} |")
    reach = reached(found[:, :, 2]).sum(axis=0)
    print(f"| 98.5 % or better | {' | '.join(f'{n} of {len(seeds)}' for n in reach)} |\n")
    print("| network | size | test accuracy | time |")
    print("|---|---|---|---|")
    print(PUBLISHED)
    for i, size in enumerate(SIZES, 1):
        print(
            f"| this script | {size} weights | {100 * found[:, i, 2].mean():.2f} % "
            f"({reach[i]} of {len(seeds)} seeds at 98.5 %) | {found[:, i, 3].mean():.1f} seconds |"
        )
    return found[:, 1:, 2]


def draw(accuracies, seeds, file):
    import matplotlib

    matplotlib.use("agg")
    from sklearn_obs.display import NetworkDisplay

    for i in reversed(range(len(SIZES))):
        if reached(accuracies[:, i]).any():
            seed = seeds[int(np.argmax(reached(accuracies[:, i])))]
            break
    else:
        raise SystemExit("No network to draw: none reaches 98.5 %.")
    X, X_test, y, y_test = rows_of("report", seed)
    with threadpool_limits(1):
        net = next(net for net, _ in path(X, y, CHOSEN, seed) if net.n_weights_ == SIZES[i])
    score = net.score(X_test, y_test)
    display = NetworkDisplay.from_estimator(
        net,
        feature_names=ATTRIBUTES.split(),
        class_names=[f"class {label}" for label in net.classes_],
    )
    display.ax_.set_title(
        f"{net.n_weights_} weights and intercepts, test accuracy {100 * score:.2f}%"
    )
    display.figure_.savefig(file, dpi=120, bbox_inches="tight")
    print(f"\ndrawn: seed {seed}, {net.n_weights_} weights, test accuracy {100 * score:.2f}%")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", default="report", choices=("choose", "report"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--records", help="file to keep what is measured in")
    parser.add_argument("--figure", help="file to draw the smallest network to, with `report`")
    options = parser.parse_args()
    records, seeds = Records(measured, options.records), range(options.seeds)
    if options.what == "choose":
        print_choice(records, seeds)
        return
    accuracies = print_report(records, seeds)
    if options.figure:
        draw(accuracies, seeds, options.figure)


if __name__ == "__main__":
    main()
