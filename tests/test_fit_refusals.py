"""Invalid input to Perceptron: both backends raise the same error and leave the model unchanged."""

import ctypes
import datetime
import re
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix

import pyperceptron as pp

NAN, INF = float("nan"), float("inf")
X = [[0, 1, 2], [3, 4, 5], [1, 0, 1], [2, 2, 0]]
Y = [0, 1, 1, 0]
MATRIX = [[0, 1], [1, 0], [0, 0], [1, 1]]
LIST_OF_ROWS = "give a list of rows"
FLAT = "write [X] for one row, or [[value] for value in X] for one column"
FLAT_ARRAY = "write [X] for one row, or X.reshape(-1, 1) for one column"
TEXTS = "turn texts into columns of numbers, such as a count for each word"
FILL_IN = "expected a finite number: fill it in or drop that row"
NO_TEXTS = "expected a finite number: give a Table or a data frame, in which a column may hold texts, or leave the column out"
CONVERT = "expected a finite number: convert it first, as float(...) does"
ZERO_OR_ONE = (
    "expected 0 or 1: a two-dimensional y means multi-label, one 0/1 column per label; "
    "for one label per row give a flat sequence"
)
TOO_LARGE = "expected a number from -1e150 to 1e150: scale it down"
ANOTHER_CLASS = "expected two classes or more: give rows of another class too"
LARGEST = 2**63 - 1


POINTER = ctypes.cast((ctypes.c_double * 3)(1, 2, 3), ctypes.POINTER(ctypes.c_double))  # it has no end
FLATTEN = "flatten each sample into one row"
ONE_ROW = "expected a flat row of 3 numbers"


class Unhashable:
    __hash__ = None

    def __repr__(self):
        return "Unhashable()"


# Invalid X for fit and, on a model fitted with 3 columns, for predict, score and the like.
REFUSED_SAMPLES = [
    ([[1, 2, 3], [4, 5]], ValueError, "X row 1 has 2 numbers but row 0 has 3: give every row equally many"),
    ([[1, "2", 3]], TypeError, f"X row 0, column 1 is the text '2'; {CONVERT}"),
    (["123"], TypeError, f"X row 0 is the text '123'; expected a row of numbers: {TEXTS}"),
    ([[1, 2, 3], [4, 5, None]], TypeError, f"X row 1, column 2 is None; {FILL_IN}"),
    ([[1, 2, 3], None], TypeError, "X row 1 is None; expected a row of numbers: fill it in or drop it"),
    (None, TypeError, f"X is None; expected rows of numbers: {LIST_OF_ROWS}"),
    (7, TypeError, f"X is 7; expected rows of numbers: {LIST_OF_ROWS}"),
    ({1, 2}, TypeError, "X is {1, 2}; expected rows of numbers: give its values in a list"),
    ({"a": 1}, TypeError, "X is {'a': 1}; expected rows of numbers: give its values in a list"),
    ([{1, 2, 3}], TypeError, "X row 0 is {1, 2, 3}; expected a row of numbers: give its values in the order of the columns"),
    ([1, 2, 3], TypeError, f"X row 0 is 1; expected a row of numbers: {FLAT}"),
    (np.ones(3), ValueError, f"X must have two dimensions, rows and columns; got 1: {FLAT_ARRAY}"),
    (np.ones((2, 3, 1)), ValueError, "X must have two dimensions, rows and columns; got 3: flatten each sample into one row"),
    ([], ValueError, "X must not be empty: give at least one row of at least one number"),
    ([[], []], ValueError, "X must not be empty: give at least one row of at least one number"),
    (np.ones((0, 3)), ValueError, "X must not be empty: give at least one row of at least one number"),
    (
        [[1, 2, 10**400]],
        ValueError,
        "X row 0, column 2 is an integer too large for a float; expected a finite number: scale it down",
    ),
    (np.array([[1, 2, 3j]]), TypeError, "X must hold real numbers; got elements of type complex128: convert them first"),
    (
        np.zeros((2, 3), "M8[ns]"),
        TypeError,
        "X must hold real numbers; got elements of type datetime64[ns]: convert them first",
    ),
    (
        memoryview(np.ones((2, 3), "e")),
        TypeError,
        "X must hold real numbers in native byte order; got elements of buffer format 'e': convert them first",
    ),
    (
        np.ones((2, 3), dtype=[("a", "d")]),
        TypeError,
        "X must hold real numbers; got elements of type [('a', '<f8')]: convert them first",
    ),
    (csr_array([[1, 2, 3]]), TypeError, "X is a sparse matrix of type csr_array; expected a dense one: call its toarray()"),
    (csr_matrix([[1, 2, 3]]), TypeError, "X is a sparse matrix of type csr_matrix; expected a dense one: call its toarray()"),
    (POINTER, TypeError, f"X is a value of type LP_c_double; expected rows of numbers: {LIST_OF_ROWS}"),
    (
        [[1, 2, 3], POINTER],
        TypeError,
        "X row 1 is a value of type LP_c_double; expected a row of numbers: fill it in or drop it",
    ),
    (pp.Matrix, TypeError, f"X is <class 'pyperceptron.matrix.Matrix'>; expected rows of numbers: {LIST_OF_ROWS}"),
    ("1, 2, 3", TypeError, f"X is the text '1, 2, 3'; expected rows of numbers: {TEXTS}"),
    (
        np.array(["win a prize, win a prize, win a prize today"]),
        TypeError,
        f"X row 0 is the text 'win a prize, win a prize, win a priz'...; expected a row of numbers: {TEXTS}",
    ),
    ([b"1,2"], TypeError, f"X row 0 is b'1,2'; expected a row of numbers: {TEXTS}"),
    ([["Oslo", 2, 3]], TypeError, f"X row 0, column 0 is the text 'Oslo'; {NO_TEXTS}"),
    ([np.ones((3, 1))] * 2, ValueError, f"X row 0 has the shape (3, 1); expected a flat row of numbers: {FLATTEN}"),
    ([[[1, 2], [3, 4]]], TypeError, f"X row 0, column 0 is [1, 2]; expected a finite number: {FLATTEN} of numbers"),
    (
        [[1, 2, datetime.date(2020, 1, 1)]],
        TypeError,
        "X row 0, column 2 is datetime.date(2020, 1, 1); expected a finite number: turn dates into numbers, such as days since "
        "a first date",
    ),
    (
        [[1, 2, np.timedelta64(5, "ns")]],
        TypeError,
        "X row 0, column 2 is np.timedelta64(5,'ns'); expected a finite number: turn dates into numbers, such as days since "
        "a first date",
    ),
    (
        [[1, 2, np.complex128(1)]],
        TypeError,
        "X row 0, column 2 is np.complex128(1+0j); expected a finite number: convert it to a real number first",
    ),
    ([[1, 2, Decimal("sNaN")]], TypeError, f"X row 0, column 2 is Decimal('sNaN'); {FILL_IN}"),
    (np.ma.masked, ValueError, f"X row 0, column 0 is masked; {FILL_IN}"),
    ([[1, 2, np.ma.masked]], TypeError, f"X row 0, column 2 is masked; {FILL_IN}"),
    ([[1, 2, 3], np.ma.array([1, 2, 3], mask=[0, 1, 0])], ValueError, f"X row 1, column 1 is masked; {FILL_IN}"),
    (
        np.ma.array([[1, 2, 3], [4, 5, 999]], mask=[[0, 0, 0], [0, 0, 1]]),
        ValueError,
        f"X row 1, column 2 is masked; {FILL_IN}",
    ),
]

# These need a valid y, because y is checked before X is searched for values that are not finite.
NOT_FINITE = [
    ([[1, 2, 3], [4, 5, NAN]], f"X row 1, column 2 is nan; {FILL_IN}"),
    ([[1, 2, 3], [4, 5, 6], [INF, 8, 9]], f"X row 2, column 0 is inf; {FILL_IN}"),
    (np.array([[1, 2, 3], [4, -INF, 6]], "f"), f"X row 1, column 1 is -inf; {FILL_IN}"),
    (np.array([[NAN, 2, 3], [4, NAN, 6]])[::-1], f"X row 0, column 1 is nan; {FILL_IN}"),
    (np.array([[1, 2, 3], [4, np.finfo("g").max, 6]], "g"), f"X row 1, column 1 is inf; {FILL_IN}"),
]

REFUSED_FITS = [
    ((X, [0, 1, 1]), ValueError, "y has 3 labels but X has 4 rows: give one label for each row of X"),
    ((X[:1], [0, 1]), ValueError, "y has 2 labels but X has 1 row: give one label for each row of X"),
    ((X, np.zeros((5, 2))), ValueError, "y has 5 labels but X has 4 rows: give one label for each row of X"),
    ((X, []), ValueError, "y has 0 labels but X has 4 rows: give one label for each row of X"),
    ((X, None), TypeError, "y is None; expected a sequence of labels, one for each row of X"),
    ((X, 7), TypeError, "y is 7; expected a sequence of labels, one for each row of X"),
    ((X, "0110"), TypeError, "y is the text '0110'; expected a sequence of labels, one for each row of X"),
    ((X, b"0110"), TypeError, "y is b'0110'; expected a sequence of labels, one for each row of X"),
    ((X, POINTER), TypeError, "y is a value of type LP_c_double; expected a sequence of labels, one for each row of X"),
    ((X, csr_array([Y])), TypeError, "y is a sparse matrix of type csr_array; expected a dense one: call its toarray()"),
    (
        (X, memoryview(np.array(Y, "e"))),
        TypeError,
        "y must hold real numbers in native byte order; got elements of buffer format 'e': convert them first",
    ),
    ((X, np.ma.array(Y, mask=[0, 0, 1, 0])), ValueError, "y row 2 is masked; expected a label: fill it in or drop that row"),
    ((X, Y, np.ma.array([1, 1, 1, 1], mask=[0, 0, 1, 0])), ValueError, f"sample_weight row 2, column 0 is masked; {FILL_IN}"),
    ((X, {0: 1}), TypeError, "y is {0: 1}; expected a sequence of labels, one for each row of X: give its values in a list"),
    ((X, np.zeros((4, 2, 2))), ValueError, "y must have one dimension, or two for several outputs; got 3"),
    ((X, np.float64(1)), ValueError, "y must have one dimension, or two for several outputs; got 0"),
    ((X, [1] * 4), ValueError, f"y has only the label 1; {ANOTHER_CLASS}"),
    ((X, ["a"] * 4), ValueError, f"y has only the label 'a'; {ANOTHER_CLASS}"),
    ((X, np.ones(4)), ValueError, f"y has only the label 1.0; {ANOTHER_CLASS}"),
    ((X, [[1]] * 4), ValueError, f"y has only the label 1; {ANOTHER_CLASS}"),
    ((X, [0, 1, NAN, 0]), ValueError, "y row 2 is nan; expected a label: fill it in or drop that row"),
    ((X, np.array([0, 1, 0, NAN])), ValueError, "y row 3 is nan; expected a label: fill it in or drop that row"),
    ((X, [0, None, 1, 0]), ValueError, "y row 1 is None; expected a label: fill it in or drop that row"),
    ((X, np.array(["a", None, "b", "a"])), ValueError, "y row 1 is None; expected a label: fill it in or drop that row"),
    (
        (X, [0, {1}, 1, 0]),
        TypeError,
        "y row 1 is {1}, which cannot be hashed; expected a label such as a number or a string",
    ),
    (
        (X, [0, 1, 0, Unhashable()]),
        TypeError,
        "y row 3 is Unhashable(), which cannot be hashed; expected a label such as a number or a string",
    ),
    ((X, [[0, 1], [1, 2], [0, 0], [1, 1]]), ValueError, f"y row 1, column 1 is 2; {ZERO_OR_ONE}"),
    ((X, np.array([[0, 1], [1, 0], [0.5, 0], [1, 1]])), ValueError, f"y row 2, column 0 is 0.5; {ZERO_OR_ONE}"),
    ((X, np.array([[0, 1], [1, NAN], [0, 0], [1, 1]])), ValueError, f"y row 1, column 1 is nan; {ZERO_OR_ONE}"),
    ((X, [[0, "1"], [1, 0], [0, 0], [1, 1]]), ValueError, f"y row 0, column 1 is '1'; {ZERO_OR_ONE}"),
    (
        (X, [[0, 1], [1], [0, 0], [1, 1]]),
        ValueError,
        "y row 1 has 1 number but row 0 has 2: give every row one for each output",
    ),
    ((X, np.zeros((4, 0))), ValueError, "y is empty in its second dimension: give a column for each output"),
    (
        (X, Y, [1, 1, -1, 1]),
        ValueError,
        "sample_weight row 2, column 0 is -1.0; expected 0 or more: weigh a row 0 to leave it out",
    ),
    ((X, Y, [0] * 4), ValueError, "sample_weight is 0 for every row: give at least one row of each class a positive weight"),
    ((X, Y, [1, 0, 0, 1]), ValueError, f"y has only the label 0; {ANOTHER_CLASS}"),
    ((X, Y, [1, NAN, 1, 1]), ValueError, f"sample_weight row 1, column 0 is nan; {FILL_IN}"),
    ((X, Y, [1, 1, 1, INF]), ValueError, f"sample_weight row 3, column 0 is inf; {FILL_IN}"),
    ((X, Y, [1, None, 1, 1]), TypeError, f"sample_weight row 1, column 0 is None; {FILL_IN}"),
    (
        (X, Y, ["a", 1, 1, 1]),
        TypeError,
        "sample_weight row 0, column 0 is the text 'a'; expected a finite number: give numbers",
    ),
    ((X, Y, [1, 1]), ValueError, "sample_weight has 2 rows of 1 number but X has 4 rows: give one number for each row of X"),
    (
        (X, Y, np.ones((4, 2))),
        ValueError,
        "sample_weight has 4 rows of 2 numbers but X has 4 rows: give one number for each row of X",
    ),
    ((X, Y, []), ValueError, "sample_weight must not be empty: give at least one row of at least one number"),
    ((X, Y, 7), TypeError, f"sample_weight is 7; expected rows of numbers: {LIST_OF_ROWS}"),
    (([[1e200, 1], [-1e200, 2]], [0, 1]), ValueError, f"X row 0, column 0 is 1e+200; {TOO_LARGE}"),
    (([[1, 1e200], [2, 1]], [0, 1]), ValueError, f"X row 0, column 1 is 1e+200; {TOO_LARGE}"),
    (([[1, 1], [1, -1e151], [0, 0]], [0, 1, 0]), ValueError, f"X row 1, column 1 is -1e+151; {TOO_LARGE}"),
    (([[1e200], [1e200]], [0, 1]), ValueError, f"X row 0, column 0 is 1e+200; {TOO_LARGE}"),
    (([[-sys.float_info.max], [0]], [0, 1]), ValueError, f"X row 0, column 0 is -1.7976931348623157e+308; {TOO_LARGE}"),
]

OR_NONE = ": for as many as the data are worth leave it None"
REFUSED_PARAMETERS = [
    ({"loss": "hinge"}, ValueError, "loss is 'hinge'; expected 'log_loss' or 'squared_error'"),
    ({"loss": None}, ValueError, "loss is None; expected 'log_loss' or 'squared_error'"),
    ({"l2": -1}, ValueError, "l2 is -1; expected 0 or a positive finite number"),
    ({"l2": NAN}, ValueError, "l2 is nan; expected 0 or a positive finite number"),
    ({"l2": "1"}, TypeError, "l2 is '1'; expected a number"),
    ({"l2": True}, TypeError, "l2 is True; expected a number"),
    ({"l1": INF}, ValueError, "l1 is inf; expected 0 or a positive finite number"),
    ({"l1": [1]}, TypeError, "l1 is [1]; expected a number"),
    ({"fit_intercept": 1}, TypeError, "fit_intercept is 1; expected True or False"),
    ({"standardize": "yes"}, TypeError, "standardize is 'yes'; expected True or False"),
    ({"targets": "numbers"}, ValueError, "targets is 'numbers'; expected 'labels' or 'probabilities'"),
    ({"solver": "adam"}, ValueError, "solver is 'adam'; expected 'auto', 'gd', 'lbfgs' or 'newton'"),
    ({"solver": ["gd"]}, ValueError, "solver is ['gd']; expected 'auto', 'gd', 'lbfgs' or 'newton'"),
    ({"max_iter": 0}, ValueError, f"max_iter is 0; expected a whole number from 1 to {LARGEST}"),
    ({"max_iter": 2**63}, ValueError, f"max_iter is {2**63}; expected a whole number from 1 to {LARGEST}"),
    ({"max_iter": 1.5}, TypeError, "max_iter is 1.5; expected a whole number"),
    ({"max_iter": True}, TypeError, "max_iter is True; expected a whole number"),
    ({"tol": -1e-9}, ValueError, "tol is -1e-09; expected 0 or a positive finite number"),
    ({"tol": None}, TypeError, "tol is None; expected a number"),
    ({"learning_rate": 0}, ValueError, "learning_rate is 0; expected a positive finite number"),
    ({"learning_rate": NAN}, ValueError, "learning_rate is nan; expected a positive finite number"),
    ({"learning_rate": "fast"}, TypeError, "learning_rate is 'fast'; expected a number"),
    ({"class_weight": "even"}, ValueError, "class_weight is 'even'; expected None, 'balanced' or a mapping from labels"),
    ({"class_weight": [1, 2]}, ValueError, "class_weight is [1, 2]; expected None, 'balanced' or a mapping from labels"),
    (
        {"class_weight": np.ones(2)},
        ValueError,
        "class_weight is array([1., 1.]); expected None, 'balanced' or a mapping from labels",
    ),
    ({"warm_start": None}, TypeError, "warm_start is None; expected True or False"),
    ({"threads": 0}, ValueError, f"threads is 0; expected a whole number from 1 to 1024{OR_NONE}"),
    ({"threads": 1025}, ValueError, f"threads is 1025; expected a whole number from 1 to 1024{OR_NONE}"),
    ({"threads": 1.0}, TypeError, f"threads is 1.0; expected a whole number{OR_NONE}"),
    ({"callback": 7}, TypeError, "callback is 7; expected a function of the model and the iteration, or None"),
    ({"verbose": 2}, TypeError, "verbose is 2; expected True or False"),
]

NAME_ALL = "leave it out, or name every label of y"
TOO_LIGHT = "expected weights that differ less: choose less extreme ones"
REFUSED_CLASS_WEIGHTS = [
    ({2: 1}, Y, ValueError, f"class_weight names 2, which is no label in y, but not 0, which is: {NAME_ALL}"),
    ({0: 1, "a": 2}, Y, ValueError, f"class_weight names 'a', which is no label in y, but not 1, which is: {NAME_ALL}"),
    (
        {"0": 1, "1": 5},
        Y,
        ValueError,
        "class_weight names '0', of type str, but y has 0, of type int; expected keys that are labels of y: "
        "convert them, as int(...) does",
    ),
    (
        {0: 1, 1: 5},
        ["0", "1", "0", "1"],
        ValueError,
        "class_weight names 0, of type int, but y has '0', of type str; expected keys that are labels of y: "
        "convert them, as str(...) does",
    ),
    (
        {"true": 2},
        [True, False, True, False],
        ValueError,
        "class_weight names 'true', of type str, but y has True, of type bool; expected keys that are labels of y: "
        "give the labels themselves",
    ),
    (
        {b"a": 2},
        ["a", "b", "a", "b"],
        ValueError,
        "class_weight names b'a', of type bytes, but y has 'a', of type str; expected keys that are labels of y: "
        "give the labels themselves",
    ),
    ({0: True, 1: 2}, Y, TypeError, "class_weight[0] is True; expected a number"),
    (
        {0: Fraction(1, 10**400), 1: 2},
        Y,
        ValueError,
        "class_weight[0] is a value of type Fraction; expected a positive finite number",
    ),
    ({0: np.ones(1), 1: 2}, Y, TypeError, "class_weight[0] is array([1.]); expected a number"),
    (
        {0: 1e-200, 1: 1e200},
        Y,
        ValueError,
        f"class 0 weighs less than 1e-100 times as much as class 1 under class_weight; {TOO_LIGHT}",
    ),
    ({1: 0}, Y, ValueError, "class_weight[1] is 0; expected a positive finite number"),
    ({1: NAN}, Y, ValueError, "class_weight[1] is nan; expected a positive finite number"),
    ({1: np.timedelta64(5, "s")}, Y, TypeError, "class_weight[1] is np.timedelta64(5,'s'); expected a number"),
    ({1: "x"}, Y, TypeError, "class_weight[1] is 'x'; expected a number"),
    (
        "balanced",
        MATRIX,
        ValueError,
        "class_weight is for one label per row; for a 0/1 matrix or probabilities use sample_weight",
    ),
]

# Invalid x for predict_one and predict_proba_one of a model fitted with 3 columns.
REFUSED_ROWS = [
    ([1, 2], ValueError, "x has 2 numbers but the model was fitted with 3: give 3 numbers"),
    ((1, 2, 3, 4), ValueError, "x has 4 numbers but the model was fitted with 3: give 3 numbers"),
    (np.ones(4), ValueError, "x has 4 numbers but the model was fitted with 3: give 3 numbers"),
    ([1, 2, NAN], ValueError, f"x row 0, column 2 is nan; {FILL_IN}"),
    (np.array([1, INF, 3]), ValueError, f"x row 0, column 1 is inf; {FILL_IN}"),
    ([1, None, 3], TypeError, f"x row 0, column 1 is None; {FILL_IN}"),
    ([1, 2, "3"], TypeError, f"x row 0, column 2 is the text '3'; {CONVERT}"),
    ([[1, 2, 3]], TypeError, "x is [[1, 2, 3]]; expected a flat row of 3 numbers: predict takes several rows"),
    (
        [10**400, 1, 1],
        ValueError,
        "x row 0, column 0 is an integer too large for a float; expected a finite number: scale it down",
    ),
    (np.ones((1, 3)), TypeError, f"x is array([[1., 1., 1.]]); {ONE_ROW}: predict takes several rows"),
    ([np.ones(3)], TypeError, f"x is [array([1., 1., 1.])]; {ONE_ROW}: predict takes several rows"),
    (np.array(1.0), TypeError, f"x is array(1.); {ONE_ROW}"),
    (csr_array([[1, 2, 3]]), TypeError, "x is a sparse matrix of type csr_array; expected a dense one: call its toarray()"),
    (POINTER, TypeError, f"x is a value of type LP_c_double; {ONE_ROW}"),
    ({"a": 1}, TypeError, f"x is {{'a': 1}}; {ONE_ROW}: the model was fitted without column names"),
    (np.ma.array([1, 2, 3], mask=[0, 0, 1]), ValueError, f"x row 0, column 2 is masked; {FILL_IN}"),
    ("123", TypeError, "x is the text '123'; expected a flat row of 3 numbers"),
    (7, TypeError, "x is 7; expected a flat row of 3 numbers"),
    (None, TypeError, "x is None; expected a flat row of 3 numbers"),
    ({1, 2, 3}, TypeError, "x is {1, 2, 3}; expected a flat row of 3 numbers: give its values in a list"),
]


def refusal(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
    assert type(caught.value) is error
    assert caught.value.__cause__ is None


def state(model):
    return np.ravel(model.coef_).tolist(), list(model.intercept_), model.n_iter_, model.predict_proba(X)


@pytest.fixture
def model(make_model):
    return make_model(l2=0.1).fit(X, Y)


def named(cases, place=-1):
    return [case[place] for case in cases]


@pytest.mark.parametrize(("samples", "error", "message"), REFUSED_SAMPLES, ids=named(REFUSED_SAMPLES))
def test_refused_samples(model, samples, error, message):
    before = state(model)
    for call in (model.predict, model.predict_proba, model.decision_function):
        refusal(lambda call=call: call(samples), error, message)
    refusal(lambda: model.fit(samples, Y), error, message)
    refusal(lambda: model.score(samples, Y), error, message)
    assert state(model) == before


@pytest.mark.parametrize(("samples", "message"), NOT_FINITE, ids=named(NOT_FINITE))
def test_samples_that_are_not_finite(model, samples, message):
    before = state(model)
    for call in (model.predict, model.predict_proba, model.decision_function):
        refusal(lambda call=call: call(samples), ValueError, message)
    refusal(lambda: model.fit(samples, [0, 1, 0][: len(samples)]), ValueError, message)
    refusal(lambda: model.fit(samples, [0, 1, 0][: len(samples)], [1, 2, 3][: len(samples)]), ValueError, message)
    assert state(model) == before


def test_error_locates_one_non_finite_value_among_many(make_model):
    samples, labels = np.ones((3000, 7)), np.arange(3000) % 2
    model = make_model(l2=0.1).fit(samples[:4] * 0.5, labels[:4])
    for row, column in ((0, 0), (1, 6), (2047, 3), (2999, 6)):
        samples[row, column] = NAN
        message = f"X row {row}, column {column} is nan; {FILL_IN}"
        refusal(lambda: model.predict(samples), ValueError, message)
        refusal(lambda: model.fit(samples, labels), ValueError, message)
        samples[row, column] = 1.0


@pytest.mark.parametrize(("arguments", "error", "message"), REFUSED_FITS, ids=named(REFUSED_FITS))
def test_refused_fits(make_model, model, arguments, error, message):
    before = state(model)
    refusal(lambda: model.fit(*arguments), error, message)
    assert state(model) == before
    fresh = make_model()
    refusal(lambda: fresh.fit(*arguments), error, message)
    assert not hasattr(fresh, "coef_")


@pytest.mark.parametrize(("samples", "count"), [([[1, 2]], "2 columns"), ([[1]], "1 column"), (np.ones((2, 4)), "4 columns")])
def test_predict_refuses_a_different_number_of_columns(model, samples, count):
    message = f"X has {count} but the model was fitted with 3: give rows of 3 numbers"
    for call in (model.predict, model.predict_proba, model.decision_function):
        refusal(lambda call=call: call(samples), ValueError, message)


@pytest.mark.parametrize(("x", "error", "message"), REFUSED_ROWS, ids=named(REFUSED_ROWS))
def test_refused_rows(model, x, error, message):
    refusal(lambda: model.predict_one(x), error, message)
    refusal(lambda: model.predict_proba_one(x), error, message)


@pytest.mark.parametrize(("params", "error", "message"), REFUSED_PARAMETERS, ids=named(REFUSED_PARAMETERS))
def test_refused_parameters(make_model, params, error, message):
    """The constructor, set_params and, after a plain attribute assignment, fit all check parameters."""
    refusal(lambda: make_model(**params), error, message)
    model = make_model(l2=0.5)
    before = model.get_params()
    refusal(
        lambda: model.set_params(max_iter=5, **params) if "max_iter" not in params else model.set_params(**params),
        error,
        message,
    )
    assert model.get_params() == before
    for name, value in params.items():
        setattr(model, name, value)
    refusal(lambda: model.fit(X, Y), error, message)


@pytest.mark.parametrize(("params", "scale"), [({"l2": 1e308}, 100), ({"l2": 1e100}, 1e140), ({"l1": 1e200}, 1e140)], ids=str)
def test_a_penalty_that_overflows_in_standardised_columns(make_model, params, scale):
    [(name, value)] = params.items()
    message = (
        f"{name} is {value!r}; expected less, as standardize=True multiplies it by the scale of a column and it overflows: "
        "lower it, or scale X down"
    )
    samples = [[scale * value for value in row] for row in X]
    refusal(lambda: make_model(standardize=True, **params).fit(samples, Y), ValueError, message)


def test_refused_parameters_cover_every_parameter():
    tried = {name for params, *_ in REFUSED_PARAMETERS for name in params}
    assert tried | {"backend"} == set(pp.Perceptron().get_params())


@pytest.mark.parametrize("backend", ["numpy", None, ["auto"]], ids=str)
def test_an_unknown_backend(make_model, backend):
    message = f"backend is {backend!r}; expected 'auto', 'cython' or 'python'"
    refusal(lambda: pp.Perceptron(backend=backend), ValueError, message)
    refusal(lambda: make_model().set_params(backend=backend), ValueError, message)


def test_unknown_parameters(make_model):
    model = make_model()
    before = model.get_params()
    expected = ", ".join(before)
    for name, remedy in (
        ("quick", f"; expected some of {expected}"),
        ("max_iters", ": did you mean 'max_iter'?"),
        ("Solver", ": did you mean 'solver'?"),
        ("C", ": set l2 = 1/(C * sum of the weights of the rows), which is 1/(C * len(X)) without weights"),
        ("penalty", ": set l2 or l1, the factors of the penalties, which are 0 by default"),
        ("n_jobs", ": set threads, where None stands for as many as the data are worth"),
        ("random_state", ": leave it out, as nothing here is random"),
    ):
        message = f"Perceptron has no parameter {name!r}{remedy}"
        refusal(lambda name=name: model.set_params(l2=1.0, **{name: 1}), ValueError, message)
        assert model.get_params() == before
        refusal(lambda name=name: make_model(**{name: 1}), TypeError, message)
    refusal(lambda: pp.Perceptron("log_loss"), TypeError, "Perceptron.__init__() takes 1 positional argument but 2 were given")


@pytest.mark.parametrize(("class_weight", "y", "error", "message"), REFUSED_CLASS_WEIGHTS, ids=named(REFUSED_CLASS_WEIGHTS))
def test_refused_class_weights(make_model, class_weight, y, error, message):
    model = make_model(class_weight=class_weight)
    refusal(lambda: model.fit(X, y), error, message)
    assert not hasattr(model, "coef_")


def test_refused_scores(model):
    refusal(lambda: model.score(X, [0, 1]), ValueError, "y has 2 labels but X has 4 rows: give one label for each row of X")
    refusal(
        lambda: model.score(X, Y, [1, 2]),
        ValueError,
        "sample_weight has 2 rows of 1 number but X has 4 rows: give one number for each row of X",
    )
    text = "expected labels such as fit was given: convert y to them"
    for y in (["0", "1", "1", "0"], MATRIX, np.array(MATRIX), [np.array(row) for row in MATRIX], [0.5, 0.25, 2, 3]):
        shown = repr(np.array(y[0]).tolist())
        refusal(
            lambda y=y: model.score(X, y),
            ValueError,
            f"no label of y is a class of the model: y has {shown} where classes_ has 0; {text}",
        )


@pytest.mark.parametrize("n", [4, 5000])
def test_infinite_label_is_refused_for_any_number_of_rows(make_model, n):
    """Arrays and lists, short and long, are read by different code, which must agree."""
    labels = np.arange(n) % 2.0
    labels[1] = INF
    samples = np.arange(n, dtype=float)[:, None] % 7
    for y in (labels, labels.tolist()):
        refusal(
            lambda y=y: make_model(l2=0.1, tol=10.0).fit(samples, y),
            ValueError,
            "y row 1 is inf; expected a label: fill it in or drop that row",
        )


@pytest.mark.parametrize("weight", [0.0, 5e-324, 1e-300, 1e-12, 1e-9, 1.0])
@pytest.mark.parametrize("value", [1.1e150, -1e153, 1e200, -sys.float_info.max, INF, -INF, NAN])
@pytest.mark.parametrize("row", [0, 2, 3])
def test_a_row_of_little_weight_is_checked_like_any_other(make_model, weight, value, row):
    samples, weights = [[0.0, 1], [2, 3], [1, 1], [5, 0]], [1.0] * 4
    samples[row][1], weights[row] = value, weight
    remedy = TOO_LARGE if np.isfinite(value) else FILL_IN
    message = f"X row {row}, column 1 is {value!r}; {remedy}"
    refusal(lambda: make_model(l2=0.1).fit(samples, Y, weights), ValueError, message)
    refusal(lambda: make_model(l2=0.1).fit(np.array(samples), Y, np.array(weights) * 1e-30), ValueError, message)


def test_a_row_of_a_light_class_is_checked_like_any_other(make_model):
    samples = [[0.0, 1], [1e151, 3], [1, 1], [5, 0]]
    model = make_model(l2=0.1, class_weight={1: 1e-20})
    refusal(lambda: model.fit(samples, Y), ValueError, f"X row 1, column 0 is 1e+151; {TOO_LARGE}")


def test_a_row_of_weight_0_within_the_limit_changes_nothing(make_model):
    without = make_model(l2=0.1).fit(X, Y)
    with_it = make_model(l2=0.1).fit([*X, [1e150, -1e150, 1e149]], [*Y, 0], [1, 1, 1, 1, 0])
    np.testing.assert_allclose(with_it.coef_, without.coef_, rtol=1e-6)
    np.testing.assert_allclose(with_it.intercept_, without.intercept_, rtol=1e-6)


@pytest.mark.parametrize("weight", [5e-324, 1e-310, 1e-300, 1e300, 1e308])
def test_fit_is_invariant_to_the_scale_of_sample_weights(make_model, weight):
    weighted, plain = make_model(l2=0.1).fit(X, Y, [weight] * 4), make_model(l2=0.1).fit(X, Y)
    assert (weighted.coef_, weighted.intercept_) == (plain.coef_, plain.intercept_)


def broken(**methods):
    """Return an object with methods that raise or return what they should not."""
    return type("Broken", (), {**methods, "__repr__": lambda self: "Broken()"})()


def fails(*args, **kwargs):
    raise RuntimeError("connection lost\nsecond line")


def released():
    view = memoryview(bytearray(3))
    view.release()
    return view


UNREADABLE = {
    "iterator": (lambda: broken(__iter__=fails), "connection lost"),
    "keys": (lambda: broken(__len__=lambda self: 3, __getitem__=lambda self, index: {}[index]), "0"),
    "array": (lambda: broken(__array__=fails), "connection lost"),
    "Arrow stream": (lambda: broken(__arrow_c_stream__=fails), "connection lost"),
    "no capsule": (lambda: broken(__arrow_c_array__=lambda self: ()), "tuple index out of range"),
    "interchange": (lambda: broken(__dataframe__=fails), "connection lost"),
    "query": (lambda: broken(fetchall=fails, __iter__=fails), "connection lost"),
    "released": (released, "operation forbidden on released memoryview object"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_object_that_fails_is_named_with_the_reason(make_model, make_layer, kind):
    make, reason = UNREADABLE[kind]
    model, layer = make_model(l2=0.1).fit(X, Y), make_layer(3)
    for name, call in (
        ("X", lambda: model.fit(make(), Y)),
        ("X", lambda: model.predict(make())),
        ("sample_weight", lambda: model.fit(X, Y, make())),
        ("inputs", lambda: layer.train(make(), Y)),
        ("targets", lambda: layer.train(X, make())),
        ("weights", lambda: setattr(layer, "weights", make())),
    ):
        with pytest.raises(ValueError) as caught:
            call()
        assert str(caught.value) == f"{name} cannot be read ({reason}): give plain lists"
    assert model.predict(X) == Y


def test_rows_and_labels_that_fail_are_named(make_model):
    model = make_model(l2=0.1).fit(X, Y)
    with pytest.raises(ValueError, match=r"^y cannot be read \(connection lost\): give plain lists$"):
        model.fit(X, broken(__iter__=fails))
    with pytest.raises(ValueError, match=r"^x cannot be read \(connection lost\): give plain lists$"):
        model.predict_one(broken(__iter__=fails))
    with pytest.raises(TypeError, match=r"^x is Broken\(\); expected a flat row of 3 numbers$"):
        model.predict_one(broken(__len__=lambda self: 3))
    for value in (broken(__float__=fails), broken(__index__=fails), broken(__repr__=fails), broken(__eq__=fails)):
        with pytest.raises(
            TypeError, match=r"^X row 1, column 2 is (Broken\(\)|a value of type Broken); expected a finite number"
        ):
            model.predict([[1, 2, 3], [1, 2, value]])


def test_messages_hold_no_addresses(make_model):
    with pytest.raises(TypeError, match=r"^X row 0, column 0 is a value of type object; expected a finite number"):
        make_model().fit([[object()]], [0])


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (np.zeros((4, 2), complex), "0j"),
        (np.zeros((4, 2), "m8[s]"), "np.timedelta64(0,'s')"),
        (np.zeros((4, 2), "M8[ns]"), "a value of type datetime64"),
    ],
    ids=["complex", "durations", "dates"],
)
def test_what_equals_0_or_1_is_not_yet_an_indicator(make_model, cells, shown):
    with pytest.raises(ValueError) as caught:
        make_model().fit(X, cells)
    assert str(caught.value) == f"y row 0, column 0 is {shown}; {ZERO_OR_ONE}"


@pytest.mark.parametrize("missing", [None, NAN, np.float32(NAN)], ids=repr)
def test_score_refuses_a_missing_label(make_model, missing):
    model = make_model(l2=0.1).fit(X, Y)
    with pytest.raises(
        ValueError, match=rf"^y row 2 is {re.escape(repr(missing))}; expected a label: fill it in or drop that row$"
    ):
        model.score(X, [0, 1, missing, 0])


def test_an_iterator_whose_logit_overflows_is_read_once(make_model):
    model = make_model(l2=1e-12).fit([[0.0], [2e-4], [1e-4], [3e-4]], [0, 1, 0, 1])
    with pytest.raises(ValueError, match=r"^x row 0, column 0 is 1\.7e\+308; expected a smaller number"):
        model.predict_one(iter([1.7e308]))
