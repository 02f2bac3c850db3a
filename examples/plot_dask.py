"""
Pruning on a dask cluster
=========================

This page shows how to prune a network with the workers of a dask cluster, and that the weights are
the same as without it. With ``structure="unit"`` the Hessian consists of one block for each unit.
The blocks are independent of each other, so joblib can send them to processes, or to the workers of
a cluster. Here the cluster is two processes of this machine; pass the address of your scheduler to
`Client` instead.

You need ``pip install "sklearn-obs[dask]"``. The cluster starts processes that read this file, and
they must not start clusters of their own: that is why everything is below
``if __name__ == "__main__"``.
"""

import matplotlib.pyplot as plt
import numpy as np
from dask.distributed import Client, LocalCluster
from joblib import parallel_config
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_obs import OBSPrunedMLPClassifier


def main():
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, random_state=0)
    net = OBSPrunedMLPClassifier(
        (100,), structure="unit", target_sparsity=0.9, step=0.5, max_iter=500, random_state=0
    )

    # dask uses all workers of the cluster, whatever `n_jobs` says
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster), parallel_config(backend="dask"):
        net.fit(X, y)
    print(f"{net.n_weights_:,} weights, accuracy {net.score(X_test, y_test):.3f}")

    # the same fit without a cluster gives the same weights, bit by bit
    alone = OBSPrunedMLPClassifier(**net.get_params()).fit(X, y)
    same = all(map(np.array_equal, net.coefs_, alone.coefs_))
    print(f"the same weights as with one job: {same}")

    _, ax = plt.subplots(figsize=(5, 4), layout="constrained")
    for layer, (here, there) in enumerate(zip(alone.coefs_, net.coefs_, strict=True), 1):
        mask = here != 0
        ax.scatter(here[mask], there[mask], s=12, alpha=0.6, label=f"layer {layer}")
    ax.set(xlabel="weight with one job", ylabel="weight from the cluster", aspect="equal")
    ax.set_title(f"all {net.n_weights_} remaining weights")
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    plt.show()


if __name__ == "__main__":
    main()
