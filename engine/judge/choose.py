"""Which judge a reference names: rules, Anthropic's API, or any endpoint that speaks chat completions."""

from urllib.parse import urlsplit

from engine.errors import InputError
from engine.judge.judgement import Judge
from engine.judge.rubric import Brief
from engine.records.judging import Effort, JudgeUse
from engine.records.serving import LOOPBACK

RULES, ANTHROPIC = "rules", "anthropic:"


def costs_nothing(reference: str) -> bool:
    """Whether a judgement is free: rules, and what runs on this machine."""
    return reference == RULES or (reference.startswith("http") and urlsplit(reference).hostname in LOOPBACK)


def describe_judge(
    reference: str, brief: Brief, effort: Effort | None = None, *, batch: bool = False
) -> tuple[JudgeUse, list[str]]:
    """Who would judge, and advice; an error where there is no key, or where the model is retired or unknown."""
    judge = make_judge(reference, brief, effort, batch)
    try:
        check = getattr(judge, "check_model", None)
        return judge.use, check() if check else []
    finally:
        judge.close()


def open_judge(use: JudgeUse, brief: Brief, *, batch: bool = False) -> Judge:
    """The judge that a run names; InputError where what it is told is no longer what the run was made for."""
    judge = make_judge(use.reference, brief, use.effort, batch)
    if judge.use.fingerprint != use.fingerprint:
        judge.close()
        raise InputError(
            f"the judge {use.reference} is no longer the one that the run was made with",
            fix="charlab score RUN --judge ... judges its answers anew",
        )
    return judge


def make_judge(reference: str, brief: Brief, effort: Effort | None = None, batch: bool = False) -> Judge:
    if batch and not reference.startswith(ANTHROPIC):
        raise InputError(f"{reference} takes no batches", fix=f"--batch is for {ANTHROPIC}MODEL")
    if reference == RULES:
        from engine.judge.rules_judge import RulesJudge

        return RulesJudge(brief)
    if reference.startswith(ANTHROPIC):
        from engine.judge.claude import EFFORT, ClaudeJudge

        model = reference.removeprefix(ANTHROPIC)
        # only an hour spans the time that the requests of a batch lie waiting
        return ClaudeJudge(brief, model, effort=effort or EFFORT, ttl="1h" if batch else "5m")
    if reference.startswith(("http://", "https://")):
        from engine.judge.endpoint_judge import EndpointJudge
        from engine.records.serving import ServeRequest
        from engine.serve.server import name_url

        return EndpointJudge(brief, name_url(ServeRequest(reference=reference)))
    raise InputError(f"no judge '{reference}'", fix="rules, anthropic:claude-sonnet-5-5, or http://host:8000/v1#MODEL")
