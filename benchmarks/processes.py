"""Benchmark whole processes: a bare interpreter, imports, the demo and the lesson's script."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from measure import Row, Section, timed, version_of

import pyperceptron as pp

LESSON = Path(__file__).with_name("lesson_in_numpy.py")
BARE = "bare interpreter"
IMPORT = "import pyperceptron"
BLAS_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def sections() -> Iterator[Section | str]:
    processes = _section()
    yield processes
    yield cost_over_bare(processes, IMPORT)


def _section() -> Section:
    rows = [
        bare_interpreter(),
        process(IMPORT, pp.__version__, "-c", IMPORT),
        *(
            process(f"pyperceptron demo, {backend}", pp.__version__, "-m", "pyperceptron", "demo", "--backend", backend)
            for backend in pp.available_backends()
        ),
    ]
    for package, distribution in (("numpy", "numpy"), ("sklearn.linear_model", "scikit-learn")):
        rows.append(process(f"import {package}", version_of(distribution), "-c", f"import {package}"))
    rows.append(process("the lesson's NumPy script", version_of("numpy"), str(LESSON)))
    return Section("Whole processes, start to exit", rows, "the lesson's NumPy script")


def bare_interpreter() -> Row:
    return process(BARE, sys.version.split()[0], "-c", "pass")


def cost_over_bare(section: Section, name: str) -> str:
    """Return a line with the median time that a process takes longer than a bare interpreter, which the section also has."""
    bare, other = (next(row.seconds for row in section.rows if row.name == wanted) for wanted in (BARE, name))
    costs = sorted(after - before for before, after in zip(bare, other, strict=True))
    return f"  {name} costs {costs[len(costs) // 2] * 1e3:.1f} ms over a {BARE} (median of pairs)"


def process(
    name: str, version: str | None, *arguments: str, program: Sequence[str] = (sys.executable,), threads: int | None = None
) -> Row:
    """Return a row that times a whole process; `threads` limits those of NumPy's and SciPy's BLAS."""
    if version is None:
        return Row(name, "", None)
    environment = os.environ if threads is None else {**os.environ, **dict.fromkeys(BLAS_THREADS, str(threads))}
    # Not run in the checkout, so that the installed package is imported.
    options: dict[str, Any] = {"check": True, "capture_output": True, "cwd": tempfile.gettempdir(), "env": environment}
    return Row(name, version, lambda: timed(lambda: subprocess.run([*program, *arguments], **options)))
