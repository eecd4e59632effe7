"""What the page is told: the one definition of every JSON value between server and browser.

Owns: the shapes. `python -m canarium.web.typescript` writes them as TypeScript, and a test compares. Must not know:
where the values come from, how they are drawn. Times are RFC 3339 in UTC, empty for never; keys are `namespace/name`;
weights are percentages; a field's name in JSON is its name here in camelCase.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Model(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of all shapes."""


# -- session ----------------------------------------------------------------------------------------------------------


class Session(Model, frozen=True, kw_only=True):
    """Topic `session`: where the page is.

    mode: `up` (a cluster of this process) or `dashboard` (another one). problem: why the cluster does not answer; empty
    when it does. since: when that began. missing: plural names of kinds that the cluster does not have. has_metrics:
    whether `/api/v1` answers here; metrics_problem: what to do when not. can_diff: whether desired manifests are known
    here.
    """

    cluster: str
    mode: Literal["up", "dashboard"]
    version: str
    is_read_only: bool
    namespaces: tuple[str, ...]
    problem: str
    since: str
    missing: tuple[str, ...]
    has_metrics: bool
    metrics_problem: str
    can_diff: bool


# -- rollouts ---------------------------------------------------------------------------------------------------------


class PodCell(Model, frozen=True, kw_only=True):
    """A pod as a square. status: as kubectl prints it. ready: `1/2`. problem: in a sentence, empty when well: the probe
    that fails, why a container waits. node: empty when not placed."""

    name: str
    status: str
    ready: str
    is_ready: bool
    restarts: int
    node: str
    created: str
    problem: str


class ReplicaSetCell(Model, frozen=True, kw_only=True):
    """A ReplicaSet. tags: of stable, canary, active, preview, ping, pong. status: Healthy, Progressing, Degraded
    (ReplicaFailure), ScaledDown. scale_down_at: when it is scaled down, empty for no such plan. pods: oldest first."""

    name: str
    hash: str
    revision: int
    status: str
    tags: tuple[str, ...]
    replicas: int
    available: int
    images: tuple[str, ...]
    created: str
    scale_down_at: str
    pods: tuple[PodCell, ...]


class RunPill(Model, frozen=True, kw_only=True):
    """An AnalysisRun beside its revision. label: as Argo's pages name it, `Analysis 2-1.1`. kind: what started it:
    Background, Step, PrePromotion, PostPromotion or empty."""

    name: str
    label: str
    phase: str
    message: str
    kind: str
    revision: int
    created: str
    successful: int
    failed: int
    inconclusive: int
    error: int


class Image(Model, frozen=True, kw_only=True):
    """An image that runs, and what runs it."""

    image: str
    tags: tuple[str, ...]


class RolloutRow(Model, frozen=True, kw_only=True):
    """Topic `rollouts`: one row. phase: Healthy, Progressing, Paused, Degraded, Error, InvalidSpec, Unknown. step: how
    many are done, None without steps. since: when the phase began. why: one sentence, empty when nothing is to tell.
    replica_sets: those that have pods or a tag, latest first."""

    key: str
    namespace: str
    name: str
    labels: dict[str, str]
    strategy: Literal["Canary", "BlueGreen", ""]
    phase: str
    message: str
    why: str
    since: str
    created: str
    step: int | None
    steps: int
    set_weight: int | None
    actual_weight: int | None
    desired: int
    ready: int
    available: int
    updated: int
    images: tuple[Image, ...]
    replica_sets: tuple[ReplicaSetCell, ...]


class TrackStep(Model, frozen=True, kw_only=True):
    """A step of the track. kind: setWeight, pause, analysis, experiment, setCanaryScale, setHeaderRoute,
    setMirrorRoute, plugin. says: `33 %`, `for 30s`, `until promoted`. details: one line each. state: `current` for the
    one under way; an aborted rollout has none. weight: of setWeight. ends: when a pause under way is over. run: name of
    the AnalysisRun of this step, if there is one."""

    index: int
    kind: str
    says: str
    details: tuple[str, ...]
    state: Literal["done", "current", "next"]
    weight: int | None
    ends: str
    run: str
    run_phase: str


class Revision(Model, frozen=True, kw_only=True):
    """One revision with all that belongs to it. can_roll_back: whether Rollback to it makes sense."""

    revision: int
    replica_sets: tuple[ReplicaSetCell, ...]
    runs: tuple[RunPill, ...]
    can_roll_back: bool


class Container(Model, frozen=True, kw_only=True):
    """A container of the pod template."""

    name: str
    image: str
    is_init: bool


class Action(Model, frozen=True, kw_only=True):
    """What may be done. name: restart, retry, abort, promote, promote-full, undo, set-image; refresh, hard-refresh,
    sync. consequence: what will happen, in a sentence or two, for the confirmation. refused: why it makes no sense now;
    empty when it does."""

    name: str
    label: str
    consequence: str
    refused: str
    is_dangerous: bool


class Evidence(Model, frozen=True, kw_only=True):
    """One fact behind a `Why`. kind decides the icon: measurement, event, probe, condition, object. href: a path of
    this page that shows it; empty for none. at: when it was so."""

    kind: Literal["measurement", "event", "probe", "condition", "object"]
    text: str
    href: str
    at: str


class Why(Model, frozen=True, kw_only=True):
    """Why it is where it is: at most three lines, the evidence, and what to do next. tone: how bad it is. reasons: the
    names of the controller's own reasons that it follows from. commands: to type instead of clicking."""

    tone: Literal["good", "waiting", "attention", "bad"]
    lines: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    next_step: str
    commands: tuple[str, ...]
    reasons: tuple[str, ...]


class EventRow(Model, frozen=True, kw_only=True):
    """A Kubernetes Event. about: `Pod/web-1`."""

    key: str
    type: str
    reason: str
    message: str
    about: str
    source: str
    count: int
    first: str
    last: str


class RolloutDetail(Model, frozen=True, kw_only=True):
    """Topic `rollout/NAMESPACE/NAME`. notes: fields that are not acted on here."""

    row: RolloutRow
    track: tuple[TrackStep, ...]
    revisions: tuple[Revision, ...]
    containers: tuple[Container, ...]
    actions: tuple[Action, ...]
    why: Why
    events: tuple[EventRow, ...]
    is_aborted: bool
    paused_since: str
    application: str


class TimelinePoint(Model, frozen=True, kw_only=True):
    """How things were from `at` on. ready, pods: by revision, parallel to `Timeline.revisions`; None where it has
    none."""

    at: str
    set_weight: int | None
    actual_weight: int | None
    phase: str
    ready: tuple[int | None, ...]
    pods: tuple[int | None, ...]


class TimelineMark(Model, frozen=True, kw_only=True):
    """Something that happened at one instant. phase: of a measurement or event type (Normal, Warning). href: shows
    it."""

    at: str
    kind: Literal["measurement", "event", "step"]
    label: str
    phase: str
    text: str
    href: str


class Timeline(Model, frozen=True, kw_only=True):
    """Topic `timeline/NAMESPACE/NAME`. since: what was before was not recorded. revisions: ascending."""

    since: str
    revisions: tuple[int, ...]
    points: tuple[TimelinePoint, ...]
    marks: tuple[TimelineMark, ...]


# -- analysis ---------------------------------------------------------------------------------------------------------


class Measurement(Model, frozen=True, kw_only=True):
    """One measurement. value: as recorded. numbers: what of it can be drawn, None for what is no number (a vector's
    elements, in order). message: the error in full."""

    phase: str
    started: str
    finished: str
    value: str
    numbers: tuple[float | None, ...]
    message: str


class Threshold(Model, frozen=True, kw_only=True):
    """A number that a condition compares the result with. operator: as in `result[0] >= 0.95`, with the result on the
    left. index: which element of the result."""

    condition: Literal["success", "failure"]
    operator: str
    value: float
    index: int


class Requirement(Model, frozen=True, kw_only=True):
    """What a metric has to do to pass. state: how it stands. limit, have: in numbers, where there are any."""

    says: str
    state: Literal["met", "broken", "open"]


class MetricResult(Model, frozen=True, kw_only=True):
    """One metric of an analysis. provider: prometheus, web, job, … . address: where it is asked. query: resolved, as it
    was sent. query_problem: what is wrong with the query on the face of it (only comments, does not parse), empty if
    nothing. condition texts as written. saw: the last value that the conditions were asked about. told: in a sentence,
    what the condition made of it. dry_run: whether it counts."""

    name: str
    phase: str
    message: str
    provider: str
    address: str
    query: str
    query_problem: str
    success_condition: str
    failure_condition: str
    saw: str
    told: str
    is_dry_run: bool
    interval: str
    count: int | None
    successful: int
    failed: int
    inconclusive: int
    error: int
    consecutive_error: int
    measurements: tuple[Measurement, ...]
    thresholds: tuple[Threshold, ...]
    requirements: tuple[Requirement, ...]


class AnalysisDetail(Model, frozen=True, kw_only=True):
    """Topic `analysis/NAMESPACE/RUN`. rollout: its name, empty for a run of its own. args: name and value; secrets are
    not shown."""

    namespace: str
    name: str
    label: str
    rollout: str
    revision: int
    kind: str
    phase: str
    message: str
    started: str
    completed: str
    args: tuple[tuple[str, str], ...]
    metrics: tuple[MetricResult, ...]
    why: Why


# -- pods -------------------------------------------------------------------------------------------------------------


class ContainerState(Model, frozen=True, kw_only=True):
    """A container of a pod. state: `Running since …` in words. last: how the former run ended, empty for none."""

    name: str
    image: str
    is_init: bool
    is_ready: bool
    restarts: int
    state: str
    last: str
    probes: tuple[str, ...]


class PodDetail(Model, frozen=True, kw_only=True):
    """Topic `pod/NAMESPACE/NAME`. owner: `ReplicaSet/web-1`. conditions: `Ready=False: reason: message`."""

    namespace: str
    name: str
    owner: str
    cell: PodCell
    phase: str
    ip: str
    containers: tuple[ContainerState, ...]
    conditions: tuple[str, ...]
    events: tuple[EventRow, ...]


# -- applications -----------------------------------------------------------------------------------------------------


class Commit(Model, frozen=True, kw_only=True):
    """A revision. message: its first line, empty when the repository is not at hand."""

    sha: str
    message: str
    author: str
    date: str


class ApplicationRow(Model, frozen=True, kw_only=True):
    """Topic `applications`: one row. sync: Synced, OutOfSync, Unknown. health: Healthy, Progressing, Degraded,
    Suspended, Missing, Unknown. operation: phase of the last or running operation. set: name of its ApplicationSet.
    problem: first condition that is an error, empty for none. last_sync: when it ended."""

    key: str
    namespace: str
    name: str
    labels: dict[str, str]
    project: str
    sync: str
    health: str
    health_message: str
    operation: str
    problem: str
    repo: str
    path: str
    target: str
    destination_namespace: str
    is_automated: bool
    commit: Commit
    last_sync: str
    set: str
    created: str


class ApplicationSetRow(Model, frozen=True, kw_only=True):
    """Topic `applicationsets`: one row. conditions: `type: message` of those that tell of trouble."""

    key: str
    namespace: str
    name: str
    applications: tuple[str, ...]
    generators: tuple[str, ...]
    conditions: tuple[str, ...]
    created: str


class TreeNode(Model, frozen=True, kw_only=True):
    """A resource of an Application. uid-like id, unique in the tree; parent: the id it hangs below, empty at the top.
    sync: empty for what is not managed (children). info: short extras such as `rev:2`, `1/1`. is_managed: its desired
    manifest can be asked for. href: another page of ours that shows it better, empty for none."""

    id: str
    parent: str
    group: str
    kind: str
    namespace: str
    name: str
    sync: str
    health: str
    health_message: str
    info: tuple[str, ...]
    created: str
    needs_prune: bool
    is_managed: bool
    href: str


class HistoryEntry(Model, frozen=True, kw_only=True):
    """A deployment that ended well."""

    id: int
    commit: Commit
    deployed: str
    initiated_by: str


class OperationState(Model, frozen=True, kw_only=True):
    """The last operation, or the running one. results: `Kind/name: message`."""

    phase: str
    message: str
    started: str
    finished: str
    commit: Commit
    results: tuple[str, ...]
    initiated_by: str
    retries: int


class Condition(Model, frozen=True, kw_only=True):
    """A condition of an Application. file: where a rendering failed, as `path:line`, empty if it did not."""

    type: str
    message: str
    at: str
    is_error: bool
    file: str


class ApplicationDetail(Model, frozen=True, kw_only=True):
    """Topic `application/NAMESPACE/NAME`."""

    row: ApplicationRow
    nodes: tuple[TreeNode, ...]
    conditions: tuple[Condition, ...]
    history: tuple[HistoryEntry, ...]
    operation: OperationState | None
    actions: tuple[Action, ...]
    why: Why
    images: tuple[str, ...]


class DiffLine(Model, frozen=True, kw_only=True):
    """A line of a diff: in both, only in the live manifest (`-`), only in the desired one (`+`)."""

    kind: Literal[" ", "-", "+"]
    text: str
    live: int | None
    desired: int | None


class ResourceManifests(Model, frozen=True, kw_only=True):
    """Answer to `/api/applications/NS/NAME/resource`: YAML of both sides, empty where there is none, and the diff as
    Argo CD compares (normalised). problem: why there is no desired side. Secrets' values are hidden."""

    live: str
    desired: str
    diff: tuple[DiffLine, ...]
    is_modified: bool
    problem: str


# -- answers ----------------------------------------------------------------------------------------------------------


class Done(Model, frozen=True, kw_only=True):
    """What an action answers."""

    message: str


class Failure(Model, frozen=True, kw_only=True):
    """What every error answers: what happened, and what to do."""

    problem: str
    next_step: str


class QueryNode(Model, frozen=True, kw_only=True):
    """Answer to `/api/query_tree`: a part of a PromQL expression with what it is worth at that time. start, end: byte
    offsets into the query. series: up to ten results, `labels` and `value`; count: of all. value: of a scalar or
    string. problem: why it cannot be evaluated. note: why it is empty, in a sentence; empty when there is nothing to
    say."""

    text: str
    kind: str
    start: int
    end: int
    value_type: str
    count: int
    value: str
    series: tuple[tuple[str, str], ...]
    labels: dict[str, int]
    problem: str
    note: str
    milliseconds: float
    children: tuple[QueryNode, ...]
