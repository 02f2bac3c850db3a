r"""
What damping does
=================

This page shows what the parameter `damping` does, and what happens when it is too large. Before the
Hessian H of the loss is inverted, `damping` times the mean of its diagonal is added to the
diagonal:

.. math::

    H \leftarrow H + \mathrm{damping} \cdot \mathrm{mean}(\mathrm{diag}\, H) \, I

With little damping the weight updates are large, and the network may end where the quadratic
approximation of the loss no longer holds. With much damping the updates are small. In the limit
there is no update at all, and OBS removes the smallest weights. Here a dense network on digits is
pruned in rounds of a fifth of its weights, without retraining.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier

DAMPINGS = (1e-4, 2e-2, 1, 100)
STEP, N_WEIGHTS = 0.2, 64 * 30 + 30 * 10
left = [N_WEIGHTS]  # after each round
while left[-1] > 0.02 * N_WEIGHTS:
    left.append(left[-1] - int(STEP * left[-1]))
LEVELS = 1 - np.array(left[1:]) / N_WEIGHTS

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=0)
dense = MLPClassifier((30,), alpha=1e-3, max_iter=1000, random_state=0).fit(X, y)

# %%
# For each round, `pruning_path_` has the loss that was predicted and the loss that was measured
# after it. Their difference is the error of the quadratic approximation, with its damping.
scores, paths = {}, {}
for damping in DAMPINGS:
    net = OBSPrunedMLPClassifier.from_sklearn(dense, damping=damping, step=STEP, retrain_epochs=0)
    scores[damping] = [net.prune(X, y, target_sparsity=s).score(X_test, y_test) for s in LEVELS]
    paths[damping] = net.pruning_path_

print("accuracy on test samples")
print("damping " + "".join(f"{s:7.0%}" for s in LEVELS[1::2]))
for damping, row in scores.items():
    print(f"{damping:7g} " + "".join(f"{a:7.3f}" for a in row[1::2]))

# %%
# The left panel shows the loss on the training samples: solid as it was measured, dotted as it was
# predicted. With little damping the prediction is too low, with much damping it is too high. The
# right panel shows the accuracy on test samples. The default is 0.02.
figure, (losses, accuracy) = plt.subplots(1, 2, figsize=(7.5, 4), layout="constrained")
for i, (damping, path) in enumerate(paths.items()):
    losses.plot(100 * LEVELS, path["loss"], f"C{i}-")
    losses.plot(100 * LEVELS, path["predicted_loss"], f"C{i}:", lw=1)
    accuracy.plot(100 * LEVELS, scores[damping], f"C{i}-o", ms=4, label=f"{damping:g}")
losses.set(yscale="log", xlabel="weights removed (%)", ylabel="training loss (nats)")
accuracy.set(xlabel="weights removed (%)", ylabel="test accuracy")
accuracy.legend(title="damping", loc="lower left", frameon=False)
for ax in (losses, accuracy):
    ax.grid(alpha=0.3)
plt.show()
