"""Names and values that are wrong are described so that they can be put right."""

import pytest

from harness.catalog.problems import CatalogError, Problem, nearest, refuse, unknown


@pytest.mark.parametrize(
    ("word", "expected"),
    [("RMS-prop", "rmsprop"), ("ada_delta", "adadelta"), ("adm", "adam"), ("zzz", None), (7, None)],
)
def test_nearest_ignores_case_and_separators(word: object, expected: str | None) -> None:
    assert nearest(word, ["adadelta", "adam", "rmsprop", "sgd"]) == expected


def test_unknown_lists_what_is_known() -> None:
    problem = unknown("name", "cnnn", "an architecture", ["cnn", "mlp"])
    assert str(problem) == (
        "name = 'cnnn' is not an architecture; known: cnn, mlp (did you mean cnn?)"
    )


def test_refuse_lists_all_problems_at_once() -> None:
    problems = [Problem("a", 1, "is wrong"), Problem("b", None, "is missing")]
    with pytest.raises(CatalogError) as error:
        refuse("the thing", problems)
    assert str(error.value) == "the thing cannot be built:\n  a = 1 is wrong\n  b is missing"


def test_refuse_lets_pass_what_has_no_problems() -> None:
    refuse("the thing", [])
