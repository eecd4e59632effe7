"""`{{ parameter }}` in an ApplicationSet's template.

Owns: fasttemplate's rules and walking a template. Pure. Must not know: where parameters come from.
Behaviour follows Argo CD 3.6 `applicationset/utils.Render` with goTemplate off: a parameter nobody defined stays
literally as it was written, keys are templated as well as values, and values are text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from canarium.errors import CanariumError

IS_TEMPLATED = re.compile("{{.*}}")


class InvalidTemplate(CanariumError):
    """A template that cannot be read."""


def replace(template: str, params: Mapping[str, str]) -> str:
    """`template` with every known `{{ name }}` replaced, with or without spaces. Raises InvalidTemplate."""
    if not IS_TEMPLATED.search(template):
        return template
    head, *rest = template.split("{{", 1)
    parts = [head]
    while rest:
        tag, closed, after = rest[0].partition("}}")
        if not closed:
            raise InvalidTemplate(
                f'invalid template: Cannot find end tag="}}}}" in the template="{template}" starting from "{tag}"',
                next_step="Close every {{ with }}.",
            )
        name = tag.strip()
        parts.append(params[name] if name and name in params else "{{" + tag + "}}")
        text, *rest = after.split("{{", 1)
        parts.append(text)
    return "".join(parts)


def render(value: Any, params: Mapping[str, str]) -> Any:
    """A copy of a template with every string in it, and every key, replaced. Raises InvalidTemplate."""
    match value:
        case str():
            return replace(value, params)
        case dict():
            return {replace(key, params): render(part, params) for key, part in value.items()}
        case list():
            return [render(part, params) for part in value]
        case _:
            return value
