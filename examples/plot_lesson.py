r"""
One weight at a time: how Optimal Brain Surgeon decides
=======================================================

This page shows step by step how Optimal Brain Surgeon decides which weight to remove and how to
change the others. It approximates the loss around the trained weights by a parabola. From the
Hessian H of the loss it computes for each weight q how much the loss would rise without it, and how
all other weights should change to make up for it:

.. math::

    L_q = \frac{w_q^2}{2 [H^{-1}]_{qq}} \qquad
    \delta w = -\frac{w_q}{[H^{-1}]_{qq}} \, H^{-1} e_q

We do this for the network of the 1992 paper, XOR, and for a network on iris. We also look at where
the parabola is right and where it is not.

References
----------
Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal Brain
Surgeon. Advances in Neural Information Processing Systems 5.
LeCun, Y., Denker, J. S. and Solla, S. A. (1989). Optimal Brain Damage. Advances in Neural
Information Processing Systems 2.
"""

# %%
# XOR, and how important each weight is
# -------------------------------------
# A network with two hidden units has nine weights, intercepts included. Nothing is retrained here,
# so that we see the effect of Optimal Brain Surgeon alone.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.display import NetworkDisplay
from sklearn_obs.inspection import hessian, removed_weights, weight_saliencies, weight_update

X = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
y = np.array([0, 1, 1, 0])
STEP_BY_STEP = {
    "structure": "full",  # the whole Hessian, as in the paper
    "damping": 0.1,  # keeps the steps small, where the parabola is nearly right
    "step": 1,
    "retrain_epochs": 0,
    "distillation": 0,  # the loss of the labels
    "weight_decay": None,  # and the penalty of the dense network
    "prune_intercepts": True,
}
dense = MLPClassifier((2,), "tanh", solver="lbfgs", alpha=0.01, max_iter=1000, random_state=2)
dense.fit(X, y)


def network(criterion="obs", mlp=dense):
    return OBSPrunedMLPClassifier.from_sklearn(mlp, criterion=criterion, **STEP_BY_STEP)


H, index = hessian(network(), X, y)
C = np.linalg.inv(H)


def weights_of(net):
    """All weights, in the order of the rows of H."""
    W, b = net.coefs_, net.intercepts_
    return np.array([b[layer][j] if i < 0 else W[layer][i, j] for layer, i, j in index])


w = weights_of(dense)
names = {
    (0, 0, 0): "x1-h1", (0, 0, 1): "x1-h2", (0, 1, 0): "x2-h1", (0, 1, 1): "x2-h2",
    (0, -1, 0): "1-h1", (0, -1, 1): "1-h2", (1, 0, 0): "h1-out", (1, 1, 0): "h2-out",
    (1, -1, 0): "1-out",
}  # fmt: skip
obs = w**2 / (2 * C.diagonal())  # with all others adjusted
obd = w**2 * H.diagonal() / 2  # with no other adjusted: Optimal Brain Damage
assert np.allclose(
    np.concatenate(weight_saliencies(network(), X, y), axis=None), obs[index[:, 1] >= 0]
)

rises = []
for place in index:
    coefs, intercepts = weight_update(network(), X, y, index=tuple(place))
    moved = network()
    moved.coefs_ = [W + d for W, d in zip(moved.coefs_, coefs, strict=True)]
    moved.intercepts_ = [b + d for b, d in zip(moved.intercepts_, intercepts, strict=True)]
    p = np.clip(moved.predict_proba(X), 1e-12, 1)
    rises.append(-np.log(p[np.arange(4), y]).mean())
before = -np.log(dense.predict_proba(X)[np.arange(4), y]).mean()

print("weight    value   OBD's saliency   OBS's saliency   measured after the update")
for place, value, alone, adjusted, after in zip(index, w, obd, obs, rises, strict=True):
    rise = after - before
    print(f"{names[tuple(place)]:7s} {value:7.2f} {alone:16.3f} {adjusted:16.3f} {rise:16.3f}")

# %%
# The heat maps show the same numbers. A paler cell is a weight that costs less to remove; each
# method has its own scale. The frame is the weight that the method removes first. Optimal Brain
# Damage does not consider that other weights can make up for one. The network cannot do without its
# smallest weight.


def heat_map(ax, values, title):
    """The value of each weight in the matrix of its layer, with intercepts in the last row."""
    cells = {tuple(place): value for place, value in zip(index, values, strict=True)}
    image = np.full((3, 4), np.nan)
    for (layer, i, j), value in cells.items():
        image[i if i >= 0 else 2, j if layer == 0 else 3] = value
    logs = np.log10(image)
    ax.imshow(logs, cmap="YlOrBr")
    middle = (np.nanmin(logs) + np.nanmax(logs)) / 2
    for (row, column), value in np.ndenumerate(image):
        if np.isfinite(value):
            dark = np.log10(value) > middle
            ax.text(column, row, f"{value:.2g}", ha="center", va="center",
                    color="white" if dark else "black", fontsize=9)  # fmt: skip
    ax.set_xticks([0, 1, 3], ["h1", "h2", "output"])
    ax.set_yticks([0, 1, 2], ["x1 (h1)", "x2 (h2)", "intercept"])
    ax.set_title(title, fontsize=10)
    layer, i, j = index[np.argmin(values)]
    corner = (j if layer == 0 else 3) - 0.5, (i if i >= 0 else 2) - 0.5
    ax.add_patch(plt.Rectangle(corner, 1, 1, fill=False, edgecolor="tab:blue", linewidth=3))


figure, panels = plt.subplots(1, 4, figsize=(13, 3.2), layout="constrained")
NetworkDisplay.from_estimator(dense, feature_names=["x1", "x2"], ax=panels[0])
heat_map(panels[1], obs, "OBS: others adjusted")
heat_map(panels[2], obd, "OBD: nothing adjusted")
heat_map(panels[3], np.abs(w), "size of the weight")
plt.show()

# %%
# The update
# ----------
# Each of the three methods removes the weight that it has chosen. Optimal Brain Surgeon then
# updates the other eight weights. Its network still solves XOR, and the other two do not.
figure, panels = plt.subplots(1, 3, figsize=(12, 2.8), sharey=True, layout="constrained")
labels = [names[tuple(place)] for place in index]
for ax, criterion in zip(panels, ("obs", "obd", "magnitude"), strict=True):
    net = network(criterion).prune(X, y, n_weights=8)
    after = weights_of(net)
    ax.bar(np.arange(9) - 0.2, w, 0.4, color="0.75", label="before")
    ax.bar(np.arange(9) + 0.2, after, 0.4, color="tab:blue", label="after")
    gone = labels[np.flatnonzero(after == 0)[0]]
    ax.set_title(f"{criterion} removes {gone}: {net.score(X, y) * 4:.0f} of 4 right", fontsize=10)
    ax.set_xticks(np.arange(9), labels, rotation=60, fontsize=8)
    ax.axhline(0, color="0.3", linewidth=0.8)
panels[0].set_ylabel("weight")
panels[0].legend(frameon=False)
plt.show()

# %%
# Step by step, and where the parabola is wrong
# ---------------------------------------------
# One weight of XOR is a large part of the network, so that its removal is a large step. The
# parabola gives the right weight, but the loss rises by more than predicted. Eight weights are the
# fewest that solve XOR (see :ref:`sphx_glr_gallery_plot_xor.py`). The parabola does not show this:
# the predicted loss of the next removal is not much higher, but the network no longer solves XOR.
net = network()
order = NetworkDisplay.from_estimator(net).order_
plt.close()
figure, panels = plt.subplots(1, 4, figsize=(13, 3), layout="constrained")
for ax, n_weights in zip(panels, (9, 8, 7, 6), strict=True):
    net.prune(X, y, n_weights=n_weights)
    NetworkDisplay.from_estimator(net, feature_names=["x1", "x2"], order=order, ax=ax)
    ax.set_title(f"{n_weights} weights, {net.score(X, y) * 4:.0f} of 4 right", fontsize=10)
plt.show()

record, path = removed_weights(net), net.pruning_path_
for step in range(len(path["loss"])):
    place = record["layer"][step], record["from"][step], record["to"][step]
    print(
        f"without {names[place]}: predicted loss {path['predicted_loss'][step]:.3f}, measured "
        f"{path['pruned_loss'][step]:.3f}"
    )

# %%
# Iris, 43 weights
# ----------------
# From a network of 4-5-3 units one weight is removed in each round. The predicted loss is that of
# the dense network plus the saliencies of all removals; for the smallest weight there is no
# prediction. As long as the solid curve of a method is on its dashed one, the parabola is right.
# Where they separate, so much has been removed that a parabola no longer describes the loss.
# Retraining after each removal leads to a new minimum with a new parabola. This is why pruning is
# done in rounds.

# sphinx_gallery_thumbnail_number = 4
X, y = load_iris(return_X_y=True)
X = scale(X)
mlp = MLPClassifier((5,), "tanh", solver="lbfgs", alpha=0.1, max_iter=1000, random_state=0)
mlp.fit(X, y)
curves = {
    "OBS": ("tab:blue", "obs", 0),
    "OBD": ("tab:orange", "obd", 0),
    "smallest weight": ("0.4", "magnitude", 0),
    "OBS, retrained": ("tab:green", "obs", 20),
}
figure, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
for name, (colour, criterion, epochs) in curves.items():
    net = network(criterion, mlp).set_params(retrain_epochs=epochs).prune(X, y, n_weights=15)
    accuracy = net.score(X, y)
    net.prune(X, y, n_weights=1)
    path = net.pruning_path_
    measured = path["loss"] if epochs else path["pruned_loss"]
    ax.plot(path["n_weights"], measured, color=colour, label=f"{name}: measured")
    if criterion != "magnitude" and not epochs:
        saliency = removed_weights(net)["saliency"]
        start = path["predicted_loss"][0] - saliency[0]
        left = 42 - np.arange(len(saliency))
        predicted = start + np.cumsum(saliency)
        ax.plot(left, predicted, "--", color=colour, label=f"{name}: predicted")
        foreseen = predicted[42 - path["n_weights"]]
        broken = path["n_weights"][path["pruned_loss"] > 1.5 * foreseen]
        print(f"{name}: the loss is half as high again as predicted from {broken[0]} weights on")
    print(f"{name}: training accuracy {accuracy:.3f} with 15 weights")
ax.invert_xaxis()
ax.set(yscale="log", xlabel="remaining weights", ylabel="training loss, penalty included")
ax.grid(alpha=0.3)
ax.legend(frameon=False)
plt.show()
