"""scikit-learn's HTML view of our estimators, from 1.9 on with descriptions, out of docstrings."""

import html
import inspect
import re

import pytest
from sklearn import __version__
from small_nets import ESTIMATORS, small

from sklearn_obs import OBSPrunedMLPCV

pytestmark = pytest.mark.skipif(
    tuple(map(int, __version__.split(".")[:2])) < (1, 9), reason="descriptions came with 1.9"
)


@pytest.mark.parametrize("cls", [*ESTIMATORS, OBSPrunedMLPCV])
def test_every_parameter_and_attribute_is_described(cls, iris):
    search = cls is OBSPrunedMLPCV
    estimator = cls(small(), sparsities=[0.3, 0.6], cv=2) if search else small(cls)
    estimator.fit(*iris)
    names = {*estimator.get_params(deep=False), *(n for n in vars(estimator) if n.endswith("_"))}
    if not search:  # scikit-learn's view has no room for a network of several arrays
        names.add("feature_importances_")
    view, documented = estimator._repr_html_(), inspect.getdoc(cls)
    for name in names:
        line = re.search(rf"^{name} : .+\n    (.+)$", documented, re.M)
        assert line, f"{name} has no description"
        if name in view:
            assert html.escape(line.group(1)) in view, name
