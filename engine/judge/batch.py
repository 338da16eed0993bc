"""The same judgements at half the price, by batches that take up to a day; which batch is out is kept on disk.

A batch is sent once: what is about to be sent is written down first, its name as soon as the API gave it one, and a
restart goes on with it. Results come in any order and are joined by the name that each request was given.
"""

import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.errors import BusyError, InputError, StoreError
from engine.judge.claude import ClaudeJudge
from engine.judge.judgement import Item, Judgement
from engine.judge.scoring import Outcome, Take, make_score
from engine.narrate import Narrate
from engine.records.base import Record
from engine.records.judging import Usage
from engine.store.journal import read_json, write_json

if TYPE_CHECKING:
    from anthropic.types.messages import MessageBatchIndividualResponse

MOST_REQUESTS = 100_000
MOST_BYTES = 200_000_000
"""The API takes 256 MB; headers and escapes want room."""
POLL_SECONDS = 30.0
_DOUBLED = 1
"""Room is only paid for when it is used, and nobody waits to ask again."""
_LOST_AFTER = 6
"""Polls in a row that may fail."""


class Ticket(Record):
    """The batch that is out."""

    judge: str
    """Fingerprint of the judge; another judge's batch is not taken for this one's."""
    mark: str
    """Begins the name of each request: it tells this batch from any other."""
    items: list[str]
    """Ids of the items, in the order of the requests."""
    repeat: int = 0
    """Which judgement of the same answers it asks for."""
    time: float
    batch: str | None = None
    """None until the API has named it."""
    guessed: bool = False
    """Whether it was found by its age and size, so that it may be another's."""
    others: list[str] = []
    """Batches that were as old and as large and turned out to be another's."""


def score_batch(
    items: Sequence[Item],
    judge: ClaudeJudge,
    take: Take,
    ticket: Path,
    *,
    earlier: Mapping[str, float] = {},
    attempt: int = 1,
    repeat: int = 0,
    budget_usd: float | None = None,
    spent_usd: float = 0.0,
    stop: Callable[[], bool] | None = None,
    narrate: Narrate = lambda _: None,
    poll_seconds: float = POLL_SECONDS,
) -> Outcome:
    """As score_items does, by batches; `ticket` is where the one that is out is written down.

    A stop leaves the batch running, and calling again takes up its results, but none of an item whose judgement was
    kept (at a time in `earlier`) since the batch was sent. What errored or expired is of state transport and is asked
    again by calling again.
    """
    stop = stop or (lambda: False)
    taken = failed = 0
    left = {item.id: item for item in items}
    ended: Literal["done", "stopped", "budget"] = "done"
    while ended == "done":
        sent = _reattach(ticket, judge, repeat, narrate)
        if sent is None:
            chunk = _fit(list(left.values()), judge, budget_usd, spent_usd)
            if not left or stop() or not chunk:
                ended = "stopped" if left and chunk else "budget" if left else "done"
                break
            sent = _send(chunk, judge, ticket, repeat, narrate)
        assert sent.batch is not None
        if not _wait(sent.batch, ticket, judge, narrate, poll_seconds, stop):
            ended = "stopped"
            break
        results = _read_results(sent, judge)
        if results is None:
            write_json(ticket, _forget(sent).to_json())
            continue
        for item_id, judgement in results:
            if left.pop(item_id, None) is None or earlier.get(item_id, 0.0) >= sent.time:
                continue
            score = make_score(item_id, judge, judgement, attempt, repeat)
            take(score)
            taken, failed = taken + 1, failed + (score.state != "scored")
            spent_usd += score.usd or 0.0
        ticket.unlink()
    return Outcome(ended, taken, failed, len(left), spent_usd, tuple(judge.notes))


def _fit(items: Sequence[Item], judge: ClaudeJudge, budget: float | None, spent: float) -> list[Item]:
    """As many as one batch takes and the budget allows, were each to cost the most it can."""
    chunk: list[Item] = []
    size = 0
    each = len(judge.brief.system.encode()) + 4000
    for item in islice(items, MOST_REQUESTS):
        size += each + 2 * sum(len(m.content.encode()) for m in item.messages) + 2 * len(item.answer.encode())
        if budget is not None:
            most = judge.bound(item, _DOUBLED)
            if most is None:
                raise InputError(
                    f"no price is known for {judge.use.reference}, so no budget can hold it",
                    fix="judge without a budget, or by a model with a known price",
                )
            spent += most / 2
            if spent > budget:
                break
        if chunk and size > MOST_BYTES:
            break
        chunk.append(item)
    return chunk


def _send(items: Sequence[Item], judge: ClaudeJudge, path: Path, repeat: int, narrate: Narrate) -> Ticket:
    import anthropic

    ticket = Ticket(
        judge=judge.use.fingerprint, mark=secrets.token_hex(6), items=[item.id for item in items], repeat=repeat,
        time=time.time(),
    )  # fmt: skip
    requests: list[Any] = [
        {"custom_id": f"{ticket.mark}-{place}", "params": judge.make_request(item, _DOUBLED)}
        for place, item in enumerate(items)
    ]
    write_json(path, ticket.to_json())
    try:
        batch = judge.client.messages.batches.create(requests=requests)
    except anthropic.APIStatusError as error:
        path.unlink()
        if fatal := judge.find_fatal(error):
            raise fatal from None
        raise _busy(judge, error, "the batch was not taken") from None
    except anthropic.APIError as error:
        # it may have arrived all the same, so the ticket stays
        raise _busy(judge, error, "whether the batch was taken is not known") from None
    ticket = ticket.model_copy(update={"batch": batch.id})
    write_json(path, ticket.to_json())
    narrate(f"sent {len(items)} judgements as batch {batch.id}")
    return ticket


def read_ticket(path: Path) -> Ticket | None:
    """The batch that is out, if one is."""
    if not path.exists():
        return None
    return Ticket.parse(read_json(path), str(path), StoreError, fix="move it away; its batch is then judged anew")


def _reattach(path: Path, judge: ClaudeJudge, repeat: int, narrate: Narrate) -> Ticket | None:
    ticket = read_ticket(path)
    if ticket is None:
        return None
    if ticket.judge != judge.use.fingerprint:
        raise InputError(
            f"{path}: a batch of another judge ({ticket.judge}) is still out",
            fix="finish it by that judge, or move it away",
        )
    if ticket.repeat != repeat:
        # whoever has one out goes on with that first, so its results have all been taken
        path.unlink()
        return None
    if ticket.batch is None:
        found = _find_lost(ticket, judge)
        if found is None:
            path.unlink()
            return None
        ticket = ticket.model_copy(update={"batch": found, "guessed": True})
        write_json(path, ticket.to_json())
    narrate(f"going on with batch {ticket.batch} of {len(ticket.items)} judgements")
    return ticket


def _find_lost(ticket: Ticket, judge: ClaudeJudge) -> str | None:
    """One that may have been sent when its name could not be written down any more: as old, and as many requests."""
    import anthropic

    try:
        listed = list(islice(judge.client.messages.batches.list(limit=20), 20))
    except anthropic.APIError as error:
        raise _busy(judge, error, "the batches could not be listed") from None
    since = datetime.fromtimestamp(ticket.time - 60, UTC)
    until = datetime.fromtimestamp(ticket.time + 900, UTC)
    count = len(ticket.items)
    fits = [
        b.id
        for b in listed
        if since <= b.created_at <= until
        and sum(b.request_counts.to_dict().values()) == count  # type: ignore[arg-type]
        and b.id not in ticket.others
    ]
    return fits[0] if fits else None


def _forget(ticket: Ticket) -> Ticket:
    """The ticket without the batch that turned out to be another's."""
    return ticket.model_copy(update={"batch": None, "guessed": False, "others": [*ticket.others, ticket.batch]})


def _wait(
    batch: str, ticket: Path, judge: ClaudeJudge, narrate: Narrate, poll_seconds: float, stop: Callable[[], bool]
) -> bool:
    """Whether it ended; a stop leaves it running."""
    import anthropic

    failures, told = 0, ""
    while True:
        try:
            found = judge.client.messages.batches.retrieve(batch)
        except anthropic.NotFoundError:
            raise InputError(
                f"batch {batch} is gone from the API", fix="move its ticket away; it is then judged anew"
            ) from None
        except anthropic.APIError as error:
            if isinstance(error, anthropic.APIStatusError) and (fatal := judge.find_fatal(error)):
                raise fatal from None
            failures += 1
            if failures >= _LOST_AFTER:
                raise _busy(judge, error, f"batch {batch} could not be asked after") from None
        else:
            failures = 0
            # a batch may take a day, and who looks at the run sees by its files that it is alive
            os.utime(ticket)
            if found.processing_status == "ended":
                return True
            status = f"batch {batch}: {found.processing_status}"
            if status != told:
                narrate(told := status)
        until = time.monotonic() + poll_seconds
        while time.monotonic() < until:
            if stop():
                return False
            time.sleep(min(0.2, poll_seconds))


def _read_results(ticket: Ticket, judge: ClaudeJudge) -> list[tuple[str, Judgement]] | None:
    """Of every item one; those that the results do not name at all are of state transport. None: another's batch."""
    import anthropic

    assert ticket.batch is not None
    found: dict[str, Judgement] = {}
    try:
        for result in judge.client.messages.batches.results(ticket.batch):
            mark, _, place = result.custom_id.rpartition("-")
            if mark == ticket.mark and place.isdigit() and int(place) < len(ticket.items):
                found[ticket.items[int(place)]] = _read_result(result, judge)
    except (anthropic.APIError, ValueError) as error:
        raise _busy(judge, error, f"the results of batch {ticket.batch} could not be read") from None
    if ticket.guessed and not found:
        return None
    _watch(list(found.values()), judge)
    absent = Judgement("transport", problem="the batch has no result of it", usage=Usage(batch=True))
    return [(item, found.get(item, absent)) for item in ticket.items]


def _watch(judgements: Sequence[Judgement], judge: ClaudeJudge) -> None:
    answered = [j for j in judgements if j.model]
    for judgement in answered:
        judge.watch_model(judgement.model)
    if len(answered) > 1 and not any(j.usage.cache_read for j in answered):
        judge.note("the cache did not form: no request of a batch read from it, so each paid for the whole rubric")


def _read_result(result: "MessageBatchIndividualResponse", judge: ClaudeJudge) -> Judgement:
    match result.result.type:
        case "succeeded":
            return judge.read_message(result.result.message, batch=True)
        case "errored":
            error = result.result.error.error
            problem = f"errored in the batch: {error.type}: {judge.hide(error.message)[:200]}"
        case kind:
            problem = f"{kind} in the batch"
    return Judgement("transport", problem=problem, usage=Usage(batch=True))


def _busy(judge: ClaudeJudge, error: Exception, what: str) -> BusyError:
    return BusyError(f"{judge.use.reference}: {what}: {judge.explain(error)}", fix="run the same command again")
