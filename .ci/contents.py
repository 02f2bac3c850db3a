"""What may stand in a wheel and an sdist: the package whole, without tests and build folders.

python .ci/contents.py dist/*.whl dist/*.tar.gz
"""

import sys
import tarfile
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "sklearn_obs"
BESIDE = {"LICENSE", "README.md", "pyproject.toml", "PKG-INFO", "setup.cfg"}  # in an sdist


def names(archive):
    """Paths of its files, in an sdist without the folder that holds them all."""
    if archive.endswith(".whl"):
        return zipfile.ZipFile(archive).namelist()
    with tarfile.open(archive) as tar:
        return [member.name.partition("/")[2] for member in tar.getmembers() if member.isfile()]


def problems(archive):
    """What is missing, and what does not belong."""
    found = set(names(archive))
    mine = {str(path.relative_to(PACKAGE.parent).as_posix()) for path in PACKAGE.rglob("*.py")}
    for name in sorted(mine | {"sklearn_obs/py.typed"}):
        if name not in found:
            yield f"{name} is missing"
    allowed = ("sklearn_obs/", "sklearn_obs-", "sklearn_obs.egg-info/")
    if not archive.endswith(".whl"):
        allowed += ("tests/test_",)  # which setuptools puts into every sdist
    for name in sorted(found):
        if not name.startswith(allowed) and name not in BESIDE:
            yield f"{name} does not belong there"
        if "__pycache__" in name:
            yield f"{name} is a compiled file"


def main(archives):
    """Print what is wrong; the exit status."""
    wrong = [f"{Path(archive).name}: {line}" for archive in archives for line in problems(archive)]
    print(
        "\n".join(wrong) or f"{', '.join(Path(each).name for each in archives)}: as they should be"
    )
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
