"""The protocol of an inverse Hessian, and the blocks of one that is block-diagonal.

The structures in `sklearn_obs.curvature.inverse` implement this protocol in different ways. The
loops of this folder use nothing else of an inverse Hessian.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class InverseHessian(Protocol):
    """The methods of an inverse Hessian C = H^-1 over n weights.

    `eliminate` needs the first four. The others are optional: a class that derives from this one
    inherits defaults, by which it has no blocks and no weight update of its own, and minors are
    computed one by one.
    """

    @property
    def size(self) -> int:
        """Number of weights n."""
        ...

    def diagonal(self) -> np.ndarray:
        """diag(C), a new array of shape (n,)."""
        ...

    def columns(self, indices, rows=None) -> np.ndarray:
        """C[rows][:, indices], of shape (n_rows, n_indices). By default, of all rows."""
        ...

    def without(
        self, removed, *, factor: np.ndarray | None = None, overwrite: bool = False
    ) -> "InverseHessian":
        """The inverse of H restricted to the weights that are not in `removed`, in their order.

        `factor` is an L with L L' = C_:R C_RR^-1 C_R:, if the caller has one. If `overwrite`, this
        inverse may be destroyed.
        """
        ...

    def minors(self, indices: np.ndarray) -> np.ndarray:
        """C[B][:, B] for each row B of `indices`, (g, k), as a new array of shape (g, k, k)."""
        return np.stack([self.columns(B, rows=B) for B in indices])

    def blocks(self) -> "Sequence[Block] | None":
        """The blocks by which weights are selected, each inverted and eliminated by itself.

        None if weights are selected by C as a whole.
        """
        return None

    def compensated(self, weights: np.ndarray, removed: np.ndarray) -> np.ndarray | None:
        """The weights, (n,), after the removal of `removed`, adjusted by more than the blocks.

        None if the weight update of the elimination is to be used.
        """
        return None


@dataclass(frozen=True)
class BlockTask:
    """What a worker needs to know to invert a block."""

    name: str  # of the block in error messages
    build: Callable[..., InverseHessian]  # of (shared, *arguments); at module level, to be pickled
    arguments: tuple = ()

    def inverse(self, shared) -> InverseHessian:
        """The inverse Hessian of the block."""
        return self.build(shared, *self.arguments)


@dataclass(frozen=True)
class Block:
    """One block of a block-diagonal Hessian, not inverted yet."""

    index: np.ndarray  # (p,) ascending positions of its weights among all weights
    task: BlockTask
    shared: object  # an argument that neighbouring blocks share, sent to a worker once

    def inverse(self) -> InverseHessian:
        """The inverse Hessian of the block."""
        return self.task.inverse(self.shared)


def inverted(index: np.ndarray, inverse: InverseHessian) -> Block:
    """A `Block` whose inverse has been computed already."""
    return Block(index, BlockTask("a block", _itself), inverse)


def _itself(inverse):
    return inverse
