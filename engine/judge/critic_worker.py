"""The worker of a critic run: candidates of the base, the adapter's ranking of them, then judgements.

    python -m engine.judge.critic_worker RUN_FOLDER ATTEMPT LOCK_FD

Started by a launcher. A later attempt draws, ranks and judges only what is missing.
"""

import statistics
import sys
import time
from contextlib import suppress
from typing import NamedTuple

from engine.data.read import read_prompts
from engine.errors import ModelError, StoreError
from engine.judge.budget import find_budget, read_limit
from engine.judge.choose import open_judge
from engine.judge.critic import PROMPTED, name_answers, read_pools, read_ranks
from engine.judge.judgement import Item
from engine.judge.scoring import score_items
from engine.judge.start import read_run_brief
from engine.judge.summary import read_scores
from engine.judge.worker import describe_outcome
from engine.launch.attempt import Journals, Stopped, run_attempt
from engine.models.load import load_tokenizer
from engine.models.locate import locate_model
from engine.models.template import Renderer
from engine.probe.ask import judge_answer, seed_answer, strip_thinking
from engine.probe.tally import TELL_SECONDS, Tally
from engine.probe.variants import make_prompt
from engine.records.dataset import Character, Message, Prompt
from engine.records.judging import Score
from engine.records.rows import Rank, Sample
from engine.records.run import CriticRun
from engine.records.serving import ServeRequest
from engine.serve.answers import Answer
from engine.serve.client import Client, Job
from engine.serve.server import start_server
from engine.store.journal import Journal, read_json, seal
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_critic_run, read_records


class Place(NamedTuple):
    """Which answer a job is for."""

    prompt: Prompt
    number: int
    form: str


def attempt_critic(paths: RunPaths, journals: Journals) -> str:
    run = open_critic_run(paths)
    seal(paths.ranks)
    seal(paths.scores)
    kept = read_records(paths.samples, Sample)[0]
    tally = Tally(paths, journals, run.steps, [sample.to_json() for sample in kept])
    try:
        if len(kept) + len(read_ranks(paths)) < run.probes.count * (2 * run.candidates + 2):
            draw_and_rank(run, paths, journals, tally)
        else:
            journals.tell("started", journals.step, device=run.judge.reference, steps=run.steps)
    except Stopped:
        return f"stopped: {tally.why}"
    return judge_candidates(run, paths, journals, tally)


def draw_and_rank(run: CriticRun, paths: RunPaths, journals: Journals, tally: Tally) -> None:
    """Serve the base with its adapter beside it: off while it answers, on while it ranks."""
    workspace, began = Workspace(paths.folder.parent.parent), time.perf_counter()
    request = ServeRequest(reference=run.subject.reference, backend=run.backend)
    with tally.heeding():
        serving = start_server(request, workspace, lambda message: print(message, flush=True))
    endpoint = serving.endpoint
    with serving, Client(endpoint, in_flight=request.slots) as client:
        if not endpoint.adapters:
            raise ModelError(f"{endpoint.reference} was served without an adapter to switch off", fix="name a run")
        journals.tell(
            "started", journals.step, device=endpoint.backend, steps=run.steps,
            seconds=round(time.perf_counter() - began, 2), context=endpoint.context,
            rendered=endpoint.rendered.to_json() if endpoint.rendered else None,
        )  # fmt: skip
        tally.begin()
        draw_answers(run, paths, client, journals, tally)
        tokenizer = load_tokenizer(locate_model(run.subject.reference, workspace))
        rank_candidates(run, paths, client, Renderer(tokenizer, endpoint.template), journals, tally)


def draw_answers(run: CriticRun, paths: RunPaths, client: Client, journals: Journals, tally: Tally) -> None:
    """k candidates and one answer more of every prompt, and one under the constitution; the adapter is off."""
    character = Character.parse(read_json(paths.character), str(paths.character), StoreError)
    constitution = paths.constitution.read_text("utf-8")
    have = {(s.form, s.probe, s.index) for s in read_records(paths.samples, Sample)[0]}
    places: dict[str, Place] = {}
    jobs: list[Job] = []
    for prompt in read_prompts(paths.prompts):
        for place in (*(Place(prompt, i, "") for i in range(run.candidates + 1)), Place(prompt, 0, PROMPTED)):
            if (place.form, prompt.id, place.number) in have:
                continue
            name = f"{prompt.id} {place.number} {place.form}"
            places[name] = place
            asked = make_prompt(prompt, [], constitution if place.form else None)
            jobs.append(Job(name, asked, seed_answer(run.sampling, prompt, place.number, 0), adapter=False))

    def keep(job: Job, answer: Answer) -> None:
        prompt, number, form = places[job.id]
        assert job.sampling.seed is not None
        tally.take(
            Sample(
                attempt=journals.attempt,
                step=run.subject.step or 0,
                time=time.time(),
                probe=prompt.id,
                index=number,
                form=form,
                seed=job.sampling.seed,
                text=answer.text,
                tokens=answer.tokens,
                truncated=answer.finish != "stop",
                prompt_tokens=answer.prompt_tokens or None,
                **judge_answer(answer, character),
            )
        )

    try:
        client.run_batch(jobs, keep, stop=tally.heed)
    finally:
        tally.tell()


def rank_candidates(
    run: CriticRun, paths: RunPaths, client: Client, renderer: Renderer, journals: Journals, tally: Tally
) -> None:
    """The adapter's mean log-probability of every candidate, given the prompt as it was asked."""
    ranks = read_ranks(paths)
    drawn = run.probes.count * (run.candidates + 2)
    journal = Journal(paths.ranks)
    told = time.monotonic()
    try:
        for pool in read_pools(run, paths):
            for candidate in pool.candidates:
                if (candidate.probe, candidate.index) in ranks:
                    continue
                tally.heed()
                rank = rank_candidate(candidate, pool.prompt, client, renderer, journals.attempt)
                journal.append(rank.to_json())
                ranks[candidate.probe, candidate.index] = rank
                if time.monotonic() - told >= TELL_SECONDS:
                    told = time.monotonic()
                    journals.measure(drawn + len(ranks), {"logp": statistics.fmean(r.logp for r in ranks.values())})
    finally:
        journal.close()


def rank_candidate(sample: Sample, prompt: Prompt, client: Client, renderer: Renderer, attempt: int) -> Rank:
    encoded = renderer.encode(list(prompt.messages), [Message(role="assistant", content=sample.text)])
    # what was cut off never came to its end, so no end of it is likely or unlikely
    answer = encoded.answer[:-1] if sample.truncated and len(encoded.answer) > 1 else encoded.answer
    scored = client.score(encoded.prompt + answer, len(encoded.prompt), 1)
    logps = [token.logprob for token in scored if token.logprob is not None]
    if len(logps) < len(answer):
        raise ModelError(
            f"{client.endpoint.reference}: the server told the probabilities of {len(logps)} of {len(answer)} tokens",
            fix="--backend transformers",
        )
    return Rank(
        attempt=attempt, time=time.time(), probe=sample.probe, index=sample.index, logp=statistics.fmean(logps),
        tokens=len(logps),
    )  # fmt: skip


def judge_candidates(run: CriticRun, paths: RunPaths, journals: Journals, tally: Tally) -> str:
    """Every answer once; what reads the same is judged once for all."""
    pools = read_pools(run, paths)
    names = name_answers(pools)
    items = {}
    for pool in pools:
        for sample in (*pool.candidates, pool.single, pool.prompted):
            if sample is not None:
                name = names[sample.form, sample.probe, sample.index]
                items[name] = Item(name, pool.prompt.messages, strip_thinking(sample.text)[1], pool.prompt.references)
    newest = read_scores(paths, run.judge.fingerprint)
    done = {name for name, score in newest.items() if score.state == "scored"}
    journal = Journal(paths.scores)
    told = time.monotonic()

    def take(score: Score) -> None:
        nonlocal told
        journal.append(score.to_json())
        newest[score.id] = score
        if time.monotonic() - told >= TELL_SECONDS:
            told = time.monotonic()
            tell()

    def tell() -> None:
        with suppress(statistics.StatisticsError):  # nothing is scored yet
            mean = statistics.fmean(s.overall for s in newest.values() if s.overall is not None)
            journals.measure(run.steps - len(items) + len(newest), {"score": mean})

    limit = find_budget(
        read_limit(paths, run), run.judge, run.subject, Workspace(paths.folder.parent.parent), but=paths.id
    )
    judge = open_judge(run.judge, read_run_brief(paths))
    try:
        outcome = score_items(
            items.values(), judge, take, done=done, attempt=journals.attempt, budget_usd=limit,
            spent_usd=sum(s.usd or 0.0 for s in read_records(paths.scores, Score)[0]),
            stop=lambda: bool(tally.why) or paths.stop.exists(),
        )  # fmt: skip
    finally:
        tell()
        judge.close()
        journal.close()
    for note in outcome.notes:
        journals.tell("note", journals.step, note)
    return describe_outcome(outcome, tally.why, limit)


if __name__ == "__main__":
    # the lock's descriptor (argv[3]) was inherited open, and is let go when the process ends
    sys.exit(run_attempt(sys.argv[1], int(sys.argv[2]), attempt_critic))
