"""Connection flags, where a connection comes from, and what a failed command prints."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from canarium.cli.connection import (
    ConnectionOptions,
    connect,
    connection_options,
    failure_text,
    kubeconfig_paths,
    run,
    seconds,
)
from canarium.errors import CanariumError
from canarium.kube.cluster import ApiError, Conflict, NotFound, Unavailable
from canarium.kube.kubeconfig import KubeconfigError

CONFIG = """\
current-context: dev
clusters: [{name: dev, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: dev, user: {token: secret}}]
contexts: [{name: dev, context: {cluster: dev, user: dev, namespace: shop}}]
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a kubeconfig, and nothing in the environment."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_MASTER", raising=False)
    return tmp_path


def parsed(*arguments: str) -> ConnectionOptions:
    """What a subcommand of a group with these flags gets."""
    got: list[ConnectionOptions] = []

    @click.group()
    @connection_options
    def group(connection: ConnectionOptions) -> None:
        del connection

    @group.command()
    @click.argument("name")
    @connection_options
    def get(name: str, connection: ConnectionOptions) -> None:
        assert name == "x"
        got.append(connection)

    group.main(list(arguments), standalone_mode=False)
    return got[0]


def test_flags_count_before_and_after_the_subcommand_and_the_nearer_ones_win() -> None:
    assert parsed("get", "x") == ConnectionOptions()
    assert parsed("-n", "a", "--context", "c", "get", "x", "-n", "b", "--insecure-skip-tls-verify") == (
        ConnectionOptions(namespace="b", context="c", insecure_skip_tls_verify=True)
    )
    assert parsed("get", "x", "-s", "https://a", "--request-timeout", "2m").request_timeout == "2m"


def test_a_flag_that_is_not_built_says_so() -> None:
    with pytest.raises(CanariumError, match="--as is not built yet"):
        parsed("get", "x", "--as", "root")


@pytest.mark.parametrize(
    ("text", "wanted"), [("", 0), ("0", 0), ("5", 5), ("1s", 1), ("2m30s", 150), ("1.5h", 5400), ("250ms", 0.25)]
)
def test_timeouts_are_written_as_go_writes_durations(text: str, wanted: float) -> None:
    assert seconds(text) == pytest.approx(wanted)


@pytest.mark.parametrize("text", ["soon", "1x", "-1s", "1 s"])
def test_a_timeout_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CanariumError, match="Invalid timeout value"):
        parsed("get", "x", "--request-timeout", text)


def test_kubeconfigs_come_from_the_flag_the_environment_or_the_home(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kubeconfig_paths() == [home / ".kube" / "config"]
    monkeypatch.setenv("KUBECONFIG", "/a::/b:/a")
    assert kubeconfig_paths() == [Path("/a"), Path("/b")]
    assert kubeconfig_paths("/c") == [Path("/c")]


def test_a_session_has_the_contexts_namespace_unless_the_flag_says_otherwise(home: Path) -> None:
    (home / ".kube").mkdir()
    (home / ".kube" / "config").write_text(CONFIG)

    async def namespace(options: ConnectionOptions) -> str:
        async with connect(options) as session:
            return session.namespace

    assert asyncio.run(namespace(ConnectionOptions())) == "shop"
    assert asyncio.run(namespace(ConnectionOptions(namespace="other"))) == "other"


def test_without_any_configuration_the_person_learns_where_to_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        async with connect(ConnectionOptions()):
            raise AssertionError

    assert run(main()) == 1
    complaint = capsys.readouterr().err
    assert complaint.startswith("Error: invalid configuration: no configuration has been provided")
    assert "canarium up" in complaint


def test_kubernetes_master_is_a_server_where_nothing_else_says_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_MASTER", "http://127.0.0.1:1")

    async def main() -> None:
        async with connect(ConnectionOptions()):
            pass

    assert run(main()) == 0


CAUSES = [("spec.a", "FieldValueRequired", "Required value"), ("spec.b", "FieldValueInvalid", "Invalid value: 1")]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NotFound(404, "NotFound", 'pods "a" not found'), 'Error from server (NotFound): pods "a" not found'),
        (Conflict(409, "Conflict", "changed"), "Error from server (Conflict): changed"),
        (ApiError(401, "Unauthorized", "Unauthorized"), "error: You must be logged in to the server (Unauthorized)"),
        (
            ApiError(422, "Invalid", "m", causes=CAUSES[:1], details={"kind": "Pod", "name": "a"}),
            'The Pod "a" is invalid: spec.a: Required value',
        ),
        (
            ApiError(422, "Invalid", "m", causes=CAUSES, details={"kind": "Pod", "name": "a"}),
            'The Pod "a" is invalid: \n* spec.a: Required value\n* spec.b: Invalid value: 1',
        ),
        (ApiError(422, "Invalid", "the server rejected it"), "The request is invalid: the server rejected it"),
        (
            Unavailable(503, "", "m", details={"host": "a:1", "cause": "dial tcp a:1: connect: connection refused"}),
            "The connection to the server a:1 was refused - did you specify the right host or port?",
        ),
        (
            Unavailable(503, "", "m", details={"host": "a:1", "cause": "dial tcp: lookup a: no such host"}),
            "Unable to connect to the server: dial tcp: lookup a: no such host",
        ),
        (KubeconfigError('context "x" does not exist'), 'Error: context "x" does not exist'),
    ],
)
def test_failures_are_told_in_kubectls_words(error: CanariumError, text: str) -> None:
    assert failure_text(error) == text


def test_a_command_that_is_interrupted_ends_with_the_code_for_that() -> None:
    async def main() -> None:
        raise KeyboardInterrupt

    assert run(main()) == 130


def test_the_flags_are_in_the_help() -> None:
    @click.command()
    @connection_options
    def command(connection: ConnectionOptions) -> None:
        """Do."""

    told = CliRunner().invoke(command, ["--help"]).output

    assert "--kubeconfig FILE" in told
    assert "-n, --namespace" in told
    assert "--as" not in told


def test_help_loads_no_http_client_yaml_or_event_loop() -> None:
    program = "import sys, canarium.cli.connection\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    heavy = ("aiohttp", "yaml", "msgspec", "asyncio", "cryptography", "ssl")
    assert [name for name in heavy if name in done.stdout.split()] == []
