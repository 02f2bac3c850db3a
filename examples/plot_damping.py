r"""
What damping does
=================

Surgery adds `damping` times the mean diagonal of the Hessian H to its diagonal, before it is
inverted:

.. math::

    H \leftarrow H + \mathrm{damping} \cdot \mathrm{mean}(\mathrm{diag}\, H) \, I

Small damping believes the quadratic model and takes its large steps, far from where the model
holds. Large damping keeps the steps short, until no repair is left: as it grows, OBS becomes the
removal of the smallest weights. A dense network on digits, rounds of a fifth of the weights, no
retraining::

    python examples/plot_damping.py [--out FOLDER]
"""

import argparse
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier

parser = argparse.ArgumentParser(description="Loss and accuracy against sparsity and damping.")
parser.add_argument("--out", type=Path, default=Path(), help="folder for the figure")
options = parser.parse_args()

DAMPINGS = (1e-4, 2e-2, 1, 100)
STEP, N_WEIGHTS = 0.2, 64 * 30 + 30 * 10
left = [N_WEIGHTS]  # after each round
while left[-1] > 0.02 * N_WEIGHTS:
    left.append(left[-1] - int(STEP * left[-1]))
LEVELS = 1 - np.array(left[1:]) / N_WEIGHTS

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=0)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    dense = MLPClassifier((30,), alpha=1e-3, max_iter=1000, random_state=0).fit(X, y)

# %%
# `pruning_path_` has the loss that each round predicted beside the loss that was measured after it.
# Their difference is how wrong the quadratic model, damping included, was.

scores, paths = {}, {}
for damping in DAMPINGS:
    net = OBSPrunedMLPClassifier.from_sklearn(dense, damping=damping, step=STEP, retrain_epochs=0)
    scores[damping] = [net.prune(X, y, target_sparsity=s).score(X_test, y_test) for s in LEVELS]
    paths[damping] = net.pruning_path_

print("accuracy on test rows")
print("damping " + "".join(f"{s:7.0%}" for s in LEVELS[1::2]))
for damping, row in scores.items():
    print(f"{damping:7g} " + "".join(f"{a:7.3f}" for a in row[1::2]))

# %%
# Left, the loss on the training rows: as measured, and as each round predicted it (dotted). Small
# damping predicts too little, large damping too much. Right, what it means on test rows. The
# default is 0.02.

figure, (losses, accuracy) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for i, (damping, path) in enumerate(paths.items()):
    losses.plot(100 * LEVELS, path["loss"], f"C{i}-")
    losses.plot(100 * LEVELS, path["predicted_loss"], f"C{i}:", lw=1)
    accuracy.plot(100 * LEVELS, scores[damping], f"C{i}-o", ms=4, label=f"{damping:g}")
losses.set(yscale="log", xlabel="weights removed (%)", ylabel="training loss (nats)")
accuracy.set(xlabel="weights removed (%)", ylabel="test accuracy")
accuracy.legend(title="damping", loc="lower left", frameon=False)
for ax in (losses, accuracy):
    ax.grid(alpha=0.3)
figure.savefig(options.out / "damping.png", dpi=150)
