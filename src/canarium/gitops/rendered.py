"""What rendering a folder of manifests gives: objects, and where each of their fields was written.

Owns: `Rendered`, `Provenance`, and the error of every renderer. Must not know: how rendering is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from canarium.errors import CanariumError, Place
from canarium.kube.objects import Obj
from canarium.text import located


class RenderError(CanariumError):
    """Manifests that can't be rendered: the message names file, line, and what to do."""


class Provenance(msgspec.Struct, frozen=True, eq=False):
    """Where a rendered object comes from. origin: the file its manifest was written in (or generated from)."""

    origin: str
    _body: Any

    def place(self, path: Sequence[str | int] = ()) -> Place:
        """File and line that decided the value at `path` (keys, indices): the manifest, a patch, or a kustomization.

        An absent path gives the place of its nearest ancestor. Columns inside inline patches are unknown.
        """
        return located.place_of(located.find(self._body, path))


class Rendered(msgspec.Struct, frozen=True, eq=False):
    """One object as it would be applied, in the order the renderer prints them."""

    obj: Obj
    provenance: Provenance


def rendered(body: Any, origin: str) -> Rendered:
    """A located object as a rendered one."""
    return Rendered(obj=located.plain(body), provenance=Provenance(origin=origin, _body=body))
