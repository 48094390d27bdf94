"""Timing for noisy machines: competitors alternate, and medians are taken after a warm-up."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path


@dataclass
class Row:
    """One competitor: `run` returns the seconds of one run, or is None if it cannot run and `missing` says why."""

    name: str
    version: str
    run: Callable[[], float] | None
    missing: str = "not installed"
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass
class Section:
    """A task, its competitors, and the baseline to which their times are compared.

    threads   how many threads each competitor may use; None does not limit them
    """

    title: str
    rows: list[Row]
    baseline: str
    threads: int | None = None

    def measure(self, repeats: int) -> None:
        """Time every competitor in turn, `repeats` times, after one warm-up turn."""
        with pinned(self.threads):
            for turn in range(repeats + 1):
                for row in self.rows:
                    if row.run is not None:
                        if self.threads and self.threads > 1:
                            time.sleep(0.1)  # lets the previous competitor's threads stop busy-waiting
                        seconds = row.run()
                        if turn:
                            row.seconds.append(seconds)

    def ratio(self, row: Row) -> float | None:
        """Return the speedup over the baseline, or None if either was not timed."""
        base = next(other for other in self.rows if other.name == self.baseline)
        return base.median / row.median if base.seconds and row.seconds else None

    def table(self) -> list[str]:
        width = max(len(row.name) for row in self.rows)
        version_width = max([len("version"), *(len(row.version) for row in self.rows)])
        lines = [
            self.title,
            f"  {'':{width}}  {'version':{version_width}}  {'median':>11}  {'fastest':>11}  {'slowest':>11}  times as fast",
        ]
        for row in self.rows:
            if row.run is None:
                lines.append(f"  {row.name:{width}}  {row.missing}")
                continue
            times = "  ".join(f"{in_words(seconds):>11}" for seconds in (row.median, min(row.seconds), max(row.seconds)))
            ratio = self.ratio(row)
            speed = "" if ratio is None else "1 (baseline)" if row.name == self.baseline else f"{ratio:.3g}"
            lines.append(f"  {row.name:{width}}  {row.version:{version_width}}  {times}  {speed}")
        return lines

    def as_json(self) -> dict[str, object]:
        return {
            "title": self.title,
            "baseline": self.baseline,
            "rows": [
                {
                    "name": row.name,
                    "version": row.version,
                    "installed": row.run is not None or row.missing != "not installed",
                    "missing": None if row.run else row.missing,
                    "seconds": row.seconds,
                    "median": row.median if row.seconds else None,
                    "times_as_fast_as_baseline": self.ratio(row),
                }
                for row in self.rows
            ],
        }


@dataclass
class Machine:
    processor: str
    cores: int
    system: str
    python: str

    @classmethod
    def here(cls) -> Machine:
        return cls(_processor(), os.cpu_count() or 1, f"{platform.system()} {platform.release()}", platform.python_version())

    def __str__(self) -> str:
        return f"{self.processor}, {self.cores} cores, {self.system}, Python {self.python}"

    as_json = asdict


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def version_of(distribution: str) -> str | None:
    """Return the installed version of a distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def kernels() -> list[str]:
    """Return which kernels the libraries of linear algebra that are loaded run, such as "SkylakeX (OpenBLAS of numpy)"."""
    if not version_of("threadpoolctl"):
        return []
    import threadpoolctl

    found = [library for library in threadpoolctl.threadpool_info() if library.get("user_api") == "blas"]
    owners = [path.parent.name.partition(".")[0] for path in (Path(library["filepath"]) for library in found)]
    return [
        f"{library.get('architecture', 'unknown')} ({library['internal_api']} {library['version']} of {owner})"
        for library, owner in zip(found, owners, strict=True)
    ]


def timed(work: Callable[[], object], at_least: float = 0.02) -> float:
    """Return the mean seconds per call over at least 20 ms, so that a cold start has little weight."""
    times = 0
    start = now = time.perf_counter()
    while now - start < at_least:
        work()
        times += 1
        now = time.perf_counter()
    return (now - start) / times


@contextmanager
def pinned(threads: int | None) -> Iterator[None]:
    """Limit the threads of BLAS, OpenMP, PyTorch and numba, as far as they are loaded already."""
    if threads is None:
        yield
        return
    with ExitStack() as undo:
        if version_of("threadpoolctl"):
            import threadpoolctl

            undo.enter_context(threadpoolctl.threadpool_limits(threads))
        for module, most in (("torch", threads), ("numba", min(threads, os.cpu_count() or 1))):
            if library := sys.modules.get(module):
                undo.callback(library.set_num_threads, library.get_num_threads())
                library.set_num_threads(most)
        yield


def in_words(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def check_equal(name: str, got: Iterable[float], expected: Iterable[float], tolerance: float = 1e-10) -> None:
    """Stop the benchmark unless every number agrees within a relative tolerance."""
    for mine, right in zip(got, expected, strict=True):
        if not abs(mine - right) <= tolerance * max(1.0, abs(right)):
            raise SystemExit(f"{name} computes {mine!r} where {right!r} is right: there is nothing to compare")


def check_alike(name: str, got: Iterable[float], expected: Iterable[float], tolerance: float) -> None:
    """Stop the benchmark unless all numbers agree within a tolerance, relative to the largest of them."""
    mine, right = list(got), list(expected)
    largest = max(map(abs, right))
    worst = max(abs(a - b) for a, b in zip(mine, right, strict=True)) / largest
    if not worst <= tolerance:
        raise SystemExit(
            f"{name} differs by {worst:.2g} of the largest number where {tolerance:g} is allowed: nothing to compare"
        )
