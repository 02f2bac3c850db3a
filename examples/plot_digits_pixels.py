"""
Which pixels survive
====================

Digits of 8 x 8 pixels, and what each hidden unit still reads of them::

    python examples/plot_digits_pixels.py [--sparsity 0.95] [--out FOLDER]
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.display import WeightMaskDisplay

parser = argparse.ArgumentParser(description="Pixels that hidden units still read.")
parser.add_argument("--sparsity", type=float, default=0.95)
parser.add_argument("--out", type=Path, default=Path(), help="folder for the figure")
options = parser.parse_args()

# %%
# A dense network of scikit-learn's, and the same with one weight in twenty.

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=0)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    dense = MLPClassifier((30,), alpha=1e-3, max_iter=1000, random_state=0).fit(X, y)
net = OBSPrunedMLPClassifier.from_sklearn(dense)
net.prune(X, y, target_sparsity=options.sparsity)

n_dense = sum(W.size for W in dense.coefs_)
n_pixels = np.count_nonzero(net.masks_[0], axis=0)
print(
    f"{net.n_weights_} of {n_dense} weights: accuracy {net.score(X_test, y_test):.3f}, "
    f"dense {dense.score(X_test, y_test):.3f}"
)
print(
    f"{net.inputs_.size} of {X.shape[1]} pixels are read, by {np.count_nonzero(n_pixels)} of "
    f"{n_pixels.size} units, {np.median(n_pixels[n_pixels > 0]):.0f} each at the median"
)

# %%
# One small image a unit: blue is a positive weight, orange a negative one, blank is gone. Pixels
# that are 0 in every image go before all others, at no cost.

display = WeightMaskDisplay.from_estimator(net, image_shape=(8, 8))
display.figure_.savefig(options.out / "digits_pixels.png", dpi=150)
