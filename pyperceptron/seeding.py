"""NumPy's legacy random stream, number for number, without NumPy."""

from __future__ import annotations

from array import array

_WORDS = 624
_MASK = 0xFFFFFFFF


def uniform_weights(count: int, seed: int) -> array[float]:
    """Return `count` numbers uniform in [-1, 1): `2 * numpy.random.random(count) - 1` after `numpy.random.seed(seed)`.

    seed  0 … 2³²-1
    """
    from random import Random  # here, because its import takes a tenth of the start-up and only this needs it

    stream = Random()
    stream.setstate((3, (*_init_genrand(seed), _WORDS), None))
    return array("d", (2 * stream.random() - 1 for _ in range(count)))


def unseeded_weights(count: int) -> array[float]:
    """Return `count` numbers uniform in [-1, 1) from the operating system's randomness, others each time."""
    from random import Random

    stream = Random()
    return array("d", (2 * stream.random() - 1 for _ in range(count)))


def _init_genrand(seed: int) -> list[int]:
    """Return the Mersenne Twister's initial state: Knuth's recurrence, as in Matsumoto and Nishimura's init_genrand (2002)."""
    state = [seed]
    for index in range(1, _WORDS):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + index) & _MASK)
    return state
