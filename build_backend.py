"""The build backend: that of setuptools, which needs Cython only where the compiled backend is to be built."""

from __future__ import annotations

import os

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403

CYTHON = "Cython>=3.1"


def switched_on(name: str) -> bool:
    """Return whether a variable of the environment is set, and not to 0."""
    return os.environ.get(name, "0") not in ("", "0")


def get_requires_for_build_wheel(config_settings: dict[str, str] | None = None) -> list[str]:
    needed = [] if switched_on("PYPERCEPTRON_NO_EXTENSIONS") else [CYTHON]
    return build_meta.get_requires_for_build_wheel(config_settings) + needed


get_requires_for_build_editable = get_requires_for_build_wheel
