# Access to Python's buffers from C without copying, and Ctrl-C.

from libc.stdint cimport uint8_t, uintptr_t

from kernels cimport FLOAT32, FLOAT64, INTERRUPTED, OUT_OF_MEMORY, STOPPED, UINT8, Rows

cdef extern from "Python.h":
    int PyErr_CheckSignals() noexcept  # the kernel returns INTERRUPTED, and raise_status propagates the exception


cdef inline const uint8_t[::1] memory_of(view):
    """The bytes of a C-contiguous view: its own, or a copy if its numbers are not aligned as the processor wants them."""
    cdef const uint8_t[::1] memory = view.cast("B")
    if <uintptr_t> &memory[0] % <uintptr_t> view.itemsize:
        memory = bytes(memory)
    return memory


cdef inline Rows rows_of(view, const uint8_t[::1] memory):
    """Return the Rows of a two-dimensional view over `memory`, its memory_of, which must outlive them."""
    cdef Rows rows
    rows.memory = <const char*> &memory[0]
    rows.storage = FLOAT64 if view.format == "d" else FLOAT32 if view.format == "f" else UINT8
    rows.n_rows, rows.n_columns = view.shape
    rows.offsets = NULL
    return rows


cdef inline int is_interrupted() noexcept nogil:
    """Whether a signal handler has raised, as Ctrl-C's does; the exception is then set."""
    with gil:
        return PyErr_CheckSignals()


cdef inline int raise_status(int status) except -1:
    """Raise the exception for a kernel's status: MemoryError, InterruptedError, or the one that a signal handler has set."""
    if status == OUT_OF_MEMORY:
        raise MemoryError
    if status == STOPPED:
        raise InterruptedError("another thread has failed")
    return -1 if status == INTERRUPTED else 0
