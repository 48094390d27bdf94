"""Files of the commands: models that are read, and files that are written whole or not at all."""

from __future__ import annotations

from pyperceptron.cli.command import CommandError
from pyperceptron.model_file import load
from pyperceptron.whole_file import write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def load_model(path: str) -> Any:
    """Return the model in a file."""
    try:
        return load(path)
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise CommandError(str(error)) from None


def load_classifier(path: str) -> Any:
    """Return the Perceptron in a file; a layer is refused."""
    model = load_model(path)
    if not hasattr(model, "predict_proba"):
        raise CommandError(f"{path} holds a {type(model).__name__}; expected a Perceptron, as train writes it")
    return model


def write(path: str, text: str) -> None:
    with Writing(path):
        write_whole(path, text)


class Writing:
    """A block that writes a file: that it cannot be written ends the command with a sentence."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, OSError):
            raise CommandError(f"cannot write {self._path}: {error.strerror}") from None
