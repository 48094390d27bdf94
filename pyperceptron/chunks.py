"""Map a function over ranges of chunks, optionally in threads, and sum its results in a fixed binary tree."""

from __future__ import annotations

import os
from _thread import allocate_lock, start_new_thread  # importing threading would take longer than many a training

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from array import array
    from collections.abc import Callable
    from typing import Any, TypeVar

    from pyperceptron.backends import Backend

    Result = TypeVar("Result")

CHUNK_VALUES = 65_536  # numbers in a chunk, at most, unless MIN_CHUNK_ROWS makes it more
CHUNK_WORK = 2_000_000  # multiplications for a chunk's logits, likewise: many outputs make a chunk of few rows worth a thread
MIN_CHUNK_ROWS = 128  # so that a chunk's gradient is small compared with its rows, and each quarter of it a long stream
WORTH_A_THREAD = 2_000_000  # multiplications that repay starting one
_WORK_AT_ONCE = 8_000_000  # multiplications in one job, a few milliseconds: after Ctrl-C each thread ends its own


class Chunks:
    """The chunks of a table's rows, and the threads that work on them.

    view      the table, n_rows × n_columns
    width     numbers in a row of the computation: n_columns and, with an intercept, 1 more
    threads   how many; None for as many as the work is worth and the machine has
    stop      one byte; a LinearLoss that is given it ends its work in every thread once it is not 0

    The number of rows in a chunk depends on the width and the outputs alone, so that the bits of a sum depend on nothing else.
    """

    def __init__(self, view: memoryview[float], width: int, n_outputs: int, threads: int | None, backend: Backend) -> None:
        self.n_rows = len(view)
        self.bytes_in_row = view.nbytes // self.n_rows
        self.rows_in_chunk = max(MIN_CHUNK_ROWS, min(CHUNK_VALUES // max(width, 8), CHUNK_WORK // (width * n_outputs)))
        self.n_chunks = -(-self.n_rows // self.rows_in_chunk)
        self.work = self.n_rows * width * n_outputs  # multiplications for one pass
        self.threads = threads or _sensible_threads(self.work)
        self._work_of_chunk = self.rows_in_chunk * width * n_outputs
        self.stop = bytearray(1)
        self._backend = backend

    def sum(self, function: Callable[..., array[float]], *arguments: Any) -> array[float]:
        """Return function(*arguments, 0, n_chunks), the sum of what the function returns for each chunk.

        Threads compute function(*arguments, first, last) for nodes of the binary tree that LinearLoss describes, so the sum has
        the same bits.
        """
        if self.threads == 1 or self.n_chunks == 1:
            return function(*arguments, 0, self.n_chunks)
        most = max(1, min(_WORK_AT_ONCE // max(self._work_of_chunk, 1), self.n_chunks // (4 * self.threads)))
        at_once = 1 << most.bit_length() - 1  # a power of two, so that each range is a node of the tree
        bounds = [(first, min(first + at_once, self.n_chunks)) for first in range(0, self.n_chunks, at_once)]
        parts: list[array[float]] = self.map(bounds, function, *arguments)
        return self._backend.add_in_tree(parts)  # type: ignore[no-any-return]

    def map(self, bounds: list[tuple[int, int]], function: Callable[..., Result], *arguments: Any) -> list[Result]:
        """Return [function(*arguments, first, last) for first, last in bounds], computed in threads, which end with the call.

        If one raises, the others stop, and its exception is raised here. Threads that the system refuses to start are done
        without.
        """
        if self.threads == 1 or len(bounds) == 1:
            return [function(*arguments, first, last) for first, last in bounds]
        results: dict[int, Result] = {}
        jobs = enumerate(bounds)
        busy: list[LockType] = []  # a lock for each thread, which it holds until it ends
        errors: list[BaseException] = []

        def take_jobs() -> None:
            for index, (first, last) in jobs:
                if self.stop[0]:
                    break
                results[index] = function(*arguments, first, last)

        def work_in_thread() -> None:
            lock = allocate_lock()
            with lock:
                busy.append(lock)  # before the first job, so that whoever finds no jobs left can wait for all others
                try:
                    take_jobs()
                except BaseException as error:
                    errors.append(error)
                    self.stop[0] = 1

        def wait() -> None:
            for lock in busy:
                with lock:
                    pass

        try:
            for _ in range(min(self.threads, len(bounds)) - 1):
                try:
                    start_new_thread(work_in_thread, ())
                except RuntimeError:  # too many threads, or the interpreter is shutting down
                    break
            take_jobs()
            wait()
        except BaseException as error:
            self.stop[0] = 1
            if not (errors and isinstance(error, InterruptedError)):  # else another thread's error stopped this one
                errors.insert(0, error)
            while busy:
                try:
                    wait()
                    busy.clear()
                except BaseException as later:  # a signal handler's, as of a second Ctrl-C
                    errors.insert(0, later)
        if errors:
            raise errors.pop(0)
        return [results[index] for index in range(len(bounds))]


def _sensible_threads(work: int) -> int:
    """Return how many threads the work, in multiplications for one pass, is worth, up to the number of cores."""
    if work < 2 * WORTH_A_THREAD:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, work // WORTH_A_THREAD)
