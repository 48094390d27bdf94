"""Measure by how much fit raises the peak memory of a process, relative to the size of X."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ARRAYS = (
    (2_500_000, 10, "float64", "l2"),
    (2_500_000, 10, "float32", "l2"),
    (600_000, 784, "uint8", "l2"),
    (100, 20_000, "float64", "l2"),
    (60, 20_000, "float64", "l1"),
)
ROWS_AT_ONCE = 5_000


def sections() -> Iterator[str]:
    """Measure each array in a separate process, so that nothing else has raised the peak."""
    if not can_measure():
        yield "\nMemory: not measured, this system does not tell a process's peak"
        return
    yield "\nMemory: by how much fitting raises the process's peak"
    for n, d, dtype, penalty in ARRAYS:
        raised, size = growth(Path(__file__), str(n), str(d), dtype, penalty)
        yield f"  {n:,}×{d:,} {dtype}, {penalty} ({size / 1e6:.0f} MB): {raised / 1e6:.1f} MB, {raised / size:.1%} of the array"


def can_measure() -> bool:
    try:
        import resource  # noqa: F401  (Unix has it)
    except ImportError:
        return False
    return True


def growth(script: Path, *arguments: str) -> tuple[int, int]:
    """Run a script that prints two numbers of bytes and return them: by how much its work raised the peak, and its data."""
    command = [sys.executable, str(script), *arguments]
    raised, size = map(int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    return raised, size


def main() -> None:
    """Print by how many bytes fit raised the peak, and the size of X in bytes."""
    import numpy as np

    import pyperceptron as pp

    n, d, dtype, penalty = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    random = np.random.default_rng(1)
    X, y = np.empty((n, d), dtype), np.empty(n, np.uint8)
    # In pieces, because a large temporary array would raise the peak before fit and hide the memory that fit uses.
    for start in range(0, n, ROWS_AT_ONCE):
        piece = X[start : start + ROWS_AT_ONCE]
        piece[:] = random.integers(0, 256, piece.shape) if dtype == "uint8" else random.standard_normal(piece.shape)
        sums = piece.sum(axis=1, dtype=float)
        y[start : start + ROWS_AT_ONCE] = sums - sums.mean() + sums.std() * random.standard_normal(len(piece)) / 3 > 0
    pp.Perceptron(**{penalty: 1e-3}, threads=1).fit(
        X[:1000, :50].copy(), y[:1000]
    )  # a warm-up, so that lazy imports do not count
    before = peak()
    pp.Perceptron(**{penalty: 1 / n}, threads=1).fit(X, y)
    print(peak() - before, X.nbytes)


def peak() -> int:
    """Return the peak in bytes; from /proc on Linux, because ru_maxrss there starts at the parent's peak."""
    try:
        with open("/proc/self/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
