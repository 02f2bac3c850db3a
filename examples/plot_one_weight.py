"""
One removal as a picture: OBS, OBD and magnitude
================================================

This page shows why Optimal Brain Surgeon (OBS) removes another weight than the smallest one, and
why it updates the others. The loss of two weights can be drawn as a map. Its lowest point is where
training ends. If a weight is removed, the new point is on one of the two axes, where it is 0.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.inspection import hessian, weight_saliencies, weight_update

# %%
# Two weights
# -----------
# The loss is the logistic loss of one unit with two correlated inputs, and its minimum is found by
# Newton's method.

rng = np.random.default_rng(3)
X = rng.normal(size=(400, 2)) @ np.array([[1.0, 0.9], [0.0, 0.6]]) * [1.0, 1.6]
y = rng.random(400) < 1 / (1 + np.exp(-(1.0 * X[:, 0] + 0.75 * X[:, 1])))


def E(w):
    """The mean logistic loss, for weights of shape (2, ...)."""
    z = np.tensordot(X, w, axes=1)
    return np.mean(np.logaddexp(0, z) - (y * z.T).T, axis=0)


w = np.zeros(2)
for _ in range(30):
    p = 1 / (1 + np.exp(-X @ w))
    H = (X.T * (p * (1 - p))) @ X / len(X)
    w = w - np.linalg.solve(H, X.T @ (p - y) / len(X))
C = np.linalg.inv(H)

# %%
# Magnitude pruning removes the smaller weight, and Optimal Brain Damage (OBD) the weight with the
# smaller :math:`H_{qq} w_q^2 / 2`. Both leave the other weight where it is. OBS removes the weight
# with the smaller :math:`w_q^2 / (2 C_{qq})`, where C is the inverse of H, and moves the other to
# the lowest point of the axis according to the quadratic approximation.

removals = {}
for name, cost in (("magnitude", np.abs(w)), ("OBD", np.diag(H) * w**2)):
    alone = w.copy()
    alone[np.argmin(cost)] = 0
    removals[name] = alone
q = np.argmin(w**2 / (2 * np.diag(C)))
removals["OBS"] = w - w[q] / C[q, q] * C[:, q]

side = np.linspace(-0.35, 1.9, 200)
losses = E(np.array(np.meshgrid(side, side)))
figure, ax = plt.subplots(figsize=(6.4, 5.2), layout="constrained")
ax.contour(side, side, losses, E(w) + np.geomspace(1e-3, 0.3, 14), colors="0.75", linewidths=1)
ax.axhline(0, color="black", linewidth=1)
ax.axvline(0, color="black", linewidth=1)
ax.plot(*w, "ko", markersize=8)
ax.annotate("after training", w, xytext=(8, 6), textcoords="offset points")
for (name, end), colour in zip(
    removals.items(), ("tab:orange", "tab:green", "tab:blue"), strict=True
):
    arrow = {"arrowstyle": "->", "color": colour, "linewidth": 2}
    ax.annotate("", end, xytext=w, arrowprops=arrow)
    ax.plot([], [], color=colour, label=f"{name}: loss rises by {E(end) - E(w):.3f}")
    print(f"{name:9s}: w = ({end[0]:.2f}, {end[1]:.2f}), loss rises by {E(end) - E(w):.4f}")
ax.set(xlabel="weight 1", ylabel="weight 2", title="Lines of equal loss, and three removals")
ax.legend(loc="lower left", framealpha=1)
plt.show()

# %%
# Many weights
# ------------
# Is the predicted cost right? For each weight of a network on breast cancer, the saliency is
# compared with what the loss really rises by when this weight alone is removed: by OBS, which
# adjusts the other weights, and by OBD, which does not.

X, y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)
net = OBSPrunedMLPClassifier(
    (5,), "tanh", target_sparsity=0, solver="lbfgs", alpha=1.0, max_iter=5000, structure="full",
    damping=0, distillation=0, weight_decay=None, random_state=0,
).fit(X, y)  # fmt: skip


def loss(coefs, intercepts):
    """The loss that training minimises: log loss and penalty."""
    moved = net.compact()
    moved.coefs_, moved.intercepts_ = coefs, intercepts
    penalty = net.alpha / 2 * sum(np.sum(W**2) for W in coefs) / len(X)
    return log_loss(y, moved.predict_proba(X)) + penalty


H, index = hessian(net, X, y)
row_of = {tuple(place): row for row, place in enumerate(index.tolist())}
before = loss(net.coefs_, net.intercepts_)
found = {"OBS": [], "OBD": []}
for layer, saliencies in enumerate(weight_saliencies(net, X, y)):
    for (i, j), saliency in np.ndenumerate(saliencies):
        coefs, intercepts = weight_update(net, X, y, index=(layer, i, j))
        adjusted = [W + d for W, d in zip(net.coefs_, coefs, strict=True)]
        others = [b + d for b, d in zip(net.intercepts_, intercepts, strict=True)]
        found["OBS"].append((saliency, loss(adjusted, others) - before))
        alone = [W.copy() for W in net.coefs_]
        alone[layer][i, j] = 0
        row = row_of[layer, i, j]
        predicted = H[row, row] * net.coefs_[layer][i, j] ** 2 / 2
        found["OBD"].append((predicted, loss(alone, net.intercepts_) - before))

figure, ax = plt.subplots(figsize=(6.4, 5.2), layout="constrained")
for (name, points), colour in zip(found.items(), ("tab:blue", "tab:green"), strict=True):
    predicted, measured = np.array(points).T
    ax.loglog(predicted, measured, "o", color=colour, alpha=0.6, markersize=4, label=name)
    print(f"{name}: measured / predicted is {np.median(measured / predicted):.2f} in the median")
cheaper = np.array(found["OBS"])[:, 1] / np.array(found["OBD"])[:, 1]
print(
    f"with the others adjusted, a removal costs {np.median(cheaper):.2f} of what it costs without"
)
ends = np.array(ax.get_xlim())
ax.plot(ends, ends, color="0.5", linewidth=1)
ax.set(xlabel="predicted increase of the loss", ylabel="measured increase",
       title=f"{len(points)} weights, each removed alone")  # fmt: skip
ax.legend()
plt.show()

# %%
# Both predictions rank the weights well over five powers of ten. They are somewhat too small,
# because the Gauss-Newton matrix and the quadratic approximation leave out what is of higher order.
# The update of the others makes the same removal cheaper.
