"""Why the Application controller does what it does. Type-only."""

from __future__ import annotations

from datetime import timedelta

from canarium.kube.decision import Reason


def _short(revision: str) -> str:
    return revision[:7]


class Synced(Reason, frozen=True):
    """The cluster is as git says."""

    revision: str

    def __str__(self) -> str:
        return f"synced to {_short(self.revision)}"


class OutOfSync(Reason, frozen=True):
    """These resources are not as git says."""

    resources: tuple[str, ...]
    revision: str

    def __str__(self) -> str:
        return f"out of sync with {_short(self.revision)}: {', '.join(self.resources)}"


class AutoSync(Reason, frozen=True):
    """An automated sync begins."""

    revision: str
    resources: tuple[str, ...]
    is_self_heal: bool

    def __str__(self) -> str:
        why = "heals drift" if self.is_self_heal else "git moved"
        return f"{why}: syncing {', '.join(self.resources)} to {_short(self.revision)}"


class AutoSyncSkipped(Reason, frozen=True):
    """Out of sync, and not to be synced now."""

    why: str
    left: timedelta | None = None

    def __str__(self) -> str:
        return f"no automated sync: {self.why}" + (f" (again in {self.left})" if self.left else "")


class Syncing(Reason, frozen=True):
    """A sync takes its next step."""

    revision: str
    applied: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        what = f": applies {', '.join(self.applied)}" if self.applied else ""
        return f"syncing to {_short(self.revision)}{what} ({self.message})"


class WavePauses(Reason, frozen=True):
    """A wave was applied a moment ago, and the next one waits."""

    left: timedelta

    def __str__(self) -> str:
        return f"a wave was just applied: the next one waits for another {self.left}"


class AwaitsConfirmation(Reason, frozen=True):
    """Some of what would be deleted with the Application asks for confirmation."""

    resources: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{', '.join(self.resources)} may only be deleted once somebody says so: "
            "annotate the Application with argocd.argoproj.io/deletion-approved and the time"
        )


class SyncEnded(Reason, frozen=True):
    """A sync is over."""

    revision: str
    phase: str
    message: str

    def __str__(self) -> str:
        return f"sync to {_short(self.revision)} {self.phase}: {self.message}"


class SyncRetries(Reason, frozen=True):
    """A sync failed and will be tried again."""

    message: str
    left: timedelta

    def __str__(self) -> str:
        return f"{self.message} (again in {self.left})"


class GitUnreachable(Reason, frozen=True):
    """The repository or the revision cannot be read."""

    error: str

    def __str__(self) -> str:
        return f"cannot read git: {self.error}"


class RenderFailed(Reason, frozen=True):
    """The manifests of the revision cannot be rendered."""

    revision: str
    error: str

    def __str__(self) -> str:
        return f"cannot render {_short(self.revision)}: {self.error}"


class InvalidSpec(Reason, frozen=True):
    """The Application's spec may not be acted on."""

    problems: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(self.problems)


class DeletingResources(Reason, frozen=True):
    """The Application is being deleted, and what it made goes first."""

    resources: tuple[str, ...]

    def __str__(self) -> str:
        return f"deleting {', '.join(self.resources)}" if self.resources else "everything it made is deleted"


class Skipped(Reason, frozen=True):
    """Somebody asked to leave this Application alone."""

    annotation: str

    def __str__(self) -> str:
        return f"left alone: annotation {self.annotation} is true"
