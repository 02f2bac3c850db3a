"""Rounding to a grid: each weight is set to a constant other than zero.

OBS can set a weight to any constant c_q. With e_q = w_q - c_q in place of w_q, the equations are
those of a removal::

    L_q = e_q^2 / (2 C_qq)        delta w = -(e_q / C_qq) C e_q

and w_q then stays at c_q. Here c_q is the grid value nearest to w_q at the time of its rounding,
when earlier weight updates have already changed w_q. Without a grid every constant is 0, and
weights are removed.

References
----------
Hassibi, B. and Stork, D. G. (1992), section 7. Frantar, E. and Alistarh, D. (2022). Optimal Brain
Compression: a framework for accurate post-training quantization and pruning. NeurIPS 35.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Grid:
    """For each weight, the multiples of its scale from -`most` to `most` times the scale."""

    scale: np.ndarray  # of the shape of the weights, positive
    most: int  # 2^(bits - 1) - 1

    def integers(self, weights: np.ndarray) -> np.ndarray:
        """Which multiple is nearest to each weight; if two are equally near, the even one."""
        return np.clip(np.rint(weights / self.scale), -self.most, self.most)

    def nearest(self, weights: np.ndarray) -> np.ndarray:
        """The value of the grid that is nearest to each weight."""
        return self.scale * self.integers(weights)

    def among(self, index: Any) -> "Grid":
        """The grid of some of the weights."""
        return Grid(self.scale[index], self.most)


def errors(grid: Grid | None, weights: np.ndarray) -> np.ndarray:
    """The errors e = w - c; if there is no grid, the weights themselves."""
    return weights if grid is None else weights - grid.nearest(weights)


def constants(grid: Grid | None, weights: np.ndarray) -> np.ndarray:
    """The constant c of each weight; if there is no grid, 0."""
    return np.zeros(weights.shape, weights.dtype) if grid is None else grid.nearest(weights)


def among(grid: Grid | None, index: Any) -> Grid | None:
    """The grid of some of the weights, if there is one."""
    return None if grid is None else grid.among(index)
