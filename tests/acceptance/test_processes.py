"""Pods that are processes, on a cluster as its users run it: what they may expect, and what no pod can do to others.

Most tests look at one cluster, to which everything is applied at once; those about starting and stopping have
their own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from canarium.clock import RealClock
from tests import peers
from tests.acceptance.local_cluster import LocalCluster

REAL = RealClock()
PROGRAM = Path(__file__).with_name("mapped_program.py")
MAPPED = "--map-image", f"acme/program={sys.executable} -I -S -u {PROGRAM}"
NAMESPACES = "shop", "tools"
LIMIT_SECONDS = 30.0
LOG_BYTES = 10 << 20
"""What is kept of a container's log: five files of 2 MiB."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

Manifest = dict[str, Any]


def pod(name: str, *words: str, image: str = "acme/program:1", namespace: str = "shop", **spec: Any) -> Manifest:
    """A pod of one container. Keys of a container in `spec` are the container's."""
    of_pod = ("restartPolicy", "terminationGracePeriodSeconds", "volumes")
    container = {key: value for key, value in spec.items() if key not in of_pod}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name, "tier": "test"}},
        "spec": {
            "containers": [{"name": "main", "image": image, "args": [*words], **container}],
            "terminationGracePeriodSeconds": 1,
            **{key: value for key, value in spec.items() if key in of_pod},
        },
    }


def service(name: str, *, app: str, port: int = 80, namespace: str = "shop", **spec: Any) -> Manifest:
    """A Service in front of pods with that label, on their port 7000."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": app}, "ports": [{"port": port, "targetPort": 7000}], **spec},
    }


def deployment(name: str, replicas: int, *words: str, **container: Any) -> Manifest:
    """Pods that are replaced when they end."""
    template = pod(name, *words, **container)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": template["metadata"]["namespace"]},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": template["spec"]},
        },
    }


SERVING: dict[str, Any] = {
    "ports": [{"containerPort": 7000}],
    "readinessProbe": {"httpGet": {"path": "/ready", "port": 7000}, "periodSeconds": 1},
}
ENVIRONMENT: list[Manifest] = [
    {"name": "PLAIN", "value": "$(POD_NAME) is $(MISSING)"},
    {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    {"name": "FROM_POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
    {"name": "FROM_MAP", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}},
    {"name": "FROM_SECRET", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
    {"name": "FROM_LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}},
]


def free_node_port() -> int:
    """One of the node ports that nobody has now; runs beside this one begin elsewhere."""
    for number in range(30300 + os.getpid() % 2000, 32768):
        if not accepts(("127.0.0.1", number)):
            return number
    raise AssertionError("every node port is taken")


def everything() -> list[Manifest]:
    """What the shared cluster runs."""
    settings = {"metadata": {"name": "settings", "namespace": "shop"}, "data": {"colour": "blue"}}
    keys = {"metadata": {"name": "keys", "namespace": "shop"}, "stringData": {"token": "s3cret"}}
    limits: dict[str, Any] = {"resources": {"limits": {"memory": "64Mi"}}}
    return [
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in NAMESPACES),
        {"apiVersion": "v1", "kind": "ConfigMap", **settings},
        {"apiVersion": "v1", "kind": "Secret", **keys},
        service("web", app="web"),
        service("sticky", app="web", sessionAffinity="ClientIP"),
        service(
            "door", app="web", type="NodePort", ports=[{"port": 80, "targetPort": 7000, "nodePort": free_node_port()}]
        ),
        service("empty", app="nobody"),
        deployment("web", 2, "serve", **SERVING),
        pod("caller", "serve", namespace="tools", **SERVING),
        pod("unmapped", image="acme/unmapped:1"),
        pod("missing", image="acme/missing:1"),
        pod("unrunnable", image="acme/unrunnable:1"),
        pod("deaf", "wait", readinessProbe={"httpGet": {"path": "/ready", "port": 7000}, "periodSeconds": 1}),
        pod("deaf-tcp", "wait", readinessProbe={"tcpSocket": {"port": 7000}, "periodSeconds": 1}),
        pod("stubborn", "stubborn"),
        pod("family", "family"),
        pod("talker", "talk"),
        pod("opener", "open_files"),
        pod("eater", "eat", **limits),
        pod("crasher", "crash"),
        pod("ticker", "tick"),
        pod("teller", "tell", env=ENVIRONMENT, **limits),
        pod("misled", "tell", env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "a"}}}]),
    ]


@dataclass(frozen=True, kw_only=True)
class Live:
    """A cluster, and kubectl for it."""

    cluster: LocalCluster
    program: Path

    def kubectl(self, *words: str, text: str = "", code: int | None = 0) -> str:
        """What kubectl prints, both streams. code: how it must end, None for any."""
        done = subprocess.run(
            [self.program, f"--kubeconfig={self.cluster.kubeconfig}", *words],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.cluster.environment,
            timeout=60,
            check=False,
        )
        assert code in (None, done.returncode), f"kubectl {' '.join(words)}: {done.returncode}: {done.stdout}"
        return done.stdout

    def apply(self, *manifests: Manifest) -> None:
        """kubectl apply."""
        self.kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))

    def wait(self, what: str, condition: str = "Ready", namespace: str = "shop", *selector: str) -> None:
        """kubectl wait."""
        self.kubectl(
            "wait", f"-n={namespace}", what, *selector, f"--for=condition={condition}", f"--timeout={LIMIT_SECONDS}s"
        )

    def until(self, path: str, holds: Callable[[Manifest], Any]) -> Manifest:
        """The first state of an object below `path`, seen by watching, that `holds`."""
        with self.cluster.api() as api:
            for line in api.stream(f"{path}{'&' if '?' in path else '?'}watch=1&timeoutSeconds={LIMIT_SECONDS:.0f}"):
                found: Manifest = json.loads(line)["object"]
                if holds(found):
                    return found
        raise AssertionError(f"never seen in {path}: {self.kubectl('get', 'pods', '-A')}")

    def pod(self, name: str, holds: Callable[[Manifest], Any], namespace: str = "shop") -> Manifest:
        """A pod's only container's status, once it `holds`."""
        path = f"/api/v1/namespaces/{namespace}/pods?fieldSelector=metadata.name%3D{name}"

        def of_container(pod: Manifest) -> Any:
            statuses = pod.get("status", {}).get("containerStatuses")
            return statuses and holds(statuses[0])

        status: Manifest = self.until(path, of_container)["status"]["containerStatuses"][0]
        return status

    def event(self, name: str, reason: str) -> str:
        """The message of a pod's event, once there is one."""
        path = "/api/v1/namespaces/shop/events"
        found = self.until(path, lambda it: it["involvedObject"]["name"] == name and it["reason"] == reason)
        return str(found["message"])

    def logs(self, name: str, *words: str) -> str:
        """kubectl logs, to where it is now."""
        return self.kubectl("logs", "-n=shop", name, *words)

    def log_line(self, name: str, pattern: str) -> re.Match[str]:
        """The first line of a followed log that matches."""
        with self.cluster.api() as api:
            for line in api.stream(f"/api/v1/namespaces/shop/pods/{name}/log?follow=true"):
                found = re.search(pattern, line.decode())
                if found:
                    return found
        raise AssertionError(f"{name} never said {pattern}")

    def places(self) -> dict[str, tuple[str, int]]:
        """Where each Service's port is, by `namespace/name`, and with a leading `node:` for NodePorts."""
        told = json.loads(self.cluster.run("status", "-o", "json").stdout)
        return {
            ("node:" if each["ip"] == "127.0.0.1" else "") + each["service"]: (each["host"], each["real_port"])
            for each in told["services"]
        }


def get(place: tuple[str, int], path: str = "/") -> Manifest:
    """GET on a new connection, as JSON."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{place[0]}:{place[1]}{path}", timeout=10) as answer:
        found: Manifest = json.load(answer)
        return found


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not asked how does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def of_cluster(cluster: LocalCluster) -> list[int]:
    """Every process that was started for a cluster: those carry its data folder in their environment."""
    mark = f"CANARIUM_WARDEN={cluster.data}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0") and is_alive(int(folder.name)):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def accepts(place: tuple[str, int]) -> bool:
    """Whether somebody listens."""
    with socket.socket() as caller:
        return caller.connect_ex(place) == 0


@pytest.fixture(scope="session")
def program(request: pytest.FixtureRequest) -> Path:
    """A kubectl."""
    assert request.config.cache is not None
    try:
        return peers.kubectl(request.config.cache.mkdir("peers"))
    except peers.PeerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, program: Path) -> Iterator[Live]:
    """The shared cluster, with `everything` applied; it must end well."""
    folder = tmp_path_factory.mktemp("live")
    unrunnable = folder / "unrunnable"
    unrunnable.write_text("no program\n")
    maps = "--map-image", f"acme/unrunnable={unrunnable}", "--map-image", "acme/missing=/no/such/program"
    with LocalCluster(folder, *MAPPED, *maps) as cluster:
        live = Live(cluster=cluster, program=program)
        live.apply(*everything())
        yield live
        places = list(live.places().values())
        assert cluster.stop() == 0, cluster.said
        assert "Traceback" not in cluster.said, cluster.said
    assert of_cluster(cluster) == []
    assert [place for place in places if accepts(place)] == []


# -- starts that do not go well ---------------------------------------------------------------------------------------


def test_an_image_that_nobody_mapped_is_simulated_and_an_event_says_so(live: Live) -> None:
    live.wait("pod/unmapped")

    told = live.event("unmapped", "Simulated")

    assert "acme/unmapped:1" in told
    assert "simulated" in told.lower()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing", 'exec: "/no/such/program": stat /no/such/program: no such file or directory'),
        ("unrunnable", "permission denied"),
    ],
)
def test_a_command_that_cannot_be_run_crash_loops_with_a_start_error(live: Live, name: str, words: str) -> None:
    seen: Counter[str] = Counter()

    def loops(status: Manifest) -> bool:
        seen[status["state"].get("waiting", {}).get("reason", "")] += 1
        return bool(status["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff" and status["restartCount"])

    status = live.pod(name, loops)

    last = status["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (128, "StartError")
    assert words in last["message"]
    assert words in live.event(name, "Failed")
    assert re.search(rf"{name} +0/1 +(CrashLoopBackOff|RunContainerError) ", live.kubectl("get", "pods", "-n=shop"))


def test_a_start_error_shows_as_run_container_error_first(live: Live) -> None:
    with live.cluster.api() as api:
        version = api("GET", "/api/v1/namespaces/shop/pods")[1]["metadata"]["resourceVersion"]
    live.apply(pod("missing-too", image="acme/missing:2"))
    reasons: list[str] = []

    def loops(found: Manifest) -> bool:
        if found["metadata"]["name"] != "missing-too":
            return False
        for status in found.get("status", {}).get("containerStatuses") or ():
            reasons.extend(state.get("reason", "Running") for state in status["state"].values())
        return "CrashLoopBackOff" in reasons

    live.until(f"/api/v1/namespaces/shop/pods?resourceVersion={version}", loops)

    told = list(dict.fromkeys(reasons))
    assert told.index("RunContainerError") < told.index("CrashLoopBackOff"), told
    assert "Running" not in told, told


def test_a_variable_from_a_config_map_that_is_not_there_waits_for_it(live: Live) -> None:
    status = live.pod("misled", lambda it: it["state"].get("waiting", {}).get("reason") == "CreateContainerConfigError")

    assert status["state"]["waiting"]["message"] == 'configmap "none" not found'
    assert status["restartCount"] == 0


def test_a_crashing_program_backs_off_and_its_former_log_can_be_read(live: Live) -> None:
    status = live.pod("crasher", lambda it: it["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff")

    last = status["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (3, "Error")
    assert "restarting failed container=main" in status["state"]["waiting"]["message"]
    live.pod("crasher", lambda it: it["restartCount"] >= 1)
    assert sorted(live.logs("crasher", "--previous").splitlines()) == ["about to crash", "crashed"]
    assert "crasher   0/1     CrashLoopBackOff" in re.sub(
        r"crasher +0/1 +", "crasher   0/1     ", live.kubectl("get", "pods", "-n=shop")
    )


# -- probes -----------------------------------------------------------------------------------------------------------


def test_a_readiness_probe_at_a_port_nobody_opens_never_passes(live: Live) -> None:
    told = live.event("deaf", "Unhealthy")
    told_tcp = live.event("deaf-tcp", "Unhealthy")

    address = re.search(r"10\.244\.\d+\.\d+:7000", told)
    assert address is not None, told
    refused = f"dial tcp {address.group()}: connect: connection refused"
    assert told == f'Readiness probe failed: Get "http://{address.group()}/ready": {refused}'
    tcp = r"Readiness probe failed: dial tcp 10\.244\.\d+\.\d+:7000: connect: connection refused"
    assert re.fullmatch(tcp, told_tcp)
    for name in ("deaf", "deaf-tcp"):
        status = live.pod(name, lambda it: "running" in it["state"])
        assert (status["ready"], status["restartCount"]) == (False, 0)


# -- programs that do harm --------------------------------------------------------------------------------------------


def test_a_program_that_ignores_sigterm_is_killed_after_its_grace_period(live: Live) -> None:
    live.log_line("stubborn", "here")

    began = REAL.monotonic()
    live.kubectl("delete", "pod", "-n=shop", "stubborn", "--timeout=20s")

    assert 0.9 <= REAL.monotonic() - began < 6


def test_no_child_outlives_its_pod_wherever_it_went(live: Live) -> None:
    live.wait("pod/family")
    live.log_line("family", "that is all")
    children = [int(word) for word in re.findall(r"child (\d+)", live.logs("family"))]
    assert len(children) == 3
    assert all(is_alive(pid) for pid in children)

    live.kubectl("delete", "pod", "-n=shop", "family", "--timeout=20s")

    assert [pid for pid in children if is_alive(pid)] == []


def test_a_log_that_is_filled_takes_bounded_disk_and_holds_nobody_up(live: Live) -> None:
    live.wait("deployment/web", "Available")
    place = live.places()["shop/web"]
    worst = 0.0
    for _ in range(50):
        began = REAL.monotonic()
        get(place)
        worst = max(worst, REAL.monotonic() - began)
    live.log_line("talker", "said it all")

    folder = next((live.cluster.data / "pods").glob("shop_talker_*"))
    kept = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

    assert kept <= LOG_BYTES + (64 << 10)
    assert worst < 2
    assert live.logs("talker", "--tail=1") == "said it all\n"


def test_a_program_without_file_descriptors_left_harms_only_itself(live: Live) -> None:
    found = live.log_line("opener", r"after (\d+): Too many open files")

    assert 900 < int(found.group(1)) < 1024
    live.wait("deployment/web", "Available")
    assert get(live.places()["shop/web"])["path"] == "/"


def test_a_program_over_its_memory_limit_is_killed(live: Live) -> None:
    status = live.pod("eater", lambda it: "terminated" in it["lastState"] or "terminated" in it["state"])

    ended = status["state"].get("terminated") or status["lastState"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)


# -- logs -------------------------------------------------------------------------------------------------------------


def test_logs_are_followed_with_time_stamps_from_the_last_lines_on(live: Live) -> None:
    live.log_line("ticker", "tick 3")
    following = subprocess.Popen(
        [
            live.program,
            f"--kubeconfig={live.cluster.kubeconfig}",
            *("logs", "-n=shop", "ticker", "-f", "--timestamps", "--tail=2"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=live.cluster.environment,
    )
    assert following.stdout is not None
    with following:
        lines = [following.stdout.readline() for _ in range(6)]
        following.terminate()

    split = [re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z) tick (\d+)\n", line) for line in lines]
    assert all(split), lines
    numbers = [int(found.group(2)) for found in split if found]
    assert numbers == list(range(numbers[0], numbers[0] + 6))
    assert numbers[0] >= 2
    stamps = [found.group(1) for found in split if found]
    assert stamps == sorted(stamps)
    assert len(live.logs("ticker", "--tail=3").splitlines()) == 3
    assert live.logs("ticker", "--limit-bytes=6") == "tick 0"


# -- environment ------------------------------------------------------------------------------------------------------


def test_a_mapped_program_gets_the_environment_its_pod_asks_for(live: Live) -> None:
    environment = json.loads(live.log_line("teller", r"\{.*\}").group())

    assert environment["PLAIN"] == "$(POD_NAME) is $(MISSING)"  # POD_NAME comes later in the list
    assert environment["POD_NAME"] == environment["FROM_POD"] == environment["HOSTNAME"] == "teller"
    assert (environment["FROM_MAP"], environment["FROM_SECRET"]) == ("blue", "s3cret")
    assert environment["FROM_LIMIT"] == str(64 << 20)
    assert environment["POD_IP"].startswith("127.")
    assert environment["http_proxy"] == environment["HTTP_PROXY"]
    place = live.places()["shop/web"]
    assert (environment["WEB_SERVICE_HOST"], int(environment["WEB_SERVICE_PORT"])) == place
    assert environment["WEB_PORT"] == f"tcp://{place[0]}:{place[1]}"
    ours = {"HOME", "KUBECONFIG", "XDG_DATA_HOME", "SSH_AUTH_SOCK", "NO_COLOR"}
    assert ours & set(environment) == set()


# -- the network ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["web.shop", "web.shop.svc", "web.shop.svc.cluster.local", "web.shop.svc.cluster.local."]
)
def test_a_mapped_program_reaches_services_by_name(live: Live, host: str) -> None:
    live.wait("deployment/web", "Available")
    live.wait("pod/caller", namespace="tools")
    caller = caller_place(live)

    told = get(caller, f"/fetch?http://{host}/deep?x=1")

    assert told["found"]["path"] == "/deep?x=1"
    assert told["found"]["pod"].startswith("web-")


def caller_place(live: Live) -> tuple[str, int]:
    ip = live.kubectl("get", "pod", "-n=tools", "caller", "-o=jsonpath={.status.podIP}")
    first = live.places()["shop/web"][0].split(".")[1]
    return re.sub(r"^10\.244", f"127.{int(first) + 148}", ip), 7000


def test_a_name_that_nobody_has_is_no_such_host(live: Live) -> None:
    live.wait("pod/caller", namespace="tools")
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(caller_place(live), "/fetch?http://nobody.shop/")

    assert refused.value.code == 502
    assert "502" in json.load(refused.value)["problem"]


def test_service_ports_spread_and_affinity_keeps(live: Live) -> None:
    live.wait("deployment/web", "Available")
    places = live.places()

    spread = Counter(get(places["shop/web"])["pod"] for _ in range(10))
    kept = Counter(get(places["shop/sticky"])["pod"] for _ in range(10))

    assert sorted(spread.values()) == [5, 5]
    assert list(kept.values()) == [10]


def test_a_node_port_is_open_on_localhost(live: Live) -> None:
    live.wait("deployment/web", "Available")
    number = int(live.kubectl("get", "service", "-n=shop", "door", "-o=jsonpath={.spec.ports[0].nodePort}"))

    assert live.places()["node:shop/door"] == ("127.0.0.1", number)
    assert get(("127.0.0.1", number))["pod"].startswith("web-")


def test_plain_tcp_and_websockets_go_through_a_service(live: Live) -> None:
    live.wait("deployment/web", "Available")
    place = live.places()["shop/web"]
    upgrade = b"GET /chat HTTP/1.1\r\nHost: web\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    frame = b"\x81\x85\x01\x02\x03\x04" + bytes(a ^ b for a, b in zip(b"hello", b"\1\2\3\4\1", strict=True))
    block = os.urandom(1 << 20)
    with socket.create_connection(place, timeout=10) as plain, plain.makefile("rb") as received:
        plain.sendall(b"hello\n")
        assert received.readline() == b"hello\n"
        sender = threading.Thread(target=plain.sendall, args=(block,))
        sender.start()
        assert received.read(len(block)) == block
        sender.join()
        plain.shutdown(socket.SHUT_WR)
        assert received.read() == b""  # the other side saw the end, and ended
    with socket.create_connection(place, timeout=10) as web, web.makefile("rb") as received:
        web.sendall(upgrade)
        assert received.readline().startswith(b"HTTP/1.1 101 ")
        while received.readline() != b"\r\n":
            pass
        web.sendall(frame)
        assert received.read(len(frame)) == frame


def test_a_service_without_endpoints_resets_its_callers(live: Live) -> None:
    def call() -> None:
        with socket.create_connection(live.places()["shop/empty"], timeout=10) as caller:
            caller.sendall(b"GET / HTTP/1.1\r\n\r\n")
            caller.recv(1)

    with pytest.raises(ConnectionResetError):
        call()


def test_a_port_is_forwarded_to_a_process(live: Live) -> None:
    live.wait("deployment/web", "Available")
    forwarding = subprocess.Popen(
        [live.program, f"--kubeconfig={live.cluster.kubeconfig}", "port-forward", "-n=shop", "service/web", ":80"],
        stdout=subprocess.PIPE,
        text=True,
        env=live.cluster.environment,
    )
    assert forwarding.stdout is not None
    with forwarding:
        told = forwarding.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+) -> 7000", told)
        assert found is not None, told
        answers = [get(("127.0.0.1", int(found.group(1))))["pod"] for _ in range(3)]
        forwarding.terminate()
    assert answers[0].startswith("web-")


# -- starting and stopping --------------------------------------------------------------------------------------------

PODINFO = deployment(
    "podinfo",
    1,
    image="ghcr.io/stefanprodan/podinfo:6.9.3",
    ports=[{"containerPort": 9898, "name": "http"}],
    readinessProbe={"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1},
)
FRONT = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "podinfo", "namespace": "shop"},
    "spec": {"selector": {"app": "podinfo"}, "ports": [{"port": 80, "targetPort": "http"}]},
}
SHOP: Manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


def test_one_address_is_enough(tmp_path: Path, program: Path) -> None:
    with LocalCluster(tmp_path, "--one-address", *MAPPED) as cluster:
        live = Live(cluster=cluster, program=program)
        live.apply(SHOP, FRONT, PODINFO, service("web", app="web"), deployment("web", 2, "serve", **SERVING))
        live.wait("deployment/podinfo", "Available")
        live.wait("deployment/web", "Available")

        places = live.places()

        assert {host for host, _ in places.values()} == {"127.0.0.1"}
        assert len(set(places.values())) == len(places)
        assert get(places["shop/podinfo"], "/version")["version"] == "6.9.3"
        assert sorted(Counter(get(places["shop/web"])["pod"] for _ in range(4)).values()) == [2, 2]
        shown = cluster.run("status").stdout
        assert f"-> 127.0.0.1:{places['shop/podinfo'][1]}" in shown
        environment = get(places["shop/web"], "/env")["env"]
        assert (environment["PODINFO_SERVICE_HOST"], int(environment["PODINFO_SERVICE_PORT"])) == places["shop/podinfo"]
        fetched = get(places["shop/web"], "/fetch?http://podinfo/version")
        assert fetched["found"]["version"] == "6.9.3"
        assert cluster.stop() == 0
    assert of_cluster(cluster) == []


def test_two_clusters_side_by_side_do_not_meet(tmp_path: Path, program: Path) -> None:
    with ExitStack() as both:
        lives = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            cluster = both.enter_context(LocalCluster(tmp_path / name, "--name", name, *MAPPED))
            lives.append(Live(cluster=cluster, program=program))
        for live in lives:
            live.apply(SHOP, service("web", app="web"), pod("web", "serve", **SERVING))
        for live in lives:
            live.wait("pod/web")
        first, second = (live.places()["shop/web"] for live in lives)
        assert first != second
        assert get(first)["pod"] == get(second)["pod"] == "web"

        assert lives[0].cluster.stop() == 0

        assert not accepts(first)
        assert get(second)["pod"] == "web"
        assert of_cluster(lives[0].cluster) == []
        down = lives[1].cluster.run("down")
        assert down.returncode == 0, down.stdout + down.stderr
        assert not accepts(second)
        lives[1].cluster.kill()
        assert of_cluster(lives[1].cluster) == []


def test_ctrl_c_lets_programs_end_in_good_order_and_a_second_one_does_not_wait(tmp_path: Path, program: Path) -> None:
    with LocalCluster(tmp_path, *MAPPED) as cluster:
        live = Live(cluster=cluster, program=program)
        live.apply(SHOP, service("web", app="web"), pod("web", "serve", **SERVING), pod("stubborn", "stubborn"))
        live.wait("pod/web")
        live.log_line("stubborn", "here")
        place, pid = live.places()["shop/web"], cluster.running["pid"]

        os.kill(pid, signal.SIGINT)
        log = next((cluster.data / "pods").glob("shop_stubborn_*")) / "main" / "0.log"
        while "no" not in log.read_text().split():  # it was asked, and did not
            assert is_alive(pid)
        assert cluster.stop(signal.SIGINT) == 130
        began = REAL.monotonic()
        while of_cluster(cluster):
            assert REAL.monotonic() - began < 5
        assert not accepts(place)
        cluster.start()  # what was lost is Failed, what is there is as it was
        shown = live.kubectl("get", "pods", "-n=shop", "--no-headers")
        assert re.findall(r"(\S+) +0/1 +NodeShutdown", shown) == ["stubborn", "web"], shown
        assert cluster.stop() == 0


class Unprivileged(LocalCluster):
    """Started by somebody who may not listen on ports below 1024."""

    def command(self, name: str, *arguments: str) -> list[str]:
        """See `LocalCluster`."""
        drop = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"]
        return [*(drop if os.geteuid() == 0 else []), *super().command(name, *arguments)]


def test_an_unprivileged_user_gets_a_service_port_that_is_shown(tmp_path: Path, program: Path) -> None:
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root without setpriv may listen anywhere")
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 80:
        pytest.skip("everybody may listen on port 80 here")
    with Unprivileged(tmp_path, *MAPPED) as cluster:
        live = Live(cluster=cluster, program=program)
        live.apply(SHOP, service("web", app="web"), pod("web", "serve", **SERVING))
        live.wait("pod/web")

        host, port = live.places()["shop/web"]

        assert host not in ("127.0.0.1", "")
        assert port >= 1024
        assert re.search(rf"shop/web +10\.96\.\d+\.\d+:80 +-> {host}:{port}\n", cluster.run("status").stdout)
        assert get((host, port))["pod"] == "web"
        environment = get((host, port), "/env")["env"]
        assert (environment["WEB_SERVICE_HOST"], environment["WEB_SERVICE_PORT"]) == (host, str(port))
        assert get((host, port), "/fetch?http://web/again")["found"]["path"] == "/again"
        assert cluster.stop() == 0
