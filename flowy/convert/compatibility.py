"""Says which changes of a JSON Schema break callers.

What an activity takes may become wider, and what it returns narrower. So of two schemas the one has
to cover the other: what is allowed by the narrow one must be allowed by the wide one. Only what
msgspec and pydantic write is understood; any other difference counts as a break.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: Keys that describe, and allow or forbid nothing.
_ABOUT = frozenset(
    {"title", "description", "default", "examples", "deprecated", "discriminator", "$defs"}
)

#: Keys that are compared on their own.
_COMPARED = frozenset(
    {"type", "properties", "required", "additionalProperties", "propertyNames", "items"}
)

#: Limits: whether the wide schema's has to be lower.
_LIMITS = {
    "minimum": True, "exclusiveMinimum": True, "minLength": True, "minItems": True,
    "minProperties": True, "maximum": False, "exclusiveMaximum": False, "maxLength": False,
    "maxItems": False, "maxProperties": False,
}  # fmt: skip

#: Limits that may stand in for another one.
_INSTEAD = {
    "minimum": "exclusiveMinimum", "exclusiveMinimum": "minimum",
    "maximum": "exclusiveMaximum", "exclusiveMaximum": "maximum",
}  # fmt: skip


def breaking_changes(old: Sequence[Any], new: Sequence[Any]) -> list[str]:
    """Return what breaks callers, one text for each change.

    Args:
        old, new: what ``flowy types schema`` has printed, as JSON values.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: one of them is something else.
    """
    if not isinstance(old, list):
        raise TypeError(f"{type(old).__name__} is not a list of types")
    now = {(each["name"], each["version"]): each for each in new}
    found: list[str] = []
    for was in old:
        key = (was["name"], was["version"])
        if key not in now:
            found.append(f"{key[0]} {key[1]}: is gone")
            continue
        problems = dict.fromkeys((*_of_arguments(was, now[key]), *_of_result(was, now[key])))
        found.extend(f"{key[0]} {key[1]}: {problem}" for problem in problems)
    return found


def _of_arguments(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    old, new = was["arguments"], now["arguments"]
    before, after = old["x-by-position"], new["x-by-position"]
    if after[: len(before)] != before:
        yield f"arguments: by position they were {_listed(before)}, and are {_listed(after)}"
    compare = _Comparison(wide=new, narrow=old, widened=True)
    for name in new.get("x-only-by-position", ()):
        if name in old["properties"] and name not in old.get("x-only-by-position", ()):
            yield f"{name}: cannot be given by name any more"
    rest = old["x-more-by-position"]
    if rest is not False:
        for name in after[len(before) :]:
            yield from compare.misfits(new["properties"][name], rest, name)
        yield from compare.misfits(new["x-more-by-position"], rest, "other arguments by position")
    yield from compare.misfits(new, old, "")


def _of_result(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    old, new = was["result"], now["result"]
    yield from _Comparison(wide=old, narrow=new, widened=False).misfits(old, new, "result")


class _Comparison:
    """One comparison of two schemas with their definitions.

    Args:
        wide: the one that has to cover the other.
        narrow: the other.
        widened: whether the wide one is the newer one; the texts tell.
    """

    def __init__(self, *, wide: Any, narrow: Any, widened: bool) -> None:
        self._wide = wide.get("$defs", {})
        self._narrow = narrow.get("$defs", {})
        self._widened = widened
        # Pairs by their ids, and themselves: another object may get the id of one that is gone.
        self._seen: dict[tuple[int, int], tuple[Any, Any]] = {}

    def misfits(self, wide: Any, narrow: Any, path: str) -> Iterator[str]:
        """Yield why the wide schema does not cover the narrow one."""
        wide, narrow = _resolved(wide, self._wide), _resolved(narrow, self._narrow)
        if wide == {} or narrow is False or (id(wide), id(narrow)) in self._seen:
            return
        self._seen[id(wide), id(narrow)] = (wide, narrow)
        if wide is False:
            yield f"{path}: is not taken any more" if self._widened else f"{path}: is new"
        elif branches := _branches(narrow):
            found = [one for each in branches for one in self.misfits(wide, each, path)]
            other = any(one.startswith(f"{path}: was ") for one in found)
            yield from [self._was(wide, narrow, path)] if other else found
        elif branches := _branches(wide):
            if all(self._changed(each, narrow) for each in branches):
                yield self._was(wide, narrow, path)
        elif "enum" in narrow or "enum" in wide:
            if not _values_fit(wide, narrow):
                yield self._was(wide, narrow, path)
        elif not _types(narrow) <= _types(wide):
            yield self._was(wide, narrow, path)
        else:
            yield from self._limits(wide, narrow, path)
            yield from self._contents(wide, narrow, path)

    def _changed(self, wide: Any, narrow: Any) -> bool:
        seen = dict(self._seen)
        changed = any(True for _ in self.misfits(wide, narrow, ""))
        if changed:
            self._seen = seen  # what was assumed on the way does not hold
        return changed

    def _limits(self, wide: Any, narrow: Any, path: str) -> Iterator[str]:
        for key in sorted((set(wide) | set(narrow)) - _ABOUT - _COMPARED):
            if key.startswith("x-") or wide.get(key) == narrow.get(key):
                continue
            if key not in wide and key != "contentEncoding":  # whose text would be mistaken
                continue
            if key in _LIMITS:
                if _is_kept(key, wide[key], narrow):
                    continue
            elif key == "prefixItems" and len(wide[key]) == len(narrow.get(key, ())):
                for index, pair in enumerate(zip(wide[key], narrow[key], strict=True)):
                    yield from self.misfits(*pair, f"{path}[{index}]")
                continue
            old, new = (narrow, wide) if self._widened else (wide, narrow)
            yield f"{path}: {key} was {old.get(key)!r}, is {new.get(key)!r}"

    def _contents(self, wide: Any, narrow: Any, path: str) -> Iterator[str]:
        dot = f"{path}." if path else ""
        for name in wide.get("required", ()):
            if name not in narrow.get("required", ()):
                yield f"{dot}{name}: {'is required now' if self._widened else 'may be missing now'}"
        theirs = narrow.get("properties", {})
        others = wide.get("additionalProperties", {})
        for name, schema in theirs.items():
            ours = wide.get("properties", {}).get(name, others)
            yield from self.misfits(ours, schema, f"{dot}{name}")
        rest = narrow.get("additionalProperties", False)  # without it, others are ignored
        for name, schema in wide.get("properties", {}).items():
            if name not in theirs and rest is not False:
                yield from self.misfits(schema, rest, f"{dot}{name}")
        more = f"{path}[...]" if path else "other arguments by name"
        yield from self.misfits(others, narrow.get("additionalProperties", {}), more)
        keys = wide.get("propertyNames", {}), narrow.get("propertyNames", {})
        yield from self.misfits(*keys, f"keys of {path}")
        if "prefixItems" not in wide:
            for index, each in enumerate(narrow.get("prefixItems", ())):
                yield from self.misfits(wide.get("items", {}), each, f"{path}[{index}]")
        yield from self.misfits(_more_items(wide), _more_items(narrow), f"{path}[]")

    def _was(self, wide: Any, narrow: Any, path: str) -> str:
        old, new = (narrow, wide) if self._widened else (wide, narrow)
        return f"{path}: was {_said(old)}, is {_said(new)}"


def _is_kept(key: str, limit: Any, narrow: Any) -> bool:
    """Return whether values within the limits of the narrow schema keep one of the wide schema."""
    given = narrow.get(key)
    if given is None:
        given = narrow.get(_INSTEAD.get(key))
        if given is None or (given == limit and key.startswith("exclusive")):
            return False
    return bool(limit <= given if _LIMITS[key] else limit >= given)


def _more_items(schema: Any) -> Any:
    """Return the schema of the items after those that have one of their own."""
    first = schema.get("prefixItems", ())
    none = first and schema.get("maxItems") == len(first)
    return False if none else schema.get("items", {})


def _resolved(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Return a schema that is not a reference; False, or {} if it allows everything."""
    for _ in range(len(definitions) + 1):
        if not isinstance(schema, dict) or "$ref" not in schema:
            break
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    if schema is True or (isinstance(schema, dict) and not set(schema) - _ABOUT):
        return {}
    if isinstance(schema, dict) and "const" in schema:
        return {"enum": [schema["const"]]}
    return schema


def _branches(schema: Any) -> Sequence[Any]:
    return schema.get("anyOf") or schema.get("oneOf") or ()


def _values_fit(wide: Any, narrow: Any) -> bool:
    """Return whether each value that the narrow schema declares is allowed."""
    if "enum" not in narrow:
        return False
    if "enum" in wide:
        return all(each in wide["enum"] for each in narrow["enum"])
    free = not set(wide) - _ABOUT - {"type"}  # no format or limit that a value might not have
    return free and all(_type_of(each) <= _types(wide) for each in narrow["enum"])


#: All types of JSON; an integer is a number.
_ALL = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})


def _types(schema: Any) -> frozenset[str]:
    given = schema.get("type", _ALL)
    types = frozenset({given} if isinstance(given, str) else given)
    return types | {"integer"} if "number" in types else types


def _type_of(value: Any) -> frozenset[str]:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    return frozenset({kinds.get(type(value), "object")})


def _said(schema: Any) -> str:
    """Return what a schema is, in a few words."""
    if not schema:
        return "anything"
    if branches := _branches(schema):
        return " or ".join(dict.fromkeys(map(_said, branches)))
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema or "const" in schema:
        return f"one of {schema.get('enum', [schema.get('const')])}"
    kind = schema.get("format") or schema.get("type") or schema.get("title") or "something else"
    return kind if isinstance(kind, str) else " or ".join(kind)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
