"""The one place that chooses between the backends: the compiled one if it is built, else the reference."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType as Backend

    from pyperceptron.backends.python import LinearLoss, RowPredictor

    __all__ = ["Backend", "LinearLoss", "RowPredictor", "available_backends", "backend_name", "backend_of"]

_FASTEST_FIRST = ("cython", "python")


def available_backends() -> tuple[str, ...]:
    """Return the names of the backends that can be imported, fastest first.

    `("cython", "python")` if the compiled extension is built, else `("python",)`. Raises ValueError if
    $PYPERCEPTRON_INSTRUCTION_SET names none that this machine has.
    """
    return tuple(name for name in _FASTEST_FIRST if _is_there(name))


def backend_name(name: str = "auto") -> str:
    """Return the name of the backend to use: for "auto", $PYPERCEPTRON_BACKEND or, if that is unset, the fastest.

    Raises ImportError if the backend cannot be imported and ValueError if the name is unknown.
    """
    wanted, source = name, "backend"
    if name == "auto":
        wanted, source = os.environ.get("PYPERCEPTRON_BACKEND") or "auto", "$PYPERCEPTRON_BACKEND"
    if wanted == "auto":
        wanted = available_backends()[0]
    if wanted not in _FASTEST_FIRST:
        raise ValueError(f"{source} is {wanted!r}; expected 'auto', 'cython' or 'python'")
    backend_of(wanted)
    return wanted


def backend_of(name: str) -> Backend:
    """Return the module of the named backend; raise ImportError if it cannot be imported.

    Every backend has the API of pyperceptron.backends.python except `lesson` and `pickled_loss`, which only the reference has.
    """
    try:
        return _module(name)
    except ImportError as error:
        raise ImportError(
            f"backend {name!r} cannot be used here ({error}): install a C compiler and build the package again with "
            "PYPERCEPTRON_REQUIRE_EXTENSIONS=1 pip install --force-reinstall --no-cache-dir, or choose backend='python'"
        ) from error


def _module(name: str) -> Backend:
    if name == "cython":
        from pyperceptron.backends import cython

        return cython
    from pyperceptron.backends import python

    return python


def _is_there(name: str) -> bool:
    try:
        _module(name)
    except ImportError:
        return False
    return True


def _import_before_a_fork() -> None:
    """Import the backends, as a child forked while another thread imports one would wait for that thread for ever."""
    try:
        available_backends()
    except ValueError:  # a wrong $PYPERCEPTRON_INSTRUCTION_SET, of which the first use of a backend tells
        return


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_import_before_a_fork)
