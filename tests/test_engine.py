"""The kernels of training and prediction: each against an independent NumPy, against differences, and bit against bit."""

import threading
from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

LOSSES = ("sigmoid_log_loss", "softmax_log_loss", "sigmoid_squared_error")
LINKS = ("sums", "sigmoid", "softmax", "shares", "pair")
STORAGES = ("d", "f", "B")
WIDTHS = [*range(1, 18), 30, 57]
EXTREMES = [1e300, -1e300, 1e-300, -1e-300, 0.0, 1.0, -3.0, 1.7976931348623157e308, -5e-324]


def flat(values):
    return array("d", np.ravel(values).tolist())


def zeros(count):
    return array("d", bytes(8 * count))


def square(lower, n):
    """A symmetric matrix of its lower triangle."""
    matrix = np.reshape(lower, (n, n))
    return np.tril(matrix) + np.tril(matrix, -1).T


class Case:
    """A problem of n samples, d inputs and k outputs, as the kernels take it and as NumPy does; all that is drawn is seeded."""

    def __init__(
        self, n, d, k, loss, *, storage="d", indices=True, wide=False, weighted=True, intercept=True, chunk=64, seed=0
    ):
        random = np.random.default_rng([n, d, k, seed])
        self.n, self.d, self.k, self.loss, self.intercept, self.chunk = n, d, k, loss, intercept, chunk
        self.width = d + intercept
        self.n_chunks = -(-n // chunk)
        scale = 1.0 if storage != "B" else 1 / 50
        numbers = random.normal(size=(n, d)) if storage != "B" else random.integers(0, 256, (n, d))
        self.inputs = np.ascontiguousarray(numbers.astype(storage))
        self.weights = random.random(n) * 3 if weighted else None
        if weighted and n > 1:
            self.weights[random.integers(n)] = 0.0
        labels = random.integers(0, max(k, 2), (n, 1))
        one_hot = (labels == np.arange(k)) if k > 1 else labels
        if not indices and loss != "softmax_log_loss":
            one_hot = random.integers(0, 2, (n, k))
        self.wanted = one_hot.astype(float)
        self.targets = np.ascontiguousarray((labels if indices else one_hot).astype("H" if wide else "B"))
        self.coefficients = random.normal(size=(k, self.width)) * scale / np.sqrt(self.width) * 2

    def problem(self, kernels, inputs=None, targets=None):
        return kernels.Problem(
            memoryview(self.inputs) if inputs is None else inputs,
            memoryview(self.targets) if targets is None else targets,
            None if self.weights is None else memoryview(flat(self.weights)),
            self.k,
            self.loss,
            self.intercept,
            self.chunk,
        )

    def evaluate(self, kernels, coefficients=None, problem=None):
        """The parts of all chunks, n_chunks × (1 + k·width)."""
        parts = array("d", [np.nan]) * (self.n_chunks * (1 + self.k * self.width))
        problem = problem or self.problem(kernels)
        problem.evaluate(flat(self.coefficients if coefficients is None else coefficients), 0, self.n_chunks, parts)
        return np.reshape(parts, (self.n_chunks, -1))

    def hessian(self, kernels, output=-1, rows=None, row_weights=None, first=0, last=None):
        matrix = array("d", [np.nan]) * self.width**2
        listed = (None, None) if rows is None else (array("q", rows), flat(row_weights))
        last = (self.n if rows is None else len(rows)) if last is None else last
        self.problem(kernels).hessian(flat(self.coefficients), output, *listed, first, last, matrix)
        return np.reshape(matrix, (self.width, self.width))

    # The same once more in NumPy, written from the formulas.

    @property
    def rows(self):
        rows = self.inputs.astype(float)
        return np.hstack([rows, np.ones((self.n, 1))]) if self.intercept else rows

    @property
    def shares(self):
        return np.ones(self.n) if self.weights is None else self.weights

    def losses(self, coefficients=None):
        """For each sample the loss, its slopes and curvatures in the sums."""
        sums = self.rows @ (self.coefficients if coefficients is None else coefficients).T
        wanted = self.wanted
        if self.loss == "softmax_log_loss":
            powers = np.exp(sums - sums.max(axis=1, keepdims=True))
            outputs = powers / powers.sum(axis=1, keepdims=True)
            losses = np.log(powers.sum(axis=1)) + ((sums.max(axis=1, keepdims=True) - sums) * wanted).sum(axis=1)
            return losses, outputs - wanted, outputs * (1 - outputs)
        outputs = np.exp(-np.logaddexp(0, -sums))
        slopes = outputs * np.exp(-np.logaddexp(0, sums))
        if self.loss == "sigmoid_log_loss":
            return np.where(wanted > 0, np.logaddexp(0, -sums), np.logaddexp(0, sums)).sum(axis=1), outputs - wanted, slopes
        errors = outputs - wanted
        return (errors**2).sum(axis=1) / 2, errors * slopes, slopes**2

    def expected(self):
        """The parts, and how large the numbers are that each one is a sum of."""
        losses, slopes, _ = self.losses()
        parts, sizes = [], []
        for first in range(0, self.n, self.chunk):
            own = slice(first, first + self.chunk)
            weighted = slopes[own] * self.shares[own, None]
            parts.append([self.shares[own] @ losses[own], *np.ravel(weighted.T @ self.rows[own])])
            size = np.ravel(np.ones((self.k, 1)) * (self.shares[own] @ abs(self.rows[own])))
            sizes.append([self.shares[own] @ (losses[own] + 1), *size])
        return np.array(parts), np.array(sizes)


@st.composite
def cases(draw, n=st.sampled_from([1, 2, 3, 4, 5, 9, 33]), d=st.sampled_from(WIDTHS)):  # noqa: B008
    k = draw(st.sampled_from([1, 2, 3, 10]))
    return Case(
        draw(n),
        draw(d),
        k,
        draw(st.sampled_from(LOSSES if k > 1 else [loss for loss in LOSSES if loss.startswith("sigmoid")])),
        storage=draw(st.sampled_from(STORAGES)),
        indices=draw(st.booleans()),
        wide=draw(st.booleans()),
        weighted=draw(st.booleans()),
        intercept=draw(st.booleans()),
        chunk=draw(st.sampled_from([1, 4, 7, 64])),
        seed=draw(st.integers(0, 2**32)),
    )


def as_expected(case, parts):
    expected, sizes = case.expected()
    assert parts.shape == expected.shape
    assert (abs(parts - expected) <= 1e-13 * sizes + 1e-300).all()


# Values and gradients.


@settings(max_examples=150)
@given(cases())
def test_values_and_gradients(kernels, case):
    as_expected(case, case.evaluate(kernels))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("k", [1, 2, 3, 10])
@pytest.mark.parametrize("d", WIDTHS)
def test_values_and_gradients_of_every_width(kernels, d, k, loss):
    if k == 1 and loss.startswith("softmax"):
        return
    for intercept in (False, True):
        case = Case(21, d, k, loss, intercept=intercept, chunk=8, weighted=d % 2 == 0, storage=STORAGES[d % 3])
        as_expected(case, case.evaluate(kernels))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("n", "chunk"), [(1, 256), (3, 256), (255, 256), (256, 256), (257, 256), (1000, 300), (2500, 5000)])
@pytest.mark.parametrize("weighted", [True, False])
def test_values_and_gradients_of_many_rows(kernels, n, chunk, loss, weighted):
    """Without weights, the logarithms of up to a thousand rows are taken together."""
    for d, k in ((7, 3), (9, 2 if loss.startswith("softmax") else 1)):
        as_expected(case := Case(n, d, k, loss, chunk=chunk, weighted=weighted), case.evaluate(kernels))


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("d", [63, 64, 191, 192, 193, 385, 520, 1100])
@pytest.mark.parametrize("k", [1, 2, 4, 5])
def test_values_and_gradients_of_wide_rows(kernels, d, k, storage):
    """By strips of 192 columns with several outputs, in blocks of 16 rows."""
    loss = "sigmoid_log_loss" if k == 1 else "softmax_log_loss"
    as_expected(case := Case(35, d, k, loss, storage=storage, weighted=False), case.evaluate(kernels))
    link = "sigmoid" if k == 1 else "softmax"
    sums = case.rows @ case.coefficients.T
    found = answers(kernels, case.inputs, case.coefficients, link, k)
    assert (abs(found - linked(sums, link)) <= 1e-12 * (1 + abs(sums).max())).all()


def test_values_and_gradients_of_300_outputs(kernels):
    for loss in LOSSES:
        as_expected(case := Case(20, 3, 300, loss, wide=True), case.evaluate(kernels))


@settings(max_examples=40)
@given(cases(n=st.sampled_from([1, 3, 6]), d=st.sampled_from([1, 2, 3, 8, 9])))
def test_gradients_are_the_differences_of_values(kernels, case):
    parts = case.evaluate(kernels).sum(axis=0)
    step = 1e-5
    for place in np.random.default_rng(0).permutation(case.coefficients.size)[:6]:
        values = []
        for sign in (1, -1):
            moved = case.coefficients.copy()
            moved.flat[place] += sign * step
            values.append(case.evaluate(kernels, moved).sum(axis=0)[0])
        largest = float(abs(case.inputs).max())
        size = 1 + largest**2 * case.shares.sum()
        assert abs((values[0] - values[1]) / (2 * step) - parts[1 + place]) <= 1e-8 * size * (1 + largest)


@settings(max_examples=50)
@given(cases(), st.randoms(use_true_random=False))
def test_chunks_one_by_one_in_any_order(kernels, case, random):
    """A chunk's part does not depend on what else is evaluated, so any number of threads makes the same bits."""
    whole = case.evaluate(kernels)
    order = list(range(case.n_chunks))
    random.shuffle(order)
    problem, parts = case.problem(kernels), zeros(whole.size)
    for chunk in order:
        problem.evaluate(flat(case.coefficients), chunk, chunk + 1, parts)
    assert parts.tobytes() == whole.tobytes()


def test_one_problem_in_several_threads(kernels):
    case = Case(600, 9, 3, "softmax_log_loss", chunk=50)
    whole = case.evaluate(kernels)
    for n_threads in (1, 2, 3, 8):
        problem, parts, coefficients = case.problem(kernels), zeros(whole.size), flat(case.coefficients)
        chunks = iter(range(case.n_chunks))

        def work(problem=problem, parts=parts, coefficients=coefficients, chunks=chunks):
            for chunk in chunks:
                problem.evaluate(coefficients, chunk, chunk + 1, parts)

        threads = [threading.Thread(target=work) for _ in range(n_threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert parts.tobytes() == whole.tobytes()


# Hessians and moments.


@settings(max_examples=100)
@given(cases())
def test_hessians(kernels, case):
    curvatures = case.losses()[2]
    for output in (-1, case.k - 1):
        own = curvatures.mean(axis=1) if output == -1 else curvatures[:, output]
        expected = (case.rows.T * (own * case.shares)) @ case.rows
        found = case.hessian(kernels, output)
        assert (found == np.tril(found)).all()
        size = abs(case.rows.T) * case.shares @ abs(case.rows)
        assert (abs(square(found, case.width) - expected) <= 1e-13 * size + 1e-300).all()


@settings(max_examples=60)
@given(cases(), st.data())
def test_hessians_of_listed_rows(kernels, case, data):
    rows = sorted(data.draw(st.sets(st.integers(0, case.n - 1), min_size=1)))
    row_weights = [data.draw(st.sampled_from([1.0, 2.5, 1e-3, 100.0])) for _ in rows]
    curvatures = case.losses()[2].mean(axis=1)[rows] * case.shares[rows] * row_weights
    listed = case.rows[rows]
    for first, last in ((0, len(rows)), (len(rows) // 2, len(rows))):
        own = slice(first, last)
        found = case.hessian(kernels, -1, rows, row_weights, first, last)
        expected = (listed[own].T * curvatures[own]) @ listed[own]
        size = (abs(listed[own].T) * (case.shares[rows] * row_weights)[own]) @ abs(listed[own])
        assert (abs(square(found, case.width) - expected) <= 1e-13 * size + 1e-300).all()


@pytest.mark.parametrize("n", [1, 255, 256, 257, 600])
def test_hessians_of_many_rows(kernels, n):
    case = Case(n, 5, 1, "sigmoid_log_loss")
    expected = (case.rows.T * (case.losses()[2][:, 0] * case.shares)) @ case.rows
    np.testing.assert_allclose(square(case.hessian(kernels), case.width), expected, rtol=1e-11, atol=1e-12 * n)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 7, 8, 9, 16, 30])
def test_hessians_are_the_differences_of_gradients(kernels, d):
    case = Case(20, d, 1, "sigmoid_log_loss")
    found = square(case.hessian(kernels, 0), case.width)
    step = 1e-5
    for j in range(case.width):
        moved = np.zeros_like(case.coefficients)
        moved[0, j] = step
        up, down = (case.evaluate(kernels, case.coefficients + sign * moved).sum(axis=0)[1:] for sign in (1, -1))
        np.testing.assert_allclose((up - down) / (2 * step), found[j], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("n", "d", "k", "storage"), [(70, 3, 2, "d"), (130, 20, 3, "f"), (65, 9, 4, "B")])
def test_importances_are_the_rows_shares_of_the_trace(kernels, n, d, k, storage, loss):
    """Columns standardised: with means of 0, scales of 1 and an intercept, Σ importances is the mean Hessian's trace."""
    case = Case(n, d, k, loss, storage=storage)
    problem, found = case.problem(kernels), []
    for chunk in range(case.n_chunks):
        values = zeros(case.chunk)
        count = problem.importances(flat(case.coefficients), zeros(d), flat(np.ones(d)), chunk, values)
        assert count == min(case.chunk, n - chunk * case.chunk)
        found.extend(values[:count])
    np.testing.assert_allclose(sum(found), np.trace(square(case.hessian(kernels), case.width)), rtol=1e-11)
    for i in (0, n - 1):
        alone = square(case.hessian(kernels, first=i, last=i + 1), case.width)
        np.testing.assert_allclose(found[i], np.trace(alone), rtol=1e-11, atol=1e-300)


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=200), st.integers(1, 50))
def test_what_is_picked_stands_for_all(kernels, values, wanted):
    picked, weights = array("q", bytes(8 * (wanted + 1))), zeros(wanted + 1)
    count = kernels.pick(flat(values), wanted, picked, weights)
    assert count <= wanted + 1
    assert list(picked[:count]) == sorted(set(picked[:count]))
    total = sum(values)
    for index, weight in zip(picked[:count], weights[:count], strict=True):
        assert weight == pytest.approx(max(1.0, total / (wanted * values[index])), rel=1e-9)
    if total > 1e-300 and len(values) > wanted:  # each pick stands for one whole number that was passed
        shares = [min(1.0, wanted * value / total) for value in values]
        assert abs(count - sum(shares)) < 1 + 1e-9


@settings(max_examples=60)
@given(cases())
def test_moments(kernels, case):
    centre = np.random.default_rng(1).normal(size=case.d)
    parts = array("d", [np.nan]) * (case.n_chunks * (1 + 2 * case.d))
    case.problem(kernels).moments(flat(centre), 0, case.n_chunks, parts)
    for chunk, part in enumerate(np.reshape(parts, (case.n_chunks, -1))):
        own = slice(chunk * case.chunk, (chunk + 1) * case.chunk)
        distances = case.inputs[own].astype(float) - centre
        shares = case.shares[own]
        expected = [shares.sum(), *(shares @ distances), *(shares @ distances**2)]
        size = [shares.sum(), *(shares @ abs(distances)), *(shares @ distances**2)]
        assert (abs(part - expected) <= 1e-13 * np.array(size)).all()


# Predictions.


def answers(kernels, inputs, coefficients, link, n_outputs):
    n_results = 2 if link == "pair" else n_outputs
    results = np.full((len(inputs), n_results), np.nan)
    assert kernels.predict(memoryview(inputs), flat(coefficients), link, 0, len(inputs), memoryview(results)) is True
    return results


def coefficients_for(case, link):
    """A pair is of a single output; softmax and shares are of several."""
    if link in ("softmax", "shares") and case.k == 1:
        case = Case(case.n, case.d, 2, case.loss, intercept=case.intercept)
    return case.coefficients[:1] if link == "pair" else case.coefficients


def linked(sums, link):
    """The answers in NumPy."""
    outputs = np.exp(-np.logaddexp(0, -sums))
    if link == "sums":
        return sums
    if link == "sigmoid":
        return outputs
    if link == "pair":
        return np.hstack([np.exp(-np.logaddexp(0, sums)), outputs])
    if link == "shares":
        return outputs / outputs.sum(axis=1, keepdims=True)
    powers = np.exp(sums - sums.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@settings(max_examples=100)
@given(cases(), st.sampled_from(LINKS))
def test_predictions(kernels, case, link):
    coefficients = coefficients_for(case, link)
    found = answers(kernels, case.inputs, coefficients, link, len(coefficients))
    sums = case.rows @ coefficients.T
    slack = 1e-13 * (1 + abs(case.rows) @ abs(coefficients).T.sum(axis=1, keepdims=True))
    assert (abs(found - linked(sums, link)) <= slack * (1 if link == "sums" else linked(sums, link) + 1e-300)).all()


@pytest.mark.parametrize("link", LINKS)
def test_predictions_of_some_of_the_rows(kernels, link):
    case = Case(300, 6, 1 if link == "pair" else 3, "sigmoid_log_loss")
    whole = answers(kernels, case.inputs, case.coefficients, link, case.k)
    results = np.full(whole.shape, -7.0)
    for start, stop in ((0, 1), (3, 3), (40, 299)):
        kernels.predict(memoryview(case.inputs), flat(case.coefficients), link, start, stop, memoryview(results))
    expected = np.full(whole.shape, -7.0)
    expected[0], expected[40:299] = whole[0], whole[40:299]
    assert results.tobytes() == expected.tobytes()


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("storage", ["d", "f"])
def test_predictions_tell_of_what_is_not_finite(kernels, link, bad, storage):
    """At any place; with coefficients of 0 too, which would hide it."""
    for d in (1, 2, 8, 9, 17):
        coefficients = np.zeros((1 if link == "pair" else 3, d + 1))
        for place in range(d):
            inputs = np.zeros((5, d), storage)
            inputs[place % 5, place] = bad
            results = np.zeros((5, 2 if link == "pair" else 3))
            for start in (0, 1):
                sure = kernels.predict(memoryview(inputs), flat(coefficients), link, start, 5, memoryview(results))
                assert not sure or start > place % 5


def door(x):
    return array("d", x)


@settings(max_examples=100)
@given(cases(), st.sampled_from(LINKS))
def test_one_row_at_a_time_is_the_same_to_the_bit(kernels, case, link):
    coefficients = coefficients_for(case, link)
    k = len(coefficients)
    whole = answers(kernels, case.inputs, coefficients, link, k)
    sums = np.ascontiguousarray(answers(kernels, case.inputs, coefficients, "sums", k))
    classes = tuple(f"class {number}" for number in range(max(k, 2)))
    scorer = kernels.Scorer(flat(coefficients), k, case.d, link, classes, door)
    of_columns = kernels.Scorer(flat(coefficients), k, case.d, link, None, door)
    choices = array("H", bytes(2 * case.n))
    kernels.choose(memoryview(sums), memoryview(choices))
    for i, row in enumerate(case.inputs[:5].astype(float)):
        for x in (row.tolist(), tuple(row.tolist()), row, array("d", row), memoryview(row), iter(row.tolist())):
            answer = scorer.predict_proba_one(x)
            assert type(answer) is tuple
            assert flat(answer).tobytes() == whole[i].tobytes()
        assert scorer.predict_one(row.tolist()) == classes[choices[i]]
        assert of_columns.predict_one(row.tolist()) == tuple(int(total > 0) for total in sums[i])


def test_a_scorer_of_very_wide_rows(kernels):
    case = Case(3, 1000, 70, "softmax_log_loss")
    whole = answers(kernels, case.inputs, case.coefficients, "softmax", case.k)
    scorer = kernels.Scorer(flat(case.coefficients), case.k, case.d, "softmax", tuple(range(70)), door)
    for i, row in enumerate(case.inputs.tolist()):
        assert flat(scorer.predict_proba_one(row)).tobytes() == whole[i].tobytes()
        assert scorer.predict_one(row) == whole[i].argmax()


@pytest.mark.parametrize("k", [1, 2, 3, 7, 8, 9, 300])
def test_choices(kernels, k):
    sums = np.ascontiguousarray(np.random.default_rng(k).integers(-2, 3, (50, k)).astype(float))  # with ties
    sums[0] = -0.0
    choices = array("H", bytes(2 * len(sums)))
    kernels.choose(memoryview(sums), memoryview(choices))
    assert list(choices) == ((sums[:, 0] > 0).astype(int) if k == 1 else sums.argmax(axis=1)).tolist()


# Memory of every kind.


@settings(max_examples=40)
@given(cases(n=st.sampled_from([1, 5, 33])), st.integers(1, 7))
def test_where_the_memory_lies_does_not_change_a_bit(kernels, case, offset):
    """Read-only, and across the processor's natural addresses."""

    def moved(table):
        data = memoryview(b"x" * offset + table.tobytes())[offset:]
        return data.cast(table.dtype.char, table.shape)

    problem = case.problem(kernels, moved(case.inputs), moved(case.targets))
    assert case.evaluate(kernels, problem=problem).tobytes() == case.evaluate(kernels).tobytes()
    results = np.zeros((case.n, case.k))
    kernels.predict(moved(case.inputs), flat(case.coefficients), "sigmoid", 0, case.n, memoryview(results))
    assert results.tobytes() == answers(kernels, case.inputs, case.coefficients, "sigmoid", case.k).tobytes()


@settings(max_examples=40)
@given(cases())
def test_storage_does_not_change_a_bit(kernels, case):
    doubles = np.ascontiguousarray(case.inputs.astype(float))
    same = case.problem(kernels, memoryview(doubles))
    assert case.evaluate(kernels, problem=same).tobytes() == case.evaluate(kernels).tobytes()
    ours, theirs = (answers(kernels, rows, case.coefficients, "sigmoid", case.k) for rows in (case.inputs, doubles))
    assert ours.tobytes() == theirs.tobytes()


def test_a_problem_holds_on_to_its_memory(kernels):
    case = Case(40, 3, 1, "sigmoid_log_loss")
    problem = case.problem(kernels, memoryview(case.inputs.copy()), memoryview(case.targets.copy()))
    rubbish = [np.full((40, 3), 1e9) for _ in range(50)]
    as_expected(case, case.evaluate(kernels, problem=problem))
    del rubbish


# Numbers at the edge.


@settings(max_examples=100)
@given(st.data(), st.sampled_from(WIDTHS), st.sampled_from([1, 2, 3, 10]), st.booleans())
def test_predictions_at_any_scale(kernels, data, d, k, intercept):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    inputs = random.choice(EXTREMES, (4, d))
    coefficients = random.choice(EXTREMES, (k, d + intercept))
    for link in LINKS if k > 1 else ("sums", "sigmoid", "pair"):
        results = np.full((4, 2 if link == "pair" else k), np.nan)
        own = coefficients[:1] if link == "pair" else coefficients
        kernels.predict(memoryview(inputs), flat(own), link, 0, 4, memoryview(results))
        assert not np.isnan(results).any()
        if link == "sums":
            assert (abs(results) <= 1e300).all()
            continue
        assert ((results >= 0) & (results <= 1)).all()
        if link != "sigmoid":
            np.testing.assert_allclose(results.sum(axis=1), 1, rtol=1e-12)
        scorer = kernels.Scorer(flat(own), len(own), d, link, None, door)
        for row, result in zip(inputs.tolist(), results, strict=True):
            assert flat(scorer.predict_proba_one(row)).tobytes() == result.tobytes()


@pytest.mark.parametrize("first", EXTREMES)
@pytest.mark.parametrize("second", EXTREMES)
def test_a_product_at_any_scale(kernels, first, second):
    results = np.zeros((1, 1))
    kernels.predict(memoryview(np.array([[first]])), flat([second]), "sums", 0, 1, memoryview(results))
    with np.errstate(over="ignore"):
        assert results[0, 0] == np.clip(np.float64(first) * np.float64(second), -1e300, 1e300)


@settings(max_examples=60)
@given(st.data(), st.sampled_from(WIDTHS), st.sampled_from([1, 3]), st.sampled_from(LOSSES))
def test_values_and_gradients_at_any_scale(kernels, data, d, k, loss):
    if k == 1 and loss.startswith("softmax"):
        return
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    case = Case(6, d, k, loss, weighted=False)
    case.inputs = random.choice([value for value in EXTREMES if abs(value) <= 1e300], (6, d))
    parts = case.evaluate(kernels, random.choice([1e300, -1e300, 1e-300, 0.0, 1.0], case.coefficients.shape))
    assert np.isfinite(parts).all()
    assert (parts[:, 0] >= 0).all()


@pytest.mark.parametrize("z", [0.0, 1e-17, 1e-8, 1.0, 30.0, 36.8, 40.0, 700.0, 708.5, 745.0, 750.0, 1e10, 1e300])
def test_losses_of_sums_of_any_size(kernels, z):
    """The loss on the wrong side is z, on the right side e⁻ᶻ: neither is lost."""
    for total in (z, -z):
        case = Case(1, 1, 1, "sigmoid_log_loss", weighted=False, intercept=False)
        case.inputs = np.array([[total]])
        parts = case.evaluate(kernels, np.array([[1.0]]))
        wanted = case.wanted[0, 0]
        right = total if wanted else -total
        expected = np.logaddexp(0, -right) if right < 700 else np.exp(-right)
        np.testing.assert_allclose(parts[0, 0], expected, rtol=1e-14, atol=1e-320)
        # And the softmax of (z, 0) is the sigmoid of z.
        case = Case(1, 1, 2, "softmax_log_loss", weighted=False, intercept=False)
        case.inputs = np.array([[total]])
        parts = case.evaluate(kernels, np.array([[1.0], [0.0]]))
        right = total if case.wanted[0, 0] else -total
        expected = np.logaddexp(0, -right) if right < 700 else np.exp(-right)
        np.testing.assert_allclose(parts[0, 0], expected, rtol=1e-14, atol=1e-15)


# Vectors and matrices.

LENGTHS = [*WIDTHS, 255, 256, 257, 1000]


@pytest.mark.parametrize("n", LENGTHS)
def test_vectors(kernels, n):
    random = np.random.default_rng(n)
    left, right = random.normal(size=(2, n))
    assert abs(kernels.dot(flat(left), flat(right)) - left @ right) <= 1e-14 * (abs(left) @ abs(right))
    target = flat(left)
    kernels.add_scaled(target, -0.3, flat(right))
    np.testing.assert_allclose(target, left - 0.3 * right, rtol=1e-15, atol=1e-16)
    for n_rows in (1, 2, 7, 8, 9, 20):
        parts, total = random.normal(size=(n_rows, n)), flat(np.full(n, np.nan))
        kernels.add_up(flat(parts), total)
        expected = np.zeros(n)
        for part in parts:
            expected += part
        assert total.tobytes() == expected.tobytes()


@pytest.mark.parametrize("n", LENGTHS)
def test_objectives_are_added_up(kernels, n):
    random = np.random.default_rng(n)
    parts, coefficients, ridge = random.normal(size=(5, 1 + n)), random.normal(size=n), random.random(n)
    gradient = flat(np.full(n, np.nan))
    value = kernels.add_up_objective(flat(parts), 3.7, flat(coefficients), flat(ridge), gradient)
    total = parts.sum(axis=0) / 3.7
    assert value == pytest.approx(total[0] + ridge @ coefficients**2 / 2, rel=1e-13, abs=1e-13)
    np.testing.assert_allclose(gradient, total[1:] + ridge * coefficients, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("n", WIDTHS)
@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_largest_slope(kernels, n, k):
    random = np.random.default_rng(n)
    means, scales = random.normal(size=n), random.random(n) + 0.1
    for place in range(-1, n):
        gradient = random.normal(size=(k, n + 1)) * 1e-3
        gradient[-1, place] = -5.0  # the largest may be anywhere
        slopes = (gradient[:, :n] - means * gradient[:, n:]) / scales
        expected = max(abs(slopes).max(), abs(gradient[:, n]).max())
        assert kernels.largest_slope(flat(gradient), k, flat(means), flat(scales)) == pytest.approx(expected, rel=1e-15)
        expected = abs(gradient[:, :n] / scales).max()
        assert kernels.largest_slope(flat(gradient[:, :n]), k, flat(np.zeros(n)), flat(scales)) == pytest.approx(expected)
    assert kernels.largest_slope(zeros(k * n + k), k, flat(means), flat(scales)) == 0


def positive_definite(random, n):
    roots = random.normal(size=(n, n + 3))
    return roots @ roots.T / n + np.eye(n) * 0.1


@pytest.mark.parametrize("n", WIDTHS)
def test_cholesky(kernels, n):
    """Only the lower triangle is looked at."""
    random = np.random.default_rng(n)
    matrix = positive_definite(random, n)
    factor = flat(np.tril(matrix) + np.triu(np.full((n, n), 1e9), 1))
    assert kernels.cholesky(factor, n) == -1
    lower = np.tril(np.reshape(factor, (n, n)))
    np.testing.assert_allclose(lower, np.linalg.cholesky(matrix), rtol=1e-10, atol=1e-12)
    for k in (1, 2, 5):
        right = random.normal(size=(k, n))
        vector = flat(right)
        kernels.cholesky_solve(factor, n, vector)
        np.testing.assert_allclose(np.reshape(vector, (k, n)) @ matrix, right, rtol=1e-9, atol=1e-10)
        matrices = [positive_definite(random, n) for _ in range(k)]
        vector = flat(right)
        kernels.cholesky_solve(flat([np.linalg.cholesky(own) for own in matrices]), n, vector)
        for own, solution, wanted in zip(matrices, np.reshape(vector, (k, n)), right, strict=True):
            np.testing.assert_allclose(own @ solution, wanted, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 17, 30])
def test_cholesky_of_what_is_not_positive_definite(kernels, n):
    for column in range(n):
        matrix = positive_definite(np.random.default_rng(n), n)
        matrix[column, column] = -1.0
        assert kernels.cholesky(flat(matrix), n) == column
        matrix[column, :] = matrix[:, column] = 0.0
        assert kernels.cholesky(flat(matrix), n) == column
        matrix[column, column] = np.nan
        assert kernels.cholesky(flat(matrix), n) == column
        if column:  # the same column twice: a pivot that is nothing but rounding
            matrix = positive_definite(np.random.default_rng(n), n)
            matrix[column, :] = matrix[0, :]
            matrix[:, column] = matrix[:, 0]
            assert kernels.cholesky(flat(matrix), n) == column


@pytest.mark.parametrize("n", WIDTHS)
@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0, 50.0])
def test_a_sparse_step_is_optimal(kernels, n, strength):
    """The conditions of Karush, Kuhn and Tucker; what is held at 0 is 0 exactly."""
    random = np.random.default_rng(n)
    matrix, gradient = positive_definite(random, n) + np.eye(n), random.normal(size=n)
    point = random.normal(size=n) * random.integers(0, 2, n)
    thresholds = random.random(n) * strength
    thresholds[random.integers(n)] = 0.0  # an intercept
    for start in (np.zeros(n), random.normal(size=n)):
        step = flat(start)
        kernels.sparse_step(flat(np.tril(matrix)), n, flat(gradient), flat(point), flat(thresholds), step, 10_000, 1e-30)
        there, slopes = point + np.array(step), gradient + matrix @ np.array(step)
        at_zero = np.array([-a == b for a, b in zip(point, step, strict=True)])
        assert (abs(slopes[at_zero]) <= thresholds[at_zero] + 1e-12).all()
        np.testing.assert_allclose(slopes[~at_zero], -np.sign(there[~at_zero]) * thresholds[~at_zero], atol=1e-12)
        if strength == 50.0:
            assert at_zero.sum() >= n // 2


def test_a_sparse_step_without_sweeps_stays(kernels):
    step = flat([1.0, 2.0])
    kernels.sparse_step(flat(np.eye(2)), 2, flat([1, 1]), flat([0, 0]), flat([1, 1]), step, 0, 1e-20)
    assert list(step) == [1.0, 2.0]


# The same bits everywhere.

EVERYTHING = """
import hashlib, sys
from array import array
import numpy as np
import pyperceptron as pp
from pyperceptron.backends import resolve

kernels = resolve()[1]
fast = hasattr(kernels, "instruction_sets")
random = np.random.RandomState(5)
digest = hashlib.sha256()

def flat(values):
    return array("d", np.ravel(values).tolist())

for d in (*range(1, 18), 30, 57, 393) if fast else (1, 8, 17):
    for k in (1, 3, 10):
        for n in (1, 130) if fast else (1, 3):
            for storage in ("d", "f", "B"):
                X = (random.random_sample((n, d)) * 6 - (0 if storage == "B" else 3)).astype(storage)
                y = random.randint(0, max(k, 2), (n, 1)).astype("B")
                weights = random.random_sample(n)
                for intercept in (False, True):
                    width = d + intercept
                    W = flat(random.random_sample((k, width)) * 4 - 2)
                    losses = ["sigmoid_log_loss", "sigmoid_squared_error"] + ["softmax_log_loss"] * (k > 1)
                    for loss in losses:
                        problem = kernels.Problem(memoryview(X), memoryview(y), memoryview(weights), k, loss, intercept, 100)
                        parts = array("d", bytes(8 * 3 * (1 + k * width)))
                        problem.evaluate(W, 0, -(-n // 100), parts)
                        matrix = array("d", bytes(8 * width * width))
                        problem.hessian(W, -1, None, None, 0, n, matrix)
                        sums = array("d", bytes(8 * 3 * (1 + 2 * d)))
                        problem.moments(flat(np.ones(d)), 0, -(-n // 100), sums)
                        digest.update(parts.tobytes() + matrix.tobytes() + sums.tobytes())
                    for link in ("sums", "sigmoid", "softmax", "shares", "pair"):
                        results = np.zeros((n, 2 if link == "pair" else k))
                        kernels.predict(memoryview(X), W[:width] if link == "pair" else W, link, 0, n, memoryview(results))
                        digest.update(results.tobytes())

for n, d, k in ((15_000, 12, 1), (15_000, 5, 3), (3_000, 60, 1)) if fast else ((60, 3, 1), (60, 3, 3)):
    X = random.random_sample((n, d))
    y = np.argmax(X[:, :max(k, 2)] + random.random_sample((n, max(k, 2))), axis=1)
    for solver in ("newton", "lbfgs", "gd"):
        for params in ({"l2": 0.01}, {"l1": 0.01}) if solver == "newton" else ({"l2": 0.01},):
            fits = [
                pp.Perceptron(solver=solver, threads=threads, tol=1e-3, **params).fit(X, y)
                for threads in ((1, 3, 8) if fast else (1, 2))
            ]
            bits = {(model.coef_.tobytes(), model.intercept_.tobytes(), model.predict_proba(X).tobytes()) for model in fits}
            assert len(bits) == 1, (n, d, k, solver, params)
            for part in bits.pop():
                digest.update(part)
print(digest.hexdigest())
"""


def test_every_instruction_set_and_any_number_of_threads_give_the_same_bits(of_every_instruction_set):
    digests = of_every_instruction_set(EVERYTHING)
    assert len(set(digests.values())) == 1, digests
