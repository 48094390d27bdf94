"""The exception and the warning of this package."""


class NotFittedError(AttributeError, ValueError):
    """Raised when a method or attribute needs a fitted model."""


class TrainingWarning(UserWarning):
    """Issued when a training ends with findings, which the model's `findings_` also holds."""
