"""What differs on Windows and macOS, simulated: processes that start anew, no /proc, cp1252."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.datasets import load_iris
from small_nets import small

import sklearn_obs
from sklearn_obs import machine

HOUSE = Path(sklearn_obs.__file__).parent


def test_workers_that_are_spawned_find_everything_by_import(tmp_path):
    """As on Windows and macOS, where a worker has nothing of its parent but what is pickled."""
    if "spawn" not in multiprocessing.get_all_start_methods():
        pytest.skip("needs the start method 'spawn'")
    code = (
        "import multiprocessing, sys\n"
        "import numpy as np\n"
        "from joblib import parallel_config\n"
        "from sklearn.datasets import load_iris\n"
        "from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV\n"
        "if __name__ == '__main__':\n"
        "    multiprocessing.set_start_method('spawn')\n"
        "    X, y = load_iris(return_X_y=True)\n"
        "    net = OBSPrunedMLPClassifier((6,), structure='unit', solver='lbfgs', alpha=1.0,\n"
        "        max_iter=2000,\n"
        "        step=0.5, retrain_epochs=2, random_state=0)\n"
        "    alone = net.fit(X, y).coefs_[0].copy()\n"
        "    with parallel_config(backend='multiprocessing'):\n"
        "        both = net.set_params(n_jobs=2).fit(X, y).coefs_[0]\n"
        "        net.set_params(n_jobs=None)\n"
        "        search = OBSPrunedMLPCV(net, sparsities=[0.5], cv=2, n_jobs=2).fit(X, y)\n"
        "    assert np.array_equal(alone, both)\n"
        "    print(search.sparsity_)\n"
    )
    script = tmp_path / "spawned.py"  # a file, which spawned workers import
    script.write_text(code, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(HOUSE.parent)}
    command = [sys.executable, script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "0.5\n"


def test_files_are_read_and_written_in_named_encodings(tmp_path):
    """Where the locale is cp1252, a file without an encoding would be read as that.

    Python warns of each `open` that leaves the encoding to the locale, with the line that did so.
    """
    (tmp_path / "data.csv").write_text("größe,b,y\n" + "1,2,ä\n3,1,b\n" * 30, encoding="utf-8")
    command = [sys.executable, "-X", "warn_default_encoding", "-W", "always::EncodingWarning"]
    command += ["-m", "sklearn_obs", "data.csv", "--target", "y", "--sparsity", "0.5"]
    command += ["--hidden", "3", "--integer", "--export", "model.c", "--test-vectors", "3"]
    environment = os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONPATH": str(HOUSE.parent)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    lines = done.stderr.decode().splitlines()
    ours = [line for line in lines if "EncodingWarning" in line and line.startswith(str(HOUSE))]
    assert not ours  # those of other packages are theirs
    assert "größe" in done.stdout.decode("cp1252")
    (tmp_path / "model.c").read_text(encoding="ascii")


def test_every_open_names_its_encoding():
    for path in HOUSE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for call in ("read_text(", "write_text(", " open("):
            for rest in text.split(call)[1:]:
                line = rest.split(")")[0]
                assert "encoding" in line or '"rb"' in line or '"wb"' in line, (
                    f"{path.name}: {line}"
                )


def test_without_proc_and_control_groups(monkeypatch):
    """On macOS `sysconf` says what the machine has, and on Windows nothing does."""
    read_text = Path.read_text

    def only_elsewhere(path, *arguments, **options):
        if str(path).startswith(("/proc", "/sys")):
            raise FileNotFoundError(path)
        return read_text(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", only_elsewhere)
    X, y = load_iris(return_X_y=True)
    alone = small().fit(X, y)
    assert 2**20 < machine.available_bytes() < float("inf")
    monkeypatch.delattr(os, "sysconf")
    assert machine.available_bytes() == float("inf")
    for a, b in zip(small().fit(X, y).coefs_, alone.coefs_, strict=True):
        assert_array_equal(a, b)


def test_threads_give_the_same_bits():
    X, y = load_iris(return_X_y=True)
    alone = small(structure="unit").fit(X, y)
    with parallel_config(backend="threading"):
        both = small(structure="unit", n_jobs=2).fit(X, y)
    assert all(np.array_equal(a, b) for a, b in zip(alone.coefs_, both.coefs_, strict=True))
