"""The data and settings that all rounds of a pruning run share."""

from dataclasses import dataclass

import numpy as np

from sklearn_obs.network import Objective
from sklearn_obs.plan import Plan
from sklearn_obs.pruning.feasibility import Scope


@dataclass(frozen=True)
class Problem:
    """The scope of a pruning run, its objective and its random seed."""

    scope: Scope
    objective: Objective
    seed: int

    @property
    def plan(self) -> Plan:
        """The parameters of the run."""
        return self.scope.plan

    def rng(self, number: int) -> np.random.Generator:
        """The generator for round `number`, which depends only on the seed and the number."""
        return np.random.default_rng([self.seed, number])
