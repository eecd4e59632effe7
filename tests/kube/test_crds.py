"""CustomResourceDefinitions: what they make exist, what is wrong with them, and what outlives a restart."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from canarium.clock import Chance
from canarium.kube.cluster import ApiError, NotFound
from canarium.kube.crds import warnings_for
from canarium.kube.objects import Obj, ObjectKey, condition
from canarium.kube.registry import Registry
from canarium.kube.resources import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, Resource
from canarium.kube.store.memory import MemoryStore
from tests.kube.worlds import WIDGET_CRD, WIDGETS, widget

WIDGETS_V2 = Resource("example.com", "v2", "Widget", "widgets")
A = ObjectKey("default", "a")
CRD = ObjectKey("", "widgets.example.com")


def registry(store: MemoryStore | None = None) -> Registry:
    return Registry(store or MemoryStore(), now=lambda: datetime(2026, 1, 5, 9, tzinfo=UTC), chance=Chance(1))


def with_kinds(*crds: Obj) -> Registry:
    found = registry()
    found.create(NAMESPACES, {"metadata": {"name": "default"}})
    for crd in crds:
        found.create(CUSTOM_RESOURCE_DEFINITIONS, crd)
    return found


def changed(path: str, value: Any, crd: Obj = WIDGET_CRD) -> Obj:
    """The toy definition with one value replaced, or with the key taken out (None)."""
    result = copy.deepcopy(crd)
    *parts, last = path.split(".")
    at: Any = result
    for part in parts:
        at = at[int(part)] if part.isdigit() else at.setdefault(part, {})
    if value is None:
        del at[last]
    else:
        at[last] = value
    return result


def version(name: str, **fields: Any) -> Obj:
    return {**WIDGET_CRD["spec"]["versions"][0], "name": name, **fields}


def two_versions(*, stored: str = "v1") -> Obj:
    return changed("spec.versions", [version(name, storage=name == stored) for name in ("v1", "v2")])


def gadgets(**names: Any) -> Obj:
    crd = changed("spec.names", {"kind": "Gadget", "plural": "gadgets", "singular": "gadget", **names})
    return changed("metadata.name", "gadgets.example.com", crd)


def status_of(found: Registry, name: str, kind: str) -> tuple[str, str, str]:
    one = condition(found.get(CUSTOM_RESOURCE_DEFINITIONS, ObjectKey("", name)), kind)
    assert one is not None
    return one["status"], one["reason"], one["message"]


def test_a_definition_gets_the_names_it_left_out() -> None:
    found = with_kinds(changed("spec.names", {"kind": "Widget", "plural": "widgets", "shortNames": ["wd"]}))

    crd = found.get(CUSTOM_RESOURCE_DEFINITIONS, CRD)
    served = found.resource_for("example.com/v1", "Widget")

    assert crd["spec"]["names"]["listKind"] == "WidgetList"
    assert crd["spec"]["conversion"] == {"strategy": "None"}
    assert crd["status"]["acceptedNames"] == crd["spec"]["names"]
    assert crd["status"]["storedVersions"] == ["v1"]
    assert served is not None
    assert (served.singular, served.list_kind, served.short_names) == ("widget", "WidgetList", ("wd",))


def test_every_served_version_is_the_same_object_under_another_name() -> None:
    found = with_kinds(two_versions())
    found.create(WIDGETS_V2, widget("a"))

    seen = [found.get(resource, A) for resource in (WIDGETS, WIDGETS_V2)]
    patched = found.patch(WIDGETS_V2, A, {"spec": {"size": 7}})
    listed = msgspec.json.decode(found.list(WIDGETS_V2)[0].raw)

    assert [obj["apiVersion"] for obj in seen] == ["example.com/v1", "example.com/v2"]
    assert seen[0]["metadata"] == seen[1]["metadata"]
    assert patched == listed == found.get(WIDGETS_V2, A)
    assert found.get(WIDGETS, A)["spec"]["size"] == 7
    assert found.stored_as(WIDGETS_V2) == WIDGETS
    assert found.in_version(WIDGETS_V2, found.list(WIDGETS)[0].raw) == found.list(WIDGETS_V2)[0].raw
    assert [str(one) for one in found.resources()].count("widgets.example.com") == 1
    assert {WIDGETS, WIDGETS_V2} <= set(found.served())


def test_a_version_that_is_not_served_does_not_exist() -> None:
    found = with_kinds(changed("spec.versions", [version("v1"), version("v2", storage=False, served=False)]))

    with pytest.raises(NotFound, match="the server could not find the requested resource"):
        found.get(WIDGETS_V2, A)


def test_moving_the_storage_version_loses_nothing() -> None:
    found = with_kinds(two_versions())
    found.create(WIDGETS, widget("a"))

    crd = found.patch(CUSTOM_RESOURCE_DEFINITIONS, CRD, {"spec": two_versions(stored="v2")["spec"]})
    again = registry(found.store)  # type: ignore[arg-type]  # a memory store
    again.restore()

    assert crd["status"]["storedVersions"] == ["v1", "v2"]
    for each in (found, again):
        assert each.get(WIDGETS_V2, A)["apiVersion"] == "example.com/v2"
        assert each.get(WIDGETS, A)["spec"]["size"] == 1


def test_a_restart_brings_every_kind_back_and_writes_nothing() -> None:
    store = MemoryStore()
    before = registry(store)
    before.create(NAMESPACES, {"metadata": {"name": "default"}})
    before.create(CUSTOM_RESOURCE_DEFINITIONS, WIDGET_CRD)
    before.create(WIDGETS, widget("a"))
    revision = store.revision

    after = registry(store)
    after.restore()

    assert after.get(WIDGETS, A) == before.get(WIDGETS, A)
    assert after.resources() == before.resources()
    assert store.revision == revision


def test_an_updated_definition_judges_by_its_new_schema() -> None:
    found = with_kinds(WIDGET_CRD)
    spec = "spec.versions.0.schema.openAPIV3Schema.properties.spec.properties.size.minimum"

    crd = found.get(CUSTOM_RESOURCE_DEFINITIONS, CRD)
    found.update(CUSTOM_RESOURCE_DEFINITIONS, changed(spec, 5, crd))

    with pytest.raises(ApiError, match=r"spec.size in body should be greater than or equal to 5"):
        found.create(WIDGETS, widget("a"))


def test_names_that_another_definition_of_the_group_has_are_not_accepted_until_it_is_gone() -> None:
    found = with_kinds(
        changed("spec.names.shortNames", ["w"]), gadgets(kind="Widget", listKind="GadgetList", shortNames=["g"])
    )

    before = [status_of(found, "gadgets.example.com", kind) for kind in ("NamesAccepted", "Established")]
    missing = found.served()
    found.delete(CUSTOM_RESOURCE_DEFINITIONS, CRD)
    after = [status_of(found, "gadgets.example.com", kind)[0] for kind in ("NamesAccepted", "Established")]

    assert before == [
        ("False", "KindConflict", '"Widget" is already in use'),
        ("False", "NotAccepted", "not all names are accepted"),
    ]
    assert "gadgets" not in [resource.plural for resource in missing]
    assert after == ["True", "True"]
    assert found.resource_for("example.com/v1", "Widget") == Resource("example.com", "v1", "Widget", "gadgets")


def test_a_definition_that_goes_takes_its_objects_along() -> None:
    found = with_kinds(two_versions())
    found.create(WIDGETS_V2, widget("a"))

    found.delete(CUSTOM_RESOURCE_DEFINITIONS, CRD)

    for resource in (WIDGETS, WIDGETS_V2):
        with pytest.raises(NotFound):
            found.list(resource)
    assert found.store.list(WIDGETS) == []


SCHEMA = "spec.versions.0.schema.openAPIV3Schema"
AT = "spec.versions[0].schema.openAPIV3Schema"
SIZE = f"{SCHEMA}.properties.spec.properties.size"
AT_SIZE = f"{AT}.properties[spec].properties[size]"


@pytest.mark.parametrize(
    ("crd", "expected"),
    [
        pytest.param(
            changed("metadata.name", "gadgets.example.com"),
            'metadata.name: Invalid value: "gadgets.example.com": must be spec.names.plural+"."+spec.group',
            id="name",
        ),
        pytest.param(
            changed("metadata.name", "widgets.example", changed("spec.group", "example")),
            'spec.group: Invalid value: "example": should be a domain with at least one dot',
            id="group",
        ),
        pytest.param(
            changed("spec.scope", "Everywhere"),
            'spec.scope: Unsupported value: "Everywhere": supported values: "Cluster", "Namespaced"',
            id="scope",
        ),
        pytest.param(
            changed("spec.versions", [version("v1"), version("v2")]),
            'spec.versions: Invalid value: ["v1","v2"]: must have exactly one version marked as storage version',
            id="two storage versions",
        ),
        pytest.param(
            changed("spec.versions", [version("v1"), version("v1", storage=False)]),
            'spec.versions: Invalid value: ["v1","v1"]: must contain unique version names',
            id="a version twice",
        ),
        pytest.param(
            changed("spec.versions.0.schema", None), f"{AT}: Required value: schemas are required", id="no schema"
        ),
        pytest.param(
            changed(f"{SCHEMA}.type", None), f"{AT}.type: Required value: must not be empty at the root", id="root"
        ),
        pytest.param(
            changed(f"{SIZE}.type", None),
            f"{AT_SIZE}.type: Required value: must not be empty for specified object fields",
            id="no type",
        ),
        pytest.param(
            changed(f"{SIZE}.type", "int"),
            f'{AT_SIZE}.type: Unsupported value: "int": supported values: "array", "boolean", "integer", "number",'
            ' "object", "string"',
            id="unknown type",
        ),
        pytest.param(
            changed(f"{SIZE}.anyOf", [{"type": "integer"}]),
            f"{AT_SIZE}.anyOf[0].type: Forbidden: must be empty to be structural",
            id="not structural",
        ),
        pytest.param(
            changed(SIZE, {"type": "array"}), f"{AT_SIZE}.items: Required value: must be specified", id="no items"
        ),
        pytest.param(
            changed("spec.conversion", {"strategy": "Webhook"}, two_versions()),
            "spec.conversion.strategy: Forbidden: canarium calls no conversion webhooks. Serve one version only, or use"
            " strategy None, which changes the apiVersion and nothing else",
            id="conversion webhook",
        ),
    ],
)
def test_a_definition_that_is_wrong_is_refused(crd: Obj, expected: str) -> None:
    with pytest.raises(ApiError) as caught:
        with_kinds(crd)

    assert caught.value.code == 422
    assert f'" is invalid: {expected}' in caught.value.message


def test_some_things_about_a_definition_stay_as_they_are() -> None:
    found = with_kinds(WIDGET_CRD)

    with pytest.raises(ApiError, match=r'spec.scope: Invalid value: "Cluster": field is immutable'):
        found.patch(CUSTOM_RESOURCE_DEFINITIONS, CRD, {"spec": {"scope": "Cluster"}})
    with pytest.raises(ApiError, match=r'status.storedVersions\[0\]: Invalid value: "v1": missing from spec.versions'):
        found.patch(CUSTOM_RESOURCE_DEFINITIONS, CRD, {"spec": {"versions": [version("v2")]}})


def test_what_is_stored_but_not_acted_on_is_named() -> None:
    rules = [{"rule": "self.size > 1"}]
    crd = changed(f"{SCHEMA}.properties.spec.x-kubernetes-validations", rules)
    crd = changed("spec.conversion", {"strategy": "Webhook"}, crd)

    with_kinds(crd)  # one version is never converted

    assert warnings_for(crd) == [
        f"{AT}.properties[spec].x-kubernetes-validations: CEL rules are stored, but not evaluated",
        "spec.conversion.webhook: conversion webhooks are stored, but not called",
    ]
    assert warnings_for(WIDGET_CRD) == []


def test_a_custom_kind_says_its_columns_its_schema_and_its_field_selectors() -> None:
    columns = [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}]
    crd = changed("spec.versions.0.additionalPrinterColumns", columns)
    found = with_kinds(changed("spec.versions.0.selectableFields", [{"jsonPath": ".spec.color"}], crd))
    found.create(WIDGETS, widget("a"))
    found.create(WIDGETS, widget("b", color="blue"))

    schema: Mapping[str, Any] | None = found.schema_of(WIDGETS)

    assert list(found.printer_columns(WIDGETS) or ()) == columns
    assert schema == WIDGET_CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert [obj["metadata"]["name"] for obj in found.selected(WIDGETS, fields="spec.color=blue")] == ["b"]
    with pytest.raises(ApiError, match=r"^field label not supported: spec.size$"):
        found.selected(WIDGETS, fields="spec.size=1")
    assert found.printer_columns(NAMESPACES) is None


def test_a_custom_kind_scales_where_its_definition_says() -> None:
    paths = {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.n", "labelSelectorPath": ".status.sel"}
    found = with_kinds(changed("spec.versions.0.subresources", {"status": {}, "scale": paths}))
    found.create(WIDGETS, widget("a"))
    found.patch(WIDGETS, A, {"status": {"n": 2, "sel": "app=a"}}, subresource="status")

    scale = found.patch(WIDGETS, A, {"spec": {"replicas": 3}}, subresource="scale")

    assert found.subresources(WIDGETS) == ("status", "scale")
    assert (scale["kind"], scale["spec"], scale["status"]) == (
        "Scale",
        {"replicas": 3},
        {"replicas": 2, "selector": "app=a"},
    )
    assert found.get(WIDGETS, A)["spec"]["size"] == 3
