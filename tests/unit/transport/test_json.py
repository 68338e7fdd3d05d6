"""The seed's JSON: what travels, and what the errors say of what does not."""

from __future__ import annotations

import enum
import json
import math
import traceback
from typing import Any

import pytest

from flowy.exception import InputError, SerializationError
from flowy.transport import decode_input, decode_result, encode_input, encode_result


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def test_input_is_the_text_of_args_and_kwargs() -> None:
    """The wire text is ``json.dumps([args, kwargs])``, as the first Flowy's deciders write it."""
    text = encode_input((1, "\u00e4"), {"key": None})
    assert text == json.dumps([[1, "\u00e4"], {"key": None}])
    assert decode_input(text) == ([1, "\u00e4"], {"key": None})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "the task has no input"),
        ("", "the task has no input"),
        ("{SECRET", "not JSON (Expecting property name enclosed in double quotes at character 1)"),
        ("\ufeff[[], {}]", "not JSON (Unexpected UTF-8 BOM"),
        ("[[], {}] SECRET", "not JSON (Extra data at character 9)"),
        ("null", "but null"),
        ("true", "but a boolean"),
        ("1", "but a number"),
        ("1.5", "but a number"),
        ('"SECRET"', "but a string"),
        ("{}", "but an object"),
        ("[]", "but a list of 0"),
        ("[[]]", "but a list of 1"),
        ('[[], {}, "SECRET"]', "but a list of 3"),
        ('["SECRET", {}]', "but [a string, an object]"),
        ('[[], "SECRET"]', "but [a list, a string]"),
        ("[{}, []]", "but [an object, a list]"),
        ("[" * 1_000_000, "nested too deep"),
    ],
)
def test_input_that_cannot_be_read(text: str | None, said: str) -> None:
    """The error says what the input is, and repeats nothing of it."""
    with pytest.raises(InputError) as caught:
        decode_input(text)
    assert said in str(caught.value)
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


def test_a_number_of_too_many_digits() -> None:
    """A number that Python refuses to read (over 4,300 digits) is an error, not a crash."""
    text = f"[[{'9' * 5_000}], {{}}]"
    with pytest.raises(InputError, match="a number in it has too many digits"):
        decode_input(text)


@pytest.mark.parametrize(
    ("value", "at"), [({"n": [10**5_000]}, r"result\['n'\]\[0\]"), ({10**5_000: 1}, "result")]
)
def test_a_number_that_python_does_not_write(value: Any, at: str) -> None:
    """An int is a number, so what is wrong with this one is its length."""
    with pytest.raises(
        SerializationError, match=f"int of too many digits at {at} has no .* Return"
    ):
        encode_result(value)


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1.5, "", "\u00e4\U0001f600", "\ud800", [], {}, {"a": [1, {"b": None}]}],
)
def test_results_travel(value: Any) -> None:
    """What JSON can say arrives as it was, in the text that ``json.dumps`` writes."""
    text = encode_result(value)
    assert text == json.dumps(value)
    assert decode_result(text) == value


def test_no_result_is_none() -> None:
    """A task that completed without a result has the value None."""
    assert decode_result(None) is None


class Plain:
    def __repr__(self) -> str:
        return "SECRET"


class Sly(dict[str, int]):
    def items(self) -> Any:
        raise RuntimeError("SECRET")


class FloatOfMine(float):
    """A number of a library's own, as numpy has them."""


class OddDict(dict[Any, Any]):
    def __iter__(self) -> Any:
        raise RuntimeError("SECRET")


class SlyText(str):
    def __repr__(self) -> str:
        return "SECRET"


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Plain(), f"{__name__}.Plain at result has no JSON form (TypeError)"),
        ({"a": [0, {1, 2}]}, "set at result['a'][1]"),
        ([1, (2, b"SECRET")], "bytes at result[1][1]"),
        ({"key": Colour.RED}, f"{__name__}.Colour at result['key']"),
        ({(1, 2): 3}, "key of type tuple at result"),
        ({"in": {b"SECRET": 3}}, "key of type bytes at result['in']"),
        ({"k" * 100: {1}}, "set at result['" + "k" * 36 + "...]"),
        ([10**5_000], "int of too many digits at result[0] has no JSON form (ValueError)"),
        ([Sly(a=1)], "has no JSON form (RuntimeError)"),
        (nested(200_000), "the value is nested too deep"),
    ],
)
def test_results_that_cannot_travel(value: Any, said: str) -> None:
    """The error names the type and the path in the value, and never the value."""
    with pytest.raises(SerializationError) as caught:
        encode_result(value)
    assert said in str(caught.value)
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, FloatOfMine("nan")])
@pytest.mark.parametrize(
    ("wrap", "path"),
    [
        (lambda number: number, "result"),
        (lambda number: {"a": [1.5, (number,)]}, "result['a'][1][0]"),
        (lambda number: [{number: 1}], "result[0]"),
    ],
)
def test_numbers_that_json_does_not_have(wrap: Any, path: str, number: float) -> None:
    """NaN and the infinities fail, with their place: only Python's parser reads them."""
    with pytest.raises(SerializationError) as caught:
        encode_result(wrap(number))
    assert f"float that is NaN or infinite at {path} has no JSON form" in str(caught.value)
    assert "override _serialize_result" in str(caught.value)
    with pytest.raises(SerializationError, match=r"NaN or infinite at input\["):
        encode_input([wrap(number)], {})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({1: "SECRET", "1": 2}, "keys 1 and '1' at result are the same key"),
        ([{"a": {"null": 1, None: 2}}], "keys 'null' and None at result[0]['a'] are"),
        ({"a": ({True: 1, "true": 2},)}, "keys True and 'true' at result['a'][0] are"),
        ({1.5: 1, "1.5": 2}, "keys 1.5 and '1.5' at result are"),
        (OddDict({1: 1, "1": 2}), "keys 1 and '1' at result are"),
    ],
)
def test_keys_that_are_one_key_in_json(value: Any, said: str) -> None:
    """Of two keys that JSON writes alike one value would be lost: a failure, with the place."""
    with pytest.raises(SerializationError) as caught:
        encode_result(value)
    assert said in str(caught.value)
    assert "SECRET" not in str(caught.value)
    with pytest.raises(SerializationError, match=r"at input\[0\]\[0\]"):
        encode_input([value], {})


def test_keys_that_are_no_strings_travel() -> None:
    """Numbers, booleans and None are keys as before: they arrive as text."""
    value = {"a": [{1: 1, "2": 2, None: 3, 4.5: 4}]}
    assert encode_result(value) == json.dumps(value)


def test_a_value_that_contains_itself() -> None:
    """A cycle is named as one, with the place where it closes."""
    value: dict[str, Any] = {"a": []}
    value["a"].append(value)
    with pytest.raises(
        SerializationError, match=r"dict that contains itself at result\['a'\]\[0\]"
    ):
        encode_result(value)


def test_a_value_that_stands_twice_is_no_cycle() -> None:
    """The search does not take a shared value for one that contains itself."""
    shared = [1]
    with pytest.raises(SerializationError, match=r"set at result\[2\]"):
        encode_result([shared, shared, {1}])


def test_a_misfit_too_far_to_be_found() -> None:
    """The search ends, however large the value; the error then names the whole."""
    with pytest.raises(SerializationError, match="list at result has no JSON form"):
        encode_result([*range(200_000), {1}])
    deep = nested(300)
    inner = deep
    while inner != [0]:
        inner = inner[0]
    inner[0] = {1}
    with pytest.raises(SerializationError, match="list at result has no JSON form"):
        encode_result(deep)


def test_arguments_that_cannot_travel() -> None:
    """The path of an argument begins at the input."""
    with pytest.raises(SerializationError, match=r"set at input\[0\]\[0\]"):
        encode_input(({1},), {})
    with pytest.raises(SerializationError, match="the argument is nested too deep"):
        encode_input((nested(100_000),), {})


@pytest.mark.parametrize(
    ("text", "where"),
    [("{SECRET", "at character 1"), ("[" * 1_000_000, "nested too deep")],
)
def test_a_result_that_cannot_be_read(text: str, where: str) -> None:
    """A foreign result that is not JSON is an error without its text."""
    with pytest.raises(SerializationError, match=f"Cannot read the result.*{where}") as caught:
        decode_result(text)
    assert "SECRET" not in str(caught.value)
