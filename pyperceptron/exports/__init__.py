"""The one place that chooses what writes a model as source text of another language, or of Python."""

from __future__ import annotations

from pyperceptron.checks import named, one_of
from pyperceptron.exports import c, javascript, python

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyperceptron.exports.description import Description

TARGETS: dict[str, Callable[[Description, str], str]] = {
    "python": python.source,
    "c": c.source,
    "c-header": c.header,
    "javascript": javascript.source,
}


def export(model: Description, target: Any, prefix: Any) -> str:
    """Return the model as source text that needs no other package; the same model gives the same text.

    target  a name in TARGETS
    prefix  the beginning of all names in C

    Raises ValueError if the target is unknown, the prefix is no identifier, or the language cannot hold a label.
    """
    write = TARGETS[one_of(target, "target", tuple(TARGETS))]
    return write(model, checked_prefix(prefix))


def checked_prefix(prefix: Any) -> str:
    """Return the prefix if names in C may begin with it, or else raise ValueError."""
    if not isinstance(prefix, str) or not prefix.isascii() or not prefix.isidentifier() or prefix in c.KEYWORDS:
        raise ValueError(f"prefix is {named(prefix)}; expected an identifier of C, such as 'model'")
    return str(prefix)
