"""Objects whose fields are of any kind: what one of them says must not keep the others from being shown."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from canarium.kube.objects import Obj
from canarium.kube.resources import EVENTS, PODS, REPLICA_SETS, Resource
from canarium.rollouts.kinds import ROLLOUTS
from canarium.web.history import RolloutHistory
from canarium.web.views.rollouts import RolloutRows
from tests.web.views.objects import Shelves, Still, event, pod, replica_set, rollout

ODD: tuple[Any, ...] = (None, "<script>", -1, 1e308, [], [None], {"a": None})
KEPT = ("name", "namespace", "uid", "ownerReferences")  # no API server lets these be anything else


def places(obj: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every field and item."""
    inner = obj.items() if isinstance(obj, dict) else enumerate(obj) if isinstance(obj, list) else ()
    for key, value in inner:
        path = (*above, key)
        if path != ("metadata",) and not (above == ("metadata",) and key in KEPT):
            yield path
        if path[:2] != ("metadata", "ownerReferences"):
            yield from places(value, path)


def changed(obj: Obj, path: tuple[Any, ...], odd: Any) -> Obj:
    """A copy with something odd at a place."""
    made = deepcopy(obj)
    inner: Any = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = odd
    return made


@pytest.mark.parametrize(
    ("resource", "obj"),
    [
        (ROLLOUTS, rollout()),
        (REPLICA_SETS, replica_set("shop", "bbb", 2, "repo/shop:2", 1)),
        (PODS, pod("shop-bbb", "shop-bbb-1")),
        (EVENTS, event(rollout(), "Odd", "told")),
    ],
    ids=lambda each: each.kind if isinstance(each, Resource) else "",
)
def test_an_odd_object_ends_no_watch_and_hides_no_other_rollout(resource: Resource, obj: Obj) -> None:
    listers = Shelves()
    listers.put(ROLLOUTS, rollout("other"), rollout())
    listers.put(REPLICA_SETS, replica_set("shop", "bbb", 2, "repo/shop:2", 1))
    rows = RolloutRows(listers, Still())
    RolloutHistory(listers, Still())

    for path in places(obj):
        for odd in ODD:
            listers.put(resource, changed(obj, path, odd))

            assert rows.row("web/other") is not None, (path, odd)
