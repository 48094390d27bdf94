"""A model as an ONNX graph of plain operators in double precision; needs the package onnx."""

from __future__ import annotations

from pyperceptron.exports.description import refuse_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyperceptron.exports.description import Description

# Opset 13 has all operators below and is read by every runtime of the last years. ai.onnx.ml.LinearClassifier would compute in
# float32, and the operator Sigmoid of onnxruntime loses its relative accuracy below -20.
_OPSET, _IR_VERSION = 13, 7
_ABOUT_NUMBERS = (
    "X holds the numbers that the columns of a table become: the metadata 'columns' names them, and 'encoding' says for each "
    "column how it becomes a number (the value, or 'fill' if it is missing), or one for each of its 'levels' (1 where the text "
    "is that level, else 0); another follows if 'missing' is true (1 where the value is missing, else 0)."
)
_LEAST_TOTAL = 1e-290  # of sigmoids that can be divided by: as in pyperceptron.activations


def to_onnx(model: Description) -> bytes:
    """Return an ONNX file: input "X" (rows × columns, double), outputs "label" and "probabilities"; a layer has no "label".

    The labels are texts, whole numbers, floats or truth values as in fit; of a 0/1 matrix "label" is such a matrix. Where
    columns of a table become numbers, as those of texts do, X holds these numbers: the file says so in its doc_string, names
    them in the metadata "columns", and says in "encoding" how they are made, as a model file does. Raises ImportError without
    the package onnx, and ValueError for labels of other types or of several types.
    """
    try:
        from onnx import TensorProto, checker, helper
    except ImportError as error:
        raise ImportError(
            "to_onnx needs the package onnx: install it, as pip install 'pyperceptron-core[onnx]' does"
        ) from error
    graph = _Graph(helper, TensorProto)
    logits = _logits(graph, model)
    outputs = []
    if model.predicts:
        kind, columns = _add_label(graph, model, logits)
        outputs.append(helper.make_tensor_value_info("label", kind, columns))
    _add_probabilities(graph, model, logits)
    n_columns = 2 if model.activation == "binary_sigmoid" else model.n_outputs
    outputs.append(helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, ["rows", n_columns]))
    given = helper.make_tensor_value_info("X", TensorProto.DOUBLE, ["rows", model.n_inputs])
    made = helper.make_model(
        helper.make_graph(graph.nodes, "pyperceptron", [given], outputs, graph.constants),
        producer_name="pyperceptron",
        producer_version=_version(),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        **({} if model.columns is None else {"doc_string": _ABOUT_NUMBERS}),
    )
    if model.number_names is not None:
        from json import dumps

        properties = {"columns": dumps(model.number_names)}
        if model.columns is not None:
            records = [column.as_fields() | {"column": str(column.name)} for column in model.columns]
            properties["encoding"] = dumps(records)
        helper.set_model_props(made, properties)
    checker.check_model(made)
    return bytes(made.SerializeToString(deterministic=True))


class _Graph:
    """The nodes and constants of a graph that is being made; each result has a name of its own."""

    def __init__(self, helper: Any, tensor: Any) -> None:
        self.helper = helper
        self.tensor = tensor
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, result: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its result."""
        name = result or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(self.helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def constant(self, name: str, kind: int, shape: list[int], values: list[Any]) -> str:
        self.constants.append(self.helper.make_tensor(name, kind, shape, values))
        return name

    def number(self, value: float) -> str:
        """Return the name of a constant of no dimension; one that is there already is not added again."""
        name = f"number_{value!r}"
        if all(constant.name != name for constant in self.constants):
            self.constant(name, self.tensor.DOUBLE, [], [value])
        return name


def _version() -> str:
    from pyperceptron import __version__

    return __version__


def _logits(graph: _Graph, model: Description) -> str:
    n, k = model.n_inputs, model.n_outputs
    weights = graph.constant("weights", graph.tensor.DOUBLE, [n, k], [row[j] for j in range(n) for row in model.rows])
    sums = graph.add("MatMul", "X", weights)
    if not model.has_intercept:
        return sums
    return graph.add("Add", sums, graph.constant("intercepts", graph.tensor.DOUBLE, [k], [row[n] for row in model.rows]))


def _add_probabilities(graph: _Graph, model: Description, logits: str) -> None:
    if model.activation == "softmax":
        graph.add("Softmax", logits, result="probabilities", axis=1)
        return
    likely, unlikely, is_positive = _sigmoids(graph, logits)
    if model.activation == "binary_sigmoid":
        both = [graph.add("Where", is_positive, *pair) for pair in ((unlikely, likely), (likely, unlikely))]
        graph.add("Concat", *both, result="probabilities", axis=1)
    elif model.activation == "sigmoid":
        graph.add("Where", is_positive, likely, unlikely, result="probabilities")
    else:
        each = graph.add("Where", is_positive, likely, unlikely)
        columns = graph.constant("columns", graph.tensor.INT64, [1], [1])
        total = graph.add("ReduceSum", each, columns, keepdims=1)
        divides = graph.add("Greater", total, graph.number(_LEAST_TOTAL))
        softmax = graph.add("Softmax", logits, axis=1)
        graph.add("Where", divides, graph.add("Div", each, total), softmax, result="probabilities")


def _sigmoids(graph: _Graph, logits: str) -> tuple[str, str, str]:
    """Return the sigmoids of |logit| and of -|logit|, both accurate to rounding, and whether each logit is 0 or more."""
    power = graph.add("Exp", graph.add("Neg", graph.add("Abs", logits)))
    total = graph.add("Add", graph.number(1.0), power)
    likely, unlikely = graph.add("Div", graph.number(1.0), total), graph.add("Div", power, total)
    return likely, unlikely, graph.add("GreaterOrEqual", logits, graph.number(0.0))


def _add_label(graph: _Graph, model: Description, logits: str) -> tuple[int, list[Any]]:
    """Add what makes "label" of the logits; return its type and shape."""
    whole = graph.tensor.INT64
    if model.labels is None:
        graph.add("Cast", graph.add("Greater", logits, graph.number(0.0)), result="label", to=whole)
        return whole, ["rows", model.n_outputs]
    kind, values = _labels(graph, model.labels)
    labels = graph.constant("labels", kind, [len(values)], values)
    if model.n_outputs == 1:
        chosen = graph.add("Greater", logits, graph.number(0.0))
        index = graph.add("Cast", chosen, to=whole)
        flat = graph.constant("flat", whole, [1], [-1])
        index = graph.add("Reshape", index, flat)
    else:
        index = graph.add("ArgMax", logits, axis=1, keepdims=0, select_last_index=0)
    graph.add("Gather", labels, index, result="label", axis=0)
    return kind, ["rows"]


def _labels(graph: _Graph, labels: tuple[Any, ...]) -> tuple[int, list[Any]]:
    """Return the type of the labels in ONNX and their values; ValueError if ONNX has no such type."""
    tensor = graph.tensor
    kinds = {str: tensor.STRING, bool: tensor.BOOL, int: tensor.INT64, float: tensor.DOUBLE}
    first = type(labels[0])
    for label in labels:
        if type(label) not in kinds or type(label) is not first:
            refuse_label(label, "ONNX has labels of one type, texts, whole numbers, floats or truth values", "give such labels")
        if first is int and not -(2**63) <= label < 2**63:
            refuse_label(label, "ONNX has whole numbers of 64 bits", "give texts")
        if first is str and label.encode(errors="ignore").decode() != label:
            refuse_label(label, "ONNX texts are UTF-8", "give other texts")
    return kinds[first], [label.encode() for label in labels] if first is str else list(labels)
