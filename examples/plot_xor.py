r"""
XOR: which of nine weights can go?
==================================

XOR with 2-2-1 units is the first network of the 1992 paper. Optimal Brain Surgeon removes the
weight q of least saliency and moves the others to make up for it, with H the Hessian of the loss:

.. math::

    L_q = \frac{w_q^2}{2 [H^{-1}]_{qq}} \qquad
    \delta w = -\frac{w_q}{[H^{-1}]_{qq}} \, H^{-1} e_q

Nothing is retrained here, so this repair is all the help there is. For inputs of -1 and 1, eight
weights are the fewest that solve XOR:

- both units need both inputs: if only one sees x2, the output moves with x2 in one direction;
- two intercepts are needed: f(x) + f(-x) must change its sign with x, but it is 2 d with the
  output's intercept d alone, and has the sign of v c with a hidden unit's alone (v its outgoing
  weight, c its intercept), as tanh is odd and rising.

So one intercept can go, and nothing else. Optimal Brain Surgeon removes it, from every net that
has learnt XOR; Optimal Brain Damage and the smallest weight never get it right here::

    python examples/plot_xor.py [--out FOLDER]

References
----------
Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal Brain
Surgeon. Advances in Neural Information Processing Systems 5.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier

parser = argparse.ArgumentParser(description="Which of the nine weights of a XOR net can go?")
parser.add_argument("--out", type=Path, default=Path(), help="folder for the figure")
options = parser.parse_args()

X = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
y = np.array([0, 1, 1, 0])
CRITERIA = ("obs", "obd", "magnitude")
WEIGHTS = ("x1-h1", "x1-h2", "x2-h1", "x2-h2", "h1-out", "h2-out", "1-h1", "1-h2", "1-out")


def pruned(mlp, criterion, n_weights):
    """The network with so many of its weights left, removed one a round and not retrained."""
    net = OBSPrunedMLPClassifier.from_sklearn(
        mlp,
        criterion=criterion,
        structure="full",
        damping=0.01,
        step=1,
        retrain_epochs=0,
        prune_intercepts=True,
    )
    return net.prune(X, y, target_sparsity=1 - n_weights / len(WEIGHTS))


def smallest(mlp, criterion):
    """The smallest network on the path that solves XOR."""
    for n_weights in range(1, len(WEIGHTS) + 1):
        net = pruned(mlp, criterion, n_weights)
        if net.score(X, y) == 1:
            return net


def listed(net):
    weights = np.concatenate([a.ravel() for a in (*net.coefs_, *net.intercepts_)])
    return "".join(f"{w:8.2f}" if w else f"{'.':>8}" for w in weights)


# %%
# Twenty networks; those that have learnt XOR are pruned down to one weight, and the smallest on the
# way that still solves it counts.

starts = [
    MLPClassifier((2,), "tanh", solver="lbfgs", alpha=0.01, max_iter=1000, random_state=seed)
    for seed in range(20)
]
solved = [mlp for mlp in starts if mlp.fit(X, y).score(X, y) == 1]
print(f"{len(solved)} of {len(starts)} dense nets have learnt XOR; the others hit a local minimum.")
print("Weights in the smallest net on the path that solves XOR, without retraining:")
for criterion in CRITERIA:
    sizes = [smallest(mlp, criterion).n_weights_ for mlp in solved]
    print(f"{criterion:>10}: " + " ".join(map(str, sizes)))

# %%
# The repair at work: when OBS removes its weight, the others change. OBD leaves them as they are.

dense = solved[0]
nets = {"dense": dense} | {criterion: pruned(dense, criterion, 8) for criterion in CRITERIA}
print("The first of them, and without one weight:")
print(f"{'':>10}" + "".join(f"{name:>8}" for name in WEIGHTS) + "  right")
for name, net in nets.items():
    print(f"{name:>10}{listed(net)}  {net.score(X, y) * 4:.0f} of 4")

# %%
# Where each of them draws the line between the two classes.

axis = np.linspace(-1.6, 1.6, 161)
grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
figure, panels = plt.subplots(1, len(nets), figsize=(12, 3.6), sharey=True, layout="constrained")
for axes, (name, net) in zip(panels, nets.items(), strict=True):
    p = net.predict_proba(grid)[:, 1].reshape(axis.size, axis.size)
    shades = axes.contourf(axis, axis, p, levels=np.linspace(0, 1, 11), cmap="PuOr", alpha=0.8)
    axes.contour(axis, axis, p, levels=[0.5], colors="black", linewidths=1)
    for label, marker in ((0, "o"), (1, "^")):
        axes.scatter(*X[y == label].T, marker=marker, s=70, color="white", edgecolor="black")
    n_weights = 9 if name == "dense" else 8
    title = f"{name}\n{n_weights} weights, {net.score(X, y) * 4:.0f} of 4 right"
    axes.set(title=title, xlabel="x1")
    axes.set_aspect("equal")
panels[0].set_ylabel("x2")
figure.colorbar(shades, ax=panels, label="p(triangle)", ticks=[0, 0.5, 1])
figure.savefig(options.out / "xor.png", dpi=150)
