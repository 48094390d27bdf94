# From Python's tables to addresses, and Ctrl-C: what every function that Python calls has in common.

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport uint8_t, uintptr_t

from loops cimport BYTES, FLOAT32, FLOAT64, Table

cdef enum:
    WORK_BETWEEN_SIGNALS = 4194304  # multiplications


cdef inline const uint8_t[::1] memory_of(view):
    """The bytes of a C-contiguous view: its own, or a copy where its numbers do not lie as the processor wants them."""
    cdef const uint8_t[::1] memory = view.cast("B")
    if <uintptr_t> &memory[0] % <uintptr_t> view.itemsize:
        memory = bytes(memory)
    return memory


cdef inline Table table_of(view, const uint8_t[::1] memory):
    """A two-dimensional view as a table over its memory_of, which must be held for as long as the table is used."""
    cdef Table table
    table.memory = <const char*> &memory[0]
    table.storage = FLOAT64 if view.format == "d" else FLOAT32 if view.format == "f" else BYTES
    table.n_rows, table.n_columns = view.shape
    return table


cdef inline int look_for_signals() except -1 nogil:
    with gil:
        return PyErr_CheckSignals()
