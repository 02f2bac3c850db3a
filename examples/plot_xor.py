r"""
XOR: which of nine weights can be removed?
==========================================

This page shows on the smallest example which weight Optimal Brain Surgeon removes, and why that is
the only one that can be removed. XOR with 2-2-1 units is the first network of the 1992 paper. OBS
removes the weight q with the smallest saliency :math:`L_q` and changes the others by d to make up
for it. C is the inverse of the Hessian of the loss:

.. math::

    L_q = \frac{w_q^2}{2\, C_{qq}} \qquad d = -\frac{w_q}{C_{qq}} \, C e_q

Nothing is retrained here. For inputs of -1 and 1, eight weights are the fewest that solve XOR:

- Both units need both inputs. If only one unit reads x2, the output changes with x2 in one
  direction only.
- Two intercepts are needed. f(x) + f(-x) must change its sign with x. With the output's intercept d
  alone it is 2 d, and with a hidden unit's alone it has the sign of v c (v is its outgoing weight,
  c its intercept), because tanh is odd and rising.

So one intercept can be removed, and nothing else. Optimal Brain Surgeon removes it from every
network that has learned XOR. Optimal Brain Damage and magnitude pruning never choose it here.

References
----------
Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal Brain
Surgeon. Advances in Neural Information Processing Systems 5.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier

X = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
y = np.array([0, 1, 1, 0])
CRITERIA = ("obs", "obd", "magnitude")
WEIGHTS = ("x1-h1", "x1-h2", "x2-h1", "x2-h2", "h1-out", "h2-out", "1-h1", "1-h2", "1-out")


def pruned(mlp, criterion, n_weights):
    """The network with `n_weights` weights, removed one per round and not retrained."""
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
# Twenty networks are trained. Those that have learned XOR are pruned down to one weight, and we
# count the weights of the smallest network on the path that solves XOR.
starts = [
    MLPClassifier((2,), "tanh", solver="lbfgs", alpha=0.01, max_iter=1000, random_state=seed)
    for seed in range(20)
]
solved = [mlp for mlp in starts if mlp.fit(X, y).score(X, y) == 1]
print(f"{len(solved)} of {len(starts)} dense networks have learned XOR, the others have not.")
print("Weights in the smallest network on the path that solves XOR, without retraining:")
for criterion in CRITERIA:
    sizes = [smallest(mlp, criterion).n_weights_ for mlp in solved]
    print(f"{criterion:>10}: " + " ".join(map(str, sizes)))

# %%
# When OBS removes its weight, all other weights change. OBD and magnitude pruning do not change
# them.
dense = solved[0]
nets = {"dense": dense} | {criterion: pruned(dense, criterion, 8) for criterion in CRITERIA}
print("The first of them, and without one weight:")
print(f"{'':>10}" + "".join(f"{name:>8}" for name in WEIGHTS) + "  right")
for name, net in nets.items():
    print(f"{name:>10}{listed(net)}  {net.score(X, y) * 4:.0f} of 4")

# %%
# The black line is where each network separates the two classes.
axis = np.linspace(-1.6, 1.6, 161)
grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
figure, panels = plt.subplots(2, 2, figsize=(6.8, 6), layout="constrained")
for axes, (name, net) in zip(panels.flat, nets.items(), strict=True):
    p = net.predict_proba(grid)[:, 1].reshape(axis.size, axis.size)
    shades = axes.contourf(axis, axis, p, levels=np.linspace(0, 1, 11), cmap="PuOr", alpha=0.8)
    axes.contour(axis, axis, p, levels=[0.5], colors="black", linewidths=1)
    for label, marker in ((0, "o"), (1, "^")):
        axes.scatter(*X[y == label].T, marker=marker, s=70, color="white", edgecolor="black")
    n_weights = 9 if name == "dense" else 8
    title = f"{name}\n{n_weights} weights, {net.score(X, y) * 4:.0f} of 4 right"
    axes.set_title(title, fontsize=11)
    axes.set_aspect("equal")
figure.supxlabel("x1")
figure.supylabel("x2")
figure.colorbar(shades, ax=panels, label="p(triangle)", ticks=[0, 0.5, 1])
plt.show()
