"""`kubectl argo rollouts`, against a cluster in virtual time."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from canarium.cli.plugin import main, parse
from canarium.cli.plugin.linting import lint
from canarium.cli.plugin.request import Output
from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.kube.cluster import Cluster
from canarium.rollouts.kinds import ANALYSIS_RUNS, ROLLOUTS
from canarium.text.yaml import dump
from tests.rollouts.simulator import template
from tests.rollouts.test_reconciler import NEW, OLD, SHOP, RolloutLab, deploy, echo_rollout, in_rollout_lab


class Shop(NamedTuple):
    """A session in the namespace of the lab."""

    cluster: Cluster
    clock: Clock
    namespace: str = SHOP


async def run(lab: RolloutLab, *arguments: str) -> tuple[str, str]:
    """Do what a command line asks for. Returns what it printed, and the error ("" for none)."""
    request = parse(arguments)
    assert request is not None
    stream, error = io.StringIO(), ""
    try:
        await request.work(Shop(lab.truth, lab.clock), Output(stream, stream))
    except CanariumError as caught:
        error = f"Error: {caught.problem}"
    return stream.getvalue(), error


def at_the_first_analysis(story: Callable[[RolloutLab], Awaitable[None]]) -> None:
    """A Rollout of three pods whose update waits for its first AnalysisRun."""

    async def play(lab: RolloutLab) -> None:
        await deploy(lab, 3)
        await story(lab)

    in_rollout_lab(play)


def test_status_prints_each_change_and_fails_when_the_rollout_is_degraded() -> None:
    async def story(lab: RolloutLab) -> None:
        await lab.answer("Failed", 'Metric "container-restarts" assessed Failed due to failed (1) > failureLimit (0)')

        printed, error = await run(lab, "status", "echo-server")

        message = (
            "RolloutAborted: Rollout aborted update to revision 2: "
            'Metric "container-restarts" assessed Failed due to failed (1) > failureLimit (0)'
        )
        assert printed.splitlines()[-1] == f"Degraded - {message}"
        assert error == f"Error: The rollout is in a degraded state with message: {message}"
        assert await run(lab, "status", "echo-server", "--watch=false") == ("Degraded\n", error)

    at_the_first_analysis(story)


def test_status_gives_up_after_its_timeout() -> None:
    async def story(lab: RolloutLab) -> None:
        began = lab.clock.monotonic()

        _, error = await run(lab, "status", "--timeout", "2m", "echo-server")

        assert error == "Error: Rollout status watch exceeded timeout"
        assert 120 <= lab.clock.monotonic() - began < 121

    at_the_first_analysis(story)


def test_get_shows_the_tree_and_watches_until_its_timeout() -> None:
    async def story(lab: RolloutLab) -> None:
        await lab.advance(20)

        printed, _ = await run(lab, "get", "rollout", "echo-server")
        watched, error = await run(lab, "get", "ro", "echo-server", "-w", "--timeout-seconds", "10")

        assert "Status:          ◌ Progressing\n" in printed
        assert NEW in printed
        assert OLD in printed
        assert watched.count("\x1b[H\x1b[2J") >= 10
        assert error == ""

    at_the_first_analysis(story)


def test_commands_change_the_rollout_and_say_so() -> None:
    async def story(lab: RolloutLab) -> None:
        for arguments, answer in (
            (("pause", "echo-server"), "rollout 'echo-server' paused"),
            (("promote", "echo-server"), "rollout 'echo-server' promoted"),
            (("abort", "echo-server"), "rollout 'echo-server' aborted"),
            (("retry", "ro", "echo-server"), "rollout 'echo-server' retried"),
            (("promote", "echo-server", "--full"), "rollout 'echo-server' fully promoted"),
            (("restart", "echo-server", "--in", "10s"), "rollout 'echo-server' restarts in 10s"),
            (("set", "image", "echo-server", "*=stefanprodan/podinfo:6.8.0"), 'rollout "echo-server" image updated'),
        ):
            assert await run(lab, *arguments) == (f"{answer}\n", "")
        await lab.until_phase("Healthy")
        assert await run(lab, "undo", "echo-server") == ("rollout 'echo-server' undo\n", "")
        container = (await lab.rollout())["spec"]["template"]["spec"]["containers"][0]
        assert container["image"] == "stefanprodan/podinfo:6.9.3"

    at_the_first_analysis(story)


def test_what_is_not_there_is_named_as_upstream_names_it() -> None:
    async def story(lab: RolloutLab) -> None:
        assert await run(lab, "get", "rollout", "x") == ("", 'Error: rollout.argoproj.io "x" not found')
        assert await run(lab, "status", "x") == ("", 'Error: rollout.argoproj.io "x" not found')
        for command in ("promote", "abort", "pause", "restart", "undo"):
            assert await run(lab, command, "x") == ("", 'Error: rollouts.argoproj.io "x" not found')
        assert await run(lab, "list", "rollouts") == ("No resources found.\n", "")

    in_rollout_lab(story)


def test_an_analysis_run_is_created_from_a_template_and_terminated() -> None:
    async def story(lab: RolloutLab) -> None:
        printed, error = await run(lab, "create", "analysisrun", "--from", "checks", "--name", "mine")
        assert (printed, error) == ("analysisrun.argoproj.io/mine created\n", "")
        assert await run(lab, "terminate", "ar", "mine") == ("analysisRun 'mine' terminated\n", "")
        made = await lab.truth.get(ANALYSIS_RUNS, SHOP, "mine")
        assert made["spec"]["terminate"] is True
        assert made["spec"]["metrics"] == template()["spec"]["metrics"]

    in_rollout_lab(story)


def test_a_rollout_is_created_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "rollout.yaml"
    file.write_text(dump(echo_rollout(1)))

    async def story(lab: RolloutLab) -> None:
        assert await run(lab, "create", "-f", str(file)) == ("rollout.argoproj.io/echo-server created\n", "")
        assert await lab.truth.get(ROLLOUTS, SHOP, "echo-server")

    in_rollout_lab(story)


def test_lint_names_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rollout.yaml"
    file.write_text(dump(echo_rollout(1)).replace("setWeight: 66", "setWeight: 166"))
    line = 1 + file.read_text().split("\n").index(next(x for x in file.read_text().split("\n") if "166" in x))

    code = main(["lint", "-f", str(file)])

    told = capsys.readouterr()
    problem = "spec.strategy.canary.steps[2].setWeight: Invalid value: 166: SetWeight needs to be between 0 and 100"
    assert code == 1
    assert told.out.startswith(f"{file}:{line}:")
    assert told.out.endswith(f": {problem}\n")
    assert told.err == f"Error: {problem}\n"


def test_lint_names_unknown_fields_and_accepts_what_is_right(tmp_path: Path) -> None:
    text = dump(echo_rollout(1))

    assert lint(text, "r.yaml") == []
    (found,) = lint(text.replace("revisionHistoryLimit", "revisionHistoryLimits"), "r.yaml")
    assert str(found.error) == 'spec.revisionHistoryLimits: unknown field "revisionHistoryLimits"'
    assert found.at.line > 1


def test_flags_may_stand_before_the_subcommand() -> None:
    before = parse(["-n", "echo-staging", "status", "echo-server"])
    after = parse(["status", "echo-server", "-n", "echo-staging"])
    both = parse(["-n", "other", "get", "rollout", "echo-server", "-n", "echo-staging"])

    assert before is not None
    assert after is not None
    assert both is not None
    assert before.connection == after.connection == both.connection


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["get", "experiment", "x"], "Error: Experiments are not built in canarium yet"),
        (["dashboard", "--root-path", "x"], "Error: --root-path x: the page is served below /rollouts only"),
        (["nope"], 'Error: unknown command "nope" for "kubectl-argo-rollouts"'),
        (["status", "--nope", "x"], "Error: unknown flag: --nope"),
        (["promote"], "Usage: kubectl-argo-rollouts promote"),
        (["abort"], "Usage: kubectl-argo-rollouts abort"),
        (["get"], "Usage: kubectl-argo-rollouts get"),
        ([], "Usage: kubectl-argo-rollouts"),
        (["create"], "Usage: kubectl-argo-rollouts create"),
        (["create", "analysisrun"], "Error: one of --from or --from-file must be specified"),
    ],
    ids=" ".join,
)
def test_wrong_command_lines_fail_on_standard_error(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(told)


def test_help_loads_no_http_client_and_no_event_loop() -> None:
    program = "import sys, canarium.cli.plugin\nprint('\\n'.join(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    loaded = set(done.stdout.split())
    assert [name for name in ("aiohttp", "asyncio", "msgspec", "yaml", "numpy") if name in loaded] == []


def test_a_watched_list_prints_what_changes() -> None:
    async def story(lab: RolloutLab) -> None:
        stream = io.StringIO()
        request = parse(["list", "rollouts", "-w"])
        assert request is not None
        watching = asyncio.create_task(request.work(Shop(lab.truth, lab.clock), Output(stream, stream)))
        await lab.advance(1)
        await lab.answer("Failed")
        await lab.until_phase("Degraded")
        await lab.advance(1)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

        lines = stream.getvalue().splitlines()
        assert lines[0].startswith("NAME         STRATEGY   STATUS        STEP")
        assert len([line for line in lines if line.startswith("echo-server")]) >= 2
        assert " Degraded " in lines[-1]

    at_the_first_analysis(story)
