"""The site: ``python -m sphinx -W docs build/site``."""

import sklearn_obs

project = "sklearn_obs"
author = copyright = "The sklearn_obs developers"
release = version = sklearn_obs.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
]
suppress_warnings = ["ref.ref"]  # `score`, inherited, points into scikit-learn's user guide
myst_heading_anchors = 3
autosummary_generate = True
numpydoc_class_members_toctree = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = project
html_theme_options = {"show_toc_level": 2}
html_show_sourcelink = False
