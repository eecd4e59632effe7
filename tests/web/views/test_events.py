"""Events by what they are about."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.resources import EVENTS
from canarium.web.views.events import event_index
from tests.web.views.objects import Shelves, event, rollout


@pytest.mark.parametrize(
    ("field", "odd"),
    [("involvedObject", "x"), ("involvedObject", {"uid": ["u"]}), ("source", 5), ("series", "x"), ("lastTimestamp", 5)],
)
def test_an_event_that_cannot_be_read_ends_nothing(field: str, odd: Any) -> None:
    listers, shop = Shelves(), rollout()
    first = {**event(shop, "Odd", "m", name="odd"), field: odd}
    listers.put(EVENTS, first, event(shop, "Plain", "m", name="a"))
    index = event_index(listers)

    listers.put(EVENTS, {**first, "count": 2}, event(shop, "Plain", "m", name="b"))

    assert {row.key for row in index.about(shop)} >= {"web/a", "web/b"}
