"""Optimal Brain Surgeon: which weights to remove, in which order, and how to adjust the others.

`greedy` removes weight by weight, `blocks` does so if H is block-diagonal, `grouped` removes whole
units or inputs (`groups`), `ranked` removes by a fixed score, and `swaps` has the closed form of
the best exchange of a removed weight for a remaining one. All of them work on arrays, and use only
the methods of an inverse Hessian that `inverse_hessian` lists.
"""

from sklearn_obs.elimination.blocks import eliminate_blocks
from sklearn_obs.elimination.greedy import PANEL, Elimination, all_at_once, eliminate
from sklearn_obs.elimination.grid import Grid
from sklearn_obs.elimination.grouped import eliminate_groups, group_saliencies, group_updates
from sklearn_obs.elimination.groups import Group
from sklearn_obs.elimination.inverse_hessian import Block, BlockTask, InverseHessian, inverted
from sklearn_obs.elimination.ranked import eliminate_groups_ranked, eliminate_ranked
from sklearn_obs.elimination.swaps import SwapModel

__all__ = [
    "PANEL",
    "Block",
    "BlockTask",
    "Elimination",
    "Grid",
    "Group",
    "InverseHessian",
    "SwapModel",
    "all_at_once",
    "eliminate",
    "eliminate_blocks",
    "eliminate_groups",
    "eliminate_groups_ranked",
    "eliminate_ranked",
    "group_saliencies",
    "group_updates",
    "inverted",
]
