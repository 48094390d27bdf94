"""The parameters of an estimator, as its __init__ lists them: get, set and show them, and name the one that was meant."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Self

_KEYWORDS = 0x08  # the flag of a function that takes **others
_REQUIRED = object()  # stands for the default of a parameter that has none

# For names of other packages: the parameters to use instead, and how.
_ELSEWHERE: dict[str, tuple[tuple[str, ...], str]] = {
    "C": (("l2",), "set l2 = 1/(C * sum of the weights of the rows), which is 1/(C * len(X)) without weights"),
    "penalty": (("l2", "l1"), "set l2 or l1, the factors of the penalties, which are 0 by default"),
    "l1_ratio": (("l2", "l1"), "set l2 and l1 themselves, the factors of the penalties"),
    "alpha": (("l2", "l1"), "set l2 or l1, the factors of the penalties"),
    "reg_lambda": (("l2",), "set l2"),
    "reg_alpha": (("l1",), "set l1"),
    "weight_decay": (("l2",), "set l2"),
    "n_jobs": (("threads",), "set threads, where None stands for as many as the data are worth"),
    "random_state": ((), "leave it out, as nothing here is random"),
    "multi_class": ((), "leave it out, as two classes get a sigmoid and more get the softmax"),
    "dual": ((), "leave it out"),
    "intercept_scaling": ((), "leave it out, as the intercept is never penalised"),
    "eta0": (("learning_rate",), "set learning_rate, which solver='gd' uses"),
    "lr": (("learning_rate",), "set learning_rate, which solver='gd' uses"),
    "tolerance": (("tol",), "set tol"),
    "epochs": (("max_iter",), "set max_iter"),
    "iterations": (("max_iter",), "set max_iter"),
    "n_iter": (("max_iter",), "set max_iter"),
    "early_stopping": (("callback",), "set callback, a function that may end the training by returning True"),
    "n_iter_no_change": (("callback",), "set callback, a function that may end the training by returning True"),
    "bias": (("fit_intercept",), "set fit_intercept"),
    "normalize": (("standardize",), "set standardize"),
    "sample_weight": ((), "give it to fit"),
    "feature_names": ((), "fit a data frame, whose names are kept"),
}


class Parameters:
    """The base of an estimator whose parameters are the arguments of its __init__, each an attribute of the same name.

    A subclass may list parameters of its own; with **others it has those of its base class besides.
    """

    if not TYPE_CHECKING:  # a type checker, an editor and inspect.signature see __init__

        def __new__(cls, *args: Any, **params: Any) -> Any:
            """Refuse names that __init__ does not take, with the name to write instead."""
            code = getattr(cls.__init__, "__code__", None)
            judges_itself = code is None or code.co_flags & _KEYWORDS
            if not judges_itself and not params.keys() <= set(code.co_varnames):
                refuse_unknown(params, cls, TypeError)
            return super().__new__(cls)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name; `deep`, for scikit-learn's sake, changes nothing."""
        return {name: getattr(self, name) for name in parameters_of(type(self))}

    def set_params(self, **params: Any) -> Self:
        """Change some of the parameters and return the model; if one is unknown or wrong, raise and change none."""
        refuse_unknown(params, type(self), ValueError)
        before = self.__dict__.copy()
        try:
            for name, value in params.items():
                setattr(self, name, value)
            self._check_parameters()
        except BaseException:
            for name in self.__dict__.keys() - before.keys():
                del self.__dict__[name]
            self.__dict__.update(before)
            raise
        return self

    def _check_parameters(self) -> None:
        """Raise ValueError, TypeError or ImportError if a parameter is wrong."""

    def __repr__(self) -> str:
        values = ((name, getattr(self, name, default), default) for name, default in parameters_of(type(self)).items())
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value, own in values if _differ(value, own))})"


def parameters_of(kind: type) -> dict[str, Any]:
    """Return the names and defaults of the parameters that a class takes: its own first, then those that it passes on."""
    found: dict[str, Any] = {}
    for owner in kind.__mro__:
        if "__init__" not in vars(owner):
            continue
        code = getattr(_init_of(owner), "__code__", None)
        if code is None:
            continue
        init = _init_of(owner)
        names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        positional = code.co_varnames[: code.co_argcount]
        defaults = init.__defaults__ or ()
        own = dict(zip(positional[len(positional) - len(defaults) :], defaults, strict=True)) | (init.__kwdefaults__ or {})
        found |= {name: own.get(name, _REQUIRED) for name in names if name not in found}
        if not code.co_flags & _KEYWORDS:
            break
    return found


def refuse_unknown(names: Iterable[str], kind: type, error: type[Exception]) -> None:
    """Raise the error for the first name that is no parameter of the class, with the name to write instead."""
    known = parameters_of(kind)
    for name in names:
        if name in known:
            continue
        ours, remedy = _ELSEWHERE.get(name, ((), ""))
        if not remedy or not known.keys() >= set(ours):
            from difflib import get_close_matches

            near = get_close_matches(name.lower(), known, 1)
            remedy = f"did you mean {near[0]!r}?" if near else ""
        if remedy:
            raise error(f"{kind.__name__} has no parameter {name!r}: {remedy}")
        raise error(f"{kind.__name__} has no parameter {name!r}; expected some of {', '.join(known)}")


def _init_of(owner: type) -> Any:
    """Return the __init__ that a class defines, without its decorators."""
    init = vars(owner)["__init__"]
    while hasattr(init, "__wrapped__"):
        init = init.__wrapped__
    return init


def _differ(value: Any, default: Any) -> bool:
    try:
        return value is not default and bool(value != default)
    except Exception:  # a table, which has no single truth value
        return True
