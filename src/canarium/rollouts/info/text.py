"""What `get rollout`, `status` and `list rollouts` print.

Owns: the header block, the tree, the table, the line of status. Must not know: terminals, where objects come from.
Behaviour follows `pkg/kubectl-argo-rollouts/cmd/{get,list,status}`, Argo Rollouts 1.10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import TypeAlias

from canarium.kube.objects import Obj, format_time
from canarium.rollouts.info import icons
from canarium.rollouts.info.ages import age_since
from canarium.rollouts.info.columns import columns
from canarium.rollouts.info.replicasets import ReplicaSetInfo
from canarium.rollouts.info.rollout import RolloutInfo, counts, set_weight, step_text, strategy_name
from canarium.rollouts.info.runs import AnalysisRunInfo, ExperimentInfo
from canarium.rollouts.phase import displayed_phase

Row: TypeAlias = tuple[str, str, str, str, str]
_LIST_HEADER = ("NAME", "STRATEGY", "STATUS", "STEP", "SET-WEIGHT", "READY", "DESIRED", "UP-TO-DATE", "AVAILABLE")
_LIST_WIDTHS = (10, 9, 12, 4, 10, 5, 7, 10, 9)


def status_line(info: RolloutInfo) -> str:
    """`Degraded - MESSAGE`, or only the phase when there is no message."""
    return f"{info.status} - {info.message}" if info.message else info.status


def brief_status_line(info: RolloutInfo) -> str:
    """What `status --watch=false` prints: a phase that is final stands alone."""
    return info.status if info.status in ("Healthy", "Degraded") else f"{info.status} - {info.message}"


def rollout_text(info: RolloutInfo, now: datetime, *, is_colored: bool = False) -> str:
    """The header block, a blank line, and the tree."""
    return _header(info, is_colored) + "\n" + columns(list(_Tree(now, is_colored).rollout(info)))


def _header(info: RolloutInfo, is_colored: bool) -> str:
    painted = _paint if is_colored else _plain
    fields = [
        ("Name:", info.name),
        ("Namespace:", info.namespace),
        ("Status:", f"{painted(info.icon, info.icon)} {info.status}"),
    ]
    if info.message:
        fields.append(("Message:", info.message))
    fields.append(("Strategy:", info.strategy))
    if info.strategy == "Canary":
        fields += [
            ("  Step:", info.step),
            ("  SetWeight:", info.set_weight),
            ("  ActualWeight:", info.actual_weight),
        ]
    title = "Images:"
    for image, tags in info.images().items():
        shown = f"{image} ({', '.join(painted(tag, tag) for tag in tags)})" if tags else image
        fields.append((title, shown))
        title = ""
    lines = [f"{title:<17}{value}\n" for title, value in fields]
    lines.append("Replicas:\n")
    total = info.counts
    lines += [
        f"{title:<17}{number}\n"
        for title, number in (
            ("  Desired:", total.desired),
            ("  Current:", total.current),
            ("  Updated:", total.updated),
            ("  Ready:", total.ready),
            ("  Available:", total.available),
        )
    ]
    return "".join(lines)


class _Tree:
    """The rows of the tree, from the Rollout down to pods and Jobs."""

    def __init__(self, now: datetime, is_colored: bool) -> None:
        self._now = now
        self._painted = _paint if is_colored else _plain

    def rollout(self, info: RolloutInfo) -> Iterator[Row]:
        yield ("NAME", "KIND", "STATUS", "AGE", "INFO")
        yield self._row(f"{icons.ROLLOUT} {info.name}", "Rollout", info.icon, info.status, info.created)
        revisions = info.revisions()
        for revision in revisions:
            prefix, below = _prefixes(revision == revisions[-1], "")
            yield (f"{prefix}{icons.REVISION} revision:{revision}", "", " ", "", "")
            yield from self._revision(info, revision, below)

    def _revision(self, info: RolloutInfo, revision: int, prefix: str) -> Iterator[Row]:
        yield from self._children(
            prefix,
            [one for one in info.replica_sets if one.revision == revision],
            [one for one in info.experiments if one.revision == revision],
            [one for one in info.analysis_runs if one.revision == revision],
        )

    def _children(
        self,
        prefix: str,
        replica_sets: Sequence[ReplicaSetInfo],
        experiments: Sequence[ExperimentInfo],
        runs: Sequence[AnalysisRunInfo],
    ) -> Iterator[Row]:
        children: list[Callable[[str, str], Iterator[Row]]] = [
            *(partial(self._replica_set, one) for one in replica_sets),
            *(partial(self._experiment, one) for one in experiments),
            *(partial(self._analysis_run, one) for one in runs),
        ]
        for index, rows in enumerate(children):
            yield from rows(*_prefixes(index == len(children) - 1, prefix))

    def _replica_set(self, info: ReplicaSetInfo, prefix: str, below: str) -> Iterator[Row]:
        name = info.name
        for tag in info.tags:
            name = self._painted(name, tag)
        notes = [self._painted(tag, tag) for tag in info.tags]
        if info.scale_down_deadline:
            notes.append(f"delay:{info.scale_down_delay(self._now)}")
        title = f"{prefix}{icons.REPLICA_SET} {name}"
        yield self._row(title, "ReplicaSet", info.icon, info.status, info.created, ",".join(notes))
        for index, pod in enumerate(info.pods):
            own, _ = _prefixes(index == len(info.pods) - 1, below)
            note = f"ready:{pod.ready}" + (f",restarts:{pod.restarts}" if pod.restarts else "")
            yield self._row(f"{own}{icons.POD} {pod.name}", "Pod", pod.icon, pod.status, pod.created, note)

    def _experiment(self, info: ExperimentInfo, prefix: str, below: str) -> Iterator[Row]:
        title = f"{prefix}{icons.EXPERIMENT} {self._painted(info.name, info.status)}"
        yield self._row(title, "Experiment", info.icon, info.status, info.created)
        yield from self._children(below, info.replica_sets, (), info.analysis_runs)

    def _analysis_run(self, info: AnalysisRunInfo, prefix: str, below: str) -> Iterator[Row]:
        numbers = (
            (icons.OK, info.successful),
            (icons.BAD, info.failed),
            (icons.UNKNOWN, info.inconclusive),
            (icons.WARNING, info.error),
        )
        notes = [f"{self._painted(icon, icon)} {number}" for icon, number in numbers if number > 0]
        title = f"{prefix}{icons.ANALYSIS} {self._painted(info.name, info.status)}"
        yield self._row(title, "AnalysisRun", info.icon, info.status, info.created, ",".join(notes))
        for index, job in enumerate(info.jobs):
            own, _ = _prefixes(index == len(info.jobs) - 1, below)
            title = f"{own}{icons.JOB} {self._painted(job.name, job.status)}"
            yield self._row(title, "Job", job.icon, job.status, job.started)

    def _row(self, name: str, kind: str, icon: str, status: str, created: str, note: str = "") -> Row:
        return (name, kind, f"{self._painted(icon, icon)} {status}", age_since(created, self._now), note)


def _prefixes(is_last: bool, prefix: str) -> tuple[str, str]:
    """What stands before the last child of something or another one, and before what is below it."""
    return (f"{prefix}└──", f"{prefix}   ") if is_last else (f"{prefix}├──", f"{prefix}│  ")


def _paint(text: str, by: str) -> str:
    return icons.painted(text, by)


def _plain(text: str, by: str) -> str:
    del by
    return text


# -- list -----------------------------------------------------------------------------------------------------------


def list_cells(rollout: Obj) -> tuple[str, ...]:
    """One Rollout's cells of the table, without namespace and timestamp."""
    total = counts(rollout)
    is_canary = strategy_name(rollout) == "Canary"
    return (
        rollout["metadata"]["name"],
        strategy_name(rollout) or "unknown",
        displayed_phase(rollout).name,
        step_text(rollout) or "-",
        str(set_weight(rollout)) if is_canary else "-",
        f"{total.ready}/{total.current}",
        str(total.desired),
        str(total.updated),
        str(total.available),
    )


def list_text(
    rollouts: Iterable[Obj], now: datetime, *, has_header: bool, has_namespaces: bool, has_timestamps: bool
) -> str:
    """The table of `list rollouts`. has_header: False for the lines that follow while it is watched."""
    rows: list[tuple[str, ...]] = [_LIST_HEADER] if has_header else []
    prefixes = [("TIMESTAMP", "NAMESPACE")] if has_header else []
    for rollout in rollouts:
        rows.append(tuple(cell.ljust(width) for cell, width in zip(list_cells(rollout), _LIST_WIDTHS, strict=True)))
        prefixes.append((format_time(now).ljust(20), rollout["metadata"].get("namespace", "").ljust(9)))
    wanted = [index for index, is_wanted in enumerate((has_timestamps, has_namespaces)) if is_wanted]
    return columns(
        [(*(prefix[index] for index in wanted), *cells) for prefix, cells in zip(prefixes, rows, strict=True)]
    )
