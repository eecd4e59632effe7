"""Kubeconfig files: what they mean, and a context of our own in them."""

from __future__ import annotations

import asyncio
import base64
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from canarium.clock import run_virtual
from canarium.errors import CanariumError
from canarium.kube.kubeconfig import (
    AddedContext,
    Connection,
    Entry,
    KubeconfigError,
    Overrides,
    RemovedContext,
    add_context,
    load,
    remove_context,
)

CONFIG = """\
apiVersion: v1
kind: Config
current-context: dev
preferences: {}
clusters:
- name: dev
  cluster: {server: "https://dev:6443", certificate-authority-data: Y2E=}
- name: prod
  cluster: {server: "https://prod:6443", certificate-authority: pki/ca.pem}
users:
- name: dev
  user: {token: dev-token}
- name: prod
  user: {client-certificate: pki/cert.pem, client-key-data: a2V5}
- name: cloud
  user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, interactiveMode: Never}}
- name: old
  user: {auth-provider: {name: gcp}}
contexts:
- name: dev
  context: {cluster: dev, user: dev, namespace: shop}
- name: prod
  context: {cluster: prod, user: prod}
- name: cloud
  context: {cluster: prod, user: cloud}
- name: old
  context: {cluster: dev, user: old}
- name: astray
  context: {cluster: nowhere, user: dev}
"""

ENTRY = Entry(name="canarium", server="https://127.0.0.1:7443", ca_pem=b"ca", token="secret")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a kubeconfig and the certificates that it names."""
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "ca.pem").write_bytes(b"prod ca")
    (tmp_path / "pki" / "cert.pem").write_bytes(b"prod cert")
    (tmp_path / "config").write_text(CONFIG)
    return tmp_path


# -- reading ----------------------------------------------------------------------------------------------------------


def test_the_current_context_says_where_and_who(home: Path) -> None:
    assert load([home / "config"]) == Connection(
        server="https://dev:6443", ca=b"ca", token="dev-token", namespace="shop", context="dev"
    )


def test_a_context_by_name_and_files_beside_the_kubeconfig(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))

    assert load([home / "config"], "prod") == Connection(
        server="https://prod:6443", ca=b"prod ca", client_cert=b"prod cert", client_key=b"key", context="prod"
    )


@pytest.mark.parametrize(
    ("overrides", "wanted"),
    [
        (Overrides(cluster="prod"), {"server": "https://prod:6443", "token": "dev-token"}),
        (Overrides(user="prod"), {"server": "https://dev:6443", "token": "", "client_key": b"key"}),
        (Overrides(namespace="other"), {"namespace": "other"}),
        (Overrides(server="https://else:1"), {"server": "https://else:1", "ca": b"ca"}),
        (Overrides(server="else:1"), {"server": "https://else:1"}),
        (Overrides(token="mine"), {"token": "mine"}),
        (Overrides(insecure=True), {"insecure": True, "ca": b""}),
        (Overrides(server="http://else:1"), {"token": "", "ca": b""}),
        (Overrides(default_server="https://unused"), {"server": "https://dev:6443"}),
    ],
    ids=[
        "cluster",
        "user",
        "namespace",
        "server",
        "server without scheme",
        "token",
        "insecure drops the authority",
        "no credentials in the clear",
        "a default is only a default",
    ],
)
def test_the_command_line_wins(home: Path, overrides: Overrides, wanted: dict[str, Any]) -> None:
    told = load([home / "config"], overrides=overrides)

    assert {name: getattr(told, name) for name in wanted} == wanted


def test_the_first_file_that_has_an_entry_wins_and_missing_files_are_skipped(home: Path) -> None:
    first = home / "first"
    first.write_text("current-context: prod\nusers: [{name: dev, user: {token: first}}]\ncontexts:\n")

    paths = [home / "missing", first, home / "config"]

    assert load(paths).server == "https://prod:6443"
    assert load(paths, "dev").token == "first"


def test_a_token_may_be_in_a_file(home: Path) -> None:
    (home / "token").write_text("from file\n")
    (home / "config").write_text(CONFIG.replace("token: dev-token", "tokenFile: token"))

    assert load([home / "config"]).token == "from file"


@pytest.mark.parametrize(
    ("context", "overrides", "says"),
    [
        ("nope", Overrides(), 'context "nope" does not exist'),
        ("", Overrides(cluster="nope"), 'cluster "nope" does not exist'),
        ("", Overrides(user="nope"), 'auth info "nope" does not exist'),
        ("astray", Overrides(), 'cluster "nowhere" was not found for context "astray"'),
        ("cloud", Overrides(), 'user "cloud" logs in with the exec plugin "aws", which is not built yet'),
        ("old", Overrides(), 'user "old" logs in with the auth provider "gcp", which is not built yet'),
    ],
)
def test_what_is_not_there_is_named(home: Path, context: str, overrides: Overrides, says: str) -> None:
    with pytest.raises(KubeconfigError, match=says):
        load([home / "config"], context, overrides)


def test_a_token_on_the_command_line_stands_in_for_a_plugin(home: Path) -> None:
    assert load([home / "config"], "cloud", Overrides(token="mine")).token == "mine"


def test_no_configuration_at_all_is_told_in_kubectls_words(home: Path) -> None:
    with pytest.raises(KubeconfigError, match="invalid configuration: no configuration has been provided"):
        load([home / "missing"])
    with pytest.raises(KubeconfigError, match=r"stat .*missing: no such file or directory"):
        load([home / "missing"], must_exist=True)


def test_a_current_context_that_leads_nowhere_is_told_in_kubectls_words(home: Path) -> None:
    (home / "config").write_text(CONFIG.replace("current-context: dev", "current-context: gone"))

    with pytest.raises(KubeconfigError, match="context was not found for specified context: gone"):
        load([home / "config"])


@pytest.mark.parametrize(
    ("edit", "line", "says"),
    [
        (("clusters:", "clusters: ["), 6, "did not find expected"),
        (("Y2E=", "Y2E"), 6, "not base64"),
        (("- name: prod\n  cluster", "- name: dev\n  cluster"), 8, 'duplicate name "dev" in list'),
        (("- name: dev\n  user", "- nome: dev\n  user"), 11, "has no name"),
        (("kind: Config", "kind: Pod"), 2, "not a kubeconfig"),
        (("pki/ca.pem", "pki/gone.pem"), 8, "unable to read certificate-authority"),
    ],
    ids=["not YAML", "not base64", "twice", "nameless", "another kind", "file gone"],
)
def test_a_broken_file_is_told_by_its_line(home: Path, edit: tuple[str, str], line: int, says: str) -> None:
    text = CONFIG.replace(*edit)
    (home / "config").write_text(text)

    with pytest.raises(CanariumError, match=says) as caught:
        load([home / "config"], "prod" if "gone" in text else "")

    assert caught.value.at is not None
    assert caught.value.at.file == str(home / "config")
    assert caught.value.at.line == line


def test_credentials_do_not_show_when_a_connection_is_printed(home: Path) -> None:
    assert "dev-token" not in repr(load([home / "config"]))


# -- writing ----------------------------------------------------------------------------------------------------------


def add(path: Path, entry: Entry = ENTRY) -> AddedContext:
    return run_virtual(lambda clock: add_context(path, entry, clock))


def remove(path: Path, name: str = "canarium", restore: str = "") -> RemovedContext:
    return run_virtual(lambda clock: remove_context(path, name, clock, restore=restore))


def test_a_new_kubeconfig_is_ours_alone_and_leads_to_the_entry(tmp_path: Path) -> None:
    path = tmp_path / ".kube" / "config"

    change = add(path)

    assert load([path]) == Connection(
        server="https://127.0.0.1:7443", ca=b"ca", token="secret", namespace="default", context="canarium"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert change.former_current == ""
    assert change.lines() == [
        f'{path} (new file): added context "canarium", with a cluster and a user of that name',
        f'{path}: current-context is now "canarium"; there was none',
    ]
    assert os.listdir(path.parent) == ["config"]


def test_adding_and_removing_leaves_everybody_elses_entries_in_their_order(home: Path) -> None:
    path = home / "config"
    before = yaml.safe_load(CONFIG)

    change = add(path)
    between = yaml.safe_load(path.read_text())
    removed = remove(path, restore=change.former_current)

    assert change.former_current == "dev"
    assert change.lines()[1] == f'{path}: current-context is now "canarium"; it was "dev"'
    assert between["current-context"] == "canarium"
    assert list(between) == list(before)
    assert [item["name"] for item in between["contexts"]][-1] == "canarium"
    assert yaml.safe_load(path.read_text()) == before
    assert removed.lines()[1] == f'{path}: current-context is "dev" again'


def test_values_that_go_would_read_otherwise_are_quoted_again(home: Path) -> None:
    path = home / "config"
    path.write_text(CONFIG.replace("token: dev-token", 'token: "12e4"'))

    add(path)

    assert load([path], "dev").token == "12e4"
    assert 'token: "12e4"' in path.read_text()


def test_adding_again_replaces_in_place(home: Path) -> None:
    path = home / "config"
    add(path)

    change = add(path, Entry(name="canarium", server="https://127.0.0.1:1", ca_pem=b"new", token="new"))

    assert change.has_replaced
    assert change.former_current == "canarium"
    assert change.lines() == [f'{path}: replaced context "canarium", with a cluster and a user of that name']
    assert load([path]).token == "new"
    assert path.read_text().count("name: canarium") == 3


def test_a_current_context_that_somebody_chose_since_stays(home: Path) -> None:
    path = home / "config"
    add(path)
    path.write_text(path.read_text().replace("current-context: canarium", "current-context: prod"))

    removed = remove(path, restore="dev")

    assert (removed.was_current, removed.current) == (False, "prod")
    assert load([path]).server == "https://prod:6443"


def test_a_former_context_that_is_gone_is_not_restored(home: Path) -> None:
    add(home / "config")

    removed = remove(home / "config", restore="deleted-since")

    assert removed.current == ""
    assert removed.lines()[1].endswith("current-context is not set any more")


def test_removing_what_is_not_there_changes_nothing(home: Path) -> None:
    assert remove(home / "config").lines() == []
    assert remove(home / "missing" / "config").lines() == []

    assert (home / "config").read_text() == CONFIG
    assert not (home / "missing").exists()


def test_a_cluster_that_another_context_uses_stays(home: Path) -> None:
    path = home / "config"

    removed = remove(path, "prod")

    assert removed.lines() == [f'{path}: removed context "prod", its user']
    left = yaml.safe_load(path.read_text())
    assert [item["name"] for item in left["clusters"]] == ["dev", "prod"]  # context cloud is in prod too
    assert [item["name"] for item in left["users"]] == ["dev", "cloud", "old"]


@pytest.mark.parametrize("change", [add, remove], ids=["add", "remove"])
@pytest.mark.parametrize("text", ["clusters: [\n", "[]", "clusters: {}\n", "a: 1\n---\nb: 2\n"])
def test_a_broken_file_is_left_as_it_is(tmp_path: Path, text: str, change: Callable[[Path], Any]) -> None:
    path = tmp_path / "config"
    path.write_text(text)

    with pytest.raises(CanariumError) as caught:
        change(path)

    assert str(caught.value).startswith(f"{path}:")
    assert path.read_text() == text
    assert os.listdir(tmp_path) == ["config"]


def test_a_file_that_somebody_changes_is_waited_for_and_then_reported(home: Path) -> None:
    path = home / "config"
    lock = home / "config.lock"
    lock.touch()

    with pytest.raises(KubeconfigError, match=r"open .*config.lock: file exists") as caught:
        add(path)

    assert "Another program" in caught.value.next_step
    assert lock.exists()
    assert path.read_text() == CONFIG


def test_a_lock_that_is_given_back_in_time_is_no_trouble(home: Path) -> None:
    lock = home / "config.lock"
    lock.touch()

    async def main(clock: Any) -> None:
        adding = asyncio.create_task(add_context(home / "config", ENTRY, clock))
        await clock.sleep(1)
        lock.unlink()
        await adding

    run_virtual(main)

    assert load([home / "config"]).context == "canarium"
    assert not lock.exists()


def test_a_symbolic_link_stays_one(home: Path) -> None:
    link = home / "link"
    link.symlink_to(home / "config")

    add(link)

    assert link.is_symlink()
    assert load([home / "config"]).context == "canarium"


def test_several_may_add_at_once(home: Path) -> None:
    names = [f"c{number}" for number in range(5)]

    async def main(clock: Any) -> None:
        entries = [Entry(name=name, server=f"https://{name}", ca_pem=b"", token=name) for name in names]
        await asyncio.gather(*(add_context(home / "config", entry, clock) for entry in entries))

    run_virtual(main)

    assert [load([home / "config"], name).token for name in names] == names


def test_the_authority_is_written_as_kubectl_reads_it(tmp_path: Path) -> None:
    add(tmp_path / "config")

    cluster = yaml.safe_load((tmp_path / "config").read_text())["clusters"][0]["cluster"]
    assert base64.b64decode(cluster["certificate-authority-data"]) == b"ca"
