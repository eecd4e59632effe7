"""The browser's types are the server's."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarium.web.typescript import typescript

TYPES = Path(__file__).parents[2] / "ui" / "src" / "api" / "types.ts"


@pytest.mark.skipif(not TYPES.is_file(), reason="the sources of the page are not here")
def test_the_types_of_the_page_are_those_of_the_server() -> None:
    assert TYPES.read_text("utf-8") == typescript(), "python -m canarium.web.typescript > ui/src/api/types.ts"


def test_every_name_is_as_in_the_json() -> None:
    text = typescript()

    assert "readonly isReadOnly: boolean" in text
    assert "readonly nextStep: string" in text
    assert "_" not in text.partition("\n")[2]
