"""scikit-learn's callbacks (`sklearn.callback`, from 1.9 on), and substitutes for older versions.

A fit is one task for the callbacks, with a subtask for each round. The initial training has no
subtask, so a progress bar does not move before the end of the first round.
"""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:  # scikit-learn is not typed: its decorator would hide the types of a method
    from sklearn.callback import CallbackSupportMixin

    Method = TypeVar("Method", bound=Callable)

    def with_callbacks(method: Method) -> Method:
        """The method with callbacks."""
        return method

else:
    try:
        from sklearn.callback import CallbackSupportMixin, ScoringMonitor, with_callbacks
    except ImportError:  # scikit-learn < 1.9
        ScoringMonitor = ()

        class CallbackSupportMixin:
            """Accepts callbacks, and warns that they will not be called."""

            def set_callbacks(self, *callbacks):
                """Set callbacks for the estimator.

                Parameters
                ----------
                *callbacks : callback instances
                    The callbacks. They need scikit-learn 1.9 or later and are not called before.

                Returns
                -------
                self : object
                """
                if callbacks:
                    warnings.warn(
                        "Callbacks are not called, because they need scikit-learn 1.9 or later.",
                        stacklevel=2,
                    )
                return self

            def _init_callback_context(self, **_):
                return None

        def with_callbacks(method):
            """The method itself."""
            return method


class Watch:
    """Calls the callbacks of an estimator during one `fit` or `prune`.

    Parameters
    ----------
    estimator : object
    n_rounds : int or None
        The largest number of rounds, or None if it is not known.
    X, y, sample_weight
        The samples on which the estimator is being fitted.
    task : {"fit", "prune"}
    """

    def __init__(self, estimator, n_rounds, X, y, sample_weight, task):
        if y is None:
            _refuse_to_score(estimator)
        self._context = estimator._init_callback_context(task_name=task, max_subtasks=n_rounds)
        self._round = None
        self._shown = {"estimator": estimator, "X": X, "y": y}
        if sample_weight is not None:
            self._shown["metadata"] = {"sample_weight": sample_weight}
        if self._context is not None:
            self._context.call_on_fit_task_begin(**self._shown)

    def begin(self, attributes):
        """Begin a round; `attributes` is a function that returns the fitted attributes."""
        if self._context is not None:
            self._round = self._context.subcontext(task_name="round")
            self._round.call_on_fit_task_begin(**self._shown, reconstruction_attributes=attributes)

    def end(self, attributes):
        """End a round (`attributes` is None if there was none); True if a callback ends the run."""
        if self._context is None:
            return False
        return self._round.call_on_fit_task_end(**self._shown, reconstruction_attributes=attributes)

    def finish(self, attributes):
        """End the task of the whole `fit` or `prune`."""
        if self._context is not None:
            self._context.call_on_fit_task_end(**self._shown, reconstruction_attributes=attributes)


def _refuse_to_score(estimator):
    """Raise ValueError if a callback needs labels for a score, because there are none.

    The private attribute is read because scikit-learn has no public way to list callbacks.
    """
    for callback in getattr(estimator, "_skl_callbacks", ()):
        if getattr(callback, "needs_labels", isinstance(callback, ScoringMonitor)):
            raise ValueError(
                f"Got no y, but the callback {type(callback).__name__} needs it for its score. "
                "Pass y, or set callbacks without a score."
            )
