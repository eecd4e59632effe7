"""Mapped images: which mapping wins, and the command that comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canarium.nodes.image_map import (
    ImageMap,
    ImageMapping,
    argv_for,
    mapped_environment,
    resolved_argv,
    working_dir_for,
)
from canarium.nodes.runtime import StartRefused


def mapped(*command: str, pattern: str = "web", **rest: Any) -> ImageMapping:
    return ImageMapping(pattern=pattern, command=command, **{"working_dir": "/", **rest})


HOST = ImageMapping(pattern="web", is_host=True, working_dir="/")


def program(file: Path, mode: int = 0o755) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\n")
    file.chmod(mode)
    return file


@pytest.mark.parametrize(
    ("image", "pattern"),
    [
        ("shop/web:2.1", "shop/web:2.1"),
        ("shop/web:2.2", "shop/web:2.*"),
        ("shop/web:3", "shop/web"),
        ("docker.io/shop/web:3", "shop/web"),
        ("shop/cart", "shop/*"),
        ("other", None),
    ],
)
def test_the_most_precise_pattern_wins(image: str, pattern: str | None) -> None:
    patterns = ("shop/web:2.*", "shop/*", "shop/web", "shop/web:2.1")

    found = ImageMap(mapped("x", pattern=each) for each in patterns).lookup(image)

    assert (found.pattern if found else None) == pattern


def test_of_two_equal_patterns_the_later_wins() -> None:
    found = ImageMap([mapped("first"), mapped("second")]).lookup("web:1")

    assert found is not None
    assert found.command == ("second",)


@pytest.mark.parametrize(
    ("mapping", "container", "argv"),
    [
        (mapped("serve", "--port=$(PORT)"), {}, ("serve", "--port=80")),
        (mapped("serve"), {"command": ["/app"], "args": ["-v", "$(PORT)"]}, ("serve", "-v", "80")),
        (mapped("serve", has_args=False), {"args": ["-v"]}, ("serve",)),
        (mapped("serve", "$(NO)", "$$(PORT)"), {}, ("serve", "$(NO)", "$(PORT)")),
        (HOST, {"command": ["/app", "$(PORT)"], "args": ["-v"]}, ("/app", "80", "-v")),
    ],
)
def test_the_command_is_the_mappings_and_the_args_the_containers(
    mapping: ImageMapping, container: dict[str, Any], argv: tuple[str, ...]
) -> None:
    assert argv_for(mapping, container, {"PORT": "80"}) == argv


def test_host_without_a_command_says_that_the_entrypoint_is_not_known() -> None:
    with pytest.raises(StartRefused, match="the image's own entrypoint is not known") as refused:
        argv_for(HOST, {"args": ["-v"]}, {})

    assert (refused.value.reason, refused.value.is_started) == ("CreateContainerError", False)


def test_the_pods_variables_win_over_the_mappings_and_those_over_everybodys() -> None:
    mapping = mapped("x", env={"A": "mapping", "PATH": "/opt/bin:$(PATH)", "BIND": "$(POD_IP):$(NO)"})

    assert mapped_environment(mapping, {"A": "pod"}, {"PATH": "/bin", "POD_IP": "127.0.0.1", "A": "base"}) == {
        "A": "pod",
        "PATH": "/opt/bin:/bin",
        "BIND": "127.0.0.1:$(NO)",
        "POD_IP": "127.0.0.1",
    }


def test_a_bare_name_is_searched_on_path_and_one_with_a_slash_from_the_working_folder(tmp_path: Path) -> None:
    on_path = program(tmp_path / "bin" / "serve")
    beside = program(tmp_path / "app" / "serve")
    folder = str(tmp_path / "app")
    path = f"relative::{tmp_path / 'nowhere'}:{tmp_path / 'bin'}"

    def found(name: str) -> str:
        return resolved_argv(mapped(name, "a", working_dir=folder), {}, {}, search_path=path)[0]

    assert found("serve") == str(on_path)
    assert found("./serve") == str(beside)
    assert found("../bin/serve") == str(on_path)
    assert found(str(beside)) == str(beside)


def test_a_link_keeps_its_name(tmp_path: Path) -> None:
    program(tmp_path / "busybox")
    (tmp_path / "sh").symlink_to("busybox")

    assert resolved_argv(mapped("sh"), {}, {}, search_path=str(tmp_path)) == (str(tmp_path / "sh"),)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("absent", 'exec: "absent": executable file not found in $PATH'),
        ("plain", 'exec: "plain": executable file not found in $PATH'),
        ("folder", 'exec: "folder": executable file not found in $PATH'),
        ("", 'exec: "": executable file not found in $PATH'),
        ("./absent", 'exec: "./absent": stat ./absent: no such file or directory'),
        ("./plain/x", 'exec: "./plain/x": stat ./plain/x: no such file or directory'),
        ("./plain", 'exec: "./plain": permission denied'),
        ("./folder", 'exec: "./folder": is a directory'),
    ],
)
def test_a_program_that_cannot_run_is_refused_in_runcs_words(tmp_path: Path, name: str, words: str) -> None:
    program(tmp_path / "plain", 0o644)
    (tmp_path / "folder").mkdir()

    with pytest.raises(StartRefused) as refused:
        resolved_argv(mapped(name, working_dir=str(tmp_path)), {}, {}, search_path=str(tmp_path))

    assert (refused.value.reason, str(refused.value), refused.value.is_started) == ("RunContainerError", words, True)


def test_an_error_shows_the_program_as_it_was_written() -> None:
    with pytest.raises(StartRefused, match=r"\$\(PASSWORD\)") as refused:
        resolved_argv(HOST, {"command": ["$(PASSWORD)"]}, {"PASSWORD": "hunter2"}, search_path="")

    assert "hunter2" not in str(refused.value)


def test_an_argument_with_a_nul_is_refused(tmp_path: Path) -> None:
    program(tmp_path / "serve")

    with pytest.raises(StartRefused, match="invalid argument"):
        resolved_argv(mapped("serve"), {"args": ["a\0b"]}, {}, search_path=str(tmp_path))


def test_only_host_starts_in_the_containers_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    host = ImageMapping(pattern="web", is_host=True, working_dir=str(tmp_path))

    assert working_dir_for(mapped("x", working_dir=str(tmp_path)), {"workingDir": "/app"}) == tmp_path
    assert working_dir_for(host, {"workingDir": "sub"}) == tmp_path / "sub"
    assert working_dir_for(host, {}) == tmp_path


@pytest.mark.parametrize(("name", "problem"), [("absent", "no such file or directory"), ("file", "not a directory")])
def test_a_working_folder_that_is_none_is_refused(tmp_path: Path, name: str, problem: str) -> None:
    program(tmp_path / "file")

    with pytest.raises(StartRefused, match=f"failed: {problem}") as refused:
        working_dir_for(mapped("x", working_dir=str(tmp_path / name)), {})

    assert refused.value.is_started
