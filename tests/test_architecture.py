"""The arrows of the house: a module imports only from the floors below its own, and in no circle.

The floors are the rows of the table in docs/design.md, top to bottom.
"""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sklearn_obs

HOUSE = Path(sklearn_obs.__file__).parent
DESIGN = Path(__file__).parents[1] / "docs" / "design.md"


def floors():
    """The names of modules and folders, a list a floor, from the table in docs/design.md."""
    house = DESIGN.read_text(encoding="utf-8").split("## The house")[1].split("\n## ")[0]
    first_cells = [line.split("|")[1] for line in house.splitlines() if line.startswith("| `")]
    return [[name.rstrip("/") for name in re.findall(r"`(\w+/?)`", cell)] for cell in first_cells]


FLOORS = floors()
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
ALONE = FLOORS[-1]  # import nothing of ours
EDGE = {name for names in FLOORS[: FLOOR["estimators"] + 1] for name in names}  # scikit-learn's
FILES = sorted(HOUSE.rglob("*.py"))
MODULES = [path for path in FILES if path != HOUSE / "__init__.py"]  # it hands out the public names
LINES = 320


def place(path):
    """'curvature' for curvature/blocks.py, 'plan' for plan.py."""
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


def own_places(path):
    """The names in `FLOOR` that the file imports from."""
    names = set()
    for module, imported in imports(path):
        first, *rest = module.split(".")
        if first == "sklearn_obs":
            names |= {rest[0]} if rest else set(imported)
    return names


def own_files(path):
    """The files of the library that the file imports from."""
    files = set()
    for module, imported in imports(path):
        first, *rest = module.split(".")
        if first == "sklearn_obs" and (rest or path.parent == HOUSE):
            target = HOUSE.joinpath(*rest)
            for name in imported:
                files |= {target / f"{name}.py", target / name / "__init__.py"}
            files |= {target.with_suffix(".py"), target / "__init__.py"}
    return {file for file in files if file.exists()}


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
        "from sklearn_obs import plan, machine\n"
        "def f():\n    from sklearn_obs.curvature.inverse.full import FullInverse\n"
        "import numpy.linalg\n"
    )
    assert own_places(path) == {"network", "plan", "machine", "curvature"}
    assert top_packages(path) == {"sklearn_obs", "numpy"}
    found = {file_id(file) for file in own_files(path)}
    assert {"network/__init__.py", "curvature/inverse/full.py"} <= found


def test_every_module_has_a_floor_and_every_floor_its_modules():
    assert set(FLOOR) == {place(path) for path in MODULES}


def test_the_top_has_few_modules_and_no_folder_holds_a_single_file():
    assert len(list(HOUSE.glob("*.py"))) <= 6
    for folder in {path.parent for path in MODULES} - {HOUSE}:
        files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(files) > 1, folder.name


@pytest.mark.parametrize("path", MODULES, ids=file_id)
def test_imports_go_down(path):
    mine = place(path)
    for other in own_places(path):
        inside = other == mine and path.parent != HOUSE
        assert inside or FLOOR[other] > FLOOR[mine], f"{mine} imports {other}"


def test_no_imports_go_in_a_circle():
    graph = {path: own_files(path) - {path} for path in FILES}
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


@pytest.mark.parametrize("name", ALONE)
def test_the_lowest_floor_imports_nothing_of_ours(name):
    assert own_places(HOUSE / f"{name}.py") == set()


@pytest.mark.parametrize("path", MODULES, ids=file_id)
def test_scikit_learn_stays_at_the_edge(path):
    if place(path) not in EDGE:
        others = top_packages(path) - sys.stdlib_module_names
        assert others <= {"sklearn_obs", "numpy", "scipy", "joblib", "threadpoolctl"}


DOCUMENTED = {"estimators/rows.py": ("sklearn.utils", ("_safe_indexing",))}  # in its API reference


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
        if module.split(".")[0] == "sklearn" and DOCUMENTED.get(file_id(path)) != (module, names):
            assert not any(map(is_private, (*module.split("."), *names))), (module, names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            assert ast.unparse(node).split(".")[0] not in modules, ast.unparse(node)


@pytest.mark.parametrize("path", FILES, ids=file_id)
def test_files_are_short_and_named_after_what_they_hold(path):
    assert path.stem not in {"utils", "base", "types", "helpers", "common", "misc"}
    lines = path.read_text().splitlines()
    n_lines = sum(not line.lstrip().startswith((">>>", "... ")) for line in lines)
    assert n_lines <= LINES, f"{path.name} has {n_lines} lines"


def test_heavy_extras_are_imported_when_they_are_used():
    """`import sklearn_obs` reaches its modules without what they need to draw or to write."""
    code = (
        "import sys, sklearn_obs as s; s.export, s.display, s.stopping; "
        "print(sorted({m.split('.')[0] for m in sys.modules} & "
        "{'matplotlib', 'onnx', 'skl2onnx', 'skops'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


TESTS = sorted(Path(__file__).parent.rglob("*.py"))


def private_imports(path):
    """Lines of imports that private names of ours come from, by name or as `module._name`."""
    tree = ast.parse(path.read_text())
    found, modules = set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn_obs"):
            for alias in node.names:
                modules[alias.asname or alias.name] = node.lineno
                if is_private(alias.name):
                    found.add(node.lineno)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            name = ast.unparse(node.value)
            if name in modules and name.islower():  # a module; of classes, methods may be called
                found.add(modules[name])
    return found


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_private_names_are_imported_with_a_reason(path):
    lines = path.read_text().splitlines()
    for number in private_imports(path):
        assert "# private: " in lines[number - 2], f"{path.name} line {number}: say why"


def test_private_imports_are_seen(tmp_path):
    path = tmp_path / "example.py"
    path.write_text(
        "from sklearn_obs.elimination import greedy, blocks\n"
        "from sklearn_obs.curvature.gauss_newton import _by_rows\n"
        "greedy._panel(blocks.held_bytes)\n"
    )
    assert private_imports(path) == {1, 2}
