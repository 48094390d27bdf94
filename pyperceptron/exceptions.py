"""The exception and the warning of this package."""


class NotFittedError(AttributeError, ValueError):
    """Raised when a method or attribute needs a fitted model."""


class TrainingWarning(UserWarning):
    """A training ended with something that its user should know; the model's `findings_` says all of it."""
