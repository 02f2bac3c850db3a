"""Rows of whatever holds them: arrays, sparse matrices, frames of pandas or polars, lists.

scikit-learn documents `_safe_indexing` among its public functions, in spite of its name.
"""

from sklearn.utils import _safe_indexing as rows_of

__all__ = ["rows_of"]
