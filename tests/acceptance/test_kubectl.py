"""What kubectl's users see when they talk to a local cluster, for each kubectl and each family of commands.

Owns: the cluster, running the commands, comparing what they print. Must not know: which commands; see kubectl_cases.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import peers
from tests.acceptance.kubectl_cases import CASES, FILES, GIVEN, WEB, Case

READY = re.compile(r"^Ready after", re.MULTILINE)
MASKS = (
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uid>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"(\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4})", "<time>"),
    (r'(resourceVersion"?: ?)"\d+"', r"\1<rv>"),
    (r"\b10\.\d+\.\d+\.\d+\b", "<ip>"),
    (r"\bweb-[0-9a-z]{6,10}\b(?!-)", "web-<hash>"),
    (r"\bweb-[0-9a-z]{6,10}-[0-9a-z]{5}\b", "web-<pod>"),
    (r"(^|(?<=\s))(\d+[smhd]){1,2}(?=\s|$)", "<age>"),
    (r"(?<=\S)([ \t]{2,}|\t)", "  "),
    (r"[ \t]+$", ""),
)


@dataclass(frozen=True, kw_only=True)
class Shell:
    """A shell in which `kubectl` is one version's and talks to the cluster."""

    folder: Path
    environment: dict[str, str]

    def run(self, command: str, text: str = "") -> tuple[str, int]:
        """What a command printed, both streams in the order they were written, and its exit code."""
        done = subprocess.run(
            ["sh", "-c", command],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env=self.environment,
            timeout=60,
            check=False,
        )
        return done.stdout, done.returncode


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a cluster that runs as its users run it."""
    home = tmp_path_factory.mktemp("cluster")
    (home / "dir").mkdir()
    ports = [word for door in ("api", "applications", "rollouts", "metrics") for word in (f"--{door}-port", "0")]
    kubeconfig = home / "kubeconfig"
    command = [sys.executable, "-m", "canarium.cli.main", "up", "dir", *ports]
    with (home / "errors").open("w") as errors:
        process = subprocess.Popen(
            [*command, "--data-dir", home / "data", "--kubeconfig", kubeconfig],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=home,
            env={**os.environ, "HOME": str(home), "PYTHONUNBUFFERED": "1"},
        )
    assert process.stdout is not None
    said = ""
    while not READY.search(said):
        line = process.stdout.readline()
        assert line, f"canarium up ended: {said}{(home / 'errors').read_text()}"
        said += line
    try:
        yield kubeconfig
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 0, (home / "errors").read_text()


@pytest.fixture(scope="module", params=peers.KUBECTL_VERSIONS)
def shell(request: pytest.FixtureRequest, cluster: Path, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell for one kubectl; each case's namespace is there, with what the case was promised."""
    version: str = request.param
    assert request.config.cache is not None
    try:
        program = peers.kubectl_of(version, request.config.cache.mkdir("peers"))
    except peers.PeerMissing as missing:
        pytest.skip(str(missing))
    home = tmp_path_factory.mktemp(f"kubectl-{version}")
    (home / "bin").mkdir()
    (home / "bin" / "kubectl").symlink_to(program.resolve())
    shell = Shell(
        folder=home,
        environment={
            "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
            "HOME": str(home),
            "KUBECONFIG": str(cluster),
            "LC_ALL": "C",
            "TZ": "UTC",
        },
    )
    manifests = []
    for case in CASES:
        space = namespace(case, shell)
        manifests.append(f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {space}}}\n")
        manifests.append(GIVEN.replace("NS", space))
        if case.web:
            manifests.append(WEB.replace("NS", space))
    said, code = shell.run("kubectl create --validate=false -f -", "---\n".join(manifests))
    assert code == 0, said
    said, code = shell.run("kubectl wait -A -l given=web deployment --for=condition=Available --timeout=40s")
    assert code == 0, said
    return shell


def namespace(case: Case, shell: Shell) -> str:
    """A namespace that no other case and no other kubectl uses."""
    return f"{case.name}-{shell.folder.name.removeprefix('kubectl-').replace('.', '')}"


def masked(text: str, space: str) -> str:
    """The text without what differs from run to run."""
    text = text.replace(space, "NS")
    for pattern, instead in MASKS:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return text.strip("\n")


def agrees(said: str, wanted: str) -> bool:
    """Whether it is what was wanted, where `...` stands for any text."""
    pattern = ".*?".join(re.escape(part) for part in wanted.split("..."))
    return re.fullmatch(pattern, said, re.DOTALL) is not None


def _marked(case: Case) -> object:
    marks = [pytest.mark.xfail(strict=True, reason=case.gap, raises=AssertionError)] if case.gap else []
    return pytest.param(case, id=case.name, marks=marks)


@pytest.mark.peer("kubectl")
@pytest.mark.parametrize("case", [_marked(case) for case in CASES])
def test_kubectl_says_what_its_users_expect(case: Case, shell: Shell) -> None:
    space = namespace(case, shell)
    for name, text in FILES.items():
        (shell.folder / name).write_text(text.replace("NS", space))

    differences = []
    for step in case.steps():
        command = step.command.replace("NS", space).replace("kubectl ", f"kubectl -n {space} ", 1)
        output, code = shell.run(command)
        said = masked(output, space)
        if code != step.code or not agrees(said, step.output):
            differences.append(f"$ {step.command}\n{said}\n[exit code {code}]\nwanted:\n{step.output}\n[{step.code}]")

    assert not differences, "\n\n".join(differences)
