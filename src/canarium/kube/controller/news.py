"""Whether a change of an object is news to somebody who cares for a few of its fields.

Owns: remembering what each object said last. Must not know: what matters to whom.
Upstream's controllers drop most updates this way (podEndpointsChanged, ignoreResourceUpdates, predicates): a kubelet
writes a pod's status often, and few of those writes concern a Service.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from canarium.kube.controller.reconciler import Lister
from canarium.kube.objects import Obj, ObjectKey, key_of


class News:
    """Compares what matters of an object with what it said when it last changed.

    matters: the part that is looked at; its answers are compared with `==`. An object that came or went is always news,
    so a change that is missed or repeated makes no difference.
    """

    def __init__(self, lister: Lister, matters: Callable[[Obj], Any]) -> None:
        self._lister = lister
        self._matters = matters
        self._said: dict[Hashable, Any] = {}

    def is_in(self, obj: Obj) -> bool:
        """Whether this change says something new. Asking counts as having heard it."""
        key: ObjectKey = key_of(obj)
        says = self._matters(obj)
        if key not in self._said or self._said[key] != says:
            self._said[key] = says
            return True
        if self._lister.uid(*key) is not None:
            return False
        del self._said[key]
        return True
