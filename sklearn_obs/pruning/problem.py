"""What all rounds of a pruning run share."""

from dataclasses import dataclass

import numpy as np

from sklearn_obs.network import Objective
from sklearn_obs.plan import Plan
from sklearn_obs.pruning.feasibility import Scope


@dataclass(frozen=True)
class Problem:
    """What is to be pruned, against which objective, from which seed."""

    scope: Scope
    objective: Objective
    seed: int

    @property
    def plan(self) -> Plan:
        """How to prune."""
        return self.scope.plan

    def rng(self, number: int) -> np.random.Generator:
        """The randomness of round `number`, which depends on the seed and the number alone."""
        return np.random.default_rng([self.seed, number])
