"""Which changes wake somebody who cares for a few fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from canarium.kube.controller.news import News
from canarium.kube.objects import Obj


class OneObject:
    """A lister of one object, or of none."""

    def __init__(self) -> None:
        self.obj: Obj | None = None

    def get(self, namespace: str, name: str) -> Obj | None:
        return self.obj

    def uid(self, namespace: str, name: str) -> str | None:
        return "u" if self.obj else None

    def list(self, namespace: str | None = None) -> Sequence[Obj]:
        return [self.obj] if self.obj else []

    def owned_by(self, uid: str) -> Sequence[Obj]:
        return []


def pod(**fields: Any) -> Obj:
    return {"metadata": {"name": "a", "namespace": "n"}, **fields}


def test_coming_changing_and_going_are_news_and_the_rest_is_not() -> None:
    lister = OneObject()
    news = News(lister, lambda obj: obj["ready"])

    def heard(obj: Obj, *, is_there: bool = True) -> bool:
        lister.obj = obj if is_there else None
        return news.is_in(obj)

    assert heard(pod(ready=False))
    assert not heard(pod(ready=False, note="scheduled"))
    assert heard(pod(ready=True))
    assert not heard(pod(ready=True))
    assert heard(pod(ready=True), is_there=False)
    assert heard(pod(ready=True))
