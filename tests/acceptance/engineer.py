"""Someone at a terminal, in the working copy of the Silent Canary, beside a `canarium up` of their own.

Owns: the example's repository, typing commands, editing and pushing, the three fixes. Must not know: what is tested.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from canarium.lab.examples import MANIFESTS
from tests.acceptance.local_cluster import LocalCluster

STABLE, CANARY = "6fdd67656d", "5478f49d8b"
STAGING, PROD = "echo-staging", "echo-prod"
TEMPLATE = f"{MANIFESTS}/base/analysis-template.yaml"
ROLLOUT = f"{MANIFESTS}/base/rollout.yaml"
READY = 'kube_pod_container_status_ready{namespace="echo-staging", pod=~"echo-server-.*"}'


class Engineer:
    """See the module. kubectl_binary: None for who needs none. arguments: of `canarium up`."""

    def __init__(self, home: Path, kubectl_binary: Path | None, *arguments: str) -> None:
        self.repo = home / "repo"
        self.cluster = LocalCluster(home, "--scrape-interval", "5s", *arguments, path=self.repo)
        tools = home / "bin"
        tools.mkdir(parents=True)
        if kubectl_binary is not None:
            (tools / "kubectl").symlink_to(kubectl_binary)
        scripts = Path(sys.executable).parent
        self._environment = {
            **self.cluster.environment,
            "PATH": os.pathsep.join([str(tools), str(scripts), os.environ.get("PATH", "")]),
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "GIT_AUTHOR_NAME": "Engineer",
            "GIT_AUTHOR_EMAIL": "engineer@example.com",
            "GIT_COMMITTER_NAME": "Engineer",
            "GIT_COMMITTER_EMAIL": "engineer@example.com",
        }
        self.run("canarium init silent-canary repo", where=home)

    def run(self, command: str, *, expect: int = 0, where: Path | None = None) -> str:
        """Type a command; what it printed, both streams in order."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=where or self.repo,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == expect, f"{command}: exit code {done.returncode}\n{done.stdout}"
        return done.stdout

    def get(self, command: str) -> Any:
        """A `kubectl get`, as JSON."""
        return json.loads(self.run(f"kubectl {command} -o json"))

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a file, commit, push."""
        file = self.repo / path
        text = file.read_text()
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new))
        self.run(f"git commit -qam 'Change {Path(path).name}' && git push -q")

    def wait(self, namespace: str, jsonpath: str, value: str) -> None:
        """Wait until a field of the Rollout has a value."""
        self.run(
            f"kubectl -n {namespace} wait rollout/echo-server --timeout=120s --for=jsonpath='{jsonpath}'='{value}'"
        )

    def wait_for_run(self, namespace: str, suffix: str, phase: str) -> dict[str, Any]:
        """Wait until an AnalysisRun of the canary has ended."""
        name = f"echo-server-{CANARY}-2-{suffix}"
        self.run(f"kubectl -n {namespace} wait analysisrun/{name} --for=create --timeout=60s")
        self.run(
            f"kubectl -n {namespace} wait analysisrun/{name} --for=jsonpath='{{.status.phase}}'={phase} --timeout=60s"
        )
        return dict(self.get(f"-n {namespace} get analysisrun {name}"))

    def query(self, expression: str) -> list[Any]:
        """Ask Prometheus over its own port."""
        url = f"http://127.0.0.1:{self.cluster.ports['metrics']}/api/v1/query?query={urllib.parse.quote(expression)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            body = json.load(answer)
        assert body["status"] == "success", body
        found: list[Any] = body["data"]["result"]
        return found


def refresh_and_retry(engineer: Engineer) -> None:
    """Ask Argo CD to look at git now, wait until it did, and try the update again."""
    for env, namespace in (("staging", STAGING), ("prod", PROD)):
        app = f"echo-server-{env}"
        head = engineer.run("git rev-parse HEAD").strip()
        engineer.run(f"kubectl -n argocd annotate application {app} argocd.argoproj.io/refresh=normal --overwrite")
        engineer.run(
            f"kubectl -n argocd wait application/{app} --for=jsonpath='{{.status.sync.revision}}'={head} --timeout=60s"
        )
        engineer.run(
            f"kubectl -n argocd wait application/{app} --for=jsonpath='{{.status.sync.status}}'=Synced --timeout=60s"
        )
        retried = engineer.run(f"kubectl argo rollouts retry rollout echo-server -n {namespace}")
        assert retried == "rollout 'echo-server' retried\n"


def query_of(engineer: Engineer) -> str:
    """The lines of the query that was never written."""
    text = (engineer.repo / TEMPLATE).read_text()
    return text[text.rindex("            # How many containers") :]


WRITTEN = """\
            # How many containers are ready? At least one should be.
            sum(kube_pod_container_status_ready{
              namespace="{{args.namespace}}",
              pod=~"echo-server-.*"
            }) or vector(0)
"""
