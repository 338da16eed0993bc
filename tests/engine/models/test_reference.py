"""What a model reference names."""

import pytest

from engine.errors import ModelError
from engine.models.reference import Reference, parse_reference


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bundled:smollm2-135m", Reference("bundled", "smollm2-135m")),
        ("Qwen/Qwen3-1.7B", Reference("hub", "Qwen/Qwen3-1.7B")),
        ("gpt2", Reference("hub", "gpt2")),
        ("/models/mine", Reference("folder", "/models/mine")),
        ("./models/mine", Reference("folder", "./models/mine")),
        ("../mine", Reference("folder", "../mine")),
        (".", Reference("folder", ".")),
        ("~/mine", Reference("folder", "~/mine")),
        ("./run:mine@4", Reference("folder", "./run:mine@4")),
        ("run:20260101-0900-ada-orpo-1a2b", Reference("run", "20260101-0900-ada-orpo-1a2b")),
        ("run:last", Reference("run", "last")),
        ("run:2026@40", Reference("run", "2026", 40)),
        ("run:2026@000040", Reference("run", "2026", 40)),
        ("run:2026@0", Reference("run", "2026", 0)),
        ("run:2026@best", Reference("run", "2026", "best")),
        ("run:2026#q4_k_m", Reference("run", "2026", None, "q4_k_m")),
        ("run:2026@40#merged", Reference("run", "2026", 40, "merged")),
    ],
)
def test_a_reference_names_one_thing(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize("text", ["run:", "run:@40", "run:2026@", "run:2026@worst", "run:2026@-1", "run:a@1@2"])
def test_a_run_reference_that_cannot_be_read_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(ModelError, match="is no run reference") as refused:
        parse_reference(text)
    assert refused.value.fix == "run:ID, run:ID@STEP, run:ID@best or run:ID#FORM"


@pytest.mark.parametrize("text", ["anthropic:some-model", "http://localhost:8000/v1", "https://example.org/v1"])
def test_an_endpoint_cannot_be_trained(text: str) -> None:
    with pytest.raises(ModelError, match="its weights cannot be trained"):
        parse_reference(text)


@pytest.mark.parametrize("text", ["", " ", "a/b/c", "owner/", "-x", "own er/name", "a:b"])
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="is no model reference"):
        parse_reference(text)
