"""Looking at Optimal Brain Surgeon at work: saliencies, weight updates, the Hessian, the record."""

from sklearn_obs.inspection.quadratic import hessian, weight_saliencies, weight_update
from sklearn_obs.inspection.record import removed_weights

__all__ = ["hessian", "removed_weights", "weight_saliencies", "weight_update"]
