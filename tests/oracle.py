"""A naive implementation of the layer, independent of the backends, as a test oracle."""

import math


def sigmoid(x):
    if x < -745.2:
        return 0.0
    return 1 / (1 + math.exp(-x)) if x > -700 else math.exp(x)


def forward(inputs, weights, bias):
    """Return the outputs; math.fsum rounds each weighted sum correctly."""
    return [
        [sigmoid(math.fsum([value * weights[j][c] for j, value in enumerate(row)] + [bias[c]])) for c in range(len(weights[0]))]
        for row in inputs
    ]


def train(inputs, targets, weights, bias, iterations, learning_rate, learns_bias):
    """Run gradient descent on ½ Σ (target - output)²; return the weights, the bias and the outputs of the last pass."""
    outputs = None
    for _ in range(iterations):
        outputs = forward(inputs, weights, bias)
        deltas = [
            [(t - o) * o * (1 - o) for t, o in zip(wanted, got, strict=True)]
            for wanted, got in zip(targets, outputs, strict=True)
        ]
        weights = [
            [
                weights[j][c] + learning_rate * math.fsum(row[j] * delta[c] for row, delta in zip(inputs, deltas, strict=True))
                for c in range(len(weights[0]))
            ]
            for j in range(len(weights))
        ]
        if learns_bias:
            bias = [b + learning_rate * math.fsum(delta[c] for delta in deltas) for c, b in enumerate(bias)]
    return weights, bias, outputs


def loss(inputs, targets, weights, bias):
    """Return ½ Σ (target - output)²."""
    outputs = forward(inputs, weights, bias)
    return math.fsum(
        (t - o) ** 2 / 2 for wanted, got in zip(targets, outputs, strict=True) for t, o in zip(wanted, got, strict=True)
    )
