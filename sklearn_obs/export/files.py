"""Files that are written whole or not at all, and never over others unasked."""

import os
from pathlib import Path


def checked_path(path, suffix, overwrite, also=()):
    """The path, and those beside it with the suffixes `also`, if they may be written.

    Raises
    ------
    ValueError
        If it does not end in `suffix`.
    FileNotFoundError
        If its folder does not exist.
    FileExistsError
        If there is such a file and not `overwrite`.
    """
    path = Path(path)
    if path.suffix != suffix:
        raise ValueError(f"Got the path {str(path)!r}, but expected one that ends in {suffix!r}.")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(path.parent)!r} to write {path.name!r} in. Create it, or "
            "choose another path."
        )
    paths = [path, *map(path.with_suffix, also)]
    for each in paths:
        if each.is_dir():
            raise FileExistsError(f"{str(each)!r} is a folder. Choose another path.")
        if each.exists() and not overwrite:
            raise FileExistsError(
                f"{str(each)!r} exists. Pass overwrite=True to replace it, or choose another path."
            )
    return paths


def write(contents):
    """Write bytes to the paths that are the keys of `contents`, none before all are on the disk.

    Raises
    ------
    OSError
        If one of them cannot be written; nothing half-written is left.
    """
    parts = {path: path.with_name(f".{path.name}.{os.getpid()}.part") for path in contents}
    try:
        for path, part in parts.items():
            part.write_bytes(contents[path])
        for path, part in parts.items():
            os.replace(part, path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
