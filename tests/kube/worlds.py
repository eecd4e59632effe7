"""Small worlds for tests of kube/: a registry with two namespaces and a toy CustomResourceDefinition."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from canarium.clock import Chance, VirtualClock, run_virtual
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.objects import Obj
from canarium.kube.registry import Registry
from canarium.kube.resources import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, Resource
from canarium.kube.store.memory import MemoryStore

T = TypeVar("T")

WIDGETS = Resource("example.com", "v1", "Widget", "widgets")

WIDGET_CRD: Obj = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "required": ["spec"],
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["size"],
                                "properties": {
                                    "size": {"type": "integer", "minimum": 1},
                                    "color": {"type": "string", "default": "red", "enum": ["red", "blue"]},
                                    "parts": {
                                        "type": "array",
                                        "items": {
                                            "type": "object",
                                            "properties": {"kind": {"type": "string", "default": "bolt"}},
                                        },
                                    },
                                },
                            },
                            "status": {
                                "type": "object",
                                "x-kubernetes-preserve-unknown-fields": True,
                                "properties": {"judged": {"type": "object", "properties": {"n": {"type": "integer"}}}},
                            },
                        },
                    }
                },
            }
        ],
    },
}


def new_cluster(clock: VirtualClock, **options: Any) -> InProcessCluster:
    """An in-process cluster with namespaces `default` and `other`, and the toy kind."""
    chance = Chance(1)
    registry = Registry(MemoryStore(), now=clock.now, chance=chance.stream("registry"))
    for name in ("default", "other"):
        registry.create(NAMESPACES, {"metadata": {"name": name}})
    registry.create(CUSTOM_RESOURCE_DEFINITIONS, WIDGET_CRD)
    return InProcessCluster(registry, clock, chance, **options)


def widget(name: str, namespace: str = "default", **spec: Any) -> Obj:
    """A toy object."""
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"size": 1, **spec}}


def in_cluster(main: Any, **options: Any) -> Any:
    """Run `main(cluster, clock)` in virtual time."""

    async def body(clock: VirtualClock) -> Any:
        work: Coroutine[Any, Any, Any] = main(new_cluster(clock, **options), clock)
        return await work

    return run_virtual(body)
