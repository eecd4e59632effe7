"""What a CustomResourceDefinition says: which kinds it makes exist, whether it may, and what is not acted on.

Owns: defaults, validation (structural schemas included), accepted names and conditions of CustomResourceDefinitions, as
pure functions. Must not know: storage, or the objects of the kinds.
Source: Kubernetes 1.34, apiextensions-apiserver pkg/apis/apiextensions/{v1/defaults,validation/validation}.go,
pkg/apiserver/schema/validation.go and pkg/controller/status/naming_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from canarium.kube.causes import dns_1035_problems, forbidden, invalid, required, subdomain_problems, unsupported
from canarium.kube.objects import Obj, condition
from canarium.kube.resources import Resource
from canarium.kube.scale import ScalePaths, scale_paths
from canarium.kube.schema_problems import QUANTITY_PATTERN, Cause, Schema, problems

_APPROVAL = "api-approved.kubernetes.io"
_PRESERVES = "x-kubernetes-preserve-unknown-fields"
_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_KEEPS_ALL: Schema = {"type": "object", _PRESERVES: True}


class CustomVersion(msgspec.Struct, frozen=True):
    """One served version of a custom kind. columns: additionalPrinterColumns as they stand there; empty for none.
    selectable: field selectors such as `spec.color`."""

    resource: Resource
    schema: Mapping[str, Any]
    scale: ScalePaths | None = None
    columns: tuple[Mapping[str, Any], ...] = ()
    selectable: tuple[str, ...] = ()


def with_crd_defaults(crd: Obj) -> Obj:
    """A CustomResourceDefinition with its singular, its list kind and its conversion spelled out."""
    spec = dict(crd.get("spec") or {})
    names = spec.get("names")
    if isinstance(names, dict) and isinstance(names.get("kind"), str):
        usual = {"listKind": f"{names['kind']}List", "singular": names["kind"].lower()}
        spec["names"] = {**names, **{key: text for key, text in usual.items() if not names.get(key)}}
    spec.setdefault("conversion", {"strategy": "None"})
    return {**crd, "spec": spec}


def custom_versions(crd: Obj) -> list[CustomVersion]:
    """The versions that a valid CustomResourceDefinition serves, the storage version first if it is served."""
    spec = crd["spec"]
    versions = sorted((item for item in spec["versions"] if item.get("served", True)), key=_is_not_stored)
    return [_custom_version(spec, version) for version in versions]


def storage_version(crd: Obj) -> str:
    """The name of the version that is stored."""
    return next(str(item["name"]) for item in crd["spec"]["versions"] if item.get("storage"))


def version_resource(crd: Obj, version: str) -> Resource:
    """The resource in a version, served or not."""
    found = next((item for item in crd["spec"]["versions"] if item["name"] == version), {"name": version})
    return _custom_version(crd["spec"], found).resource


def _is_not_stored(version: Mapping[str, Any]) -> bool:
    return not version.get("storage")


def _custom_version(spec: Mapping[str, Any], version: Mapping[str, Any]) -> CustomVersion:
    names = spec["names"]
    subresources = version.get("subresources") or {}
    scale = subresources.get("scale")
    resource = Resource(
        spec["group"],
        version["name"],
        names["kind"],
        names["plural"],
        namespaced=spec["scope"] == "Namespaced",
        has_status="status" in subresources,
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=("scale",) if scale else (),
        singular_name=names.get("singular") or "",
        list_kind_name=names.get("listKind") or "",
    )
    return CustomVersion(
        resource,
        (version.get("schema") or {}).get("openAPIV3Schema") or _KEEPS_ALL,
        scale_paths(scale) if scale else None,
        tuple(version.get("additionalPrinterColumns") or ()),
        tuple(field["jsonPath"].removeprefix(".") for field in version.get("selectableFields") or ()),
    )


# -- names and conditions -----------------------------------------------------------------------------------------


def crd_status(crd: Obj, others: Iterable[Obj], at: str) -> Obj:
    """The status the API server gives a definition. others: the group's other definitions. at: the time, as text.

    Names that another definition of the group already has are not accepted; what was accepted before stays.
    """
    names = crd["spec"]["names"]
    former = crd.get("status") or {}
    accepted = dict(former.get("acceptedNames") or {})
    taken = _taken_names(others)
    refused: tuple[str, str] | None = None
    for field in ("plural", "singular", "shortNames", "kind", "listKind"):
        wanted = names.get(field) or []
        words = wanted if isinstance(wanted, list) else [wanted]
        used = [word for word in words if word in taken[field in ("kind", "listKind")]]
        if used:
            message = ", ".join(f'"{word}" is already in use' for word in used)
            refused = (f"{field[0].upper()}{field[1:]}Conflict", f"[{message}]" if len(used) > 1 else message)
        elif field in names:
            accepted[field] = wanted
    if "categories" in names:
        accepted["categories"] = names["categories"]
    if refused:
        conditions = [_condition("NamesAccepted", "False", *refused, at)]
        conditions.append(_condition("Established", "False", "NotAccepted", "not all names are accepted", at))
        was = condition(former, "Established")
        if was is not None and was["status"] == "True":
            conditions[1] = was
        accepted = {"plural": "", "kind": "", **accepted}
    else:
        conditions = [
            _condition("NamesAccepted", "True", "NoConflicts", "no conflicts found", at),
            _condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted", at),
        ]
    stored = list(former.get("storedVersions") or ())
    storage = storage_version(crd)
    kept = [_kept(former, fresh) for fresh in conditions]
    return {
        "acceptedNames": accepted,
        "conditions": kept,
        "storedVersions": stored if storage in stored else [*stored, storage],
    }


def is_established(crd: Obj) -> bool:
    """Whether its kinds exist."""
    found = condition(crd.get("status") or {}, "Established")
    return found is not None and found["status"] == "True"


def _taken_names(others: Iterable[Obj]) -> tuple[set[str], set[str]]:
    """What other definitions call their resources, and their kinds."""
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        names = (other.get("status") or {}).get("acceptedNames") or {}
        resources.update(names.get(field) or "" for field in ("plural", "singular"))
        resources.update(names.get("shortNames") or ())
        kinds.update(names.get(field) or "" for field in ("kind", "listKind"))
    return resources - {""}, kinds - {""}


def _condition(kind: str, status: str, reason: str, message: str, at: str) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": at}


def _kept(former: Mapping[str, Any], fresh: dict[str, Any]) -> dict[str, Any]:
    """A condition whose status stays keeps the time of its last transition."""
    was = condition(former, fresh["type"])
    if was is not None and was.get("status") == fresh["status"]:
        return {**fresh, "lastTransitionTime": was.get("lastTransitionTime", fresh["lastTransitionTime"])}
    return fresh


# -- what is wrong ------------------------------------------------------------------------------------------------


def crd_problems(crd: Obj, old: Obj | None) -> list[Cause]:
    """What is wrong with a definition; `old` on update, for what may not change."""
    spec = crd.get("spec")
    if not isinstance(spec, dict):
        return [required("spec")]
    causes = _group_problems(crd, spec) + _names_problems(crd, spec) + _versions_problems(spec)
    scope = spec.get("scope")
    if not scope:
        causes.append(required("spec.scope"))
    elif scope not in ("Cluster", "Namespaced"):
        causes.append(unsupported("spec.scope", scope, ("Cluster", "Namespaced")))
    if spec.get("preserveUnknownFields"):
        message = f"cannot set to true, set {_PRESERVES} to true in spec.versions[*].schema instead"
        causes.append(invalid("spec.preserveUnknownFields", True, message))
    causes += _conversion_problems(spec)
    if old is not None:
        causes += _change_problems(crd, old)
    return causes


def _group_problems(crd: Obj, spec: Mapping[str, Any]) -> list[Cause]:
    group = spec.get("group")
    if not isinstance(group, str) or not group:
        return [required("spec.group")]
    problems_of_name = subdomain_problems(group)
    if problems_of_name:
        return [invalid("spec.group", group, problem) for problem in problems_of_name]
    if "." not in group:
        return [invalid("spec.group", group, "should be a domain with at least one dot")]
    is_protected = group.endswith((".k8s.io", ".kubernetes.io"))
    if is_protected and not (crd["metadata"].get("annotations") or {}).get(_APPROVAL):
        message = (
            f'protected groups must have approval annotation "{_APPROVAL}", see'
            " https://github.com/kubernetes/enhancements/pull/1111"
        )
        return [required(f"metadata.annotations[{_APPROVAL}]", message)]
    return []


def _names_problems(crd: Obj, spec: Mapping[str, Any]) -> list[Cause]:
    names = spec.get("names") or {}
    causes: list[Cause] = []
    wanted = f"{names.get('plural', '')}.{spec.get('group', '')}"
    if crd["metadata"].get("name") != wanted:
        message = 'must be spec.names.plural+"."+spec.group'
        causes.append(invalid("metadata.name", crd["metadata"].get("name", ""), message))
    for field in ("plural", "singular", "kind", "listKind"):
        name = names.get(field)
        if not isinstance(name, str) or not name:
            causes.append(required(f"spec.names.{field}"))
            continue
        is_kind = field in ("kind", "listKind")
        hint = "may have mixed case, but should otherwise match: " if is_kind else ""
        found = dns_1035_problems(name.lower() if is_kind else name)
        causes += [invalid(f"spec.names.{field}", name, f"{hint}{problem}") for problem in found]
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        causes.append(invalid("spec.names.listKind", names["listKind"], "kind and listKind may not be the same"))
    for field in ("shortNames", "categories"):
        for index, name in enumerate(names.get(field) or ()):
            found = dns_1035_problems(str(name))
            causes += [invalid(f"spec.names.{field}[{index}]", name, problem) for problem in found]
    return causes


def _versions_problems(spec: Mapping[str, Any]) -> list[Cause]:
    versions = spec.get("versions") or []
    if not versions:
        return [invalid("spec.versions", [], "must have exactly one version marked as storage version")]
    causes: list[Cause] = []
    names = [version.get("name") or "" for version in versions]
    if len(set(names)) < len(names):
        causes.append(invalid("spec.versions", names, "must contain unique version names"))
    if sum(bool(version.get("storage")) for version in versions) != 1:
        causes.append(invalid("spec.versions", names, "must have exactly one version marked as storage version"))
    for index, version in enumerate(versions):
        at = f"spec.versions[{index}]"
        causes += [invalid(f"{at}.name", names[index], problem) for problem in dns_1035_problems(names[index])]
        causes += _subresource_problems(version.get("subresources") or {}, f"{at}.subresources")
        for number, column in enumerate(version.get("additionalPrinterColumns") or ()):
            for field in ("name", "type", "jsonPath"):
                if not column.get(field):
                    causes.append(required(f"{at}.additionalPrinterColumns[{number}].{field}"))
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        path = f"{at}.schema.openAPIV3Schema"
        if not isinstance(schema, dict):
            causes.append(required(path, "schemas are required"))
        else:
            causes += schema_structure_problems(schema, path)
    return causes


def _subresource_problems(subresources: Mapping[str, Any], at: str) -> list[Cause]:
    scale = subresources.get("scale")
    if scale is None:
        return []
    causes: list[Cause] = []
    for field, start in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        path = scale.get(field) or ""
        if not path:
            causes.append(required(f"{at}.scale.{field}"))
        elif not path.startswith(start):
            message = f"should be a json path under {start.removesuffix('.')}"
            causes.append(invalid(f"{at}.scale.{field}", path, message))
    selector = scale.get("labelSelectorPath") or ""
    if selector and not selector.startswith((".spec.", ".status.")):
        message = "should be a json path under either .spec or .status"
        causes.append(invalid(f"{at}.scale.labelSelectorPath", selector, message))
    return causes


def _conversion_problems(spec: Mapping[str, Any]) -> list[Cause]:
    strategy = (spec.get("conversion") or {}).get("strategy")
    if not strategy:
        return [required("spec.conversion.strategy")]
    if strategy not in ("None", "Webhook"):
        return [unsupported("spec.conversion.strategy", strategy, ("None", "Webhook"))]
    if strategy == "Webhook" and sum(bool(version.get("served")) for version in spec.get("versions") or ()) > 1:
        message = (
            "canarium calls no conversion webhooks. Serve one version only, or use strategy None, which changes the"
            " apiVersion and nothing else"
        )
        return [forbidden("spec.conversion.strategy", message)]
    return []


def _change_problems(crd: Obj, old: Obj) -> list[Cause]:
    causes: list[Cause] = []
    spec, former = crd["spec"], old["spec"]
    paths = [("group",), ("scope",), *([("names", "kind"), ("names", "plural")] if is_established(old) else [])]
    for path in paths:
        new: Any = spec
        was: Any = former
        for part in path:
            new, was = (new or {}).get(part), was[part]
        if new != was:
            causes.append(invalid(f"spec.{'.'.join(path)}", new, "field is immutable"))
    names = [version.get("name") for version in spec.get("versions") or ()]
    for index, version in enumerate((crd.get("status") or {}).get("storedVersions") or ()):
        if version not in names:
            message = (
                f"missing from spec.versions; {version} was previously a storage version, and must remain in"
                " spec.versions until a storage migration ensures no data remains persisted in"
                f" {version} and removes {version} from status.storedVersions"
            )
            causes.append(invalid(f"status.storedVersions[{index}]", version, message))
    return causes


# -- structural schemas -------------------------------------------------------------------------------------------

_JUNCTORS = ("allOf", "anyOf", "oneOf")
_NOT_IN_RULES = ("type", "additionalProperties", "default", "nullable", "title", "description")


def schema_structure_problems(root: Schema, path: str) -> list[Cause]:
    """Why a schema is not structural. path: of the root, as in `spec.versions[0].schema.openAPIV3Schema`."""
    causes: list[Cause] = []
    if not root.get("type"):
        causes.append(required(f"{path}.type", "must not be empty at the root"))
    elif root["type"] != "object":
        causes.append(invalid(f"{path}.type", root["type"], "must be object at the root"))
    fine: set[int] = set()  # schemas made from tables share their parts
    for schema, at, role in _parts(root, path, fine):
        causes += _part_problems(schema, at, role)
    return causes


def _parts(root: Schema, path: str, fine: set[int]) -> Iterator[tuple[Schema, str, str]]:
    """Every schema inside a schema, with its path and what it is: `root`, `field`, `item` or `rule`."""
    left: list[tuple[Any, str, str]] = [(root, path, "root")]
    while left:
        schema, at, role = left.pop()
        if id(schema) in fine and role != "rule":
            continue
        if not isinstance(schema, dict):
            continue
        fine.add(id(schema))
        yield schema, at, role
        inner = "rule" if role == "rule" else "field"
        for name, part in (schema.get("properties") or {}).items():
            left.append((part, f"{at}.properties[{name}]", inner))
        if isinstance(schema.get("additionalProperties"), dict):
            left.append((schema["additionalProperties"], f"{at}.additionalProperties", inner))
        if isinstance(schema.get("items"), dict):
            left.append((schema["items"], f"{at}.items", "rule" if role == "rule" else "item"))
        for word in _JUNCTORS:
            for index, part in enumerate(schema.get(word) or ()):
                if not _says_int_or_string(schema, word):
                    left.append((part, f"{at}.{word}[{index}]", "rule"))
        if "not" in schema:
            left.append((schema["not"], f"{at}.not", "rule"))


def _says_int_or_string(schema: Schema, word: str) -> bool:
    return bool(schema.get("x-kubernetes-int-or-string")) and word in ("anyOf", "allOf")


def _part_problems(schema: Schema, at: str, role: str) -> list[Cause]:
    causes: list[Cause] = []
    kind = schema.get("type")
    if role == "rule":
        return [
            forbidden(f"{at}.{word}", "must be empty to be structural") for word in _NOT_IN_RULES if schema.get(word)
        ]
    if "$ref" in schema:
        causes.append(forbidden(f"{at}.$ref", "$ref is not supported"))
    is_open = bool(schema.get("x-kubernetes-int-or-string") or schema.get(_PRESERVES))
    if not kind and role != "root" and not is_open:
        what = "array items" if role == "item" else "object fields"
        causes.append(required(f"{at}.type", f"must not be empty for specified {what}"))
    elif kind and schema.get("x-kubernetes-int-or-string"):
        causes.append(invalid(f"{at}.type", kind, "must be empty if x-kubernetes-int-or-string is true"))
    elif kind and kind not in _TYPES:
        causes.append(unsupported(f"{at}.type", kind, _TYPES))
    if kind == "array" and not isinstance(schema.get("items"), dict):
        causes.append(required(f"{at}.items", "must be specified"))
    if schema.get("properties") and schema.get("additionalProperties"):
        message = "additionalProperties and properties are mutual exclusive"
        causes.append(forbidden(f"{at}.additionalProperties", message))
    if schema.get("additionalProperties") is False:
        causes.append(forbidden(f"{at}.additionalProperties", "additionalProperties cannot be set to false"))
    if schema.get("uniqueItems"):
        message = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        causes.append(forbidden(f"{at}.uniqueItems", message))
    if "pattern" in schema:
        causes += _pattern_problems(schema["pattern"], at)
    if schema.get("default") is not None:
        causes += [(f"{at}.default", reason, text) for _, reason, text in problems(schema["default"], schema)]
    return causes


def _pattern_problems(pattern: Any, at: str) -> list[Cause]:
    if pattern == QUANTITY_PATTERN:
        return []
    import re2  # only here: most schemas have no other pattern

    try:
        re2.compile(pattern)
    except (re2.error, TypeError) as error:
        return [invalid(f"{at}.pattern", pattern, f"must be a valid regular expression, but isn't: {error}")]
    return []


# -- what is not acted on -----------------------------------------------------------------------------------------


def warnings_for(crd: Obj) -> list[str]:
    """What a valid definition asks for that canarium does not do, one sentence each."""
    spec = crd.get("spec") or {}
    told: list[str] = []
    for index, version in enumerate(spec.get("versions") or ()):
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if not isinstance(schema, dict):
            continue
        path = f"spec.versions[{index}].schema.openAPIV3Schema"
        ruled = [at for part, at, _ in _parts(schema, path, set()) if part.get("x-kubernetes-validations")]
        told += [f"{at}.x-kubernetes-validations: CEL rules are stored, but not evaluated" for at in sorted(ruled)]
    if (spec.get("conversion") or {}).get("strategy") == "Webhook":
        told.append("spec.conversion.webhook: conversion webhooks are stored, but not called")
    return told
