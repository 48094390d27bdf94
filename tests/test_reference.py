"""Matrix, sigmoid, sigmoid_derivative and the seeding of weights."""

import ctypes
import math
import re
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperceptron import Matrix, sigmoid, sigmoid_derivative
from pyperceptron.seeding import uniform_weights, unseeded_weights

shapes = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
numbers = st.floats(-1e6, 1e6)

ROWS = "write Matrix([[1, 2, 3]]) for one row, Matrix([[1], [2], [3]]) for one column"
ARRAY = "a NumPy array of real numbers"
AS_MATRIX = "make a list of rows a Matrix, as Matrix([[0.5, 1.0]])"


def matrices(n_rows, n_columns):
    return st.lists(st.lists(numbers, min_size=n_columns, max_size=n_columns), min_size=n_rows, max_size=n_rows)


@given(shapes.flatmap(lambda s: st.tuples(matrices(s[0], s[1]), matrices(s[1], s[2]), matrices(s[0], s[1]))))
def test_matrix_against_numpy(case):
    a, b, c = case
    A, B, C = map(Matrix, case)
    np.testing.assert_allclose((A @ B).rows, np.array(a) @ np.array(b), rtol=1e-12, atol=1e-3)
    assert (A + C).rows == (np.array(a) + np.array(c)).tolist()
    assert (A - C).rows == (np.array(a) - np.array(c)).tolist()
    assert (A * C).rows == (np.array(a) * np.array(c)).tolist()
    assert (A * 2).rows == (2 * A).rows == (np.array(a) * 2).tolist()
    assert (A + 1).rows == (1 + A).rows == (np.array(a) + 1).tolist()
    assert (A - 1).rows == (np.array(a) - 1).tolist()
    assert (1 - A).rows == (1 - np.array(a)).tolist()
    assert A.T.rows == np.array(a).T.tolist()
    assert A.T.shape == A.shape[::-1]
    assert A.T.T == A


def test_matrix_behaves_as_a_sequence_of_rows():
    matrix = Matrix([(1, 2), (3, 4)])
    assert repr(matrix) == "Matrix([[1.0, 2.0], [3.0, 4.0]])"
    assert (len(matrix), matrix[1], list(matrix)) == (2, [3.0, 4.0], [[1.0, 2.0], [3.0, 4.0]])
    assert np.array(matrix).tolist() == matrix
    assert matrix != Matrix([[1, 2, 3, 4]])
    matrix[0][0] = 99
    matrix.rows[0][0] = 99
    assert matrix == [[1, 2], [3, 4]]


POINTER = ctypes.cast((ctypes.c_double * 3)(1, 2, 3), ctypes.POINTER(ctypes.c_double))  # it has no end


class ByColumns:
    """A data frame: iterating over it gives columns."""

    columns = ("a", "b")

    def __iter__(self):
        return iter([[1, 2], [3, 4]])

    def __repr__(self):
        return "ByColumns()"


class Broken:
    def __iter__(self):
        raise RuntimeError("no such block")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: Matrix([[1, 2], [3]]),
            ValueError,
            "row 1 has 1 number but row 0 has 2: make all rows of a Matrix equally long",
        ),
        (lambda: Matrix([1, 2, 3]), TypeError, f"a Matrix takes rows of numbers (got 1): {ROWS}"),
        (lambda: Matrix(["ab"]), TypeError, f"a Matrix takes rows of numbers (must be real number, not str): {ROWS}"),
        (lambda: Matrix([[1, None]]), TypeError, f"a Matrix takes rows of numbers (must be real number, not NoneType): {ROWS}"),
        (lambda: Matrix(POINTER), TypeError, f"a Matrix takes rows of numbers (got a value of type LP_c_double): {ROWS}"),
        (lambda: Matrix([POINTER]), TypeError, f"a Matrix takes rows of numbers (got a value of type LP_c_double): {ROWS}"),
        (lambda: Matrix([{1, 2}]), TypeError, f"a Matrix takes rows of numbers (got {{1, 2}}): {ROWS}"),
        (lambda: Matrix([b"12"]), TypeError, f"a Matrix takes rows of numbers (got b'12'): {ROWS}"),
        (lambda: Matrix(ByColumns()), TypeError, f"a Matrix takes rows of numbers (got ByColumns()): {ROWS}"),
        (lambda: Matrix(np.array([[1j]])), TypeError, f"a Matrix takes rows of numbers (got array([[0.+1.j]])): {ROWS}"),
        (lambda: Matrix(Broken()), TypeError, f"a Matrix takes rows of numbers (no such block): {ROWS}"),
        (lambda: sigmoid(np.complex128(1)), TypeError, f"sigmoid takes a number, a Matrix or {ARRAY}; got np.complex128(1+0j)"),
        (
            lambda: sigmoid(
                np.timedelta64(1, "s"),
            ),
            TypeError,
            f"sigmoid takes a number, a Matrix or {ARRAY}; got np.timedelta64(1,'s')",
        ),
        (lambda: sigmoid(np.ma.masked), TypeError, f"sigmoid takes a number, a Matrix or {ARRAY}; got masked"),
        (
            lambda: sigmoid(np.ma.array([1.0], mask=True)),
            TypeError,
            f"sigmoid takes a number, a Matrix or {ARRAY}; got a value",
        ),
        (lambda: sigmoid([1.0]), TypeError, f"sigmoid takes a number, a Matrix or {ARRAY}; got [1.0]: {AS_MATRIX}"),
        (lambda: sigmoid("1"), TypeError, f"sigmoid takes a number, a Matrix or {ARRAY}; got '1': {AS_MATRIX}"),
        (
            lambda: sigmoid_derivative(None),
            TypeError,
            f"sigmoid_derivative takes a number, a Matrix or {ARRAY}; got None: {AS_MATRIX}",
        ),
        (
            lambda: sigmoid(np.array([1j])),
            TypeError,
            f"sigmoid takes a number, a Matrix or {ARRAY}; got array([0.+1.j]): {AS_MATRIX}",
        ),
        (lambda: Matrix([]), ValueError, "a Matrix needs at least one row of at least one number"),
        (lambda: Matrix([[]]), ValueError, "a Matrix needs at least one row of at least one number"),
        (
            lambda: Matrix([[1, 2]]) @ Matrix([[1, 2]]),
            ValueError,
            "cannot multiply 1x2 by 1x2: the left one needs as many columns as the right one has rows",
        ),
        (
            lambda: Matrix([[1, 2]]) + Matrix([[1], [2]]),
            ValueError,
            "cannot combine 1x2 with 2x1 element by element: make their shapes the same",
        ),
        (lambda: Matrix([[1]]) @ 2, TypeError, "unsupported operand"),
        (lambda: Matrix([[1]]) * "2", TypeError, "can't multiply|unsupported operand"),
        (lambda: hash(Matrix([[1]])), TypeError, "unhashable"),
    ],
)
def test_matrix_refusals(make, error, message):
    with pytest.raises(error, match=message if "|" in message else re.escape(message)):
        make()


def test_the_sigmoid_of_a_numpy_matrix():
    assert sigmoid(np.array([[0.0, 0.0]]).view(np.matrix)).tolist() == [[0.5, 0.5]]


def test_products_within_the_range_are_finite():
    assert Matrix([[1e150, 1e150]]) @ Matrix([[1e150], [-1e150]]) == [[0.0]]
    assert Matrix([[1e150, -1e150]]) @ Matrix([[1e150], [-1e150]]) == [[1e150 * 1e150 * 2]]
    assert Matrix([[1e300, 1]]) @ Matrix([[1e300, 2], [0, 3]]) == [[math.inf, 2e300]]


@pytest.mark.parametrize(
    ("x", "expected"),
    [(0, 0.5), (1000, 1.0), (-1000, 0.0), (math.inf, 1.0), (-math.inf, 0.0), (1e308, 1.0), (-1e308, 0.0)],
)
def test_sigmoid_of_a_number(x, expected):
    assert sigmoid(x) == expected
    assert sigmoid(Matrix([[x]])) == [[expected]]


def test_sigmoid_of_nan_is_nan():
    assert math.isnan(sigmoid(math.nan))


def test_sigmoid_derivative_takes_the_output():
    assert sigmoid_derivative(0.5) == 0.25
    assert sigmoid_derivative(Matrix([[0.25, 1]])) == [[0.1875, 0.0]]


def exact_sigmoid(x):
    with localcontext() as context:
        context.prec = 60
        return 1 / (1 + (-Decimal(x)).exp())


@given(
    st.lists(
        st.one_of(st.floats(-40, 40), st.floats(-750, 750), st.floats(-1e-3, 1e-3), st.floats(-746, -708)),
        min_size=1,
        max_size=20,
    )
)
def test_sigmoid_is_accurate_to_two_ulps(make_layer, xs):
    outputs = make_layer(1, weights=[1.0]).forward([[x] for x in xs])
    for x, [output] in zip(xs, outputs, strict=True):
        exact = exact_sigmoid(x)
        assert abs(Decimal(output) - exact) <= 2 * Decimal(math.ulp(float(exact)))


@pytest.mark.parametrize("seed", [0, 1, 2, 12345, 2**32 - 1])
@pytest.mark.parametrize("count", [1, 3, 113, 114, 115, 198, 199, 311, 312, 313, 1500])
def test_seeded_weights_match_numpy_random_state(backend, count, seed):
    expected = 2 * np.random.RandomState(seed).random_sample(count) - 1
    assert backend.uniform_weights(count, seed).tolist() == expected.tolist()


def test_unseeded_weights_differ_each_time(make_layer):
    first, second = (make_layer(500).weights for _ in range(2))
    assert first != second
    assert all(-1 <= weight < 1 for [weight] in first)
    assert min(first) < [-0.5]
    assert max(first) > [0.5]


def test_seeding_does_not_change_the_global_random_state():
    import random

    random.seed(5)
    expected = random.random()
    random.seed(5)
    uniform_weights(3, 1)
    unseeded_weights(3)
    assert random.random() == expected


@pytest.mark.parametrize("function", [sigmoid, sigmoid_derivative])
@pytest.mark.parametrize("dtype", ["d", "f", "i8", "?", ">f8"])
def test_functions_of_numpy_arrays(function, dtype):
    values = np.array([[0, 1, 0], [1, 1, 0]], dtype)
    result = function(values)
    assert result.tolist() == function(Matrix(values)).rows
    assert result.dtype == float
    assert function(np.zeros((0, 3), dtype)).shape == (0, 3)
    assert function(values.T).tolist() == function(Matrix(values.T)).rows
    for number in (values[0, 1], np.array(1, dtype), Decimal(1), True):
        assert function(number) == function(1.0)
        assert type(function(number)) is float
