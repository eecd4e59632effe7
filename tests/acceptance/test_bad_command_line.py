"""Bad input on the command line: a message with place and next step, exit code 2, nothing half done, no traceback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from canarium.cli.main import main

Run = Callable[..., "Said"]


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int | str | None
    out: str
    err: str


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs `canarium` with arguments, in-process, in `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")

    def command(*args: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["canarium", *map(str, args)])
        code: int | str | None = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return command


def tree(folder: Path) -> list[str]:
    """All paths below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("args", "tells"),
    [
        pytest.param(["demo", "--slow"], ["No such option '--slow'"], id="an unknown option"),
        pytest.param(["demo", "--fast", "--seed", "one"], ["--seed", "Invalid value"], id="a seed that is none"),
        pytest.param(["promote"], ["No such command 'promote'"], id="an unknown command"),
        pytest.param(
            ["init", "loud-canary", "x"],
            ["there is no example 'loud-canary'", "silent-canary"],
            id="an unknown example",
        ),
        pytest.param(["init", "silent-canary"], ["Missing argument 'DIRECTORY'"], id="a missing argument"),
        pytest.param(
            ["demo", "--fast", "--stay"],
            ["--stay is for the live demo"],
            id="a demo in virtual time that is to stay",
        ),
        pytest.param(["render", "nowhere"], ["nowhere", "does not exist"], id="a folder that is not there"),
        pytest.param(
            ["demo", "--fast", "--trace", "no/such/folder/trace"],
            ["no/such/folder/trace: No such file or directory", "Check that the path"],
            id="a trace where there is no folder",
        ),
        pytest.param(["demo", "--fast", "--trace", "."], ["--trace", "is a directory"], id="a trace that is a folder"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, tmp_path: Path, args: list[str], tells: list[str]) -> None:
    """On standard error, with exit code 2, and the folder is as empty as it was."""
    said = run(*args)

    assert said.code == 2
    for text in tells:
        assert text in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert tree(tmp_path) == []


def test_init_leaves_a_folder_that_is_not_empty_alone(run: Run, tmp_path: Path) -> None:
    """Neither the working copy nor the origin is begun."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "mine.txt").write_text("mine")

    said = run("init", "silent-canary", "lab")

    assert said.code == 2
    assert said.err == f"Error: {tmp_path}/lab is not empty\n  Choose another folder, or remove this one.\n"
    assert tree(tmp_path) == ["lab", "lab/mine.txt"]


def test_init_leaves_an_origin_that_is_there_alone(run: Run, tmp_path: Path) -> None:
    """The other way round: an origin of an earlier example."""
    (tmp_path / "lab.git").mkdir()
    (tmp_path / "lab.git" / "HEAD").write_text("ref: refs/heads/main\n")

    said = run("init", "silent-canary", "lab")

    assert said.code == 2
    assert said.err.startswith(f"Error: {tmp_path}/lab.git is not empty\n")
    assert tree(tmp_path) == ["lab.git", "lab.git/HEAD"]


def test_init_onto_a_file(run: Run, tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "lab").write_text("mine")

    said = run("init", "silent-canary", "lab")

    assert said.code == 2
    assert f"{tmp_path}/lab is not a folder" in said.err
    assert tree(tmp_path) == ["lab"]


def test_keep_leaves_a_folder_that_is_not_empty_alone(run: Run, tmp_path: Path) -> None:
    """The demo does not begin."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "mine.txt").write_text("mine")

    said = run("demo", "--fast", "--keep", "lab")

    assert said.code == 2
    assert "lab is not empty" in said.err
    assert tree(tmp_path) == ["lab", "lab/mine.txt"]


def test_render_of_a_folder_without_manifests(run: Run, tmp_path: Path) -> None:
    """Silence would look like success."""
    said = run("render", ".")

    assert said.code == 2
    assert said.err.startswith(f"Error: {tmp_path} has no kustomization and no manifests\n  Name a folder with")


@pytest.mark.parametrize(
    ("files", "tells"),
    [
        pytest.param(
            {"kustomization.yaml": "resources:\n  - shop.yaml\n"},
            "kustomization.yaml:2:5: resources: accumulating resources: 'shop.yaml' does not exist",
            id="a resource that is not there",
        ),
        pytest.param(
            {"kustomization.yaml": "resources:\n  - ../../../etc\n"},
            "kustomization.yaml:2:5: '../../../etc' leaves the repository",
            id="a path that leaves the folder",
        ),
        pytest.param(
            {"kustomization.yaml": "resources: [\n"},
            "kustomization.yaml:2:1: not YAML: ",
            id="a kustomization that is not YAML",
        ),
        pytest.param(
            {"shop.yaml": "apiVersion: v1\nkind: Service\nmetadata:\n\tname: x\n"},
            "shop.yaml:4:1: not YAML: ",
            id="a manifest that is not YAML",
        ),
        pytest.param(
            {"kustomization.yaml": "resources:\n  - a\n", "a/kustomization.yaml": "resources:\n  - ../\n"},
            "a/kustomization.yaml:2:5: cycle detected: ",
            id="a cycle",
        ),
        pytest.param(
            {
                "kustomization.yaml": "resources: [shop.yaml]\npatches:\n  - target: {kind: Service}\n"
                "    patch: |-\n      - {op: replace, path: /spec/type, value: X}\n",
                "shop.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\n",
            },
            "kustomization.yaml:5: /spec: the JSON patch (replace) does not apply",
            id="a patch that does not apply",
        ),
    ],
)
def test_render_says_where_a_folder_is_broken(run: Run, tmp_path: Path, files: dict[str, str], tells: str) -> None:
    """File, line and column; nothing is printed that somebody might pipe into kubectl."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    said = run("render", ".")

    assert said.code == 2
    assert said.err.startswith(f"Error: {tells}")
    assert "\n  " in said.err, "there is a next step"
    assert said.out == ""


def test_a_whole_process_ends_with_exit_code_two(tmp_path: Path) -> None:
    """The same through the entry point, as a shell sees it."""
    (tmp_path / "kustomization.yaml").write_text("resources:\n  - shop.yaml\n")

    ended = subprocess.run(
        [sys.executable, "-c", "from canarium.cli.main import main; main()", "render", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("Error: kustomization.yaml:2:5: resources: accumulating resources: 'shop.yaml'")
