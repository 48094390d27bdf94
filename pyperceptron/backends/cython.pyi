"""What the compiled twin offers; pyperceptron.backends.Backend says what it means."""

from array import array
from collections.abc import Callable
from typing import Any, final

instruction_set: str

def instruction_sets() -> tuple[str, ...]: ...
def find_outside(values: memoryview[float], low: float, high: float) -> int: ...
def weighted_sums(inputs: memoryview[float], weights: memoryview[float], sums: memoryview[float]) -> None: ...
def forward(inputs: memoryview[float], weights: memoryview[float], outputs: memoryview[float]) -> None: ...
def train(
    inputs: memoryview[float],
    targets: memoryview[float],
    weights: memoryview[float],
    outputs: memoryview[float],
    iterations: int,
    learning_rate: float,
) -> int: ...

@final
class Problem:
    def __init__(
        self,
        inputs: memoryview[float],
        targets: memoryview[int],
        sample_weights: memoryview[float] | None,
        n_outputs: int,
        loss: str,
        intercept: bool,
        rows_in_chunk: int,
    ) -> None: ...
    def evaluate(self, coefficients: array[float], first: int, last: int, parts: array[float]) -> None: ...
    def hessian(
        self,
        coefficients: array[float],
        output: int,
        rows: array[int] | None,
        row_weights: array[float] | None,
        first: int,
        last: int,
        matrix: array[float],
    ) -> None: ...
    def importances(
        self, coefficients: array[float], means: array[float], scales: array[float], chunk: int, values: array[float]
    ) -> int: ...
    def moments(self, centre: array[float], first: int, last: int, parts: array[float]) -> None: ...

@final
class Scorer:
    def __init__(
        self,
        coefficients: array[float],
        n_outputs: int,
        n_inputs: int,
        link: str,
        classes: tuple[Any, ...] | None,
        door: Callable[[Any], array[float]],
    ) -> None: ...
    def predict_proba_one(self, x: Any) -> tuple[float, ...]: ...
    def predict_one(self, x: Any) -> Any: ...

def predict(
    inputs: memoryview[float],
    coefficients: array[float],
    link: str,
    start: int,
    stop: int,
    results: memoryview[float],
) -> bool: ...
def choose(sums: memoryview[float], choices: memoryview[int]) -> None: ...
def pick(values: array[float], wanted: int, picked: array[int], weights: array[float]) -> int: ...
def dot(left: array[float], right: array[float]) -> float: ...
def add_scaled(target: array[float], factor: float, source: array[float]) -> None: ...
def add_up(parts: array[float], total: array[float]) -> None: ...
def add_up_objective(
    parts: array[float],
    total_weight: float,
    coefficients: array[float],
    ridge: array[float],
    gradient: array[float],
) -> float: ...
def largest_slope(gradient: array[float], n_outputs: int, means: array[float], scales: array[float]) -> float: ...
def cholesky(matrix: array[float], n: int) -> int: ...
def cholesky_solve(factors: array[float], n: int, vector: array[float]) -> None: ...
def sparse_step(
    matrix: array[float],
    n: int,
    gradient: array[float],
    point: array[float],
    thresholds: array[float],
    step: array[float],
    sweeps: int,
    tolerance: float,
) -> None: ...
