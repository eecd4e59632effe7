"""The pod-template hash that Argo Rollouts names ReplicaSets by.

Owns: the hash of a pod template, in both spellings that are in use. Must not know: ReplicaSets or Rollouts.
Behaviour follows Argo Rollouts `hash.ComputePodTemplateHash`: FNV-1a over the JSON of the Go PodTemplateSpec. The code
is the same in 1.8 and 1.10; the JSON is not, for Kubernetes 0.34 (Rollouts 1.9 and newer) stopped printing
`creationTimestamp: null`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from canarium.kube.podtypes import POD_TYPES
from canarium.text.gojson import GoTypes

Flavour: TypeAlias = Literal["1.8", "1.9"]
"""Which Argo Rollouts printed the template: up to 1.8 with `creationTimestamp: null`, from 1.9 on without."""

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes' own: no vowels, nor what looks like one
_SAFE_DIGITS = str.maketrans({digit: _ALPHABET[ord(digit) % len(_ALPHABET)] for digit in "0123456789"})
_FNV_OFFSET = 2166136261
_FNV_PRIME = 16777619

_TYPES: dict[str, GoTypes] = {
    "1.8": GoTypes(POD_TYPES),
    "1.9": GoTypes(POD_TYPES.replace(":0time", ":*time")),
}


def pod_template_hash(
    template: Mapping[str, Any], collision_count: int | None = None, *, flavour: Flavour = "1.8"
) -> str:
    """The value of the label `rollouts-pod-template-hash` for this template.

    template: as stored by the API server, after the CustomResourceDefinition's defaults (a container port has its
    `protocol`). collision_count: status.collisionCount of the owner, None when absent (which differs from 0).
    Raises GoTypeMismatch with the field's path where a value has the wrong type, InvalidQuantity for a bad amount.
    """
    state = fnv1a(pod_template_json(template, flavour=flavour).encode())
    if collision_count is not None:
        state = fnv1a((collision_count & 0xFFFFFFFF).to_bytes(4, "little") + bytes(4), state)
    return safe_encode(state)


def pod_template_json(template: Mapping[str, Any], *, flavour: Flavour = "1.8") -> str:
    """The template as Go prints it: struct order, omitempty, canonical quantities, unknown fields gone."""
    return _TYPES[flavour].marshal("PodTemplateSpec", template)


def fnv1a(data: bytes, state: int = _FNV_OFFSET) -> int:
    """FNV-1a, 32 bit; `state` continues an earlier sum."""
    for byte in data:
        state = ((state ^ byte) * _FNV_PRIME) & 0xFFFFFFFF
    return state


def safe_encode(number: int) -> str:
    """The decimal digits in Kubernetes' safe alphabet (`rand.SafeEncodeString`)."""
    return str(number).translate(_SAFE_DIGITS)
