"""Typed views of a Rollout: the fields that the rules read, under their own names in snake_case.

Owns: the shape of spec and status as `decide` sees them, and the defaults of Argo Rollouts' `utils/defaults`.
Must not know: rules. Views are for reading and for building a status; a user's object is never written back from one.
Fields follow `pkg/apis/rollouts/v1alpha1/types.go` (1.10). Times stay the API's text (RFC 3339, whole seconds).
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct, field
from msgspec.structs import replace

from canarium.kube.objects import Obj

POD_TEMPLATE_HASH_LABEL: Final = "rollouts-pod-template-hash"
REVISION: Final = "rollout.argoproj.io/revision"
REVISION_HISTORY: Final = "rollout.argoproj.io/revision-history"
DESIRED_REPLICAS: Final = "rollout.argoproj.io/desired-replicas"
SCALE_DOWN_DEADLINE: Final = "scale-down-deadline"
MANAGED_BY: Final = "argo-rollouts.argoproj.io/managed-by-rollouts"
INSTANCE_ID: Final = "argo-rollouts.argoproj.io/controller-instance-id"

DEFAULT_REPLICAS: Final = 1
DEFAULT_REVISION_HISTORY_LIMIT: Final = 10
DEFAULT_RUN_HISTORY_LIMIT: Final = 5
DEFAULT_PROGRESS_DEADLINE_SECONDS: Final = 600
DEFAULT_FENCEPOST: Final = "25"
"""maxSurge and maxUnavailable unless given: text without a percent sign counts as a percentage here."""
MAX_WEIGHT: Final = 100

Int32 = Annotated[int, Meta(ge=-(1 << 31), le=(1 << 31) - 1)]
"""What Go could decode; the API server lets larger numbers pass."""


class _View(Struct, frozen=True, rename="camel", gc=False):
    """What all views share."""


class Pause(_View, frozen=True):
    """A pause step; no duration means until somebody promotes."""

    duration: Int32 | str | None = None


class AnalysisTemplateRef(_View, frozen=True):
    """Which template: in the Rollout's namespace, or cluster-wide."""

    template_name: str = ""
    cluster_scope: bool | None = None


class RunMetadata(_View, frozen=True):
    """Extra labels and annotations of AnalysisRuns."""

    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class RolloutAnalysis(_View, frozen=True):
    """An inline analysis, or the background one when `starting_step` may be set."""

    templates: list[AnalysisTemplateRef] = field(default_factory=list)
    args: list[dict[str, Any]] | None = None
    dry_run: list[dict[str, Any]] | None = None
    measurement_retention: list[dict[str, Any]] | None = None
    analysis_run_metadata: RunMetadata | None = None
    starting_step: Int32 | None = None


class CanaryStep(_View, frozen=True):
    """One step; exactly one field is set. The ones we do not act on are kept to be named."""

    set_weight: Int32 | None = None
    pause: Pause | None = None
    experiment: dict[str, Any] | None = None
    analysis: RolloutAnalysis | None = None
    set_canary_scale: dict[str, Any] | None = None
    set_header_route: dict[str, Any] | None = None
    set_mirror_route: dict[str, Any] | None = None
    plugin: dict[str, Any] | None = None


class ProgressThreshold(_View, frozen=True):
    """How many of the desired pods must be available before a weight counts as reached."""

    type: str = "Percent"
    value: Int32 = 0


class Canary(_View, frozen=True):
    """spec.strategy.canary."""

    steps: list[CanaryStep] | None = None
    max_surge: Int32 | str | None = None
    max_unavailable: Int32 | str | None = None
    analysis: RolloutAnalysis | None = None
    canary_service: str = ""
    stable_service: str = ""
    traffic_routing: dict[str, Any] | None = None
    anti_affinity: dict[str, Any] | None = None
    canary_metadata: dict[str, Any] | None = None
    stable_metadata: dict[str, Any] | None = None
    ping_pong: dict[str, Any] | None = None
    scale_down_delay_seconds: Int32 | None = None
    abort_scale_down_delay_seconds: Int32 | None = None
    dynamic_stable_scale: bool = False
    replica_progress_threshold: ProgressThreshold | None = None


class Strategy(_View, frozen=True):
    """spec.strategy."""

    canary: Canary | None = None
    blue_green: dict[str, Any] | None = None


class RollbackWindow(_View, frozen=True):
    """How many revisions back a rollback may skip the steps."""

    revisions: Int32 = 0


class RunLimits(_View, frozen=True):
    """How many finished AnalysisRuns to keep."""

    successful_run_history_limit: Int32 | None = None
    unsuccessful_run_history_limit: Int32 | None = None


class RolloutSpec(_View, frozen=True):
    """spec."""

    strategy: Strategy = Strategy()
    replicas: Int32 | None = None
    selector: dict[str, Any] | None = None
    template: dict[str, Any] = field(default_factory=dict)
    workload_ref: dict[str, Any] | None = None
    min_ready_seconds: Int32 = 0
    rollback_window: RollbackWindow | None = None
    revision_history_limit: Int32 | None = None
    paused: bool = False
    progress_deadline_seconds: Int32 | None = None
    progress_deadline_abort: bool = False
    restart_at: str | None = None
    analysis: RunLimits | None = None

    @property
    def desired(self) -> int:
        """spec.replicas, or its default."""
        return DEFAULT_REPLICAS if self.replicas is None else self.replicas

    @property
    def deadline_seconds(self) -> int:
        """spec.progressDeadlineSeconds, or its default."""
        given = self.progress_deadline_seconds
        return DEFAULT_PROGRESS_DEADLINE_SECONDS if given is None else given

    @property
    def canary(self) -> Canary:
        """spec.strategy.canary; validation made sure that there is one."""
        assert self.strategy.canary is not None, "decided on a Rollout without a canary strategy"
        return self.strategy.canary

    @property
    def steps(self) -> list[CanaryStep]:
        """The canary's steps, none when absent."""
        return self.canary.steps or []


class Condition(_View, frozen=True):
    """One of status.conditions."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_update_time: str = ""
    last_transition_time: str = ""


class PauseCondition(_View, frozen=True):
    """Why the controller paused, and since when."""

    reason: str
    start_time: str


class RunStatus(_View, frozen=True):
    """What the status remembers of a current AnalysisRun."""

    name: str
    status: str = ""
    message: str = ""


class CanaryStatus(_View, frozen=True, omit_defaults=True):
    """status.canary."""

    current_step_analysis_run_status: RunStatus | None = None
    current_background_analysis_run_status: RunStatus | None = None


class RolloutStatus(_View, frozen=True, omit_defaults=True):
    """status. Absent and zero are the same, as Go's `omitempty` has it."""

    abort: bool = False
    aborted_at: str | None = None
    pause_conditions: tuple[PauseCondition, ...] = ()
    controller_pause: bool = False
    current_pod_hash: str = ""
    current_step_hash: str = ""
    current_step_index: Int32 | None = None
    replicas: Int32 = 0
    updated_replicas: Int32 = 0
    ready_replicas: Int32 = 0
    available_replicas: Int32 = 0
    hpa_replicas: Int32 = field(default=0, name="HPAReplicas")
    collision_count: Int32 | None = None
    observed_generation: str = ""
    conditions: tuple[Condition, ...] = ()
    canary: CanaryStatus = CanaryStatus()
    selector: str = ""
    stable_rs: str = field(default="", name="stableRS")
    restarted_at: str | None = None
    promote_full: bool = False
    phase: str = ""
    message: str = ""

    def condition(self, kind: str) -> Condition | None:
        """The condition of that type."""
        for found in self.conditions:
            if found.type == kind:
                return found
        return None

    def is_paused_for(self, reason: str) -> bool:
        """Whether the controller holds the rollout for `reason`."""
        return any(held.reason == reason for held in self.pause_conditions)

    def pause(self, reason: str) -> PauseCondition | None:
        """The pause condition of that reason."""
        for held in self.pause_conditions:
            if held.reason == reason:
                return held
        return None

    @property
    def is_fully_promoted(self) -> bool:
        """The desired ReplicaSet is the stable one (also before either is known)."""
        return self.stable_rs == self.current_pod_hash


class Rollout(Struct, frozen=True):
    """One Rollout as it was read: metadata that rules look at, and the typed spec and status."""

    obj: Obj
    name: str
    namespace: str
    generation: int
    annotations: dict[str, str]
    spec: RolloutSpec
    status: RolloutStatus

    @property
    def revision(self) -> int:
        """The revision annotation; 0 when absent or not a number."""
        return int_or_zero(self.annotations.get(REVISION))


def int_or_zero(text: str | None) -> int:
    """A decimal number, or 0."""
    try:
        return int(text) if text else 0
    except ValueError:
        return 0


def view_rollout(obj: Obj) -> Rollout:
    """Read a Rollout. Raises msgspec.ValidationError, which names the field, when a known field has a wrong type."""
    metadata = obj["metadata"]
    status = msgspec.convert(obj.get("status") or {}, RolloutStatus)
    if (status.current_step_index or 0) < 0:  # upstream's controller ends on it
        status = replace(status, current_step_index=0)
    return Rollout(
        obj=obj,
        name=metadata["name"],
        namespace=metadata.get("namespace", ""),
        generation=metadata.get("generation", 0),
        annotations=metadata.get("annotations") or {},
        spec=msgspec.convert(obj.get("spec") or {}, RolloutSpec),
        status=status,
    )


def status_json(status: RolloutStatus) -> Obj:
    """The status as the API shows it; `canary` and `blueGreen` are there even when empty, as upstream's are."""
    plain: Obj = msgspec.to_builtins(status)
    for key in ("conditions", "pauseConditions"):
        if key in plain:
            plain[key] = list(plain[key])  # JSON has no tuples: the status read back must compare equal
    plain.setdefault("canary", {})
    plain.setdefault("blueGreen", {})
    for run in plain["canary"].values():
        if not run["message"]:
            del run["message"]
    return plain
