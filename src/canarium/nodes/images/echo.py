"""The echo server as a program of the lab: the application of `echo_app` on virtual time.

Owns: fitting it to a container's context. Must not know: what it answers.
"""

from __future__ import annotations

from canarium.nodes.images.echo_app import Echo
from canarium.nodes.images.machine import image_version
from canarium.nodes.images.podinfo import LabMachine
from canarium.nodes.images.table import BUNDLED, program_words
from canarium.nodes.program import ContainerContext, Program, Serving, parse_image

REPOSITORIES = tuple(pattern for pattern, program in BUNDLED.items() if program == "echo")


def echo(context: ContainerContext) -> Program:
    """The program: one HTTP server on the port that its flags or its image name."""
    app = Echo(
        image=parse_image(context.image).repository,
        version=image_version(context.image),
        hostname=context.pod["metadata"]["name"],
        words=program_words("echo", context.container)[1:],
        env=context.env,
        machine=LabMachine(context),
        log=context.log,
    )
    app.say_starting()
    app.say_listening()
    return Serving(ports={app.port: app}, start_delay_seconds=context.chance.uniform(0.05, 0.2))
