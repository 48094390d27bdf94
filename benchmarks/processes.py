"""Benchmark whole processes: a bare interpreter, imports, the demo and the lesson's script."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Row, Section, timed, version_of

import pyperceptron as pp

LESSON = Path(__file__).with_name("lesson_in_numpy.py")
BARE = "bare interpreter"


def sections() -> Iterator[Section | str]:
    processes = _section()
    yield processes
    yield import_cost(processes)


def _section() -> Section:
    rows = [
        _row(BARE, sys.version.split()[0], "-c", "pass"),
        _row("import pyperceptron", pp.__version__, "-c", "import pyperceptron"),
        *(
            _row(f"pyperceptron demo, {backend}", pp.__version__, "-m", "pyperceptron", "demo", "--backend", backend)
            for backend in pp.available_backends()
        ),
    ]
    for package, distribution in (("numpy", "numpy"), ("sklearn.linear_model", "scikit-learn")):
        rows.append(_row(f"import {package}", version_of(distribution), "-c", f"import {package}"))
    rows.append(_row("the lesson's NumPy script", version_of("numpy"), str(LESSON)))
    return Section("Whole processes, start to exit", rows, "the lesson's NumPy script")


def import_cost(processes: Section) -> str:
    """Return a line with the median time that `import pyperceptron` adds to a bare interpreter."""
    bare, imported = processes.rows[:2]
    costs = sorted(after - before for before, after in zip(bare.seconds, imported.seconds, strict=True))
    return f"  import pyperceptron costs {costs[len(costs) // 2] * 1e3:.1f} ms over a {BARE} (median of pairs)"


def _row(name: str, version: str | None, *arguments: str) -> Row:
    if version is None:
        return Row(name, "", None)
    # Not run in the checkout, so that the installed package is imported.
    command = [sys.executable, *arguments]
    return Row(
        name,
        version,
        lambda: timed(lambda: subprocess.run(command, check=True, capture_output=True, cwd=tempfile.gettempdir())),
    )
