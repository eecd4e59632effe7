"""What `kubectl get` shows of the kinds that own pods, and of what watches over them.

Owns: replica sets, deployments, stateful sets, daemon sets, jobs, cron jobs, replication controllers, controller
revisions, disruption budgets, scales. Must not know: how they work.
Source: Kubernetes 1.32, pkg/printers/internalversion/printers.go, and the defaults of pkg/apis/{apps,batch}/v1.
"""

from __future__ import annotations

from datetime import datetime

from canarium.kube.objects import Obj, controller_of
from canarium.kube.server.table.age import moment_of, since
from canarium.kube.server.table.columns import (
    AGE,
    CONTAINERS,
    IMAGES,
    NAME,
    NONE,
    SELECTOR,
    Cells,
    Printer,
    age_of,
    boolean,
    has_true,
    integer,
    is_going,
    labels_text,
    name_of,
    names_and_images,
    selector_text,
    spec_of,
    status_of,
    template_containers,
    text,
    true_false,
)
from canarium.text.durations import human_duration


def _desired(obj: Obj) -> int:
    replicas = spec_of(obj).get("replicas")
    return 1 if replicas is None else int(replicas)


def _replica_set_cells(obj: Obj, now: datetime) -> Cells:
    spec, status = spec_of(obj), status_of(obj)
    current, ready = status.get("replicas") or 0, status.get("readyReplicas") or 0
    names, images = names_and_images(template_containers(spec))
    selector = selector_text(spec.get("selector")) or NONE
    return [name_of(obj), _desired(obj), current, ready, age_of(obj, now), names, images, selector]


def _replication_controller_cells(obj: Obj, now: datetime) -> Cells:
    spec, status = spec_of(obj), status_of(obj)
    current, ready = status.get("replicas") or 0, status.get("readyReplicas") or 0
    names, images = names_and_images(template_containers(spec))
    selector = labels_text(spec.get("selector"))
    return [name_of(obj), _desired(obj), current, ready, age_of(obj, now), names, images, selector]


def _deployment_cells(obj: Obj, now: datetime) -> Cells:
    spec, status = spec_of(obj), status_of(obj)
    names, images = names_and_images(template_containers(spec))
    return [
        name_of(obj),
        f"{status.get('readyReplicas') or 0}/{_desired(obj)}",
        status.get("updatedReplicas") or 0,
        status.get("availableReplicas") or 0,
        age_of(obj, now),
        names,
        images,
        selector_text(spec.get("selector")),
    ]


def _stateful_set_cells(obj: Obj, now: datetime) -> Cells:
    names, images = names_and_images(template_containers(spec_of(obj)))
    ready = f"{status_of(obj).get('readyReplicas') or 0}/{_desired(obj)}"
    return [name_of(obj), ready, age_of(obj, now), names, images]


def _daemon_set_cells(obj: Obj, now: datetime) -> Cells:
    spec, status = spec_of(obj), status_of(obj)
    names, images = names_and_images(template_containers(spec))
    node_selector = ((spec.get("template") or {}).get("spec") or {}).get("nodeSelector")
    return [
        name_of(obj),
        status.get("desiredNumberScheduled") or 0,
        status.get("currentNumberScheduled") or 0,
        status.get("numberReady") or 0,
        status.get("updatedNumberScheduled") or 0,
        status.get("numberAvailable") or 0,
        labels_text(node_selector),
        age_of(obj, now),
        names,
        images,
        selector_text(spec.get("selector")) or NONE,
    ]


def _job_cells(obj: Obj, now: datetime) -> Cells:
    spec = spec_of(obj)
    names, images = names_and_images(template_containers(spec))
    selector = selector_text(spec.get("selector")) or NONE
    return [
        name_of(obj),
        _job_status(obj),
        _completions(obj),
        _job_duration(obj, now),
        age_of(obj, now),
        names,
        images,
        selector,
    ]


def _job_status(obj: Obj) -> str:
    conditions = status_of(obj).get("conditions")
    if has_true(conditions, "Complete"):
        return "Complete"
    if has_true(conditions, "Failed"):
        return "Failed"
    if is_going(obj):
        return "Terminating"
    if has_true(conditions, "Suspended"):
        return "Suspended"
    return "FailureTarget" if has_true(conditions, "FailureTarget") else "Running"


def _completions(obj: Obj) -> str:
    """Succeeded of wanted. A job with a parallelism and no completions is a work queue: one success is enough."""
    spec, succeeded = spec_of(obj), status_of(obj).get("succeeded") or 0
    completions, parallelism = spec.get("completions"), spec.get("parallelism")
    if completions is not None:
        return f"{succeeded}/{completions}"
    return f"{succeeded}/1 of {parallelism}" if (parallelism or 0) > 1 else f"{succeeded}/1"


def _job_duration(obj: Obj, now: datetime) -> str:
    started, completed = (moment_of(status_of(obj).get(field)) for field in ("startTime", "completionTime"))
    return "" if started is None else human_duration((completed or now) - started)


def _cron_job_cells(obj: Obj, now: datetime) -> Cells:
    spec, status = spec_of(obj), status_of(obj)
    job_spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    names, images = names_and_images(template_containers(job_spec))
    last = status.get("lastScheduleTime")
    return [
        name_of(obj),
        spec.get("schedule", ""),
        spec.get("timeZone") or NONE,
        true_false(spec.get("suspend") or False),
        len(status.get("active") or ()),
        since(last, now) if last else NONE,
        age_of(obj, now),
        names,
        images,
        selector_text(job_spec.get("selector")) or NONE,
    ]


def _controller_revision_cells(obj: Obj, now: datetime) -> Cells:
    owner = controller_of(obj)
    controller = NONE
    if owner is not None:
        group = owner.get("apiVersion", "").rpartition("/")[0]
        kind = f"{owner['kind']}.{group}" if group else owner["kind"]
        controller = f"{kind.lower()}/{owner['name']}"
    return [name_of(obj), controller, obj.get("revision", 0), age_of(obj, now)]


def _disruption_budget_cells(obj: Obj, now: datetime) -> Cells:
    spec = spec_of(obj)
    least, most = (_or_not_applicable(spec.get(field)) for field in ("minAvailable", "maxUnavailable"))
    return [name_of(obj), least, most, status_of(obj).get("disruptionsAllowed") or 0, age_of(obj, now)]


def _or_not_applicable(value: int | str | None) -> str:
    return "N/A" if value is None else str(value)


def _scale_cells(obj: Obj, now: datetime) -> Cells:
    return [name_of(obj), spec_of(obj).get("replicas") or 0, status_of(obj).get("replicas") or 0, age_of(obj, now)]


_COUNTS = (
    integer("Desired", "How many pods are wanted."),
    integer("Current", "How many pods there are."),
    integer("Ready", "How many pods are ready."),
)
_WIDE = (CONTAINERS, IMAGES, SELECTOR)
_READY = text("Ready", "Ready pods, of those wanted.")

PRINTERS: dict[tuple[str, str], Printer] = {
    ("apps", "ReplicaSet"): Printer((NAME, *_COUNTS, AGE, *_WIDE), _replica_set_cells),
    ("", "ReplicationController"): Printer((NAME, *_COUNTS, AGE, *_WIDE), _replication_controller_cells),
    ("apps", "Deployment"): Printer(
        (
            NAME,
            _READY,
            text("Up-to-date", "Pods of the template as it is now."),
            text("Available", "Pods that have been ready long enough."),
            AGE,
            *_WIDE,
        ),
        _deployment_cells,
    ),
    ("apps", "StatefulSet"): Printer((NAME, _READY, AGE, CONTAINERS, IMAGES), _stateful_set_cells),
    ("apps", "DaemonSet"): Printer(
        (NAME, *_COUNTS, integer("Up-to-date"), integer("Available"), text("Node Selector"), AGE, *_WIDE),
        _daemon_set_cells,
    ),
    ("apps", "ControllerRevision"): Printer(
        (NAME, text("Controller"), text("Revision"), AGE), _controller_revision_cells
    ),
    ("batch", "Job"): Printer(
        (
            NAME,
            text("Status", "How the job is doing."),
            text("Completions", "Pods that succeeded, of those wanted."),
            text("Duration", "How long the job ran, or has been running."),
            AGE,
            *_WIDE,
        ),
        _job_cells,
    ),
    ("batch", "CronJob"): Printer(
        (
            NAME,
            text("Schedule"),
            text("Timezone"),
            boolean("Suspend"),
            integer("Active"),
            text("Last Schedule"),
            AGE,
            *_WIDE,
        ),
        _cron_job_cells,
    ),
    ("policy", "PodDisruptionBudget"): Printer(
        (NAME, text("Min Available"), text("Max Unavailable"), integer("Allowed Disruptions"), AGE),
        _disruption_budget_cells,
    ),
    ("autoscaling", "Scale"): Printer((NAME, integer("Desired"), integer("Available"), AGE), _scale_cells),
}
