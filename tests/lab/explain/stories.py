"""The Silent Canary at each of its chapters, as listers would show it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from canarium.kube.objects import Obj, over_the_wire
from canarium.kube.resources import PODS, Resource
from canarium.lab.silent_canary import Ending, SilentCanary
from tests.acceptance.lab import Lab, in_lab
from tests.acceptance.story import KINDS

T = TypeVar("T")


class FixedLister:
    """A lister whose objects do not change unless told."""

    def __init__(self, objects: Sequence[Obj]) -> None:
        self.objects = list(objects)

    def get(self, namespace: str, name: str) -> Obj | None:
        """See `Lister`."""
        return next((one for one in self.list(namespace) if one["metadata"]["name"] == name), None)

    def uid(self, namespace: str, name: str) -> str | None:
        """See `Lister`."""
        found = self.get(namespace, name)
        return None if found is None else str(found["metadata"]["uid"])

    def list(self, namespace: str | None = None) -> Sequence[Obj]:
        """See `Lister`."""
        found = [one for one in self.objects if namespace in (None, one["metadata"].get("namespace", ""))]
        return [over_the_wire(one) for one in found]

    def owned_by(self, uid: str) -> Sequence[Obj]:
        """See `Lister`."""
        return [
            over_the_wire(one)
            for one in self.objects
            if any(owner["uid"] == uid for owner in one["metadata"].get("ownerReferences") or ())
        ]

    def on_change(self, handler: Callable[[Obj], None]) -> None:
        """See `WatchedLister`: nothing changes here."""


class FixedClock:
    """A clock that stands still."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """See `Clock`."""
        return self._at

    def monotonic(self) -> float:
        """See `Clock`."""
        return 0.0

    async def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        raise AssertionError("time stands still here")

    async def outside(self, work: Callable[[], T]) -> T:
        """See `Clock`."""
        return work()


class FixedListers:
    """Listers over given objects; clock: when they were so."""

    def __init__(self, objects: Mapping[Resource, Sequence[Obj]], now: datetime) -> None:
        self.objects = {resource: FixedLister(found) for resource, found in objects.items()}
        self.clock = FixedClock(now)

    def __call__(self, resource: Resource) -> FixedLister:
        """See `Listers`."""
        return self.objects.setdefault(resource, FixedLister(()))

    def edit(self, resource: Resource, namespace: str, name: str, change: Callable[[Obj], None]) -> None:
        """Change an object."""
        lister = self(resource)
        for index, found in enumerate(lister.objects):
            if (found["metadata"].get("namespace", ""), found["metadata"]["name"]) == (namespace, name):
                changed = over_the_wire(found)
                change(changed)
                lister.objects[index] = changed


@lru_cache(maxsize=1)
def _chapters() -> tuple[tuple[dict[Resource, tuple[Obj, ...]], datetime], ...]:
    chapters: list[tuple[dict[Resource, tuple[Obj, ...]], datetime]] = []

    async def scenario(lab: Lab) -> None:
        is_begun = False
        async for beat in SilentCanary(lab.world, lab.copy).play():
            if isinstance(beat, Ending) or beat.kind != "title":
                continue
            if is_begun:
                await lab.world.sleep(2)
                kinds = (*KINDS, PODS)
                chapters.append(({kind: tuple(lab.world.all(kind)) for kind in kinds}, lab.clock.now()))
            is_begun = True

    with tempfile.TemporaryDirectory(prefix="canarium-") as folder:
        in_lab(Path(folder) / "story", scenario)
    return tuple(chapters)


def chapter(number: int) -> FixedListers:
    """What listers show at the end of a chapter: deployed, hung, readdressed, reversed, looked, promoted."""
    objects, now = _chapters()[number]
    return FixedListers(objects, now)
