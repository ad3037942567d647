"""The reference pages, written from the code: study file, measures, catalog, command line."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import typer

from harness.catalog import architectures, datasets, optimizers
from harness.cli import app
from harness.measure_kinds import MEASURES
from harness.measures import MeasureBase
from harness.study_schema import study_schema

Schema = Mapping[str, Any]

_LISTS = {"arms", "claims"}
_PLACEHOLDERS = {"int": "N", "float": "N", "str": "TEXT"}
_CATALOG = {"architecture", "optimizer"}
_EXAMPLE_VALUES: Schema = {"target": 0.98, "within": 0.005, "fraction": 0.95, "epoch": 12}
"""Settings that an example gives, where a measure has them, beside its metric."""


def study_file() -> str:
    """Every table of a study file with its keys, types, defaults and meanings."""
    schema = study_schema()
    definitions = schema["$defs"]
    lines: list[str] = []
    for key, value in schema["properties"].items():
        required = " (required)" if key in schema["required"] else ""
        title = f"[[{key}]]" if key in _LISTS else f"[{key}]"
        lines += [f"## `{title}`{required} {{ #{key} }}", ""]
        if key == "profiles":
            lines += [f"{value['description']} See [Profiles](#profiles-explained).", ""]
            continue
        table = definitions[_reference(value.get("items", value))]
        lines += [_own_words(table["description"]), "", *_keys(table), ""]
        for name, inner in table["properties"].items():
            nested = definitions.get(_reference(inner), {})
            if "properties" in nested:
                lines += [f"### `{name}` in `{title}` {{ #{name} }}", ""]
                lines += [_own_words(nested["description"]), "", *_keys(nested), ""]
    return "\n".join(lines)


def measures() -> str:
    """Every measure: what it is, its unit, an example and its settings."""
    definitions = study_schema()["$defs"]
    parts = [_measure(kind, model, definitions) for kind, model in MEASURES.items()]
    return "\n".join(line for part in parts for line in part)


def catalog() -> str:
    """What a study can name."""
    known = {
        "Architectures": architectures.available(),
        "Optimizers": optimizers.available(),
        "Datasets": {info.name: _dataset(info) for info in datasets.available()},
    }
    lines: list[str] = []
    for title, entries in known.items():
        lines += [f"### {title}", "", "| name | what it is |", "|---|---|"]
        lines += [f"| `{name}` | {_cell(summary)} |" for name, summary in entries.items()]
        lines.append("")
    return "\n".join(lines)


def commands() -> str:
    """Every command with its arguments and options, as ``--help`` tells them."""
    lines: list[str] = []
    for name, command in _commands(typer.main.get_command(app), "bench"):
        context = typer.Context(command, info_name=name)
        usage = " ".join([name, *command.collect_usage_pieces(context)])
        lines += [f"## `{name}`", "", inspect.cleandoc(command.help or ""), ""]
        lines += ["```text", usage, "```", ""]
        rows = [row for p in command.params if (row := _parameter(p, context)) is not None]
        lines += [*_table(("option", "meaning", "default"), rows), ""]
    return "\n".join(lines)


GENERATED: Mapping[str, Callable[[], str]] = {
    "study-file": study_file,
    "measures": measures,
    "catalog": catalog,
    "commands": commands,
}
"""What a page may ask for with ``<!-- generated: NAME -->``."""


def _measure(kind: str, model: type[MeasureBase], definitions: Schema) -> list[str]:
    own = next(d for d in definitions.values() if _kind(d) == kind)
    settings = {key: value for key, value in own["properties"].items() if key != "kind"}
    censored = "yes: a run may never get there" if model.can_be_censored else "no"
    return [
        f"## `{kind}`",
        "",
        own["description"],
        "",
        f"**Unit:** {_plain(inspect.getdoc(model.unit) or '')} **Can be censored:** {censored}.",
        "",
        "```toml",
        f"measure = {{ {_example(kind, settings)} }}",
        "```",
        "",
        *_keys({**own, "properties": settings}),
        "",
    ]


def _example(kind: str, settings: Schema) -> str:
    values = {"kind": kind}
    if "metric" in settings:
        values["metric"] = settings["metric"]["default"]
    values |= {key: value for key, value in _EXAMPLE_VALUES.items() if key in settings}
    return ", ".join(f"{key} = {json.dumps(value)}" for key, value in values.items())


def _kind(definition: Schema) -> object:
    return definition.get("properties", {}).get("kind", {}).get("const")


def _keys(table: Schema) -> Iterator[str]:
    """A table of keys."""
    required = table.get("required", [])
    rows = []
    for key, value in table["properties"].items():
        default = "**required**" if key in required else ""
        if "default" in value:
            default = f"`{json.dumps(value['default'])}`"
        rows.append((f"`{key}`", _type(key, value), default, value["description"]))
    return _table(("key", "value", "default", "meaning"), rows)


def _type(key: str, value: Schema) -> str:
    """What may stand for a key, in words; a table of its own is a link to it."""
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_type(key, part) for part in value["anyOf"]))
    if "$ref" in value:
        name = _reference(value)
        return f"[an {name}](#{name}s)" if name in _CATALOG else f"[a table](#{key})"
    if "oneOf" in value:
        return "[a measure](measures.md)"
    if "enum" in value or "const" in value:
        return ", ".join(f'`"{name}"`' for name in value.get("enum", [value.get("const")]))
    if value["type"] == "array":
        return f"{_count(value)} {_type(key, value['items'])}"
    names = {"boolean": "`true`, `false`", "string": "text", "integer": "whole number"}
    return names.get(value["type"], value["type"]) + _range(value)


def _count(value: Schema) -> str:
    low, high = value.get("minItems"), value.get("maxItems")
    return f"list of {low}:" if low is not None and low == high else "list of"


def _range(value: Schema) -> str:
    low, high = value.get("minimum"), value.get("maximum")
    above, below = value.get("exclusiveMinimum"), value.get("exclusiveMaximum")
    words = [
        f" from {low:,}" if low is not None else "",
        f" above {above:g}" if above is not None else "",
        f" to {high:,}" if high is not None else "",
        f" below {below:g}" if below is not None else "",
    ]
    return "".join(words)


def _reference(value: Schema) -> str:
    return str(value.get("$ref", "")).rpartition("/")[2]


def _own_words(description: str) -> str:
    """A table's description without its own name in front: that is the heading already."""
    start, colon, rest = description.partition("`: ")
    return rest[:1].upper() + rest[1:] if colon and start.startswith("`[") else description


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    for part, sub in getattr(command, "commands", {}).items():
        if hasattr(sub, "commands"):
            yield from _commands(sub, f"{name} {part}")
        else:
            yield f"{name} {part}", sub


def _parameter(parameter: Any, context: typer.Context) -> tuple[str, str, str] | None:
    if parameter.name == "help":
        return None
    shown = parameter.get_help_record(context)
    name, meaning = shown if shown is not None else (parameter.make_metavar(context), "")
    value = parameter.default
    has_default = value not in (None, False, ...) and not callable(value) and not parameter.required
    name = re.sub(r"<(\w+)[^>]*>", lambda kind: _PLACEHOLDERS.get(kind[1], kind[1].upper()), name)
    return f"`{name}`", meaning.partition("  [")[0], f"`{value}`" if has_default else ""


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    titles = list(head)
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")


def _dataset(info: Any) -> str:
    size = " x ".join(map(str, info.shape))
    place = "embedded: no download" if info.embedded else "`bench data fetch` brings it"
    return f"{info.images:,} images {size}, {info.classes} classes; {place}; from {info.sources}"
