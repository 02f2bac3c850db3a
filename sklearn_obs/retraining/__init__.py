"""Retraining (fine-tuning) of the remaining weights after a round's removal.

`solvers` chooses between L-BFGS, Adam and Newton's method, which have a file each; `outcome`
defines what all of them return.
"""

from sklearn_obs.retraining.outcome import Retrained
from sklearn_obs.retraining.solvers import retrain, solver_for

__all__ = ["Retrained", "retrain", "solver_for"]
