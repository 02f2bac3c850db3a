"""The parameters of the estimators as plain data, for all code below the estimators."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class AdamSettings:
    """The parameters of Adam except the number of epochs, with scikit-learn's names."""

    batch_size: int = 200
    learning_rate: float = 0.001  # `learning_rate_init`
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: int = 10


@dataclass(frozen=True)
class Plan:
    """The parameters of pruning and retraining; the docstrings of the estimators describe them."""

    criterion: str
    structure: str
    curvature: str
    damping: float
    step: float
    prune_intercepts: bool
    n_curvature_samples: int
    retrain_epochs: int | None
    retrain_solver: str
    max_loss_increase: float | None
    n_swaps: int
    granularity: str
    max_iter: int
    tol: float
    adam: AdamSettings
    n_jobs: int | None
    batch_bytes: int
    variables: tuple[np.ndarray, ...] | None = None  # indices of the inputs of each; None: one each
