"""The study file as a JSON schema, made from the models that read it, for editors to check by.

Descriptions are the models' own docstrings. A profile may change any key, so its tables are those
of the study with nothing required. What only the whole file can tell (whether an arm that a claim
names is there, say) stays with `harness.study_file`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from harness.catalog import architectures, datasets, optimizers
from harness.study import Spec, Study

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ATTRIBUTE = re.compile(r"^    (\w+): (.*?)(?=\n    \w+: |\Z)", re.MULTILINE | re.DOTALL)
_REFERENCE = {
    "type": "string",
    "pattern": r"^[\w.]+:\w+$",
    "description": "package.module:function",
}


def study_schema() -> dict[str, Any]:
    """The schema of a study file, as a JSON document."""
    schema = Study.model_json_schema(schema_generator=_FromDocstrings)
    definitions = schema["$defs"]
    arm, grid = definitions["Arm"]["properties"], definitions["Grid"]["properties"]
    for kind, names in _catalog().items():
        definitions[kind] = _spec(names)
        arm[kind]["$ref"] = grid[f"{kind}s"]["items"]["$ref"] = f"#/$defs/{kind}"
    known = {"anyOf": [{"enum": list(datasets.NAMES)}, _REFERENCE]}
    definitions["Data"]["properties"]["name"] |= known
    del definitions["Spec"]
    definitions["Arm"]["required"] = ["name"]
    definitions["Arm"]["anyOf"] = [
        {"required": ["architecture", "optimizer"]},
        {"required": ["logs"]},
    ]
    schema["required"] = [key for key in schema["required"] if key != "data"]  # logs need none
    _add_profiles(schema)
    return {"$schema": DIALECT, **schema}


class _FromDocstrings(GenerateJsonSchema):
    """Pydantic's own schema, with descriptions and without what TOML does not have."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """A model's table: what it is, and what each key means."""
        found = super().model_schema(schema)
        found.pop("title", None)
        found["description"] = _summary(schema["cls"])
        meanings = _attributes(schema["cls"])
        for key, value in found.get("properties", {}).items():
            value.pop("title", None)
            if key in meanings:
                value["description"] = meanings[key]
        return found

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """What is not given is left out: TOML has no null."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The default, where there is one to show."""
        found = super().default_schema(schema)
        if found.get("default", 0) is None:
            del found["default"]
        return found


def _summary(model: type) -> str:
    """A model's docstring without the list of its attributes."""
    return _markdown(inspect.cleandoc(model.__doc__ or "").partition("\nAttributes:\n")[0])


def _attributes(model: type) -> dict[str, str]:
    """What the docstrings of a model and of what it is made from say of each attribute."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        text = inspect.cleandoc(base.__doc__ or "").partition("\nAttributes:\n")[2]
        found |= {name: _markdown(meaning) for name, meaning in _ATTRIBUTE.findall(text)}
    return found


def _markdown(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")


def _catalog() -> dict[str, Mapping[str, str]]:
    return {"architecture": architectures.available(), "optimizer": optimizers.available()}


def _spec(names: Mapping[str, str]) -> dict[str, Any]:
    """Something of the catalog by its name, or as a table of its name and settings."""
    known = {"anyOf": [{"enum": list(names)}, _REFERENCE]}
    table = {"type": "object", "properties": {"name": known}, "required": ["name"]}
    return {"anyOf": [known, table], "description": _summary(Spec)}


def _add_profiles(schema: dict[str, Any]) -> None:
    """A profile: any table of the study, whole or in part; arms and claims by name or as a list."""
    definitions, keys = schema["$defs"], schema["properties"]
    lists = {"arms": "Arm", "claims": "Claim"}
    parts: dict[str, Any] = {}
    for key, value in keys.items():
        if key == "profiles":
            continue
        name = lists.get(key) or value["$ref"].rpartition("/")[2]
        part = {k: v for k, v in definitions[name].items() if k not in {"required", "anyOf"}}
        if key == "claims":  # a measure may be changed in one of its settings
            part["properties"] = {**part["properties"], "measure": {"type": "object"}}
        definitions[f"Part{name}"] = part
        parts[key] = {"$ref": f"#/$defs/Part{name}"}
        if key in lists:
            by_name = {"type": "object", "additionalProperties": parts[key]}
            parts[key] = {"anyOf": [by_name, value]}
    profile = {"type": "object", "properties": parts, "additionalProperties": False}
    keys["profiles"] = {
        "type": "object",
        "additionalProperties": profile,
        "description": keys["profiles"]["description"],
    }
