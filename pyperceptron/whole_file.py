"""Write a file as a whole or not at all."""

from __future__ import annotations

import os
import stat
from _thread import get_ident

_UNFINISHED = ".unfinished"


def write_whole(path: str | os.PathLike[str], text: str) -> None:
    """Replace what a file holds by the text, in UTF-8, in one step: a reader finds the old content or the new one.

    The text is first written to a file beside it, .NAME.PROCESS-THREAD.unfinished; such files of processes that have ended are
    removed. A link is followed; what is no regular file, such as a pipe, is written to directly. Raises OSError.
    """
    target = os.path.realpath(path)
    content = text.encode("utf-8")
    mode = _mode_of(target)
    if mode is not None and not stat.S_ISREG(mode):
        with open(target, "wb") as file:
            file.write(content)
        return
    folder, name = os.path.split(target)
    _remove_unfinished(folder, name)
    unfinished = os.path.join(folder, f".{name}.{os.getpid()}-{get_ident()}{_UNFINISHED}")
    try:
        with open(unfinished, "wb") as file:
            if mode is not None:
                os.chmod(unfinished, stat.S_IMODE(mode))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, target)
    except BaseException:
        _remove(unfinished)
        raise
    _sync_folder(folder)


def _mode_of(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _remove_unfinished(folder: str, name: str) -> None:
    """Remove what killed processes have left of a file that they were writing."""
    start = f".{name}."
    for entry in os.listdir(folder):
        process, dash, _ = entry.removeprefix(start).removesuffix(_UNFINISHED).partition("-")
        ours = entry.startswith(start) and entry.endswith(_UNFINISHED) and dash and process.isdecimal()
        if ours and not _is_running(int(process)):
            _remove(os.path.join(folder, entry))


def _is_running(process: int) -> bool:
    """Whether a process exists; on Windows, where asking could end it, that is taken for granted."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _remove(path: str) -> None:
    try:  # contextlib.suppress would cost milliseconds of importing
        os.remove(path)
    except OSError:  # it is gone already, or somebody else's
        return


def _sync_folder(folder: str) -> None:
    """Make the new name of the file survive a power failure, where a folder can be opened."""
    try:
        opened = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(opened)
    except OSError:
        return
    finally:
        os.close(opened)
