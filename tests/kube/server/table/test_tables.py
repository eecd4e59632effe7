"""The Table itself: headers, rows, what comes along with them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from canarium.kube.resources import CORE, CUSTOM_RESOURCE_DEFINITIONS, DEPLOYMENTS, NAMESPACES, PODS, Resource
from canarium.kube.server.table import _CORE, partial, partial_list, table
from tests.kube.server.table.rows import NOW, named, of_kind

OBJ = {**named("default", spec={"secret": 1}), "apiVersion": "v1", "kind": "Namespace"}


def test_a_list_becomes_a_table() -> None:
    answer = table(NAMESPACES, [OBJ], now=NOW, resource_version="7", list_metadata={"continue": "more"})

    assert {**answer, "columnDefinitions": [one["name"] for one in answer["columnDefinitions"]]} == {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": "7", "continue": "more"},
        "columnDefinitions": ["Name", "Status", "Age"],
        "rows": [{"cells": ["default", "Active", "5m"], "object": partial(OBJ)}],
    }


def test_an_empty_list_still_has_headers() -> None:
    answer = table(PODS, [], now=NOW, resource_version="7")

    assert answer["rows"] == []
    assert [(one["name"], one["priority"]) for one in answer["columnDefinitions"]][3:6] == [
        ("Restarts", 0),
        ("Age", 0),
        ("IP", 1),
    ]


def test_later_watch_events_come_without_headers() -> None:
    answer = table(NAMESPACES, [OBJ], now=NOW, resource_version="7", with_headers=False)

    assert answer["columnDefinitions"] is None
    assert len(answer["rows"]) == 1


@pytest.mark.parametrize(
    ("include", "object_"), [("None", None), ("Metadata", partial(OBJ)), ("Object", OBJ)], ids=["none", "meta", "all"]
)
def test_what_comes_along_with_a_row(include: Any, object_: Any) -> None:
    (row,) = table(NAMESPACES, [OBJ], now=NOW, resource_version="7", include_object=include)["rows"]

    assert row["object"] == object_


@pytest.mark.parametrize("resource", [of_kind(*key) for key in sorted(_CORE)], ids=lambda one: one.group_resource)
def test_every_kind_prints_an_object_of_which_nothing_is_known(resource: Resource) -> None:
    """A bookmark has no name, and a stored object may lack whatever upstream would have filled in."""
    answer = table(resource, [{}, {"metadata": {"resourceVersion": "9"}}], now=NOW, resource_version="7")

    assert {len(row["cells"]) for row in answer["rows"]} == {len(answer["columnDefinitions"])}


def test_an_explicit_null_counts_as_nothing() -> None:
    answer = table(DEPLOYMENTS, [named(spec=None, status={"readyReplicas": None})], now=NOW, resource_version="7")

    assert answer["rows"][0]["cells"] == ["it", "0/1", 0, 0, "5m", "", "", ""]


def test_no_table_changes_the_object() -> None:
    before = copy.deepcopy(OBJ)

    for resource in CORE:
        table(resource, [OBJ], now=NOW, resource_version="7", include_object="Object")

    assert before == OBJ


@pytest.mark.parametrize(
    "resource",
    [
        CUSTOM_RESOURCE_DEFINITIONS,
        of_kind("", "LimitRange"),
        of_kind("rbac.authorization.k8s.io", "Role"),
        of_kind("rbac.authorization.k8s.io", "ClusterRole"),
    ],
    ids=str,
)
def test_kinds_without_a_printer_say_when_they_were_created(resource: Resource) -> None:
    answer = table(resource, [OBJ], now=NOW, resource_version="7")

    assert [(one["name"], one["type"]) for one in answer["columnDefinitions"]] == [
        ("Name", "string"),
        ("Created At", "date"),
    ]
    assert answer["rows"][0]["cells"] == ["default", "2026-03-01T11:55:00Z"]


def test_objects_cut_down_to_their_metadata() -> None:
    assert partial(OBJ) == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": OBJ["metadata"],
    }
    assert partial_list([OBJ], resource_version="7", list_metadata={"remainingItemCount": 3}) == {
        "kind": "PartialObjectMetadataList",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": "7", "remainingItemCount": 3},
        "items": [partial(OBJ)],
    }
