"""MONK's problems with a setting that was chosen on other Boolean problems.

    SKLEARN_OBS_DATA=folder python examples/benchmarks/monks.py choose [--seeds 6]
    SKLEARN_OBS_DATA=folder python examples/benchmarks/monks.py [report] [--seeds 10]
        [--figure FILE]

The networks are those of the 1992 paper: 17 one-hot inputs, 3, 2 and 2 hidden units, one output,
intercepts counted and pruned as weights are. Of each seed, ten dense networks are trained from
different starts, and that of the least training loss is pruned weight by weight to the last one;
so it is for every setting and every problem.

`choose` never sees MONK's problems. It makes Boolean problems of its own (`PROBLEMS`), each seed
with other rows for training and, where there is noise, other labels flipped. On every path it looks
for the smallest network that is right for every combination of the inputs; where there is none,
the dense network counts. It goes through the parameters one after the other (`VALUES`), keeps the
value by which the share of weights left is least in the mean over problems and seeds (the first
value of several), and does so a second time.

`report` reads the size off each path by the training rows alone: the smallest network with the
training accuracy that was published for that problem. Its test accuracy is printed beside it. A
seed reaches the bar with at most 14, 16 and 4 weights at the published test accuracy. The paper has
14, 15 and 4 weights, and its sequel 16 for the second problem; those networks were not retrained.
"today" is the setting of ``plot_monks.py``, which was chosen on MONK's problems themselves.

With ``--records FILE`` what has been measured is kept there, and not measured again. ``--figure``
draws the networks of seed 0 that `report` has read off.

- Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal Brain
  Surgeon. Advances in Neural Information Processing Systems 5. Table 1.
- Hassibi, B., Stork, D. G., Wolff, G. and Watanabe, T. (1993). Optimal Brain Surgeon: extensions
  and performance comparisons. Advances in Neural Information Processing Systems 6.
"""

import argparse
import sys
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import monks
from records import Records

N_STARTS = 10
DENSE = ("activation", "alpha")  # of the dense network; all other parameters are of surgery
UNTIL = "rounds of a fifth down to"  # this many weights, then one by one
SWAPPED = 24  # weights from which on each size has its swaps
GUESS = {
    "activation": "tanh",
    "alpha": 0.01,
    "weight_decay": 1e-3,
    "distillation": 0.75,
    "damping": 0.02,
    "retraining": [50, "lbfgs"],
    UNTIL: 100,
    "n_swaps": 0,
}
VALUES = {
    "activation": ("tanh", "logistic", "relu"),
    "alpha": (0.001, 0.01, 0.03, 0.1, 0.3),
    "weight_decay": (1e-4, 1e-3, 3e-3, 1e-2),
    "distillation": (0, 0.5, 0.75, 1),
    "damping": (0.002, 0.02, 0.2, 2),
    "retraining": ([20, "lbfgs"], [50, "lbfgs"], [200, "lbfgs"], [200, "newton"]),
    UNTIL: (100, SWAPPED),
    "n_swaps": (0, 10),
}
CHOSEN = GUESS | {"distillation": 0, "retraining": [200, "lbfgs"], "n_swaps": 10}
TODAY = GUESS | {"alpha": 0.03, "damping": 3, "retraining": [200, "auto"]}


def parity_of_3(first):
    return first[:, :3].sum(axis=1) % 2 == 1


def exactly_2_of_6(first):
    return first[:, :6].sum(axis=1) == 2


def two_conjunctions(first):
    return first[:, :2].all(axis=1) | first[:, 2:4].all(axis=1)


@dataclass(frozen=True)
class Made:
    """A Boolean problem: attributes of `n_values` values, of which the rule asks for the first."""

    n_attributes: int
    n_values: int
    n_units: int
    rule: Callable
    n_train: int
    noise: float = 0.0

    def rows(self, seed):
        """X, y for training, X, y of every combination, without noise."""
        rng = np.random.default_rng(seed)
        values = np.array(list(product(range(self.n_values), repeat=self.n_attributes)))
        y = self.rule(values == 0).astype(int)
        kept = [0] if self.n_values == 2 else range(self.n_values)  # one column is enough of two
        X = np.hstack([(values == value) for value in kept]).astype(float)
        train = rng.permutation(len(y))[: self.n_train]
        noisy = y[train]
        noisy[: round(self.noise * self.n_train)] ^= 1
        return X[train], noisy, X, y


PROBLEMS = {
    "parity of 3": Made(8, 2, 3, parity_of_3, 128),
    "exactly 2 of 6": Made(8, 2, 2, exactly_2_of_6, 128),
    "exactly 2 of 6, 5 % noise": Made(8, 2, 2, exactly_2_of_6, 160, 0.05),
    "two conjunctions": Made(10, 2, 2, two_conjunctions, 160),
    "two conjunctions, one-hot": Made(5, 3, 2, two_conjunctions, 120),
    "two conjunctions, one-hot, 5 % noise": Made(5, 3, 2, two_conjunctions, 120, 0.05),
}


@dataclass(frozen=True)
class Published:
    n_units: int
    n_weights: int
    bar: int
    train: float
    test: float


TABLE = {
    1: Published(n_units=3, n_weights=14, bar=14, train=1.0, test=1.0),
    2: Published(n_units=2, n_weights=15, bar=16, train=1.0, test=1.0),
    3: Published(n_units=2, n_weights=4, bar=4, train=0.934, test=0.972),
}
ROUNDING = 0.0005  # of the published accuracies
INPUTS = [f"a{i}={v}" for i, n in enumerate((3, 3, 2, 3, 4, 2), 1) for v in range(1, n + 1)]


def trained(X, y, n_units, setting, seed, n_starts):
    """The dense network of the least training loss, its penalty included, of several starts."""
    nets = (
        MLPClassifier(
            (n_units,), solver="lbfgs", max_iter=2000, random_state=seed + 1000 * start, **setting
        ).fit(X, y)
        for start in range(n_starts)
    )
    return min(nets, key=lambda net: net.loss_)


def path(X, y, n_units, setting, seed, n_starts=N_STARTS):
    """The network, dense and then smaller and smaller, to a single weight."""
    surgery = {name: value for name, value in setting.items() if name not in DENSE}
    until, n_swaps = surgery.pop(UNTIL), surgery.pop("n_swaps")
    epochs, solver = surgery.pop("retraining")
    dense = trained(X, y, n_units, {name: setting[name] for name in DENSE}, seed, n_starts)
    net = OBSPrunedMLPClassifier.from_sklearn(
        dense, prune_intercepts=True, retrain_epochs=epochs, retrain_solver=solver, **surgery
    )
    n_dense = net.n_weights_
    yield net
    if until < n_dense:
        net.prune(X, y, target_sparsity=1 - until / n_dense)
        yield net
    net.set_params(step=1)
    for n_weights in range(net.n_weights_ - 1, 0, -1):
        net.set_params(n_swaps=n_swaps if n_weights <= SWAPPED else 0)
        yield net.prune(X, y, target_sparsity=1 - n_weights / n_dense)


def rows_of(problem, seed):
    """X, y, X_test, y_test and the number of hidden units."""
    if problem in PROBLEMS:
        return *PROBLEMS[problem].rows(seed), PROBLEMS[problem].n_units
    return *monks(problem), TABLE[problem].n_units


def measured(problem, setting, seed, n_starts):
    """Weights, training and test accuracy and CPU seconds so far, along the path."""
    X, y, X_test, y_test, n_units = rows_of(problem, seed)
    start = process_time()
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "weight_decay=")  # large weights of a small alpha
        return [
            (net.n_weights_, net.score(X, y), net.score(X_test, y_test), process_time() - start)
            for net in path(X, y, n_units, setting, seed, n_starts)
        ]


def smallest(found, train=0.0, test=0.0):
    """The row of the smallest network that reaches these accuracies, or None."""
    reaches = (found[:, 1] >= train - ROUNDING) & (found[:, 2] >= test - ROUNDING)
    return found[reaches][-1] if reaches.any() else None


def text_of(setting):
    words = {name: value for name, value in setting.items() if name not in ("retraining", UNTIL)}
    epochs, solver = setting["retraining"]
    words |= {"retrain_epochs": epochs, "retrain_solver": solver}
    rounds = "" if setting[UNTIL] == 100 else f", {UNTIL} {setting[UNTIL]}"
    return ", ".join(f"{name}={value!r}" for name, value in words.items()) + rounds


def left(records, setting, seeds):
    """Shares of weights left in the smallest network without a mistake: (n_problems, n_seeds)."""
    shares = []
    for problem in PROBLEMS:
        for seed in seeds:
            found = np.array(records.of(problem, setting, seed, N_STARTS))
            row = smallest(found, test=1.0)
            shares.append(1.0 if row is None else row[0] / found[0, 0])
    return np.reshape(shares, (len(PROBLEMS), -1))


def print_choice(records, seeds):
    print(f"The first guess: {text_of(GUESS)}.")
    print(f"Weights left, % of the dense network's, a miss 100 %; {len(seeds)} seeds.\n")
    print(f"| parameter | value | {' | '.join(PROBLEMS)} | mean | misses |")
    print(f"|---|---|{'---|' * len(PROBLEMS)}---|---|")
    setting, n_same = dict(GUESS), 0
    for name in list(VALUES) * 2:
        means = []
        for value in VALUES[name]:
            shares = 100 * left(records, setting | {name: value}, seeds)
            means.append(shares.mean())
            cells = " | ".join(f"{share:.0f}" for share in shares.mean(axis=1))
            n_misses = (shares == 100).sum()
            print(f"| {name} | {value!r} | {cells} | {means[-1]:.1f} | {n_misses} |", flush=True)
        best = VALUES[name][int(np.argmin(means))]
        n_same = n_same + 1 if best == setting[name] else 0
        setting[name] = best
        if n_same == len(VALUES):
            break
    print(f"\nChosen: {text_of(setting)}.")
    if setting != CHOSEN:
        print("That is not the setting of `report`.")


def read_off(records, number, setting, seed, n_starts=N_STARTS):
    """The dense network's row, and that of the network chosen by its training accuracy or None."""
    found = np.array(records.of(number, setting, seed, n_starts))
    return found[0], smallest(found, TABLE[number].train), found[-1, 3]


def reaches(number, row):
    published = TABLE[number]
    return row is not None and row[0] <= published.bar and row[2] >= published.test - ROUNDING


def cell(row):
    return "miss" if row is None else f"{row[0]:.0f}: {row[1]:.1%}, {row[2]:.1%}"


def print_report(records, seeds):
    print(f"Chosen: {text_of(CHOSEN)}.\nToday: {text_of(TODAY)}.\n")
    print("Weights: training accuracy, test accuracy.\n")
    for number, published in TABLE.items():
        print(f"| MONK-{number}, seed | dense | chosen setting | dense | today |")
        print("|---|---|---|---|---|", flush=True)
        for seed in seeds:
            rows = [read_off(records, number, setting, seed)[:2] for setting in (CHOSEN, TODAY)]
            cells = [cell(row) for pair in rows for row in pair]
            print(f"| {seed} | {' | '.join(cells)} |", flush=True)
        row = published.n_weights, published.train, published.test
        print(f"| 1992 | | {cell(row)} | | |\n")
    variants = {
        "chosen": CHOSEN,
        "today": TODAY,
        **{f"chosen, distillation={d}": CHOSEN | {"distillation": d} for d in (0, 0.75, 1)},
        **{f"chosen, n_swaps={n}": CHOSEN | {"n_swaps": n} for n in (0, 10)},
    }
    runs = [(name, setting, N_STARTS) for name, setting in variants.items()]
    runs += [("chosen, one start", CHOSEN, 1), ("today, one start", TODAY, 1)]
    print(
        f"Of {len(seeds)} seeds, those that reach the bar; least and median weights, misses inf.\n"
    )
    heads = [f"MONK-{number}, {table.bar} weights" for number, table in TABLE.items()]
    print(f"| setting | {' | '.join(heads)} | seconds a path |")
    print("|---|---|---|---|---|")
    for name, setting, n_starts in runs:
        cells, seconds = [], []
        for number in TABLE:
            read = [read_off(records, number, setting, seed, n_starts) for seed in seeds]
            n_reach = sum(reaches(number, row) for _, row, _ in read)
            sizes = [np.inf if row is None else row[0] for _, row, _ in read]
            seconds += [spent for _, _, spent in read]
            cells.append(f"{n_reach}; {min(sizes):.0f}, {np.median(sizes):.1f}")
        print(f"| {name} | {' | '.join(cells)} | {np.mean(seconds):.1f} |", flush=True)


def draw(file):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    from sklearn_obs.display import NetworkDisplay

    figure, axes = plt.subplots(1, 3, figsize=(15, 4.5), layout="constrained")
    for ax, (number, published) in zip(axes, TABLE.items(), strict=True):
        X, y, X_test, y_test, n_units = rows_of(number, 0)
        smallest_net = None
        with threadpool_limits(1):
            for net in path(X, y, n_units, CHOSEN, 0):
                if net.score(X, y) >= published.train - ROUNDING:
                    smallest_net = deepcopy(net)
        if smallest_net is None:
            raise SystemExit(f"MONK-{number}: no network of seed 0 has the training accuracy.")
        NetworkDisplay.from_estimator(
            smallest_net, feature_names=INPUTS, class_names=["other", "monk"], ax=ax
        )
        score = smallest_net.score(X_test, y_test)
        ax.set_title(f"MONK-{number}: {smallest_net.n_weights_} weights, test {score:.1%}")
    figure.savefig(file, dpi=80)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", default="report", choices=("choose", "report"))
    parser.add_argument("--seeds", type=int, help="6 of `choose` and 10 of `report` by default")
    parser.add_argument("--records", help="file to keep what is measured in")
    parser.add_argument("--figure", help="file to draw the networks of seed 0 to, with `report`")
    options = parser.parse_args()
    records = Records(measured, options.records)
    if options.what == "choose":
        print_choice(records, range(options.seeds or 6))
        return
    print_report(records, range(options.seeds or 10))
    if options.figure:
        draw(options.figure)


if __name__ == "__main__":
    main()
