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


def without(q, update):
    """The weights after the removal of weight q."""
    return w - w[q] / C[q, q] * C[:, q] if update else w - w[q] * np.eye(2)[q]


by_size, by_obd = np.argmin(np.abs(w)), np.argmin(np.diag(H) * w**2)
by_obs = np.argmin(w**2 / (2 * np.diag(C)))
removals = {
    "magnitude": (without(by_size, update=False), "tab:orange", "-"),
    "magnitude, with OBS's update": (without(by_size, update=True), "tab:orange", ":"),
    "OBD": (without(by_obd, update=False), "tab:green", "-"),
    "OBS": (without(by_obs, update=True), "tab:blue", "-"),
}

first, second = np.linspace(-0.35, 2.3, 200), np.linspace(-0.25, 1.9, 200)
losses = E(np.array(np.meshgrid(first, second)))
figure, ax = plt.subplots(figsize=(6.4, 5.2), layout="constrained")
ax.contour(first, second, losses, E(w) + np.geomspace(1e-3, 0.3, 14), colors="0.75", linewidths=1)
ax.axhline(0, color="black", linewidth=1)
ax.axvline(0, color="black", linewidth=1)
ax.plot(*w, "ko", markersize=8)
ax.annotate("after training", w, xytext=(8, 6), textcoords="offset points")
for name, (end, colour, line) in removals.items():
    arrow = {"arrowstyle": "->", "color": colour, "linewidth": 2, "linestyle": line}
    ax.annotate("", end, xytext=w, arrowprops=arrow)
    ax.plot([], [], color=colour, linestyle=line, label=f"{name}: {E(end) - E(w):.3f}")
    print(f"{name}: w = ({end[0]:.2f}, {end[1]:.2f}), loss rises by {E(end) - E(w):.4f}")
ax.set(xlabel="weight 1", ylabel="weight 2", title="Lines of equal loss, and four removals")
ax.legend(loc="upper right", framealpha=1, title="increase of the loss")
plt.show()

# %%
# Two decisions can be told apart here. The choice of the weight is worth a little: with the update,
# the smaller weight costs 0.032 and the other 0.028. The update is worth more: it halves the cost
# of either removal.
#
# Many weights
# ------------
# Is the predicted cost right? For each weight of a network on breast cancer, the saliency is
# compared with what the loss really rises by when this weight alone is removed: by OBS, which
# adjusts the other weights, and by OBD, which does not. The Hessian is the Gauss-Newton matrix,
# which is the default; for OBS we also take the exact one.

X, y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)
net = OBSPrunedMLPClassifier(
    (5,), "tanh", target_sparsity=0, solver="lbfgs", alpha=1.0, max_iter=5000, tol=1e-9,
    structure="full", damping=0, n_curvature_samples=len(X), distillation=0, weight_decay=None,
    random_state=0,
).fit(X, y)  # fmt: skip


def loss(coefs, intercepts):
    """The loss that training minimises: log loss and penalty."""
    moved = net.compact()
    moved.coefs_, moved.intercepts_ = coefs, intercepts
    penalty = net.alpha / 2 * sum(np.sum(W**2) for W in coefs) / len(X)
    return log_loss(y, moved.predict_proba(X)) + penalty


before = loss(net.coefs_, net.intercepts_)


def obs():
    """For each weight the saliency, and the measured increase with the others adjusted."""
    for layer, saliencies in enumerate(weight_saliencies(net, X, y)[0]):
        for (i, j), saliency in np.ndenumerate(saliencies):
            coefs, intercepts = weight_update(net, X, y, index=(layer, i, j))
            adjusted = [W + d for W, d in zip(net.coefs_, coefs, strict=True)]
            others = [b + d for b, d in zip(net.intercepts_, intercepts, strict=True)]
            yield saliency, loss(adjusted, others) - before


def obd():
    """For each weight the saliency, and the measured increase with the others as they were."""
    H, index = hessian(net, X, y)
    for (layer, i, j), curvature in zip(index, np.diag(H), strict=True):
        if i >= 0:  # not an intercept
            alone = [W.copy() for W in net.coefs_]
            alone[layer][i, j] = 0
            saliency = curvature * net.coefs_[layer][i, j] ** 2 / 2
            yield saliency, loss(alone, net.intercepts_) - before


found = {"OBD, Gauss-Newton": np.array([*obd()]), "OBS, Gauss-Newton": np.array([*obs()])}
net.set_params(curvature="hessian")
found["OBS, exact Hessian"] = np.array([*obs()])

figure, ax = plt.subplots(figsize=(6.4, 5.2), layout="constrained")
colours = ("tab:green", "tab:blue", "tab:purple")
for (name, points), colour in zip(found.items(), colours, strict=True):
    predicted, measured = points.T
    ax.loglog(predicted, measured, "o", color=colour, alpha=0.6, markersize=4, label=name)
    print(f"{name}: measured / predicted is {np.median(measured / predicted):.2f} in the median")
cheaper = np.median(found["OBS, Gauss-Newton"][:, 1] / found["OBD, Gauss-Newton"][:, 1])
print(f"with the others adjusted, a removal costs {cheaper:.2f} of what it costs without")
ends = np.array(ax.get_xlim())
ax.plot(ends, ends, color="0.5", linewidth=1)
ax.set(xlabel="predicted increase of the loss", ylabel="measured increase",
       title=f"{len(predicted)} weights, each removed alone")  # fmt: skip
ax.legend()
plt.show()

# %%
# All three predictions rank the weights well, over five powers of ten. With the exact Hessian the
# points are on the line: one weight of 155 is a small step, for which the parabola is right. With
# the Gauss-Newton matrix the predictions are too small, because it leaves out the second
# derivatives of the outputs. It is the default all the same: it cannot have negative eigenvalues,
# it is cheaper, and if pruning imitates the dense network (``distillation=1``) it is the exact
# Hessian of that loss, because there are no residuals.
