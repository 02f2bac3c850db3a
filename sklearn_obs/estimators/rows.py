"""Selection of rows from arrays, sparse matrices, pandas or polars data frames, and lists.

scikit-learn lists `_safe_indexing` among its public functions, in spite of its name.
"""

from sklearn.utils import _safe_indexing as rows_of

__all__ = ["rows_of"]
