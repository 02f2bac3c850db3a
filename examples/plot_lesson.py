r"""
A lesson: Optimal Brain Surgeon, one weight at a time
=====================================================

This page is a lesson of 90 minutes. It begins with two weights that can be checked by hand, removes
the weights of an XOR network one by one until it breaks, compares the method with Optimal Brain
Damage (OBD) and magnitude pruning, and ends with a formula and three exercises.

Near the end of training the loss is nearly a parabola, with the Hessian H and its inverse C.
Optimal Brain Surgeon (OBS) asks how much the loss rises at least if weight q becomes 0 (the
saliency :math:`L_q`), and how the other weights have to change for that (:math:`d`):

.. math::

    L_q = \frac{w_q^2}{2\, C_{qq}} \qquad d = -\frac{w_q}{C_{qq}} \, C e_q

OBD leaves the other weights as they are. Its saliency is :math:`H_{qq} w_q^2 / 2`. Both are derived
in :doc:`/how_it_works`.

References
----------
Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal Brain
Surgeon. Advances in Neural Information Processing Systems 5.

LeCun, Y., Denker, J. S. and Solla, S. A. (1989). Optimal Brain Damage. Advances in Neural
Information Processing Systems 2.
"""

# %%
# By hand
# -------
# A logistic unit without penalty has seen 16 samples: (1, 1) is positive in four of five samples,
# (1, -1) in two of three, and their opposites in one of five and one of three. The log-odds are
# then ln 4 at (1, 1) and ln 2 at (1, -1), so that w = (3/2, 1/2) ln 2 and the intercept is 0. The
# Hessian, the mean of p (1 - p) x x', is the matrix in the code below. It is easy to invert.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.display import NetworkDisplay
from sklearn_obs.export import export_text
from sklearn_obs.inspection import hessian, removed_weights, weight_saliencies, weight_update

w = np.array([3 / 2, 1 / 2]) * np.log(2)
H = np.array([[11, 1], [1, 11]]) / 60
C = np.array([[11, -1], [-1, 11]]) / 2
assert np.allclose(C @ H, np.eye(2))
saliencies = w**2 / (2 * C.diagonal())
d = -w[1] / C[1, 1] * C[:, 1]
print(f"by hand:     saliencies {saliencies.round(4)}, update without weight 2 {d.round(4)}")

counts = {(1, 1): (4, 1), (1, -1): (2, 1), (-1, -1): (1, 4), (-1, 1): (1, 2)}  # positive, negative
X = np.array([x for x, (n_yes, n_no) in counts.items() for _ in range(n_yes + n_no)])
y = np.array([t for n_yes, n_no in counts.values() for t in [1] * n_yes + [0] * n_no])
ONE_BY_ONE = {
    "structure": "full",  # the whole Hessian, as in the paper
    "step": 1,  # one weight in each round
    "distillation": 0,  # the loss of the labels
    "weight_decay": None,  # and the penalty of the dense network
    "prune_intercepts": True,
}
unit = MLPClassifier((), solver="lbfgs", alpha=0, tol=1e-10, max_iter=1000).fit(X, y)
net = OBSPrunedMLPClassifier.from_sklearn(unit, damping=0, **ONE_BY_ONE)
(found,), _ = weight_saliencies(net, X, y)
(change,), _ = weight_update(net, X, y, index=(0, 1, 0))
found, change = found[:, 0].round(4), change[:, 0].round(4)
print(f"the library: saliencies {found}, update without weight 2 {change}")

# %%
# XOR with noise
# --------------
# A network with three hidden units learns XOR from 200 noisy samples. It has 13 weights, intercepts
# included. The picture shows them; b is the intercept of a unit.
rng = np.random.default_rng(0)
corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
X = np.repeat(corners, 50, axis=0) + 0.35 * rng.normal(size=(200, 2))
y = np.repeat([0, 1, 1, 0], 50)
dense = MLPClassifier(
    (3,), "tanh", solver="lbfgs", alpha=0.2, max_iter=20000, tol=1e-10, random_state=1
).fit(X, y)


def network(criterion="obs", epochs=200):
    return OBSPrunedMLPClassifier.from_sklearn(
        dense, criterion=criterion, retrain_epochs=epochs, **ONE_BY_ONE
    )


NAMES = {"feature_names": ["x1", "x2"], "class_names": ["same", "differ"]}
display = NetworkDisplay.from_estimator(dense, **NAMES)
display.ax_.set_title(f"13 weights, accuracy {dense.score(X, y):.3f}")
plt.show()

# %%
# What does each weight cost?
# ---------------------------
# For each weight the table has the cost that OBS and OBD predict, and what the loss really rises by
# if this weight is removed, with the update of the others (OBS) and without it (OBD).


def name(place):
    """As in the pictures: x1-h2 is a weight, and b of h2 an intercept."""
    layer, i, j = place
    target = f"h{j + 1}" if layer == 0 else "output"
    return f"b of {target}" if i < 0 else f"{'xh'[layer]}{i + 1}-{target}"


def loss(coefs, intercepts):
    """The mean log loss and the penalty, which is not on intercepts."""
    moved = net.compact()
    moved.coefs_, moved.intercepts_ = coefs, intercepts
    return log_loss(y, moved.predict_proba(X)) + 0.2 / len(X) / 2 * sum((W**2).sum() for W in coefs)


def removed(place, update):
    """The weights and intercepts without one of them, the others updated or as they were."""
    coefs, intercepts = [W.copy() for W in net.coefs_], [b.copy() for b in net.intercepts_]
    if update:
        of_coefs, of_intercepts = weight_update(net, X, y, index=place)
        coefs = [W + d for W, d in zip(coefs, of_coefs, strict=True)]
        intercepts = [b + d for b, d in zip(intercepts, of_intercepts, strict=True)]
    layer, i, j = place
    (intercepts[layer] if i < 0 else coefs[layer][i])[j] = 0
    return coefs, intercepts


def value(arrays, place):
    layer, i, j = place
    return arrays[1][layer][j] if i < 0 else arrays[0][layer][i, j]


net = network()
before = loss(net.coefs_, net.intercepts_)
obs = weight_saliencies(net, X, y)
H, index = hessian(net, X, y, damping=0)
print("without          OBS predicted  measured   OBD predicted  measured")
rows = []
for place, curvature in zip(map(tuple, index.tolist()), H.diagonal(), strict=True):
    weight = value((net.coefs_, net.intercepts_), place)
    rises = [loss(*removed(place, update)) - before for update in (True, False)]
    rows.append((name(place), value(obs, place), rises[0], curvature * weight**2 / 2, rises[1]))
    print("{:12s} {:14.4f} {:9.4f} {:15.4f} {:9.4f}".format(*rows[-1]))

# %%
# The cheapest weights are predicted best, and these are the ones to remove. For expensive weights
# the predictions of OBS are far too small: to remove one of them takes a large change of all
# others, and so far away the loss is no parabola. The update may then even cost more than it saves.
# OBD changes nothing else and stays closer to its predictions, but the removals that matter cost
# two to seven times as much. This is why pruning removes little at a time, retrains, and measures
# the Hessian again.
points = np.array([row[1:] for row in rows])
figure, ax = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
ax.loglog(points[:, 0], points[:, 1], "o", color="tab:blue", label="OBS: others updated")
ax.loglog(points[:, 2], points[:, 3], "s", color="tab:orange", label="OBD: others as they were")
ax.plot([1e-4, 1], [1e-4, 1], color="0.5", linewidth=1)
for (label, *_), (predicted, measured, *_) in zip(rows, points, strict=True):
    if measured < 0.1:
        offset = {"xytext": (7, -3), "textcoords": "offset points", "fontsize": 9}
        ax.annotate(label, (predicted, measured), **offset)
ax.set(xlabel="predicted increase of the loss", ylabel="measured increase")
ax.legend()
plt.show()

# %%
# Step by step
# ------------
# Each round removes the weight with the smallest saliency, updates the others, and retrains. Three
# removals cost about what is predicted.


def remove_one():
    net.prune(X, y, n_weights=net.n_weights_ - 1)
    gone, path = removed_weights(net), net.pruning_path_
    place = gone["layer"][-1], gone["from"][-1], gone["to"][-1]
    print(
        f"without {name(place):11s}: loss predicted {path['predicted_loss'][-1]:.4f}, after the "
        f"update {path['pruned_loss'][-1]:.4f}, retrained {path['loss'][-1]:.4f}; "
        f"accuracy {net.score(X, y):.3f}"
    )


def draw():
    step = NetworkDisplay.from_estimator(net, **NAMES, order=display.order_)
    step.ax_.set_title(f"{net.n_weights_} weights, accuracy {net.score(X, y):.3f}")
    plt.show()


for _ in range(3):
    remove_one()
formulae = {style: export_text(net, **NAMES, style=style) for style in ("text", "latex")}
draw()

# %%
# The fourth costs far more, and the network no longer solves the problem. So look at the measured
# loss: `max_loss_increase` ends pruning by it.
remove_one()
draw()

# %%
# With the other methods
# ----------------------
# Nothing is retrained here, so that the difference is that of the removals alone. OBS and magnitude
# pruning remove the same three weights first. With the update of OBS that costs a third as much.
figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
styles = {"obs": ("tab:blue", "o"), "obd": ("tab:orange", "s"), "magnitude": ("0.4", "^")}
for criterion, (colour, marker) in styles.items():
    other = network(criterion, epochs=0).prune(X, y, n_weights=9)
    gone, path = removed_weights(other), other.pruning_path_
    order = [name(place) for place in zip(gone["layer"], gone["from"], gone["to"], strict=True)]
    measured = [before, *path["pruned_loss"]]
    rise = measured[3] - before
    print(f"{criterion:9s} removes {', '.join(order)}; the first three cost {rise:.4f}")
    ax.semilogy(range(13, 8, -1), measured, color=colour, marker=marker, label=criterion)
ax.invert_xaxis()
ax.set(xlabel="remaining weights", ylabel="loss, nothing retrained", xticks=range(9, 14))
ax.legend()
plt.show()

# %%
# The formula
# -----------
# Ten weights can be read. In LaTeX, for a slide:
print(formulae["text"])
print()
print(formulae["latex"])

# %%
# Three exercises
# ---------------
# 1. For the unit by hand, compute the saliencies of OBD. Which of the two methods predicts less,
#    and why is this so for every network?
# 2. Weights p and q are removed together. Show that the parabola rises by
#    :math:`\frac12 w_S^\top (C_{SS})^{-1} w_S` with S = {p, q}. When is this :math:`L_p + L_q`?
# 3. The fourth removal of XOR costs more than predicted. Which approximations enter the saliency,
#    and how do you find out which of them fails?
#
# Answers
#
# 1. :math:`\frac{11}{120} w^2 = (0.0991, 0.0110)`. OBS predicts less, because it takes the best
#    change of the others, of which "no change" is one: :math:`C_{qq} H_{qq} \geq 1`.
# 2. The least of :math:`\frac12 d^\top H d` under :math:`d_S = -w_S` is at
#    :math:`d = -C_{:S} (C_{SS})^{-1} w_S`, which gives the formula. It is the sum for all w exactly
#    if :math:`C_{pq} = 0`. Otherwise it is :math:`L_p` and the saliency that q has after the
#    removal of p.
# 3. The gradient is taken as 0 (compute its norm). H is the Gauss-Newton matrix (try
#    ``curvature="hessian"``). H is damped (try ``damping=0``). And the loss is taken as a parabola
#    (follow it along t d for t from 0 to 1).
