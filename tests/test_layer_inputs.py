"""Valid and invalid input to SigmoidLayer: both backends agree, and an error changes nothing."""

import ctypes
from array import array

import numpy as np
import pytest
from containers import CONTAINERS
from scipy.sparse import csr_array

from pyperceptron import SigmoidLayer

ROWS = [[0, 1, 200], [3, 40, 5], [6, 7, 8], [9, 10, 11]]
WEIGHTS = [[0.01], [-0.02], [0.003]]


def as_nested_list(answer):
    return [[value] for value in answer] if isinstance(answer, array) else np.asarray(answer).tolist()


@pytest.mark.parametrize(("make", "kind"), CONTAINERS.values(), ids=CONTAINERS)
def test_every_kind_of_inputs(make_layer, make, kind):
    inputs = make(ROWS)
    layer, expected = make_layer(3, weights=WEIGHTS), make_layer(3, weights=WEIGHTS)
    outputs = layer.forward(inputs)
    assert type(outputs) is kind
    assert as_nested_list(outputs) == expected.forward(ROWS)
    layer.train(inputs, [0, 1, 1, 0], 7, 0.001)
    expected.train(ROWS, [0, 1, 1, 0], 7, 0.001)
    assert layer.weights == expected.weights
    assert type(layer.outputs) is kind
    assert as_nested_list(layer.outputs) == expected.outputs


def test_a_generator_of_rows(make_layer):
    layer = make_layer(3, weights=WEIGHTS)
    assert layer.forward(row for row in ROWS) == layer.forward(ROWS)


@pytest.mark.parametrize("inputs", [np.array([[True, False], [False, True]]), [[True, False], [False, True]]])
def test_booleans(make_layer, inputs):
    layer = make_layer(2, seed=1)
    assert np.asarray(layer.forward(inputs)).tolist() == layer.forward([[1, 0], [0, 1]])


@pytest.mark.parametrize(
    "targets",
    [
        [0, 1, 1, 0],
        (0, 1, 1, 0),
        [[0], [1], [1], [0]],
        [False, True, True, False],
        array("d", [0, 1, 1, 0]),
        array("b", [0, 1, 1, 0]),
        bytes([0, 1, 1, 0]),
        np.array([0, 1, 1, 0]),
        np.array([[0], [1], [1], [0]], "f"),
        np.array([0, 9, 1, 9, 1, 9, 0, 9], float)[::2],
        np.array([False, True, True, False]),
    ],
    ids=repr,
)
def test_every_kind_of_targets(make_layer, targets):
    layer, expected = make_layer(3, seed=1), make_layer(3, seed=1)
    assert layer.train(ROWS, targets, 3, 0.01).weights == expected.train(ROWS, [0.0, 1.0, 1.0, 0.0], 3, 0.01).weights


def test_outputs_keep_no_reference_to_the_inputs(make_layer):
    import gc
    import weakref

    inputs = np.array(ROWS, float)
    alive = weakref.ref(inputs)
    layer = make_layer(3, seed=1).train(inputs, [0, 1, 1, 0], 1)
    del inputs
    gc.collect()
    assert alive() is None
    assert layer.outputs.shape == (4, 1)


NAN, INF = float("nan"), float("inf")
LIST_OF_ROWS = "give a list of rows"
FLAT = "write [inputs] for one row, or [[value] for value in inputs] for one column"
FLAT_ARRAY = "write [inputs] for one row, or inputs.reshape(-1, 1) for one column"
TEXTS = "turn texts into columns of numbers, such as a count for each word"
TRAIN = [[[0, 1, 2], [3, 4, 5]], [0, 1]]

POINTER = ctypes.cast((ctypes.c_double * 3)(1, 2, 3), ctypes.POINTER(ctypes.c_double))  # it has no end

REFUSED_INPUTS = [
    ([[1, 2, 3], [4, 5]], ValueError, "inputs row 1 has 2 numbers but row 0 has 3: give every row equally many"),
    ([[1, 2], [4, 5]], ValueError, "inputs have 2 columns but the layer has 3 inputs: give rows of 3 numbers"),
    (np.ones((2, 4)), ValueError, "inputs have 4 columns but the layer has 3 inputs: give rows of 3 numbers"),
    ([], ValueError, "inputs must not be empty: give at least one row of at least one number"),
    ([[]], ValueError, "inputs must not be empty: give at least one row of at least one number"),
    ([[], []], ValueError, "inputs must not be empty: give at least one row of at least one number"),
    (np.ones((0, 3)), ValueError, "inputs must not be empty: give at least one row of at least one number"),
    ([1, 2, 3], TypeError, f"inputs row 0 is 1; expected a row of numbers: {FLAT}"),
    (np.ones(3), ValueError, f"inputs must have two dimensions, rows and columns; got 1: {FLAT_ARRAY}"),
    (array("d", [1, 2, 3]), ValueError, f"inputs must have two dimensions, rows and columns; got 1: {FLAT}"),
    (np.float64(5), ValueError, f"inputs must have two dimensions, rows and columns; got 0: {LIST_OF_ROWS}"),
    (
        np.ones((2, 3, 1)),
        ValueError,
        "inputs must have two dimensions, rows and columns; got 3: flatten each sample into one row",
    ),
    (None, TypeError, f"inputs are None; expected rows of numbers: {LIST_OF_ROWS}"),
    (7, TypeError, f"inputs are 7; expected rows of numbers: {LIST_OF_ROWS}"),
    (
        [[1, 2, 3], [4, None, 6]],
        TypeError,
        "inputs row 1, column 1 is None; expected a finite number: fill it in or drop that row",
    ),
    (
        [[1, 2, "3"]],
        TypeError,
        "inputs row 0, column 2 is the text '3'; expected a finite number: convert it first, as float(...) does",
    ),
    (
        ["123"],
        TypeError,
        f"inputs row 0 is the text '123'; expected a row of numbers: {TEXTS}",
    ),
    (
        [[1, 2, 3j]],
        TypeError,
        "inputs row 0, column 2 is 3j; expected a finite number: convert it to a real number first",
    ),
    (
        [[1, 2, [3, 4]]],
        TypeError,
        "inputs row 0, column 2 is [3, 4]; expected a finite number: flatten each sample into one row of numbers",
    ),
    ([[1, 2, 3], None], TypeError, "inputs row 1 is None; expected a row of numbers: fill it in or drop it"),
    (
        [[1, 2, 10**400]],
        ValueError,
        "inputs row 0, column 2 is an integer too large for a float; expected a finite number: scale it down",
    ),
    (
        [[1, 2, 3], [4, 5, NAN]],
        ValueError,
        "inputs row 1, column 2 is nan; expected a finite number: fill it in or drop that row",
    ),
    (
        np.array([[1, 2, 3], [-INF, 5, 6]], "f"),
        ValueError,
        "inputs row 1, column 0 is -inf; expected a finite number: fill it in or drop that row",
    ),
    (
        np.array([[1, 2, INF]])[:, ::1],
        ValueError,
        "inputs row 0, column 2 is inf; expected a finite number: fill it in or drop that row",
    ),
    (
        np.array([["a", "b", "c"]]),
        TypeError,
        "inputs row 0, column 0 is the text 'a'; expected a finite number: make a 0/1 column for each of such texts, or "
        "leave the column out",
    ),
    (
        np.array([[1, 2, None]]),
        TypeError,
        "inputs row 0, column 2 is None; expected a finite number: fill it in or drop that row",
    ),
    (
        np.array([[1, 2, 3j]]),
        TypeError,
        "inputs must hold real numbers; got elements of type complex128: convert them first",
    ),
    (
        (ctypes.c_double.__ctype_be__ * 3 * 2)(),
        TypeError,
        "inputs must hold real numbers in native byte order; got elements of buffer format '>d': convert them first",
    ),
    (
        csr_array([[1, 2, 3]]),
        TypeError,
        "inputs are a sparse matrix of type csr_array; expected a dense one: call its toarray()",
    ),
    (
        POINTER,
        TypeError,
        f"inputs are a value of type LP_c_double; expected rows of numbers: {LIST_OF_ROWS}",
    ),
    ({"a": 1}, TypeError, "inputs are {'a': 1}; expected rows of numbers: give its values in a list"),
    (
        [[1, 2, 3], {0: 1, 1: 2, 2: 3}],
        TypeError,
        "inputs row 1 is {0: 1, 1: 2, 2: 3}; expected a row of numbers: give its values in the order of the columns",
    ),
    (
        [{1, 2, 3}],
        TypeError,
        "inputs row 0 is {1, 2, 3}; expected a row of numbers: give its values in the order of the columns",
    ),
    (
        np.ma.array([[1, 2, 3], [4, 5, 999]], mask=[[0, 0, 0], [0, 0, 1]]),
        ValueError,
        "inputs row 1, column 2 is masked; expected a finite number: fill it in or drop that row",
    ),
    (
        np.zeros((2, 3), "M8[ns]"),
        TypeError,
        "inputs must hold real numbers; got elements of type datetime64[ns]: convert them first",
    ),
    (
        memoryview(np.ones((2, 3), "e")),
        TypeError,
        "inputs must hold real numbers in native byte order; got elements of buffer format 'e': convert them first",
    ),
    (
        np.array([[1, 2, np.finfo("g").max]], "g"),
        ValueError,
        "inputs row 0, column 2 is inf; expected a finite number: fill it in or drop that row",
    ),
]
REFUSED_TRAININGS = [
    (
        (TRAIN[0], [0, 1, 1]),
        ValueError,
        "targets have 3 rows but inputs have 2: give one row of targets for each row of inputs",
    ),
    (
        (TRAIN[0], [[0, 1], [1, 0]]),
        ValueError,
        "targets have 2 columns but the layer has 1 output: give rows of 1 number",
    ),
    ((TRAIN[0], [0, 2]), ValueError, "targets row 1, column 0 is 2.0; expected a number from 0 to 1: scale them first"),
    (
        (TRAIN[0], [-1e-9, 1]),
        ValueError,
        "targets row 0, column 0 is -1e-09; expected a number from 0 to 1: scale them first",
    ),
    (
        (TRAIN[0], bytes([0, 3])),
        ValueError,
        "targets row 1, column 0 is 3.0; expected a number from 0 to 1: scale them first",
    ),
    (
        (TRAIN[0], [0, NAN]),
        ValueError,
        "targets row 1, column 0 is nan; expected a finite number: fill it in or drop that row",
    ),
    ((TRAIN[0], []), ValueError, "targets must not be empty: give at least one row of at least one number"),
    (
        (TRAIN[0], ["a", "b"]),
        TypeError,
        "targets row 0, column 0 is the text 'a'; expected a finite number: give numbers",
    ),
    ((*TRAIN, -1), ValueError, "iterations is -1; expected a whole number from 0 to 9223372036854775807"),
    (
        (*TRAIN, 2**63),
        ValueError,
        "iterations is 9223372036854775808; expected a whole number from 0 to 9223372036854775807",
    ),
    ((*TRAIN, 1.5), TypeError, "iterations is 1.5; expected a whole number"),
    ((*TRAIN, "many"), TypeError, "iterations is 'many'; expected a whole number"),
    ((*TRAIN, True), TypeError, "iterations is True; expected a whole number"),
    ((*TRAIN, 1, 0), ValueError, "learning_rate is 0; expected a positive finite number"),
    ((*TRAIN, 1, -0.5), ValueError, "learning_rate is -0.5; expected a positive finite number"),
    ((*TRAIN, 1, NAN), ValueError, "learning_rate is nan; expected a positive finite number"),
    ((*TRAIN, 1, INF), ValueError, "learning_rate is inf; expected a positive finite number"),
    ((*TRAIN, 1, 10**400), ValueError, "learning_rate is a value of type int; expected a positive finite number"),
    (
        (*TRAIN, 10**5000),
        ValueError,
        "iterations is a value of type int; expected a whole number from 0 to 9223372036854775807",
    ),
    ((*TRAIN, 1, "fast"), TypeError, "learning_rate is 'fast'; expected a number"),
    ((*TRAIN, 1, None), TypeError, "learning_rate is None; expected a number"),
    ((*TRAIN, 1, 1j), TypeError, "learning_rate is 1j; expected a number"),
    (
        (*TRAIN, 1, 1.0, "print"),
        TypeError,
        "callback is 'print'; expected a function of the layer and the iteration, or None",
    ),
]
REFUSED_LAYERS = [
    ((0,), {}, ValueError, "n_inputs is 0; expected a whole number from 1 to 2147483647"),
    ((2.0,), {}, TypeError, "n_inputs is 2.0; expected a whole number"),
    ((1, -3), {}, ValueError, "n_outputs is -3; expected a whole number from 1 to 2147483647"),
    (
        (2**31 - 1, 2),
        {},
        ValueError,
        "n_inputs * n_outputs is 4294967294; expected a whole number from 1 to 2147483647",
    ),
    (
        (1,),
        {"bias": [0.5]},
        TypeError,
        "bias is [0.5]; expected True or False: its values are set afterwards, with layer.bias = ...",
    ),
    ((1,), {"seed": -1}, ValueError, "seed is -1; expected a whole number from 0 to 4294967295"),
    ((1,), {"seed": 2**32}, ValueError, "seed is 4294967296; expected a whole number from 0 to 4294967295"),
    ((1,), {"seed": "1"}, TypeError, "seed is '1'; expected a whole number"),
    ((1,), {"seed": 1, "weights": [1]}, ValueError, "both seed and weights are given: give one of them"),
    (
        (2,),
        {"weights": [[1, 2]]},
        ValueError,
        "weights have 1 row of 2 numbers but the layer has 2 inputs and 1 output: "
        "give a row for each input and a column for each output",
    ),
    (
        (2,),
        {"weights": [1, NAN]},
        ValueError,
        "weights row 1, column 0 is nan; expected a finite number: fill it in or drop that row",
    ),
]


def refusal(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
    assert type(caught.value) is error
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(("inputs", "error", "message"), REFUSED_INPUTS, ids=[case[2] for case in REFUSED_INPUTS])
def test_refused_inputs(make_layer, inputs, error, message):
    layer = make_layer(3, seed=1).train([[1, 0, 1]], [1], 5)
    before = layer.weights, layer.outputs
    refusal(lambda: layer.forward(inputs), error, message)
    refusal(lambda: layer.train(inputs, [0, 1]), error, message)
    refusal(lambda: layer.trace(inputs, [0, 1]), error, message)
    assert (layer.weights, layer.outputs) == before


@pytest.mark.parametrize(("arguments", "error", "message"), REFUSED_TRAININGS, ids=[case[2] for case in REFUSED_TRAININGS])
def test_refused_trainings(make_layer, arguments, error, message):
    layer = make_layer(3, seed=1)
    before = layer.weights
    refusal(lambda: layer.train(*arguments), error, message)
    if len(arguments) < 5:
        refusal(lambda: layer.trace(*arguments), error, message)
    assert (layer.weights, layer.outputs) == (before, None)


@pytest.mark.parametrize(("arguments", "options", "error", "message"), REFUSED_LAYERS, ids=[case[3] for case in REFUSED_LAYERS])
def test_refused_layers(make_layer, arguments, options, error, message):
    refusal(lambda: make_layer(*arguments, **options), error, message)


def test_an_unknown_backend():
    refusal(
        lambda: SigmoidLayer(1, backend="numpy"),
        ValueError,
        "backend is 'numpy'; expected 'auto', 'cython' or 'python'",
    )


def test_refused_assignments(make_layer):
    layer = make_layer(2, 2, bias=True, weights=[[1, 2], [3, 4]])
    message = "bias has 3 rows of 1 number but the layer needs a flat sequence of 2 numbers: give one for each output"
    refusal(lambda: setattr(layer, "bias", [1, 2, 3]), ValueError, message)
    message = (
        "weights have 1 row of 2 numbers but the layer has 2 inputs and 2 outputs: "
        "give a row for each input and a column for each output"
    )
    refusal(lambda: setattr(layer, "weights", [[1, 2]]), ValueError, message)
    message = "bias row 1, column 0 is inf; expected a finite number: fill it in or drop that row"
    refusal(lambda: setattr(layer, "bias", [1, INF]), ValueError, message)
    assert (layer.weights, layer.bias) == ([[1.0, 2.0], [3.0, 4.0]], [0.0, 0.0])
    message = "bias is 0.5; expected a flat sequence of 2 numbers: give one for each output"
    refusal(lambda: setattr(layer, "bias", 0.5), TypeError, message)
    message = "this layer has no bias: make it with SigmoidLayer(..., bias=True)"
    refusal(lambda: setattr(make_layer(1), "bias", [1]), ValueError, message)


def test_first_outside_returns_the_index_of_the_first_bad_value(backend):
    values = array("d", [0.5]) * 200_001
    for place in (0, 65_535, 65_536, 131_072, 200_000):
        for bad in (NAN, INF, -INF, 1.5, -0.5):
            values[place] = bad
            assert backend.first_outside(memoryview(values).cast("B").cast("d", (200_001, 1)), 0.0, 1.0) == place
            values[place] = 0.5
    assert backend.first_outside(memoryview(values).cast("B").cast("d", (200_001, 1)), 0.0, 1.0) == -1
