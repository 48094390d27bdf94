"""Fit scikit-learn to a CSV file with columns of texts: the script that `pyperceptron train` is compared with.

python adult_in_scikit.py FILE TARGET MODEL SOLVER SCALES TOL
"""

import pickle
import sys

import pandas
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

MAX_ITERATIONS = 500


def train(path, target, solver, scales, tol):
    """Return a pipeline with sparse indicators, which is faster than with dense ones; `scales` standardises the numbers."""
    frame = pandas.read_csv(path, keep_default_na=False)
    labels = frame.pop(target)
    texts = [name for name in frame if not pandas.api.types.is_numeric_dtype(frame[name])]
    numbers = [name for name in frame if name not in texts]
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), texts),
        (StandardScaler() if scales else "passthrough", numbers),
        sparse_threshold=1,
    )
    return make_pipeline(encoder, LogisticRegression(solver=solver, tol=tol, max_iter=MAX_ITERATIONS)).fit(frame, labels)


if __name__ == "__main__":
    path, target, model, solver, scales, tol = sys.argv[1:]
    with open(model, "wb") as file:
        pickle.dump(train(path, target, solver, scales == "True", float(tol)), file)
