"""The exception and the warning of this package."""


class NotFittedError(AttributeError, ValueError):
    """Raised when a method or attribute needs a fitted model."""


class TrainingWarning(UserWarning):
    """Issued when a training is not what was asked for; `findings_` of the model, or `findings` of the layer, says the same."""


class UnknownColumnError(ValueError):
    """Raised when an option names a column that a file does not have."""
