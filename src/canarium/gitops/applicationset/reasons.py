"""Why the ApplicationSet controller does what it does. Type-only."""

from __future__ import annotations

from canarium.kube.decision import Reason


class Generated(Reason, frozen=True):
    """All is as the generators say."""

    applications: tuple[str, ...]
    revision: str

    def __str__(self) -> str:
        return f"{len(self.applications)} Applications generated from {self.revision[:7] or 'its lists'}"


class Keeping(Reason, frozen=True):
    """Applications had to be made, changed or removed."""

    created: tuple[str, ...]
    updated: tuple[str, ...]
    deleted: tuple[str, ...]

    def __str__(self) -> str:
        parts = (("creates", self.created), ("updates", self.updated), ("deletes", self.deleted))
        return "; ".join(f"{verb} {', '.join(names)}" for verb, names in parts if names)


class CannotGenerate(Reason, frozen=True):
    """The generators or the template do not work."""

    error: str

    def __str__(self) -> str:
        return f"cannot generate Applications: {self.error}"


class InvalidApplications(Reason, frozen=True):
    """Some generated Applications may not exist."""

    errors: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(self.errors)


class BeingDeleted(Reason, frozen=True):
    """The ApplicationSet goes; garbage collection takes its Applications."""

    def __str__(self) -> str:
        return "being deleted; its Applications go with it"
