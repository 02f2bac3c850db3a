"""What elimination asks of an inverse Hessian, and of one that is block-diagonal.

The structures in `sklearn_obs.curvature.inverse` answer these questions in different ways; the
loops of this folder are written against the protocol alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class InverseHessian(Protocol):
    """What is asked of an inverse Hessian C = H^-1 over n weights.

    `eliminate` needs the first four. The others are optional: a class that derives from this one
    and leaves them out has neither blocks nor a weight update of its own, and its minors are taken
    one by one.
    """

    @property
    def size(self) -> int:
        """n."""
        ...

    def diagonal(self) -> np.ndarray:
        """diag(C), of shape (n,), a fresh array."""
        ...

    def columns(self, indices, rows=None) -> np.ndarray:
        """C[rows][:, indices], of shape (n_rows, n_indices); all rows by default."""
        ...

    def without(
        self, removed, *, factor: np.ndarray | None = None, overwrite: bool = False
    ) -> "InverseHessian":
        """The inverse of H restricted to the weights that are not in `removed`, in their order.

        `factor` is an L with L L' = C_:R C_RR^-1 C_R:, if at hand. With `overwrite`, the value that
        this is called on may be destroyed.
        """
        ...

    def minors(self, indices: np.ndarray) -> np.ndarray:
        """C[B][:, B] for each row B of `indices`, (g, k): a fresh array of shape (g, k, k)."""
        return np.stack([self.columns(B, rows=B) for B in indices])

    def blocks(self) -> "Sequence[Block] | None":
        """The blocks by which weights are selected, each inverted and eliminated by itself.

        None where weights are selected by C as a whole.
        """
        return None

    def compensated(self, weights: np.ndarray, removed: np.ndarray) -> np.ndarray | None:
        """The weights after the removal of `removed`, of shape (n,), by more than the blocks.

        None where the weight update of the elimination is the one to take.
        """
        return None


@dataclass(frozen=True)
class BlockTask:
    """What a worker has to be told to invert a block."""

    name: str  # for messages
    build: Callable[..., InverseHessian]  # (shared, *arguments); of a module, so it can be sent
    arguments: tuple = ()

    def inverse(self, shared) -> InverseHessian:
        """The inverse Hessian of the block."""
        return self.build(shared, *self.arguments)


@dataclass(frozen=True)
class Block:
    """One block of a block-diagonal Hessian, not inverted yet."""

    index: np.ndarray  # (p,) ascending positions of its weights among all
    task: BlockTask
    shared: object  # what its task has in common with its neighbours', sent to a worker once

    def inverse(self) -> InverseHessian:
        """The inverse Hessian of the block."""
        return self.task.inverse(self.shared)


def inverted(index: np.ndarray, inverse: InverseHessian) -> Block:
    """A `Block` whose inverse is at hand."""
    return Block(index, BlockTask("a block", _itself), inverse)


def _itself(inverse):
    return inverse
