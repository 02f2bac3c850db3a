"""
The blocks of the Hessian on a dask cluster
===========================================

A round's blocks, one per unit, are independent: each is inverted and searched by itself, and
the path over all of them is a sort. joblib sends them to processes, or to the workers of a cluster.
Here the cluster is two processes of this machine; put the address of a scheduler in its place::

    python examples/plot_dask.py

It needs ``pip install "sklearn-obs[dask]"``. `Client` starts processes, which read this file; hence
the line ``if __name__ == "__main__"``.
"""

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

    # dask takes all workers of the cluster, whatever `n_jobs` says
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster), parallel_config(backend="dask"):
        net.fit(X, y)
    print(f"{net.n_weights_:,} weights, accuracy {net.score(X_test, y_test):.3f}")

    # the same without it: not a bit differs
    alone = OBSPrunedMLPClassifier(**net.get_params()).fit(X, y)
    same = all(map(np.array_equal, net.coefs_, alone.coefs_))
    print(f"the same weights as with one job: {same}")


if __name__ == "__main__":
    main()
