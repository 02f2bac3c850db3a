"""How to prune, as plain data: the parameters of the estimators, for everything below them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class AdamSettings:
    """What Adam needs to know beside the epochs, with the names of scikit-learn's parameters."""

    batch_size: int = 200
    learning_rate: float = 0.001  # `learning_rate_init`
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: int = 10


@dataclass(frozen=True)
class Plan:
    """How to prune and retrain: the parameters of the estimators, which document them."""

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
    variables: tuple[np.ndarray, ...] | None = None  # the inputs of each; None: one each
