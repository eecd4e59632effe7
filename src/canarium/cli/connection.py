"""The flags that say which cluster a command means, and the connection they lead to.

Owns: kubectl's connection flags, the environment and the home directory as far as kubeconfigs go, what a failed command
prints. Must not know: what commands do. Imports what a connection needs once there is one, so `--help` stays quick.
Flags follow `genericclioptions.ConfigFlags`, messages `kubectl/pkg/cmd/util` (Kubernetes 1.34).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from canarium.errors import CanariumError

if TYPE_CHECKING:
    from canarium.clock import Clock
    from canarium.kube.cluster import ApiError, Cluster
    from canarium.kube.kubeconfig import Connection

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

F = TypeVar("F", bound=Callable[..., Any])


class ConnectionOptions(NamedTuple):
    """What the flags say; empty means not said. request_timeout: as written, `0` for none."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    user: str = ""
    namespace: str = ""
    request_timeout: str = ""
    server: str = ""
    token: str = ""
    insecure_skip_tls_verify: bool | None = None
    certificate_authority: str = ""
    client_certificate: str = ""
    client_key: str = ""
    tls_server_name: str = ""


class Session(NamedTuple):
    """A connection to a cluster, the namespace that is meant, and the time."""

    cluster: Cluster
    namespace: str
    clock: Clock


def _duration(context: click.Context, parameter: click.Parameter, value: str) -> str:
    del context, parameter
    seconds(value)
    return value


def _not_built(context: click.Context, parameter: click.Parameter, value: str | tuple[str, ...]) -> None:
    del context
    if value:
        raise CanariumError(
            f"{parameter.opts[0]} is not built yet",
            next_step="Use a kubeconfig user that has the permissions itself (--user, --token).",
        )


_FLAGS: tuple[Callable[[F], F], ...] = (
    click.option("--kubeconfig", default="", metavar="FILE", help="Path to the kubeconfig file to use."),
    click.option("--context", default="", metavar="NAME", help="The kubeconfig context to use."),
    click.option("--cluster", default="", metavar="NAME", help="The kubeconfig cluster to use."),
    click.option("--user", default="", metavar="NAME", help="The kubeconfig user to use."),
    click.option("-n", "--namespace", default="", metavar="NAME", help="The namespace that the command is about."),
    click.option(
        "--request-timeout",
        default="",
        metavar="DURATION",
        callback=_duration,
        help="How long to wait for one answer of the server, such as 1s, 2m, 3h. 0 means for ever.",
    ),
    click.option("-s", "--server", default="", metavar="URL", help="The address and port of the API server."),
    click.option("--token", default="", help="Bearer token for the API server."),
    click.option(
        "--insecure-skip-tls-verify/--no-insecure-skip-tls-verify",
        default=None,
        help="Do not check the server's certificate. This makes HTTPS connections insecure.",
    ),
    click.option("--certificate-authority", default="", metavar="FILE", help="The authority's certificate."),
    click.option("--client-certificate", default="", metavar="FILE", help="A client certificate for TLS."),
    click.option("--client-key", default="", metavar="FILE", help="The client certificate's key."),
    click.option("--tls-server-name", default="", metavar="NAME", help="The name that the certificate has to have."),
    click.option("--as", expose_value=False, callback=_not_built, default="", hidden=True),
    click.option("--as-group", expose_value=False, callback=_not_built, multiple=True, hidden=True),
    click.option("--as-uid", expose_value=False, callback=_not_built, default="", hidden=True),
)

_META = "canarium.connection"


def connection_options(command: F) -> F:
    """Give a click command kubectl's connection flags, as one keyword argument `connection: ConnectionOptions`.

    Put it below `@click.command()`. On a group the flags count for its subcommands, unless those say otherwise.
    """

    @wraps(command)
    def with_connection(*arguments: Any, **options: Any) -> Any:
        said = {name: options.pop(name) for name in ConnectionOptions._fields}
        context = click.get_current_context()
        above: ConnectionOptions = context.meta.get(_META, ConnectionOptions())
        told = {name: value for name, value in said.items() if value not in ("", None)}
        context.meta[_META] = connection = above._replace(**told)
        return command(*arguments, connection=connection, **options)

    decorated: Any = with_connection
    for flag in reversed(_FLAGS):
        decorated = flag(decorated)
    return decorated  # type: ignore[no-any-return]  # click's decorators keep what they are given


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def seconds(text: str) -> float:
    """`5`, `1s`, `2m30s` as seconds; 0 for nothing said. Raises CanariumError in kubectl's words."""
    if not text or text.isdecimal():
        return float(text or 0)
    if not re.fullmatch(f"(?:{_PART.pattern})+", text):
        raise CanariumError(
            "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a"
            " corresponding time unit (e.g. 1s | 2m | 3h)"
        )
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def kubeconfig_paths(kubeconfig: str = "") -> list[Path]:
    """The kubeconfig files in order of precedence: the one named, those in KUBECONFIG, or `~/.kube/config`.

    The last of KUBECONFIG's that exists, or else its last, is where kubectl writes a new context to.
    """
    if kubeconfig:
        return [Path(kubeconfig)]
    named = [name for name in os.environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    if named:
        return [Path(name) for name in dict.fromkeys(named)]
    return [Path.home() / ".kube" / "config"]


def read_connection(options: ConnectionOptions) -> Connection:
    """What the flags, the environment and the kubeconfig files lead to. Raises KubeconfigError, YamlError."""
    from canarium.kube.kubeconfig import Overrides, load

    overrides = Overrides(
        cluster=options.cluster,
        user=options.user,
        namespace=options.namespace,
        server=options.server,
        default_server=os.environ.get("KUBERNETES_MASTER", ""),
        token=options.token,
        insecure=bool(options.insecure_skip_tls_verify),
        certificate_authority=options.certificate_authority,
        client_certificate=options.client_certificate,
        client_key=options.client_key,
        tls_server_name=options.tls_server_name,
    )
    paths = kubeconfig_paths(options.kubeconfig)
    return load(paths, options.context, overrides, must_exist=bool(options.kubeconfig))


@asynccontextmanager
async def connect(options: ConnectionOptions) -> AsyncIterator[Session]:
    """A session with the cluster that the options mean; nothing is asked of it yet. Warnings of the server are printed.

    Raises KubeconfigError, YamlError; what is done with the cluster raises ApiError.
    """
    from canarium.clock import RealClock
    from canarium.kube.remote import RemoteCluster

    connection = read_connection(options)
    clock = RealClock()
    seen: set[str] = set()

    def warn(warning: str) -> None:
        if warning not in seen:
            seen.add(warning)
            click.echo(f"Warning: {warning}", err=True)

    timeout = seconds(options.request_timeout)
    async with RemoteCluster(connection, clock, timeout_seconds=timeout, on_warning=warn) as cluster:
        yield Session(cluster, connection.namespace, clock)


# -- how a command ends -----------------------------------------------------------------------------------------------


def run(main: Coroutine[Any, Any, int | None]) -> int:
    """Run a command to its end and return the exit code; what went wrong is printed as kubectl prints it."""
    import asyncio

    try:
        return asyncio.run(main) or 0
    except CanariumError as error:
        click.echo(failure_text(error), err=True)
        return EXIT_FAILED
    except (KeyboardInterrupt, click.Abort):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; nothing to tell it
        return EXIT_FAILED
    except OSError as error:
        click.echo(f"Error: {error.filename or 'a file'}: {error.strerror or error}", err=True)
        return EXIT_FAILED


def failure_text(error: CanariumError) -> str:
    """An error in kubectl's words: what the server said and why, or why nobody answered."""
    from canarium.kube.cluster import ApiError, Unavailable

    if isinstance(error, Unavailable):
        told = error.details or {}
        cause = told.get("cause") or error.message
        if "connection refused" in cause and told.get("host"):
            return f"The connection to the server {told['host']} was refused - did you specify the right host or port?"
        return f"Unable to connect to the server: {cause}"
    if isinstance(error, ApiError):
        return _api_failure_text(error)
    return f"Error: {error}"


def _api_failure_text(error: ApiError) -> str:
    if error.reason == "Unauthorized":
        return f"error: You must be logged in to the server ({error.message})"
    if error.reason != "Invalid":
        return f"Error from server ({error.reason}): {error}" if error.reason else f"Error from server: {error}"
    details = error.details or {}
    head = "The request is invalid"
    if details.get("kind") or details.get("name"):
        head = f'The {details.get("kind", "")} "{details.get("name", "")}" is invalid'
    elif error.message and not error.causes:
        head = f"{head}: {error.message}"
    told = list(dict.fromkeys(f"{field}: {message}" for field, _, message in error.causes))
    if len(told) == 1:
        return f"{head}: {told[0]}"
    return "\n".join([f"{head}: " if told else head, *(f"* {line}" for line in told)])
