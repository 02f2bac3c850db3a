"""What is left, as a diagram: a net of 30 weights on breast cancer, and one for MONK-1.

The nets are small enough to be read: which measurements each unit weighs against each other, and
which attributes of a robot are needed for the rule of MONK-1, "head and body have the same shape,
or the jacket is red". MONK-1 is drawn where its data are found (see examples/datasets.py).

    python examples/plot_network.py [--out FOLDER]
"""

import argparse
import warnings
from pathlib import Path

from datasets import monks
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.display import NetworkDisplay

ROBOT = {  # the attributes of a robot in MONK's problems, and their values
    "head": ("round", "square", "octagon"),
    "body": ("round", "square", "octagon"),
    "smiling": ("yes", "no"),
    "holding": ("sword", "balloon", "flag"),
    "jacket": ("red", "yellow", "green", "blue"),
    "tie": ("yes", "no"),
}


def breast_cancer():
    """A net of 30 weights, the names of its inputs and classes, and its accuracy on test rows."""
    data = load_breast_cancer()
    X, X_test, y, y_test = train_test_split(data.data, data.target, random_state=0)
    scaler = StandardScaler().fit(X)
    X, X_test = scaler.transform(X), scaler.transform(X_test)
    sparsity = 1 - 30 / (8 * (30 + 1))
    net = OBSPrunedMLPClassifier(
        (8,), "tanh", target_sparsity=sparsity, alpha=0.1, max_iter=500, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        net.fit(X, y)
    return net, data.feature_names, data.target_names, net.score(X_test, y_test)


def monk_1():
    """The same for MONK-1: 14 weights, intercepts among them, which is the 1992 paper's size."""
    X, y, X_test, y_test = monks(1)
    net = OBSPrunedMLPClassifier(
        (3,),
        "tanh",
        target_sparsity=1 - 14 / (3 * (17 + 1) + 3 + 1),
        prune_intercepts=True,
        damping=3,
        step=1,
        retrain_epochs=200,
        solver="lbfgs",
        alpha=0.03,
        max_iter=2000,
        random_state=0,
    ).fit(X, y)
    names = [f"{attribute}: {value}" for attribute, values in ROBOT.items() for value in values]
    return net, names, ["other", "monk"], net.score(X_test, y_test)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the figures")
    options = parser.parse_args()
    for name, load in (("breast_cancer", breast_cancer), ("monks", monk_1)):
        try:
            net, feature_names, class_names, accuracy = load()
        except SystemExit as missing:
            print(f"{name}: {missing}")
            continue
        print(
            f"{name}: {net.n_weights_} weights, {net.inputs_.size} of {net.n_features_in_} inputs, "
            f"{net.units_[0].size} units, test accuracy {accuracy:.3f}"
        )
        try:
            display = NetworkDisplay.from_estimator(
                net, feature_names=feature_names, class_names=class_names
            )
        except ImportError as error:
            print(f"no figure: {error}")
            continue
        file = options.out / f"network_{name}.png"
        display.figure_.savefig(file, dpi=150)
        print(f"figure: {file}")


if __name__ == "__main__":
    main()
