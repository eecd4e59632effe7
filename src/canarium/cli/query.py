"""`canarium query`: PromQL asked of a running cluster.

Owns: the request to the Prometheus HTTP API, the table that its answer becomes.
Must not know: how a query is evaluated.
Works with any Prometheus (`--url`). Source: Prometheus 3.x HTTP API.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlencode

import click

from canarium.cli.up import data_option, name_option
from canarium.errors import CanariumError

EXIT_FAILED = 1
DEFAULT_URL = "http://127.0.0.1:30102"
TIMEOUT_SECONDS = 30.0
DEFAULT_POINTS = 250
"""How many points a range has at most when no step is given, as Prometheus' own page has it."""

Json: TypeAlias = Mapping[str, Any]
Fetch: TypeAlias = Callable[[str, bytes], bytes]


class QueryFailed(CanariumError):
    """Prometheus' own words, or why it did not answer."""


@click.command()
@click.argument("expression", metavar="EXPR")
@click.option("--time", "at", default="", metavar="TIME", help="When: RFC 3339 or Unix seconds.  [default: now]")
@click.option("--range", "span", default="", metavar="DURATION", help="The time before that, step by step: 10m, 1h.")
@click.option("--step", default="", metavar="DURATION", help="Between two points of a range.  [default: it depends]")
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["table", "json", "value"]),
    default="table",
    show_default=True,
    help="value: only values, a line each. json: `data` of the answer.",
)
@click.option(
    "--url", default="", metavar="URL", help=f"Which Prometheus.  [default: the running cluster's, or {DEFAULT_URL}]"
)
@name_option
@data_option
def query(
    expression: str, at: str, span: str, step: str, form: str, url: str, name: str, data_dir: Path | None
) -> None:
    """Ask PromQL of the running cluster.

    \b
    canarium query 'sum by (namespace) (kube_pod_status_ready{condition="true"})'
    canarium query up --range 10m --step 1m

    Exit code 1 when it cannot be answered.
    """
    from canarium.clock import RealClock

    try:
        path, form_data = request_of(expression, at=at, span=span, step=step, now=RealClock().now())
        data = ask(url or _running_url(name, data_dir), path, form_data)
    except CanariumError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(EXIT_FAILED)
    if form == "json":
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(data), indent=2))
        return
    for line in values_of(data) if form == "value" else [table_text(data).rstrip("\n")]:
        click.echo(line)


def request_of(expression: str, *, at: str, span: str, step: str, now: datetime) -> tuple[str, dict[str, str]]:
    """Path and form of the request. Raises QueryFailed for times and durations that cannot be read."""
    if not span:
        if step:
            raise QueryFailed("--step is about a range", next_step="Add --range, or leave --step out.")
        return "/api/v1/query", {"query": expression, **({"time": at} if at else {})}
    end, seconds = _unix(at) if at else now.timestamp(), _seconds(span, "--range")
    every = _seconds(step, "--step") if step else max(1.0, float(int(seconds / DEFAULT_POINTS)))
    moments = {"start": f"{end - seconds:.3f}", "end": f"{end:.3f}", "step": f"{every:g}"}
    return "/api/v1/query_range", {"query": expression, **moments}


def ask(url: str, path: str, form: Mapping[str, str], fetch: Fetch | None = None) -> Json:
    """`data` of the answer. Raises QueryFailed in the words of the server, or when there is none."""
    import msgspec

    body = (fetch or _post)(f"{url.rstrip('/')}{path}", urlencode(form).encode())
    try:
        answer = msgspec.json.decode(body)
        if answer["status"] == "success":
            data: Json = answer["data"]
            return data
        told = f"{answer['errorType']}: {answer['error']}"
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        said = body.decode("utf-8", "replace").strip().partition("\n")[0][:200]
        raise QueryFailed(
            f"{url} does not answer as Prometheus does; it says: {said}",
            next_step="If the cluster has just started, try again in a moment; else check --url.",
        ) from error
    raise QueryFailed(told)


def table_text(data: Json) -> str:
    """Labels and values in columns; the time too when there is more than one. `no data` for an empty answer.

    What all series have in common is told once, above.
    """
    from canarium.rollouts.info.columns import columns

    kind, result = data["resultType"], data["result"]
    if kind in ("scalar", "string"):
        return f"{result[1]}\n"
    if not result:
        return "no data\n"
    metrics = [series["metric"] for series in result]
    names = sorted({name for metric in metrics for name in metric}, key=lambda one: (one != "__name__", one))
    common = [name for name in names if len(metrics) > 1 and len({metric.get(name) for metric in metrics}) == 1]
    names = [name for name in names if name not in common]
    rows: list[list[str]] = []
    for series in result:
        labels = [series["metric"].get(name, "") for name in names]
        for at, value in _points(series):
            rows.append([*labels, _moment(at), value] if kind == "matrix" else [*labels, value])
    above = ", ".join(f'{name}="{metrics[0][name]}"' for name in common)
    times = ["TIME"] if kind == "matrix" else []
    return (f"all: {above}\n" if above else "") + columns([[*names, *times, "VALUE"], *rows])


def values_of(data: Json) -> list[str]:
    """Only the values, in the order of the answer."""
    if data["resultType"] in ("scalar", "string"):
        return [str(data["result"][1])]
    return [value for series in data["result"] for _, value in _points(series)]


def _points(series: Json) -> Sequence[tuple[float, str]]:
    """(Unix seconds, value) of each sample; a histogram is told by its count and sum."""
    found = [(at, str(value)) for at, value in series.get("values") or filter(None, [series.get("value")])]
    histograms = series.get("histograms") or filter(None, [series.get("histogram")])
    found += [(at, f"histogram of {one['count']}, sum {one['sum']}") for at, one in histograms]
    return sorted(found, key=lambda point: point[0])


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").replace(".000", "")


def _unix(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise QueryFailed(f"--time {text} is no time", next_step="Use 2026-01-31T12:00:00Z or Unix seconds.") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _seconds(text: str, flag: str) -> float:
    from canarium.metrics.promql.literals import duration_seconds

    try:
        return float(text)
    except ValueError:
        found = duration_seconds(text)
    if isinstance(found, str):
        raise QueryFailed(f"{flag} {text}: {found}", next_step="Use 30s, 5m, 1h30m or seconds.")
    return found


def _running_url(name: str, data_dir: Path | None) -> str:
    from canarium.cli.up import data_home as data_home
    from canarium.local.folder import DataFolder, checked_name

    running = DataFolder((data_dir or data_home() / checked_name(name)).resolve()).running()
    return f"http://127.0.0.1:{running.ports['metrics']}" if running is not None else DEFAULT_URL


def _post(url: str, body: bytes) -> bytes:
    """The body of the answer, whatever its status. Raises QueryFailed."""
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    if not url.startswith(("http://", "https://")):
        raise QueryFailed(f"{url} is no address", next_step=f"Use one such as {DEFAULT_URL}.")
    try:
        with urlopen(Request(url, data=body), timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310  # http(s), as checked
            return bytes(answer.read())
    except HTTPError as error:
        with error:
            return error.read()
    except (URLError, OSError) as error:
        raise QueryFailed(
            f"{url} does not answer: {getattr(error, 'reason', error)}",
            next_step="Start a cluster with `canarium up`, or name its metrics port with --url.",
        ) from error
