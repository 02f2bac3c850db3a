"""Inspection of Optimal Brain Surgeon: saliencies, weight updates, the Hessian, removed weights."""

from sklearn_obs.inspection.quadratic import hessian, weight_saliencies, weight_update
from sklearn_obs.inspection.record import removed_weights

__all__ = ["hessian", "removed_weights", "weight_saliencies", "weight_update"]
