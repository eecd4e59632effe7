"""Which resources a patch is for.

Owns: `Selector`: anchored regular expressions over identity, and label and annotation selectors.
Must not know: patches. Behaviour follows Kustomize 5.8 `types.SelectorRegex` and `resWrangler.Select`.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from canarium.errors import Place
from canarium.gitops.kustomize.resource import Resource
from canarium.gitops.rendered import RenderError
from canarium.text.located import Leaf, Map

_LITERAL = re.compile(r"[\w-]*")
_REQUIREMENT = re.compile(
    r"\s*(?:(?P<absent>!)\s*(?P<name>[^\s=!,()]+)"
    r"|(?P<key>[^\s=!,()]+)\s*(?:(?P<op>==|=|!=)\s*(?P<value>[^\s,()=!]*)|\s(?P<set>in|notin)\s*\((?P<values>[^()]*)\))?)\s*(?=,|$)"
)


class Selector(msgspec.Struct, frozen=True):
    """What `target` of a patch says; empty fields allow anything."""

    at: Place
    group: str = ""
    version: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    label_selector: str = ""
    annotation_selector: str = ""

    def selects(self, resource: Resource) -> bool:
        """Name and namespace match as they are now or as they were first; everything else as it is now."""
        now, first, gvk = resource.id, resource.original_id(), resource.gvk
        return (
            any(self._fits(self.namespace, id.effective_namespace) for id in (first, now))
            and any(self._fits(self.name, id.name) for id in (first, now))
            and self._fits(self.group, gvk.group)
            and self._fits(self.version, gvk.version)
            and self._fits(self.kind, gvk.kind)
            and self._agrees(self.label_selector, resource, "labels")
            and self._agrees(self.annotation_selector, resource, "annotations")
        )

    def _fits(self, pattern: str, text: str) -> bool:
        if not pattern:
            return True
        if _LITERAL.fullmatch(pattern):
            return pattern == text
        return matches(f"^(?:{pattern})$", text, self.at)

    def _agrees(self, selector: str, resource: Resource, what: str) -> bool:
        if not selector.strip():
            return True
        found: Any = resource.body.get("metadata", {}).get(what)
        texts = (
            {key: str(leaf.value) for key, leaf in found.items() if isinstance(leaf, Leaf)}
            if isinstance(found, Map)
            else {}
        )
        position = 0
        while position <= len(selector):
            part = _REQUIREMENT.match(selector, position)
            if part is None:
                raise RenderError(
                    f"unable to parse the selector {selector!r}",
                    at=self.at,
                    next_step="Write it as for kubectl -l: app=web,tier in (a,b),!legacy.",
                )
            if not _holds(part, texts):
                return False
            position = part.end() + 1
        return True


def _holds(part: re.Match[str], texts: dict[str, str]) -> bool:
    if part["absent"]:
        return part["name"] not in texts
    value = texts.get(part["key"])
    if part["set"]:
        values = [item.strip() for item in part["values"].split(",")]
        return (value is not None and value in values) if part["set"] == "in" else value not in values
    match part["op"]:
        case None:
            return value is not None
        case "!=":
            return value != part["value"]
        case _:
            return value == part["value"]


def matches(pattern: str, text: str, at: Place) -> bool:
    """Whether a user's regular expression (RE2, as in Go) is found in text. Raises RenderError for a bad one."""
    import re2  # here, because most kustomizations name their targets plainly

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options).search(text) is not None
    except re2.error as error:
        raise RenderError(
            f"{pattern.removeprefix('^(?:').removesuffix(')$')!r} is not a regular expression",
            at=at,
            next_step="Names in a target are RE2 patterns.",
        ) from error
