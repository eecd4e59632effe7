"""The three ways to say what should change about an object: merge, JSON and strategic merge patches.

Owns: applying and computing patches as pure functions of plain JSON. Inputs are never changed; results may share parts
with them. Must not know: storage, resource versions, or who asks.
"""

from canarium.errors import CanariumError


class PatchError(CanariumError):
    """A patch that is malformed or does not fit the object. `field` is the path inside the object."""
