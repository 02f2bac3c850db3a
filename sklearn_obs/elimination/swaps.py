"""Swaps of a remaining weight for a removed one: the best of all pairs has a closed form.

Greedy removal can be improved afterwards. The weights A remain, the weights B have been removed,
and the quadratic model of the loss is at its minimum over A. With C = H_AA^-1, T = C H_AB, S_b =
H_bb - H_bA T_b and g the gradient (g_A = 0), removing a and bringing b back changes the model's
minimum by exactly::

    Delta_ab = (S_b w_a^2 + 2 w_a g_b T_ab - C_aa g_b^2) / (2 (C_aa S_b + T_ab^2))

Removing a alone costs w_a^2 / (2 C_aa), and bringing back b alone gains g_b^2 / (2 S_b). Each half
of a swap is a rank-one update of C and T, so a swap takes O(|A| (|A| + |B|)) operations. When b
comes back, with Q_b = H_bB - H_bA T::

    w <- w + T_b g_b / S_b        w_b = -g_b / S_b        g <- g - Q_b g_b / S_b
    C <- [C + T_b T_b' / S_b, -T_b / S_b; ., 1 / S_b]
    T <- [T - T_b Q_b / S_b; Q_b / S_b]                   S <- S - Q_b^2 / S_b

and when a is removed, with c = C e_a, t = e_a' T::

    w <- w - c w_a / C_aa         g_a = -w_a / C_aa       g <- g - t w_a / C_aa
    C <- C - c c' / C_aa          T_a = -c / C_aa
    T <- T - c t / C_aa           S_a = 1 / C_aa          S <- S + t^2 / C_aa
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve


@dataclass(frozen=True)
class Swaps:
    """Successive swaps, with one entry for each, and the model's weights after each of them."""

    out: np.ndarray  # (n_swaps,) indices of the weights that are removed
    back: np.ndarray  # (n_swaps,) indices of those that come back
    change: np.ndarray  # (n_swaps,) Delta, each negative
    weights: np.ndarray  # (n_swaps, n), 0 where removed


class SwapModel:
    """The quadratic model of the loss over remaining weights A and removed weights B.

    Parameters
    ----------
    weights : ndarray of shape (n,)
        The weights, 0 where removed.
    gradient : ndarray of shape (n,)
        Gradient of the loss. It is taken to be 0 where weights remain.
    hessian : ndarray of shape (n, n)
        H, damping included.
    remains : ndarray of shape (n,), bool
        The mask of A.

    Raises
    ------
    numpy.linalg.LinAlgError
        If H_AA is not positive definite.
    """

    def __init__(
        self,
        weights: np.ndarray,
        gradient: np.ndarray,
        hessian: np.ndarray,
        remains: np.ndarray,
    ):
        self._hessian = hessian
        self._A, self._B = np.flatnonzero(remains), np.flatnonzero(~remains)
        A, B = self._A, self._B
        H_AB = hessian[np.ix_(A, B)]
        factor = cho_factor(hessian[np.ix_(A, A)])
        self._C = cho_solve(factor, np.eye(A.size))
        self._T = cho_solve(factor, H_AB)
        self._S = hessian[B, B] - np.einsum("ab,ab->b", H_AB, self._T)
        self._w = np.array(weights[A], np.float64)
        self._g = np.array(gradient[B], np.float64)

    @property
    def weights(self) -> np.ndarray:
        """The model's minimum over A, of shape (n,)."""
        weights = np.zeros(self._A.size + self._B.size)
        weights[self._A] = self._w
        return weights

    def costs(self) -> np.ndarray:
        """The cost of removing each weight, w_a^2 / (2 C_aa); nan where it is removed already."""
        costs = np.full(self._A.size + self._B.size, np.nan)
        costs[self._A] = self._w**2 / (2 * self._C.diagonal())
        return costs

    def gains(self) -> np.ndarray:
        """The gain of bringing back each weight, g_b^2 / (2 S_b); nan where it remains."""
        gains = np.full(self._A.size + self._B.size, np.nan)
        gains[self._B] = self._g**2 / (2 * self._S)
        return gains

    def changes(self) -> np.ndarray:
        """Delta_ab of all pairs, of shape (|A|, |B|), with A and B in their present order."""
        w, C, T, S, g = self._w, self._C.diagonal(), self._T, self._S, self._g
        change = T * (2 * w)[:, None]
        change *= g
        change += np.outer(w**2, S)
        change -= np.outer(C, g**2)
        below = T**2
        below += np.outer(C, S)
        below *= 2
        change /= below
        return change

    def path(self, n_swaps: int, *, eligible: np.ndarray, least: float) -> Swaps:
        """Make the best swap, then the best one after it, and so on.

        Parameters
        ----------
        n_swaps : int
            The largest number of swaps.
        eligible : ndarray of shape (n,), bool
            The weights that may be removed.
        least : float > 0
            Swaps that lower the model's loss by less than this are not made.

        Returns
        -------
        Swaps
        """
        out: list[int] = []
        back: list[int] = []
        changes: list[float] = []
        weights: list[np.ndarray] = []
        while len(out) < n_swaps and self._B.size:
            change = self.changes()
            change[~eligible[self._A]] = np.inf
            i, j = np.unravel_index(change.argmin(), change.shape)
            if not change[i, j] <= -least:
                break
            changes.append(change[i, j])
            out.append(self._A[i])
            back.append(self._B[j])
            self._swap(i, j)
            weights.append(self.weights)
        return Swaps(
            np.array(out, np.intp),
            np.array(back, np.intp),
            np.array(changes),
            np.array(weights).reshape(len(out), self._A.size + self._B.size),
        )

    def _swap(self, i, j):
        """Remove position i of A and bring back position j of B; they exchange places."""
        A, B, C, T, S, w, g = self._A, self._B, self._C, self._T, self._S, self._w, self._g
        H_b = self._hessian[B[j]]
        Q = H_b[B] - H_b[A] @ T
        t, s, gamma = T[:, j].copy(), S[j], g[j]
        c, c_b = C[:, i] + t * (t[i] / s), -t[i] / s  # column a of C with b back
        pivot, omega = c[i], w[i] + t[i] * gamma / s
        tau = T[i] - t[i] * Q / s
        w += t * (gamma / s) - c * (omega / pivot)
        g -= Q * (gamma / s) + tau * (omega / pivot)
        S += tau**2 / pivot - Q**2 / s
        T -= np.outer(t, Q / s) + np.outer(c, tau / pivot)
        C += np.outer(t, t / s) - np.outer(c, c / pivot)
        # b takes the place of a in A, and a that of b in B
        row_b = -t / s - c_b * c / pivot
        row_b[i] = 1 / s - c_b**2 / pivot
        C[i] = C[:, i] = row_b
        w[i] = -gamma / s - c_b * omega / pivot
        T[i] = Q / s - c_b * tau / pivot
        T[:, j] = -c / pivot
        T[i, j] = -c_b / pivot
        S[j], g[j] = 1 / pivot, -omega / pivot
        A[i], B[j] = B[j], A[i]
