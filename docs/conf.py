"""The site: ``python -m sphinx -W docs build/site``."""

import re
import sys
from pathlib import Path

import sklearn_obs

DOCS = Path(__file__).parent
EXAMPLES = DOCS.parent / "examples"
sys.path[:0] = [str(DOCS), str(EXAMPLES)]  # gallery_options; datasets, which examples import


def has_monks():
    """Whether MONK's problems are in SKLEARN_OBS_DATA or can be fetched."""
    import datasets

    try:
        return bool(datasets.monks(1))
    except SystemExit:
        return False


for estimator in (
    sklearn_obs.OBSPrunedMLPClassifier,
    sklearn_obs.OBSPrunedMLPRegressor,
    sklearn_obs.OBSPrunedMLPCV,
):  # the pages that views of them in the gallery link to
    estimator._doc_link_template = "../generated/sklearn_obs.{estimator_name}.html"

project = "sklearn_obs"
author = copyright = "The sklearn_obs developers"
release = version = sklearn_obs.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",
    "sphinx_gallery.gen_gallery",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
]
suppress_warnings = ["ref.ref"]  # `score`, inherited, points into scikit-learn's user guide
exclude_patterns = ["results", "_templates"]
templates_path = ["_templates"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
autosummary_generate = True
default_role = "literal"
numpydoc_class_members_toctree = False
autodoc_typehints = "none"  # the sections on parameters and returns say them in words
numpydoc_validation_checks = {
    "all",  # all but:
    "ES01",  # an extended summary, where the summary says it all
    "SA01",  # See Also, where the neighbours stand on the same page
    "RT02",  # `self : object`, as scikit-learn writes it
}
numpydoc_validation_exclude = {
    r"\.__init__$",  # the class documents its parameters
    # scikit-learn's own
    r"\.(get|set)_(params|metadata_routing|(fit|score)_request|output|callbacks)$",
    r"\.(fit_transform|get_feature_names_out)$",
    r"(Classifier|Regressor)\.score$",
    r"PruningMonitor\.\w+$",
    r"\.(setup|teardown|on_fit_task_begin|on_fit_task_end)$",  # hooks, called by scikit-learn
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
sphinx_gallery_conf = {
    "examples_dirs": str(EXAMPLES),
    "gallery_dirs": "gallery",
    "filename_pattern": "/plot_" if has_monks() else "/plot_(?!monks)",  # shown, but not run
    "ignore_pattern": r"(datasets|records)\.py",
    "within_subsection_order": "gallery_options.order",
    "backreferences_dir": "generated",
    "doc_module": ("sklearn_obs",),
    "image_srcset": ["2x"],
    "remove_config_comments": True,
    "default_thumb_file": str(DOCS / "figures" / "network_monks.png"),
    "show_signature": False,
    "download_all_examples": False,
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"{project} {release}"
html_theme_options = {"show_toc_level": 2}
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_sidebars = {"quickstart": [], "how_it_works": []}  # pages without others below them


def to_gallery(app, docname, source):
    """Links to an example's file, which work in the repository, lead to its page in the gallery."""
    source[0] = re.sub(r"\]\(\.\./examples/(plot_\w+)\.py\)", r"](gallery/\1.rst)", source[0])
    source[0] = source[0].replace("](../examples)", "](gallery/index.rst)")


INITIAL_TRAINING = "Parameters of the initial training, as in scikit-learn"


def split_parameters(app, what, name, obj, options, lines):
    """Parameters of the initial training in a section of their own."""
    first = "solver : {'lbfgs', 'sgd', 'adam'}, default='adam'"
    if first in lines:
        start, end = lines.index(first), lines.index("Attributes")
        initial = ["Other Parameters", "----------------", *lines[start:end]]
        lines[start:end] = [""]
        at = lines.index("See Also")  # where numpydoc wants it
        lines[at:at] = initial


def name_parameters(app, what, name, obj, options, lines):
    """Both lists of parameters one after the other, with names that say what they hold."""
    if ":Other Parameters:" in lines:
        start = lines.index(":Other Parameters:")
        rest = (i for i, line in enumerate(lines) if i > start and line[:1].strip())
        end = next(rest, len(lines))
        initial = [f":{INITIAL_TRAINING}:", *lines[start + 1 : end]]
        del lines[start:end]
        lines[lines.index(":Parameters:")] = ":Parameters of the network and of pruning:"
        at = lines.index(":Attributes:")
        lines[at:at] = initial


def setup(app):
    """Connect what this file adds to Sphinx."""
    # numpydoc, at the priority of 500, makes lists of fields of the sections
    app.connect("autodoc-process-docstring", split_parameters, priority=400)
    app.connect("autodoc-process-docstring", name_parameters, priority=600)
    app.connect("source-read", to_gallery)
