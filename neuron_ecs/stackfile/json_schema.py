"""The ``schema`` command: the JSON Schema of the stack file, for editors.

It describes the whole YAML document as a person writes it: Pulumi's own keys at the top, the keys
of providers, and `config.Settings` in the project's namespace. Shape is `config`'s; the catalog
adds what editors complete. Where the catalog can lack what AWS has meanwhile (Regions, instance
types, images) the list is a choice beside the pattern; only what AWS closes (log retention) is a
list alone. Draft 2020-12: https://json-schema.org/draft/2020-12
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from pydantic import TypeAdapter

import catalog
from catalog import Catalog
from config import Settings
from config.changes import SCHEMA_KEY as COST_KEY
from config.values import (
    FindingCode,
    InstanceTypeName,
    InstanceTypePattern,
    RegionName,
    ZoneId,
)
from planning.reference import pages

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SECURE = {"$ref": "#/$defs/Secure"}
_UNITS = {
    "_seconds": ("second", "In seconds."),
    "_mib": ("mib", "In MiB."),
    "_gib": ("gib", "In GiB."),
    "_days": ("day", "In days."),
}
_ZONES_SHOWN = 8
_TYPES = {
    "FindingCode": FindingCode,
    "InstanceTypeName": InstanceTypeName,
    "InstanceTypePattern": InstanceTypePattern,
    "RegionName": RegionName,
    "ZoneId": ZoneId,
}


def text(project: str) -> str:
    """The schema as the repository carries it."""
    return json.dumps(schema(project, catalog.load()), indent=1, ensure_ascii=False) + "\n"


def schema(project: str, known: Catalog) -> Schema:
    """The JSON Schema of the stack files of a project."""
    made: Schema = Settings.model_json_schema()
    writer = _Writer(known)
    ours: dict[str, Schema] = {
        name: _whole(name, writer, cast(Schema, member))
        for name, member in made["properties"].items()
    }
    _complete_regions(ours["regions"], known)
    types = {name: writer.rewritten(member, name) for name, member in made["$defs"].items()}
    return {
        "$schema": DIALECT,
        "title": f"Stack file of {project}",
        "description": "Pulumi.<stack>.yaml: which models run where.",
        "type": "object",
        "properties": {
            "config": _config(project, ours, known),
            "environment": {
                "description": "Pulumi ESC environments to import, or one written here.",
                "type": ["array", "object"],
            },
            "secretsprovider": {
                "description": "What encrypts `secure:` values. The Pulumi CLI writes it.",
                "type": "string",
            },
            "encryptedkey": {
                "description": "The data key, encrypted. The Pulumi CLI writes it.",
                "type": "string",
            },
            "encryptionsalt": {
                "description": "The salt of the passphrase. The Pulumi CLI writes it.",
                "type": "string",
            },
        },
        "additionalProperties": False,
        # An environment may give what the file does not say.
        "anyOf": [
            {"required": ["environment"]},
            {
                "required": ["config"],
                "properties": {
                    "config": {
                        "allOf": [
                            _needed(project, name) for name in cast("list[str]", made["required"])
                        ],
                        "required": ["aws:region"],
                    }
                },
            },
        ],
        "$defs": dict(sorted({**types, **writer.shared(), **_settings(ours)}.items())),
    }


def _settings(ours: Mapping[str, Schema]) -> dict[str, Schema]:
    return {f"settings.{name}": member for name, member in ours.items()}


def _spellings(project: str, name: str) -> tuple[str, ...]:
    """A key of ours in each form that the engine reads."""
    return f"{project}:{name}", name, f"{project}:config:{name}"


def _needed(project: str, name: str) -> Schema:
    return {"anyOf": [{"required": [spelling]} for spelling in _spellings(project, name)]}


def _config(project: str, ours: Mapping[str, Schema], known: Catalog) -> Schema:
    named = re.escape(project).replace(r"\-", "-")
    names = "|".join(ours)
    elsewhere = f"^(?!(?:{named}|aws|aws-native|pulumi):)[^:]+:(?:config:)?(?!(?:{names})$)[^:]+$"
    others: Schema = {"description": "A setting of a provider, or of another program."}
    return {
        "description": "The settings of the stack.",
        "type": "object",
        "properties": {
            "aws:region": {
                "description": "Home Region: IAM roles are global and are managed from here.",
                "examples": ["us-west-2"],
                "enum": list(known.places.regions),
            },
            "aws:profile": {
                "description": "Profile of the AWS credentials.",
                "examples": ["ml-platform"],
                "anyOf": [{"type": "string"}, _SECURE],
            },
            "pulumi:disable-default-providers": {
                "description": "Providers that resources may not use without naming them.",
                "examples": [["*"]],
                "type": "array",
                "items": {"type": "string"},
            },
            "pulumi:tags": {
                "description": "Tags of the stack in Pulumi's own console, not of AWS resources.",
                "type": "object",
                "additionalProperties": {"type": "string"},
            },
            **{_spellings(project, name)[0]: {"$ref": f"#/$defs/settings.{name}"} for name in ours},
        },
        "patternProperties": {
            **{
                f"^(?:{named}:config:)?{name}$": {"$ref": f"#/$defs/settings.{name}"}
                for name in ours
            },
            "^(?:aws|aws-native|pulumi):(?:config:)?[^:]+$": others,
            elsewhere: others,
        },
        "additionalProperties": False,
    }


def _whole(name: str, writer: "_Writer", described: Schema) -> Schema:
    """A setting as it stands under `config`, and as the CLI writes a switch.

    `pulumi config set` quotes what is no number: `wait_for_steady_state: "true"`.
    """
    cost = cast(str, described.pop(COST_KEY, ""))
    member = writer.rewritten(described, name)
    texts = [{"enum": ["true", "false"]}] if member.get("type") == "boolean" else []
    said = {k: member.pop(k) for k in ("description", "default", "examples") if k in member}
    said.setdefault("description", Settings.model_fields[name].description)
    arms = {"anyOf": [member, *texts]} if texts else member
    return _with_sentence({**said, **arms}, cost)


def _complete_regions(regions: Schema, known: Catalog) -> None:
    """Names every known Region as a key, for editors that complete keys by `properties` alone."""
    value = cast(Schema, regions["additionalProperties"])
    regions["properties"] = dict.fromkeys(known.places.regions, value)


class _Writer:
    """Turns pydantic's schema into one that editors make good use of."""

    def __init__(self, known: Catalog) -> None:
        self.known = known
        types = {name: TypeAdapter(cast(Any, said)).json_schema() for name, said in _TYPES.items()}
        self.named = {str(made["pattern"]): name for name, made in types.items()}
        self.shown = {name: cast("list[Any]", made["examples"]) for name, made in types.items()}
        self.chosen: Mapping[str, Callable[[], Schema]] = {
            "version": lambda: self._ami_versions(),
            "linux_capabilities": lambda: {"enum": list(known.containers.linux_capabilities)},
            "timezone": lambda: {"enum": sorted(known.limits.time_zones)},
            "server": lambda: {"enum": list(known.containers.servers)},
            **dict.fromkeys(("model", "like"), lambda: {"enum": list(known.serving.models)}),
        }

    def shared(self) -> dict[str, Schema]:
        """The types that several places refer to: names with what the catalog knows of them."""
        neuron = list(self.known.instances.neuron_types)
        zones = [
            ids[0] for r in self.known.places.regions if (ids := self.known.places.zone_ids(r))
        ]
        choices: Mapping[str, Sequence[str]] = {
            "FindingCode": sorted({page.code for page in pages()}),
            "InstanceTypeName": neuron,
            "InstanceTypePattern": neuron,
            "RegionName": list(self.known.places.regions),
        }
        types: dict[str, Schema] = {
            "Secure": {
                "description": "A value that `pulumi config set --secret` encrypted.",
                "type": "object",
                "properties": {"secure": {"type": "string"}},
                "required": ["secure"],
                "additionalProperties": False,
            }
        }
        for pattern, name in self.named.items():
            made = TypeAdapter(cast(Any, _TYPES[name])).json_schema()
            rule = {"type": "string", "pattern": pattern}
            about = {key: made[key] for key in ("description", "examples") if key in made}
            if name in choices:
                types[name] = {**about, "anyOf": [{"enum": list(choices[name])}, rule]}
            else:
                types[name] = {**about, "examples": zones[:_ZONES_SHOWN], **rule}
        return types

    def _ami_versions(self) -> Schema:
        family = self.known.amis.family("al2023", neuron=True, architecture="x86_64")
        found = self.known.amis.versions(family.parameter_path) if family else ()
        return {"enum": ["recommended", *(v.image_name for v in reversed(found))]}

    def rewritten(self, node: Schema, name: str) -> Schema:
        """The node as it is written, for the field, or the type, of that name."""
        node = {k: v for k, v in node.items() if k not in ("title", "discriminator", "oneOf")} | (
            {"anyOf": node["oneOf"]} if "oneOf" in node else {}
        )
        if "default" in node:
            default = _without_nothing(node.pop("default"))
            node |= {} if default is None else {"default": default}
        if "properties" in node:
            members = cast("dict[str, Schema]", node["properties"])
            node["properties"] = {k: self._field(k, v) for k, v in members.items()}
        if "patternProperties" in node:
            [(pattern, value)] = node.pop("patternProperties").items()
            node["additionalProperties"] = value
            node["propertyNames"] = {**node.get("propertyNames", {}), "pattern": pattern}
        if isinstance(node.get("additionalProperties"), dict):
            node["additionalProperties"] = self.rewritten(node["additionalProperties"], "")
        if "propertyNames" in node:
            node["propertyNames"] = self._key(cast(Schema, node["propertyNames"]))
        if "items" in node:
            node["items"] = self.rewritten(cast(Schema, node["items"]), name)
        if "anyOf" in node:
            node = self._choice(node, name)
        if name == "log_retention_days":
            return {k: v for k, v in node.items() if k not in ("minimum", "maximum")} | {
                "enum": list(self.known.limits.log_retention_days)
            }
        if node.get("type") == "string" and not {"enum", "const"} & node.keys():
            return self._text(node, name)
        return node

    def _field(self, name: str, node: Schema) -> Schema:
        cost = cast(str, node.pop(COST_KEY, ""))
        made = _with_unit(name, self._with_example(self.rewritten(node, name)))
        return _with_sentence(made, cost)

    def _key(self, node: Schema) -> Schema:
        if (shared := self.named.get(node.get("pattern", ""))) is not None:
            return {"$ref": f"#/$defs/{shared}"}
        return node

    def _with_example(self, node: Schema) -> Schema:
        """The list or map with an example made of those of what stands in it."""
        if "examples" in node:
            return node
        inner = cast("dict[str, Any]", node.get("additionalProperties") or {})
        keys = self._examples(cast(Schema, node.get("propertyNames", {})))
        if items := self._examples(cast(Schema, node.get("items", {}))):
            return {**node, "examples": [items[:1]]}
        if keys and (values := self._examples(inner)):
            return {**node, "examples": [{keys[0]: values[0]}]}
        return node

    def _examples(self, node: Schema) -> list[Any]:
        named = cast(str, node.get("$ref", "")).rpartition("/")[2]
        return cast("list[Any]", node.get("examples", self.shown.get(named, [])))

    def _text(self, node: Schema, name: str) -> Schema:
        """Text, with what the catalog knows to choose from."""
        said = {k: node.pop(k) for k in ("description", "default", "examples") if k in node}
        choices: list[Schema] = []
        if (shared := self.named.get(node.get("pattern", ""))) is not None:
            node = {"$ref": f"#/$defs/{shared}"}
        elif name in self.chosen:
            choices = [self.chosen[name]()]
        return {**said, "anyOf": [*choices, node]} if choices else {**said, **node}

    def _choice(self, node: Schema, name: str) -> Schema:
        """A choice without choices in it; what may be left empty says so in its type."""
        arms: list[Schema] = []
        for arm in cast("list[Schema]", node.pop("anyOf")):
            made = self.rewritten(arm, name)
            inner = cast("list[Schema]", made.pop("anyOf", []))
            rule = cast(str, made.pop("description", "")) if inner else ""
            if rule and rule not in node.get("description", ""):
                node["description"] = f"{node.get('description', '')} {rule}".strip()
            if inner:
                node = {**made, **node}
            arms += inner or [made]
        if len(arms) == 2 and arms[1] == {"type": "null"} and isinstance(arms[0].get("type"), str):
            if not {"enum", "const"} & arms[0].keys():
                return {**arms[0], **node, "type": [arms[0]["type"], "null"]}
            words = cast("list[Any]", arms[0].get("enum") or [arms[0].get("const")])
            return {**node, "enum": [*words, None]}
        return {**node, "anyOf": arms}


def _with_unit(name: str, node: Schema) -> Schema:
    """The field with its unit in words, where its description leaves that to its name."""
    said = cast(str, node.get("description", ""))
    for ending, (word, sentence) in _UNITS.items():
        if name.endswith(ending) and word not in said.lower():
            return _with_sentence(node, sentence)
    return node


def _with_sentence(node: Schema, sentence: str) -> Schema:
    """The node with the sentence at the end of its description."""
    said = cast(str, node.get("description", ""))
    return {**node, "description": f"{said} {sentence}".strip()} if sentence else node


def _without_nothing(default: object) -> object:
    if isinstance(default, dict):
        members = cast("dict[str, object]", default)
        return {k: v for k, v in members.items() if v is not None}
    return default
