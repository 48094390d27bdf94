"""The script from the video: one neuron in NumPy."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def sigmoid_derivative(x):
    return x * (1 - x)


def train(iterations=20_000):
    """Return the weights after training and the outputs of the last pass."""
    training_inputs = np.array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]])
    training_outputs = np.array([[0, 1, 1, 0]]).T
    np.random.seed(1)
    synaptic_weights = 2 * np.random.random((3, 1)) - 1
    for _ in range(iterations):
        input_layer = training_inputs
        outputs = sigmoid(np.dot(input_layer, synaptic_weights))
        error = training_outputs - outputs
        adjustments = error * sigmoid_derivative(outputs)
        synaptic_weights += np.dot(input_layer.T, adjustments)
    return synaptic_weights, outputs


if __name__ == "__main__":
    synaptic_weights, outputs = train()
    print("Synaptic weights after training:", synaptic_weights, sep="\n")
    print("Outputs after training:", outputs, sep="\n")
