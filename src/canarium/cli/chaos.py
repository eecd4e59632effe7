"""`canarium chaos`: tell running pods to misbehave, and to stop it.

Owns: its flags, which object a target means, what is printed. Must not know: how a pod obeys (`nodes.chaos`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from canarium.cli.connection import ConnectionOptions, connection_options, run
from canarium.cli.plugin.request import Output, Session
from canarium.cli.up import data_option
from canarium.errors import CanariumError

if TYPE_CHECKING:
    from canarium.kube.objects import Obj
    from canarium.kube.resources import Resource
    from canarium.nodes.behaviour import Behaviour

KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("pod", "pods", "po"), "pod"),
    **dict.fromkeys(("replicaset", "replicasets", "rs"), "replicaset"),
    **dict.fromkeys(("rollout", "rollouts", "ro"), "rollout"),
    **dict.fromkeys(("deployment", "deployments", "deploy"), "deployment"),
}
"""What a target's kind may be called."""

_FLAGS: Final[Mapping[str, str]] = {
    "error_ratio": "--error-ratio",
    "latency_seconds": "--latency",
    "crash_after_seconds": "--crash-after",
    "crash_exit_code": "--exit-code",
    "leak_bytes_per_second": "--leak",
}


class ChaosError(CanariumError):
    """The command cannot do what it was asked for."""


class Target(NamedTuple):
    """What the command line points at. kind: a value of KINDS. side: `canary` or `stable` of a rollout, else empty."""

    kind: str
    name: str
    side: str = ""


class Wanted(NamedTuple):
    """What to do about it: a behaviour, none at all any more (is_off), or only to look (neither)."""

    behaviour: Behaviour | None = None
    is_off: bool = False


@click.command("chaos")
@click.argument("target", default="", metavar="[TARGET]")
@click.option("--error-ratio", default="", metavar="RATIO", help="That share of requests answers 500: 0 to 1.")
@click.option(
    "--latency", default="", metavar="TIME[-TIME]", help="Each request takes so much longer: 200ms, or 200ms-500ms."
)
@click.option("--crash-after", default="", metavar="TIME", help="Exit so long after being told, in every run: 10s.")
@click.option("--exit-code", default="", metavar="CODE", help="The exit code of --crash-after.  [default: 1]")
@click.option("--never-ready", is_flag=True, help="The readiness probe fails.")
@click.option("--leak", default="", metavar="BYTES", help="Take so much more memory each second: 10Mi.")
@click.option("--off", is_flag=True, help="Behave again. Without a target: everything that is in force.")
@click.option("--canary", is_flag=True, help="Of a rollout: the pods of its current revision.")
@click.option("--stable", is_flag=True, help="Of a rollout: the pods of its stable revision.")
@click.option("-o", "--output", "form", type=click.Choice(["text", "json", "yaml"]), default="text", show_default=True)
@click.option("--name", default="", metavar="NAME", help="Which local cluster.  [default: what the kubeconfig says]")
@data_option
@connection_options
def chaos_command(
    target: str,
    off: bool,
    canary: bool,
    stable: bool,
    form: str,
    name: str,
    data_dir: Path | None,
    connection: ConnectionOptions,
    **wishes: Any,
) -> None:
    """Tell running pods to misbehave: fail, be slow, crash, not get ready, leak.

    TARGET is pod/NAME, replicaset/NAME, deployment/NAME (its newest ReplicaSet), or rollout/NAME with --canary or
    --stable. What is asked for replaces what was in force. Without a target, and with one alone, it shows what is.

    \b
    canarium chaos rollout/echo-server --canary -n echo-prod --error-ratio 0.5 --latency 200ms-500ms
    canarium chaos -o json
    canarium chaos --off

    Nothing is rolled out: the wish is an annotation on the Pod or ReplicaSet itself. Only bundled images obey.
    """
    from canarium.cli.connection import connect

    aimed = parse_target(target, is_canary=canary, is_stable=stable)
    behaviour = parse_behaviour(**wishes)
    if off and behaviour is not None:
        raise ChaosError("--off ends all misbehaviour", next_step="Leave --off out, or the other wishes.")
    if behaviour is not None and aimed is None:
        raise ChaosError("who is to misbehave is not said", next_step="Add a target, such as replicaset/NAME.")
    said = connection.namespace
    connection = local_connection(connection, name, data_dir)

    async def main() -> int:
        async with connect(connection) as session:
            output = Output(sys.stdout, sys.stderr)
            if aimed is None:
                return await everywhere(session, output, namespace=said, is_off=off, form=form)
            return await aim(session, output, aimed, Wanted(behaviour, off), form=form)

    code = run(main())
    if code:
        sys.exit(code)


# -- the command line -------------------------------------------------------------------------------------------------


def parse_target(text: str, *, is_canary: bool = False, is_stable: bool = False) -> Target | None:
    """`KIND/NAME` as a Target, None for no text. Raises ChaosError."""
    if not text and (is_canary or is_stable):
        raise ChaosError("which rollout is meant is not said", next_step="Write rollout/NAME before the flag.")
    if not text:
        return None
    word, slash, name = text.partition("/")
    kind = KINDS.get(word.lower().partition(".")[0], "")
    if not slash or not name or "/" in name or not kind:
        wrong = f"there are no wishes for a {word}" if slash and name and not kind else "it is not KIND/NAME"
        raise ChaosError(
            wrong, field=text, next_step="Write pod/NAME, replicaset/NAME, deployment/NAME or rollout/NAME."
        )
    if kind != "rollout" and (is_canary or is_stable):
        raise ChaosError("a canary and a stable version is what a rollout has", next_step="Write rollout/NAME.")
    if kind == "rollout" and is_canary == is_stable:
        problem = "it cannot be both" if is_canary else "which of its versions is meant is not said"
        raise ChaosError(problem, field=text, next_step="Add --canary or --stable.")
    return Target(kind, name, "canary" if is_canary else "stable" if is_stable else "")


def parse_behaviour(
    *,
    error_ratio: str = "",
    latency: str = "",
    crash_after: str = "",
    exit_code: str = "",
    never_ready: bool = False,
    leak: str = "",
) -> Behaviour | None:
    """What the flags ask for, None for nothing. Raises ChaosError, which names the flag."""
    from canarium.nodes.behaviour import Behaviour
    from canarium.nodes.chaos import InvalidChaos, checked

    if not any((error_ratio, latency, crash_after, exit_code, never_ready, leak)):
        return None
    if exit_code and not crash_after:
        raise ChaosError("it is about a crash", field="--exit-code", next_step="Add --crash-after, such as 10s.")
    least, dash, most = latency.partition("-")
    try:
        return checked(
            Behaviour(
                error_ratio=_ratio(error_ratio) if error_ratio else 0.0,
                latency_seconds=(
                    _seconds(least, "--latency") if latency else 0.0,
                    _seconds(most if dash else least, "--latency") if latency else 0.0,
                ),
                crash_after_seconds=_seconds(crash_after, "--crash-after") if crash_after else None,
                crash_exit_code=_code(exit_code) if exit_code else 1,
                never_ready=never_ready,
                leak_bytes_per_second=_bytes(leak) if leak else 0,
            )
        )
    except InvalidChaos as error:
        raise ChaosError(error.problem, field=_FLAGS[error.field], next_step=error.next_step) from error


def _ratio(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        step = "Use 0 to 1; 0.5 is every second request."
        raise ChaosError(f"{text!r} is no number", field="--error-ratio", next_step=step) from error


def _code(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise ChaosError(f"{text!r} is no exit code", field="--exit-code", next_step="Use 0 to 255.")
    return int(text)


def _seconds(text: str, flag: str) -> float:
    from canarium.rollouts.analysis.gotext import InvalidDuration, parse_duration

    try:
        return parse_duration(text).total_seconds()
    except InvalidDuration as error:
        step = "Write it as 200ms, 1.5s or 2m, with a unit."
        raise ChaosError(f"{text!r} is no duration", field=flag, next_step=step) from error


def _bytes(text: str) -> int:
    from canarium.text.quantity import InvalidQuantity, parse_quantity

    try:
        return int(parse_quantity(text))
    except InvalidQuantity as error:
        step = "Write bytes a second as Kubernetes writes memory: 512Ki, 10Mi."
        raise ChaosError(f"{text!r} is no quantity", field="--leak", next_step=step) from error


def local_connection(connection: ConnectionOptions, name: str, data_dir: Path | None) -> ConnectionOptions:
    """The connection to the local cluster that is named; what the flags say when none is. Raises ChaosError."""
    if not name and data_dir is None:
        return connection
    from canarium.cli.up import data_home
    from canarium.local.folder import DataFolder, checked_name

    if connection.context or connection.kubeconfig or connection.server:
        raise ChaosError(
            "--name and --data-dir name a local cluster, and so does the kubeconfig's flag",
            next_step="Use --name (or --data-dir) alone, or --context, --kubeconfig and --server without it.",
        )
    folder = DataFolder((data_dir or data_home() / checked_name(name)).resolve())
    running = folder.running()
    if running is None:
        raise ChaosError(f"no cluster runs on {folder.path}", next_step="Start it with `canarium up`, or name another.")
    return connection._replace(kubeconfig=running.kubeconfig, context=running.context)


# -- the work ---------------------------------------------------------------------------------------------------------


async def aim(session: Session, output: Output, target: Target, wanted: Wanted, *, form: str) -> int:
    """Give one target its behaviour, or end it, or only look; then show what it is. Raises ChaosError, ApiError."""
    from canarium.nodes.chaos import written

    resource, obj = await _resolve(session, target)
    if wanted.is_off or wanted.behaviour is not None:
        value = written(wanted.behaviour) if wanted.behaviour is not None else None
        obj = await _annotate(session, resource, obj, value)
    row = _row(obj, await _pods_of(session, obj), await _replica_set_of(session, obj))
    if form == "text":
        output.line(f"{row['target']}: {row['shown']}{_counted(row['pods'])}")
    else:
        _encode(output, _data(row), form)
    for note in row["notes"]:
        output.complain(f"Note: {note}")
    return 0


async def everywhere(session: Session, output: Output, *, namespace: str, is_off: bool, form: str) -> int:
    """Show what is in force in a namespace (all of them: empty), or end it all."""
    from canarium.kube.resources import PODS, REPLICA_SETS
    from canarium.nodes.chaos import ANNOTATION

    pods = _typed(PODS, (await session.cluster.list(PODS, namespace or None)).items)
    sets = _typed(REPLICA_SETS, (await session.cluster.list(REPLICA_SETS, namespace or None)).items)
    found = [obj for obj in (*sets, *pods) if ANNOTATION in (obj["metadata"].get("annotations") or {})]
    rows = [_row(obj, _own_pods(obj, pods)) for obj in found]
    if is_off:
        from canarium.kube.cluster import NotFound

        for obj in found:
            try:
                await _annotate(session, PODS if obj["kind"] == "Pod" else REPLICA_SETS, obj, None)
            except NotFound:
                continue  # it ended by itself meanwhile
    if form != "text":
        _encode(output, {"items": [_data(row) for row in rows]}, form)
    elif not rows:
        output.line(f"Nothing misbehaves{f' in {namespace}' if namespace else ''}.")
    elif is_off:
        for row in rows:
            output.line(f"{row['namespace']}: {row['target']}: no longer {row['shown']}")
    else:
        from canarium.rollouts.info.columns import columns

        head = ("NAMESPACE", "TARGET", "PODS", "BEHAVIOUR")
        shown = [(row["namespace"], row["target"], str(len(row["pods"])), row["shown"]) for row in rows]
        output.write(columns([head, *shown]))
        for note in dict.fromkeys(note for row in rows for note in row["notes"]):
            output.complain(f"Note: {note}")
    return 0


async def _resolve(session: Session, target: Target) -> tuple[Resource, Obj]:
    """The Pod or ReplicaSet that a target means."""
    from canarium.kube.objects import is_controlled_by, labels_of
    from canarium.kube.resources import DEPLOYMENTS, PODS, REPLICA_SETS
    from canarium.rollouts.kinds import ROLLOUTS
    from canarium.rollouts.types import POD_TEMPLATE_HASH_LABEL

    cluster, namespace = session.cluster, session.namespace
    if target.kind in ("pod", "replicaset"):
        resource = PODS if target.kind == "pod" else REPLICA_SETS
        return resource, _typed(resource, [await cluster.get(resource, namespace, target.name)])[0]
    owner = await cluster.get(ROLLOUTS if target.kind == "rollout" else DEPLOYMENTS, namespace, target.name)
    sets = _typed(REPLICA_SETS, (await cluster.list(REPLICA_SETS, namespace)).items)
    owned = [found for found in sets if is_controlled_by(found, owner)]
    if target.kind == "rollout":
        wanted = _hash_of(owner, target.side)
        owned = [found for found in owned if labels_of(found).get(POD_TEMPLATE_HASH_LABEL) == wanted]
    if not owned:
        raise ChaosError(
            f"{target.kind}/{target.name} has no ReplicaSet yet", next_step="Try again when its controller has made it."
        )
    return REPLICA_SETS, max(owned, key=_revision)


def _hash_of(rollout: Obj, side: str) -> str:
    status, name = rollout.get("status") or {}, rollout["metadata"]["name"]
    stable, current = str(status.get("stableRS") or ""), str(status.get("currentPodHash") or "")
    if side == "stable" and not stable:
        raise ChaosError(f"rollout/{name} has no stable version yet", next_step="Use --canary for its first one.")
    if side == "canary" and current == stable:
        raise ChaosError(
            f"rollout/{name} has no canary now: all its pods are of one version",
            next_step="Use --stable, or try again when an update is under way.",
        )
    return stable if side == "stable" else current


def _revision(replica_set: Obj) -> tuple[int, str]:
    from canarium.kube.objects import annotations_of
    from canarium.workloads.deployment import REVISION

    told = annotations_of(replica_set).get(REVISION, "")
    return int(told) if told.isdecimal() else 0, str(replica_set["metadata"]["creationTimestamp"])


async def _annotate(session: Session, resource: Resource, obj: Obj, value: str | None) -> Obj:
    from canarium.nodes.chaos import ANNOTATION

    metadata = obj["metadata"]
    patch = {"metadata": {"annotations": {ANNOTATION: value}}}
    changed = await session.cluster.patch(
        resource, metadata.get("namespace", ""), metadata["name"], patch, field_manager="canarium-chaos"
    )
    return _typed(resource, [changed])[0]


async def _pods_of(session: Session, obj: Obj) -> list[Obj]:
    from canarium.kube.resources import PODS

    if obj["kind"] == "Pod":
        return [obj]
    return _own_pods(obj, (await session.cluster.list(PODS, obj["metadata"].get("namespace", ""))).items)


async def _replica_set_of(session: Session, obj: Obj) -> Obj | None:
    """The ReplicaSet of a pod that is told nothing itself, as far as it is there."""
    from canarium.kube.cluster import NotFound
    from canarium.kube.objects import annotations_of, controller_of
    from canarium.kube.resources import REPLICA_SETS
    from canarium.nodes.chaos import ANNOTATION, replica_set_of

    owner = controller_of(obj) if obj["kind"] == "Pod" and ANNOTATION not in annotations_of(obj) else None
    if owner is None or owner["kind"] != "ReplicaSet":
        return None
    try:
        found = await session.cluster.get(REPLICA_SETS, obj["metadata"].get("namespace", ""), owner["name"])
    except NotFound:
        return None
    return replica_set_of(obj, lambda *_: found)


def _own_pods(obj: Obj, pods: Sequence[Obj]) -> list[Obj]:
    from canarium.kube.objects import is_controlled_by

    if obj["kind"] == "Pod":
        return [obj]
    return [pod for pod in pods if is_controlled_by(pod, obj)]


# -- what is shown ----------------------------------------------------------------------------------------------------


def _row(obj: Obj, pods: Sequence[Obj], replica_set: Obj | None = None) -> dict[str, Any]:
    """One target: where it is, what it does, whose pods those are, and what the person should know about it."""
    from canarium.kube.objects import annotations_of
    from canarium.nodes.chaos import ANNOTATION, InvalidChaos, in_force, read, words

    name = f"{obj['kind'].lower()}/{obj['metadata']['name']}"
    text, notes = annotations_of(obj).get(ANNOTATION), []
    behaviour: Behaviour | None = None
    shown = "as it is"
    if text is not None:
        try:
            behaviour = read(text)
            shown = words(behaviour)
        except InvalidChaos as error:
            shown = "ignored: " + ": ".join(part for part in (error.field, error.problem) if part)
    if behaviour is not None:
        notes += _image_notes(name, obj, behaviour)
    if obj["kind"] == "ReplicaSet":
        apart = [pod["metadata"]["name"] for pod in pods if ANNOTATION in annotations_of(pod)]
        notes += [f"pod/{pod} has a wish of its own, which counts instead" for pod in sorted(apart)]
    elif replica_set is not None and ANNOTATION in annotations_of(replica_set):
        told = in_force(obj, replica_set)
        notes += [f"its replicaset/{replica_set['metadata']['name']} is told: {words(told.behaviour)}", *told.notes]
    return {
        "namespace": obj["metadata"].get("namespace", ""),
        "target": name,
        "behaviour": behaviour,
        "shown": shown,
        "pods": sorted(pod["metadata"]["name"] for pod in pods),
        "notes": notes,
    }


def _image_notes(name: str, obj: Obj, behaviour: Behaviour) -> list[str]:
    from canarium.nodes.chaos import readiness_path

    spec = obj["spec"] if obj["kind"] == "Pod" else obj["spec"]["template"]["spec"]
    containers = [*(spec.get("initContainers") or ()), *spec["containers"]]
    deaf = dict.fromkeys(str(one.get("image", "")) for one in containers if not is_bundled(str(one.get("image", ""))))
    notes = [f"{name}: image {image} is not bundled and does not obey" for image in deaf]
    for one in spec["containers"]:
        if str(one.get("image", "")) in deaf:
            continue
        if behaviour.leak_bytes_per_second and "memory" not in ((one.get("resources") or {}).get("limits") or {}):
            notes.append(f"{name}: container {one['name']} has no memory limit, so nothing ends its leak but --off")
        if behaviour.never_ready and not readiness_path(one):
            notes.append(f"{name}: container {one['name']} has no HTTP readiness probe, so it is ready all the same")
    return notes


def is_bundled(image: str) -> bool:
    """Whether canarium brings a program for the image, which obeys."""
    from fnmatch import fnmatchcase

    from canarium.nodes.images.table import BUNDLED
    from canarium.nodes.program import parse_image

    repository = parse_image(image).repository
    return any(fnmatchcase(repository, pattern) for pattern in BUNDLED)


def _counted(pods: Sequence[str]) -> str:
    return f" ({len(pods)} pod{'' if len(pods) == 1 else 's'})"


def _data(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for programs: `behaviour` as the annotation and a process have it, null for none."""
    from canarium.nodes.chaos import to_control

    behaviour = to_control(row["behaviour"]) if row["behaviour"] is not None else None
    return {**{key: row[key] for key in ("namespace", "target", "pods", "notes")}, "behaviour": behaviour}


def _encode(output: Output, data: Mapping[str, Any], form: str) -> None:
    import msgspec

    from canarium.text.yaml import dump

    output.write(
        dump(data) if form == "yaml" else msgspec.json.format(msgspec.json.encode(data), indent=2).decode() + "\n"
    )


def _typed(resource: Resource, objects: Sequence[Obj]) -> list[Obj]:
    """Objects with their kind, which the items of a list come without."""
    return [{"apiVersion": resource.api_version, "kind": resource.kind, **obj} for obj in objects]
