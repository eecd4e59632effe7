"""canarium.yaml and --map-image: what they mean, and where an error says it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarium.errors import CanariumError
from canarium.local.config import Config, parse_config, parse_map_image, read_config
from canarium.nodes.image_map import ImageMapping

FOLDER = Path("/srv/shop")


def parsed(text: str) -> tuple[ImageMapping, ...]:
    return parse_config(text, "canarium.yaml", FOLDER).images


def problem_of(text: str) -> str:
    with pytest.raises(CanariumError) as refused:
        parsed(text)
    return str(refused.value)


def test_every_key_is_read() -> None:
    images = parsed("""
images:
- image: shop/web:1.*
  command: [python, server.py, --port, $(PORT)]
  args: false
  workingDir: web/src
  env:
    LOG_LEVEL: debug
    CANARIUM_CHAOS: '{"error_ratio": 0.5}'
- image: "*"
  host: true
  workingDir: /srv
""")

    assert images == (
        ImageMapping(
            pattern="shop/web:1.*",
            command=("python", "server.py", "--port", "$(PORT)"),
            has_args=False,
            working_dir="/srv/shop/web/src",
            env={"LOG_LEVEL": "debug", "CANARIUM_CHAOS": '{"error_ratio": 0.5}'},
        ),
        ImageMapping(pattern="*", is_host=True, working_dir="/srv"),
    )


def test_what_is_not_written_has_its_default() -> None:
    assert parsed("images: [{image: web, command: [serve]}]") == (
        ImageMapping(pattern="web", command=("serve",), has_args=True, working_dir="/srv/shop", env={}),
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "images:\n", "images: []\n", "{}"])
def test_a_file_that_says_nothing_maps_nothing(text: str) -> None:
    assert parsed(text) == ()


@pytest.mark.parametrize(
    ("text", "place", "words", "next_step"),
    [
        ("- a", "canarium.yaml:1:1", "this must be a mapping", "Start with `images:`."),
        ("image: []", "canarium.yaml:1:1: image", 'unknown key "image"', "Did you mean images?"),
        ("zebra: 1", "canarium.yaml:1:1: zebra", 'unknown key "zebra"', "Known here: images."),
        ("images: web", "canarium.yaml:1:9: images", "this must be a list", "dash"),
        ("images: [web]", "canarium.yaml:1:10: images[0]", "this must be a mapping", "- image:"),
        ("images: [{host: true}]", "images[0]", "image is missing", "image: shop/web"),
        ("images: [{image: a, host: true, workingdir: x}]", ":1:33: images[0].workingdir", "unknown", "workingDir?"),
        ("images: [{image: a, host: true, working_dir: x}]", "images[0].working_dir", "unknown", "workingDir?"),
        ("images: [{image: a, cmd: [x]}]", "images[0].cmd", "unknown key", "Did you mean command?"),
        ("images: [{image: 7, host: true}]", "images[0].image", "7 is none", "quotes"),
        ("images: [{image: '', host: true}]", "images[0].image", "the pattern is empty", "shop/web"),
        ("images: [{image: 'a b', host: true}]", "images[0].image", "no image name has", "spaces"),
        ("images: [{image: a@sha256:0, host: true}]", "images[0].image", "has a digest", "a is enough"),
        ("images: [{image: a}]", "images[0]", "a has no command", "host: true"),
        ("images: [{image: a, command: [x], host: true}]", "images[0].host", "exclude each other", "Remove one"),
        ("images: [{image: a, host: false}]", "images[0].host", "only be true", "host: true"),
        ("images: [{image: a, host: true, args: true}]", "images[0].args", "means nothing with host", "Remove it"),
        ("images: [{image: a, command: [x], args: [y]}]", "images[0].args", "true or false", "into command"),
        (
            "images:\n- image: a\n  command: python 'my server.py' -v\n",
            "canarium.yaml:3:12: images[0].command",
            "command must be a list",
            '`command: ["python", "my server.py", "-v"]`',
        ),
        ("images: [{image: a, command: []}]", "images[0].command", "a list of words", "server.py"),
        ("images: [{image: a, command: ['']}]", "images[0].command[0]", "the program is empty", "Name"),
        ("images: [{image: a, command: [x, 80]}]", ":1:34: images[0].command[1]", "80 is none", "quotes"),
        ("images: [{image: a, command: [x, [y]]}]", "images[0].command[1]", "must be a text", "single"),
        ('images: [{image: a, command: ["x\\0"]}]', "images[0].command[0]", "NUL", "Remove"),
        ("images: [{image: a, host: true, env: [A]}]", "images[0].env", "mapping of names", "LOG_LEVEL"),
        ("images: [{image: a, host: true, env: {DEBUG: on}}]", "images[0].env.DEBUG", "true is none", "quotes"),
        ("images: [{image: a, host: true, env: {A: }}]", "images[0].env.A", "this is empty", '""'),
        ("images: [{image: a, host: true, env: {A=B: x}}]", "images[0].env.A=B", "no name", "without ="),
        ("images: [{image: a, host: true, env: {CANARIUM_RUN: x}}]", "env.CANARIUM_RUN", "canarium's own", "another"),
        ("images: [{image: a, host: true, workingDir: ../x}]", "workingDir", "leads out", "whole: /srv/x"),
        ("images: [{image: a, host: true, workingDir: ~/x}]", "workingDir", "~ is not replaced", "whole path"),
        ("images: [{image: a, host: true, workingDir: ''}]", "workingDir", "the folder is empty", "Leave"),
        ("images: [{image: a, host: true}, {image: a, host: true}]", "images[1].image", "already mapped", "later"),
        ("images: [", "canarium.yaml:", "not YAML", "check"),
        ("images: []\n---\nimages: []", "canarium.yaml:3:1", "a second document", "file of its own"),
    ],
)
def test_an_error_says_where_what_and_what_to_do(text: str, place: str, words: str, next_step: str) -> None:
    said = problem_of(text)

    head, _, rest = said.partition("\n")
    assert place in head
    assert words in head
    assert next_step in rest


def test_a_folder_inside_may_be_written_with_dots() -> None:
    assert parsed("images: [{image: a, host: true, workingDir: ./web/../api}]")[0].working_dir == "/srv/shop/api"


def test_the_file_is_read_from_the_folder(tmp_path: Path) -> None:
    assert read_config(tmp_path) == Config()

    (tmp_path / "canarium.yaml").write_text("images: [{image: web, command: [serve]}]")

    assert read_config(tmp_path).images[0].working_dir == str(tmp_path)


def test_an_error_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "canarium.yaml").write_text("images: 1")

    with pytest.raises(CanariumError, match=f"{tmp_path}/canarium.yaml:1:9: images: this must be a list"):
        read_config(tmp_path)


def test_the_other_ending_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "canarium.yml").write_text("images: []")

    with pytest.raises(CanariumError, match=r"canarium\.yml is not read"):
        read_config(tmp_path)


def test_a_folder_of_that_name_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "canarium.yaml").mkdir()

    with pytest.raises(CanariumError, match="cannot read"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("text", "mapping"),
    [
        ("web=serve", ImageMapping(pattern="web", command=("serve",), working_dir="/srv/shop")),
        (
            "shop/web:1.*=python 'my server.py' --set a=b",
            ImageMapping(
                pattern="shop/web:1.*", command=("python", "my server.py", "--set", "a=b"), working_dir="/srv/shop"
            ),
        ),
        ("web = host", ImageMapping(pattern="web", is_host=True, working_dir="/srv/shop")),
        ("web=host now", ImageMapping(pattern="web", command=("host", "now"), working_dir="/srv/shop")),
        ("web=a;b $HOME", ImageMapping(pattern="web", command=("a;b", "$HOME"), working_dir="/srv/shop")),
    ],
)
def test_map_image_is_a_mapping_in_short(text: str, mapping: ImageMapping) -> None:
    assert parse_map_image(text, FOLDER) == mapping


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("web", "has no command"),
        ("web=", "has no command"),
        ("=serve", "the pattern is empty"),
        ("a b=serve", "no image name has"),
        ("a@sha256:0=serve", "has a digest"),
        ("web='serve", "no closing quotation"),
        ("web=''", "the program is empty"),
        ("web=a\0b", "NUL"),
    ],
)
def test_a_map_image_that_is_none_is_refused(text: str, words: str) -> None:
    with pytest.raises(CanariumError, match=words) as refused:
        parse_map_image(text, FOLDER)

    assert refused.value.next_step
