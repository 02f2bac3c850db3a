"""The arrows of the house: a module imports only from the rows below its own."""

import ast
import sys
from pathlib import Path

import pytest

import sklearn_obs

HOUSE = Path(sklearn_obs.__file__).parent
ROWS = [  # top to bottom
    {"__main__"},
    {"command"},
    {"display", "callbacks", "export"},
    {"estimators"},
    {"stopping", "surgery"},
    {"regrowth"},
    {"removal"},
    {"criteria", "plan"},
    {"newton"},
    {"curvature", "training", "compaction", "prediction"},
    {"network", "blockwise", "groups"},
    {"losses", "elimination", "swaps", "threads", "memory"},
]
ROW = {name: number for number, names in enumerate(ROWS) for name in names}
ALONE = {"losses", "elimination", "swaps", "threads", "memory"}  # import nothing of ours
EDGE = {
    "__main__",
    "command",
    "display",
    "callbacks",
    "export",
    "estimators",
}  # may import scikit-learn
FOLDERS = {"command", "curvature", "display", "estimators", "export"}  # one idea in several forms

FILES = sorted(HOUSE.rglob("*.py"))
MODULES = [path for path in FILES if path != HOUSE / "__init__.py"]  # it hands out the public names


def row_name(path):
    """'curvature' for curvature/blocks.py, 'network' for network.py."""
    return path.relative_to(HOUSE).with_suffix("").parts[0]


def imports(path):
    """(module, names) of each import in the file, also of those inside functions."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} line {node.lineno}: write imports in full"
            found.append((node.module, tuple(alias.name for alias in node.names)))
    return found


def own_rows(path):
    """The names in `ROW` that the file imports from."""
    names = set()
    for module, imported in imports(path):
        first, *rest = module.split(".")
        if first == "sklearn_obs":
            names |= {rest[0]} if rest else set(imported)
    return names


def top_packages(path):
    return {module.split(".")[0] for module, _ in imports(path)}


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def file_id(path):
    return str(path.relative_to(HOUSE))


def test_reader_of_imports_sees_every_form(tmp_path):
    path = tmp_path / "example.py"
    path.write_text(
        "import sklearn_obs.network as n\n"
        "from sklearn_obs import surgery, losses\n"
        "def f():\n    from sklearn_obs.curvature.full import FullInverse\n"
        "import numpy.linalg\n"
    )
    assert own_rows(path) == {"network", "surgery", "losses", "curvature"}
    assert top_packages(path) == {"sklearn_obs", "numpy"}


def test_every_module_has_a_row_and_every_row_its_module():
    there = {row_name(path) for path in MODULES}
    assert set(ROW) == there


def test_folders_are_those_with_several_forms_of_one_idea():
    folders = {path.parent.relative_to(HOUSE) for path in FILES} - {Path()}
    assert folders == {Path(name) for name in FOLDERS}


@pytest.mark.parametrize("path", MODULES, ids=file_id)
def test_imports_go_down(path):
    mine = row_name(path)
    for other in own_rows(path):
        inside = other == mine and mine in FOLDERS
        assert inside or ROW[other] > ROW[mine], f"{mine} imports {other}"


@pytest.mark.parametrize("name", sorted(ALONE))
def test_the_lowest_row_imports_nothing_of_ours(name):
    assert own_rows(HOUSE / f"{name}.py") == set()


@pytest.mark.parametrize("path", MODULES, ids=file_id)
def test_scikit_learn_stays_at_the_edge(path):
    if row_name(path) not in EDGE:
        others = top_packages(path) - sys.stdlib_module_names
        assert others <= {"sklearn_obs", "numpy", "scipy", "joblib", "threadpoolctl"}


@pytest.mark.parametrize("path", FILES, ids=file_id)
def test_no_private_name_of_scikit_learn(path):
    tree = ast.parse(path.read_text())
    modules = set()  # names that scikit-learn's modules go by in this file
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "sklearn":
                    modules.add((alias.asname or alias.name).split(".")[0])
    for module, names in imports(path):
        if module.split(".")[0] == "sklearn":
            assert not any(map(is_private, (*module.split("."), *names))), (module, names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            assert ast.unparse(node).split(".")[0] not in modules, ast.unparse(node)


@pytest.mark.parametrize("path", FILES, ids=file_id)
def test_files_are_short_and_named_after_what_they_hold(path):
    assert path.stem not in {"utils", "base", "types", "helpers", "common", "misc"}
    lines = path.read_text().splitlines()
    n_lines = sum(not line.lstrip().startswith((">>>", "... ")) for line in lines)
    assert n_lines <= 320, f"{path.name} has {n_lines} lines"
