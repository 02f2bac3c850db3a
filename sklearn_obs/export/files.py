"""Writing of files: completely or not at all, and over existing files only on request."""

import os
from pathlib import Path


def checked_path(path, suffix, overwrite, also=()):
    """Check that a path may be written; return it and the paths with the suffixes `also`.

    Raises
    ------
    ValueError
        If the path does not end in `suffix`.
    FileNotFoundError
        If its folder does not exist.
    FileExistsError
        If one of the files exists and `overwrite` is False, or one of the paths is a folder.
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
    """Write the bytes in `contents`, a dict from path to bytes.

    All of them are written to temporary files first, which are renamed when all are complete.

    Raises
    ------
    OSError
        If one of them cannot be written. The temporary files are then removed.
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
