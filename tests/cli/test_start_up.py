"""Start-up is a feature: what the quick commands may not import."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "starlette",
    "uvicorn",
    "httpx",
    "aiohttp",
    "requests",
    "urllib3",
    "http.client",
    "cryptography",
    "rich",
    "pydantic",
)


def test_the_fast_demo_loads_no_web_server_http_client_or_cryptography() -> None:
    program = (
        "import sys\n"
        "import canarium.cli.main\n"
        "from canarium.lab.demo import run_demo\n"
        "run_demo(lambda beat: None)\n"
        "print('\\n'.join(sorted(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())

    assert "canarium.lab.world" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_help_loads_neither_numpy_nor_the_lab() -> None:
    program = "import sys, canarium.cli.main\nprint('\\n'.join(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())

    assert [name for name in ("numpy", "dulwich", "yaml", "re2", "canarium.lab.world", *HEAVY) if name in loaded] == []


def test_the_process_ends_with_the_commands_exit_code_and_all_it_had_to_say() -> None:
    def run(*arguments: str) -> tuple[int, str, str]:
        program = f"import sys; sys.argv = ['canarium', *{arguments!r}]; from canarium.cli.main import run; run()"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    code, told, _ = run("completion", "bash")
    assert (code, told) == (0, 'eval "$(_CANARIUM_COMPLETE=bash_source canarium)"\n')
    code, told, complaint = run("demo", "--fast", "--stay")
    assert (code, told) == (2, "")
    assert "--stay is for the live demo" in complaint
