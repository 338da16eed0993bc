"""The command line: every act of charlab as a command. Loads nothing heavy until a command needs it.

Data goes to standard output, narration to standard error. Exit codes: 0 done, 1 failed, 2 bad input,
3 worth retrying, 4 the answer is no, 5 cannot tell, 130 interrupted.

Far past 300 lines because the options of every command and their help stand here, and nothing else does.
"""

import os
import sys
from typing import Annotated

import typer

EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 bad input, 3 worth retrying, 4 the answer is no, 5 cannot tell, 130 interrupted."
)

app = typer.Typer(
    name="charlab",
    epilog=EPILOG,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(
    help="Datasets: show, check, seal, audit; conversations to evaluate with.",
    no_args_is_help=True,
    epilog=EPILOG,
    rich_markup_mode=None,
)
app.add_typer(data_app, name="data")

WorkspaceOption = Annotated[
    str | None,
    typer.Option("--workspace", metavar="DIR", help="Workspace; else CHARLAB_WORKSPACE, else the nearest parent."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON value on standard output.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a recipe key; KEY=A,B makes a run of each. Repeatable."),
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="An id, a unique prefix of one, or 'last'.")]
ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="bundled:NAME, a hub id, a folder, a .gguf, run:ID, run:ID@STEP, a URL.")
]
JudgeOption = Annotated[str, typer.Option(help="rules, anthropic:MODEL, or an endpoint http://host:8000/v1#MODEL.")]
EffortOption = Annotated[str | None, typer.Option(help="Of the judge: low, medium, high, xhigh or max.")]
RubricOption = Annotated[str | None, typer.Option(metavar="FILE", help="Another rubric than the character's.")]
BatchOption = Annotated[bool, typer.Option("--batch", help="By the judge's batch interface, at half the price.")]
RepeatsOption = Annotated[
    int, typer.Option(min=1, max=20, help="Judge twenty answers so often, to measure the judge's own noise.")
]
ControlsOption = Annotated[
    bool, typer.Option("--controls", help="Try the judge with answers that it should not fall for.")
]
BudgetOption = Annotated[
    float | None, typer.Option("--max-usd", min=0.0, max=1e9, help="Stop before the call that would pass it.")
]
BackendOption = Annotated[str | None, typer.Option(help="llama, transformers, vllm or url; chosen if not given.")]
DetachOption = Annotated[bool, typer.Option("--detach", help="Start, print the id, and return.")]


@app.callback()
def open_console(
    context: typer.Context,
    readonly: Annotated[bool, typer.Option("--readonly", help="Hide every act that changes anything.")] = False,
    mouse: Annotated[
        bool | None, typer.Option("--mouse/--no-mouse", help="Hear the mouse; by itself not over SSH.")
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Give a language model a character, and prove that it holds. Without a command, opens the console."""
    if context.invoked_subcommand is None:
        from console.app import run_console
        from engine.store.paths import find_workspace

        sys.exit(run_console(find_workspace(workspace), readonly=readonly, mouse=mouse))
    if workspace is not None:
        # before the command it holds for the command, which has the option too
        os.environ["CHARLAB_WORKSPACE"] = workspace


@app.command(epilog=EPILOG)
def train(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of one in runs/recipes/.")
    ],
    settings: SetOption = None,
    detach: DetachOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and start nothing.")] = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Train a recipe in a detached process, and watch it."""
    from console import training

    training.train(recipe, settings or [], detach=detach, dry_run=dry_run, json=json, workspace=workspace)


@app.command(epilog=EPILOG)
def resume(
    run: RunArgument, detach: DetachOption = False, json: JsonOption = False, workspace: WorkspaceOption = None
) -> None:
    """Go on with a run that stopped, failed or was lost, from its last complete checkpoint."""
    from console import training

    training.resume(run, detach=detach, json=json, workspace=workspace)


@app.command(epilog=EPILOG)
def fork(
    checkpoint: Annotated[
        str, typer.Argument(metavar="RUN[@STEP]", help="A checkpoint: RUN@40, RUN@best, or RUN for its last.")
    ],
    settings: SetOption = None,
    detach: DetachOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Go on from a checkpoint as a new run: its weights and optimiser state, a new schedule."""
    from console import training

    training.fork(checkpoint, settings or [], detach=detach, json=json, workspace=workspace)


@app.command(epilog=EPILOG)
def stop(run: RunArgument, json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Ask a run to stop at its next step, with a checkpoint."""
    from console import training

    training.stop(run, json=json, workspace=workspace)


@app.command(epilog=EPILOG)
def runs(json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """List the runs of the workspace."""
    from console import showing

    showing.list_all(json=json, workspace=workspace)


@app.command(epilog=EPILOG)
def show(
    run: RunArgument,
    answers: Annotated[bool, typer.Option("--answers", help="Every sentinel answer, before and after.")] = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Show one run: rates, held-out scores, checkpoints, where it came from."""
    from console import showing

    showing.show(run, answers=answers, json=json, workspace=workspace)


@app.command(epilog=EPILOG)
def sentinels(run: RunArgument = "last", json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Show where a run's character breaks: prompts by checkpoints, with intervals."""
    from console import sentinels as listing

    listing.list_sentinels(run, json=json, workspace=workspace)


@app.command(epilog=EPILOG)
def diff(
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="The first is the baseline.")],
    every: Annotated[bool, typer.Option("--all", help="What is the same, too.")] = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Show what differs between runs: settings, data, versions, and metrics at the same step."""
    from console import differing

    differing.diff(runs, all=every, json=json, workspace=workspace)


@app.command(epilog=EPILOG)
def watch(run: RunArgument = "last", workspace: WorkspaceOption = None) -> None:
    """Watch a run live; Ctrl-C leaves it running."""
    from console import training

    training.watch(run, workspace=workspace)


@app.command(epilog=EPILOG)
def log(
    run: RunArgument,
    attempt: Annotated[int | None, typer.Option(help="Which attempt; the newest if not given.")] = None,
    events: Annotated[bool, typer.Option("--events", help="The run's events instead of the worker's output.")] = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Print what the worker wrote, or the run's events."""
    from console import showing

    showing.log(run, attempt=attempt, events=events, json=json, workspace=workspace)


@app.command(epilog=EPILOG)
def serve(
    model: ModelArgument,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(help="Another than loopback needs a token.")] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option(help="What a client must send; CHARLAB_TOKEN if not given, which no list of processes shows."),
    ] = None,
    backend: BackendOption = None,
    idle: Annotated[float | None, typer.Option(metavar="MINUTES", help="End after so long without a request.")] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Serve a model over an OpenAI-compatible API until Ctrl-C."""
    from console import serving

    serving.serve(model, port=port, host=host, token=token, backend=backend, idle=idle, json=json, workspace=workspace)


@app.command(epilog=EPILOG)
def chat(
    models: Annotated[list[str], typer.Argument(metavar="MODEL [MODEL]", help="One to talk to, or two side by side.")],
    blind: Annotated[bool, typer.Option("--blind", help="Hide which of two is which until one is chosen.")] = False,
    system: Annotated[
        str | None, typer.Option(metavar="FILE", help="A system prompt; 'none' silences the default.")
    ] = None,
    temperature: Annotated[float, typer.Option(min=0.0, help="0 takes the likeliest token.")] = 1.0,
    seed: Annotated[int | None, typer.Option(help="The same for both; drawn if not given.")] = None,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1)] = 512,
    workspace: WorkspaceOption = None,
) -> None:
    """Talk to a model, or to two at once with the same prompts, seed and sampling."""
    from console import chatting

    chatting.chat(
        models, blind=blind, system=system, temperature=temperature, seed=seed, max_tokens=max_tokens,
        workspace=workspace,
    )  # fmt: skip


@app.command(epilog=EPILOG)
def probe(
    model: ModelArgument,
    probes: Annotated[
        str | None,
        typer.Option(help="A character whose probes.jsonl is asked; else that of the model's run, else the only one."),
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="Answers per probe.")] = 12,
    system: Annotated[
        str | None, typer.Option(metavar="FILE", help="A system prompt; 'none' silences the default.")
    ] = None,
    format: Annotated[list[str] | None, typer.Option(help="chat, raw or instruction. Repeatable.")] = None,
    attack: Annotated[list[str] | None, typer.Option(help="stop-pretending, prefill or interview. Repeatable.")] = None,
    temperature: Annotated[float, typer.Option(min=0.0, help="0 takes the likeliest token.")] = 1.0,
    top_k: Annotated[int, typer.Option("--top-k", min=0, help="0 turns it off.")] = 64,
    top_p: Annotated[float, typer.Option("--top-p", min=0.0, max=1.0)] = 0.95,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1)] = 64,
    seed: Annotated[int | None, typer.Option(min=0, help="Drawn if not given.")] = None,
    backend: BackendOption = None,
    detach: DetachOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Ask a model a character's probes many times: how often it breaks, with intervals."""
    from console import probing
    from engine.records.serving import Sampling

    given = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "max_tokens": max_tokens, "seed": seed}
    probing.probe(
        model, probes=probes, samples=samples, system=system, formats=format or [], attacks=attack or [],
        sampling=Sampling.parse(given, "sampling"), backend=backend, detach=detach, json=json, workspace=workspace,
    )  # fmt: skip


@app.command("eval", epilog=EPILOG)
def evaluate(
    model: ModelArgument,
    prompts: Annotated[
        str | None,
        typer.Option(help="A character whose prompts.jsonl is asked; else that of the model's run, else the only one."),
    ] = None,
    judge: JudgeOption = "rules",
    samples: Annotated[int, typer.Option(min=1, help="Answers per prompt.")] = 1,
    system: Annotated[
        str | None, typer.Option(metavar="FILE", help="A system prompt; 'none' silences the default.")
    ] = None,
    effort: EffortOption = None,
    rubric: RubricOption = None,
    batch: BatchOption = False,
    repeats: RepeatsOption = 1,
    controls: ControlsOption = False,
    max_usd: BudgetOption = None,
    temperature: Annotated[float | None, typer.Option(min=0.0, help="Else what the prompt set states.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Else what the prompt set states.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The same for every model if not given.")] = None,
    backend: BackendOption = None,
    detach: DetachOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Ask a model a prompt set once, and have the answers judged. Interrupted, the same command goes on."""
    from console import evaluating

    evaluating.evaluate(
        model, prompts=prompts, judge=judge, samples=samples,
        sampling={"temperature": temperature, "max_tokens": max_tokens, "seed": seed}, system=system, effort=effort,
        rubric=rubric, batch=batch, repeats=repeats, controls=controls, max_usd=max_usd, backend=backend, detach=detach, json=json, workspace=workspace,
    )  # fmt: skip


@app.command(epilog=EPILOG)
def score(
    run: RunArgument,
    judge: JudgeOption = "rules",
    against: Annotated[
        str | None, typer.Option(help="Another evaluation: which of two answers is better, asked in both orders.")
    ] = None,
    effort: EffortOption = None,
    rubric: RubricOption = None,
    batch: BatchOption = False,
    repeats: RepeatsOption = 1,
    controls: ControlsOption = False,
    max_usd: BudgetOption = None,
    detach: DetachOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Judge the answers of an evaluation again, by another judge or rubric, without generating."""
    from console import evaluating

    evaluating.score(
        run, judge=judge, against=against, effort=effort, rubric=rubric, batch=batch, repeats=repeats, controls=controls, max_usd=max_usd, detach=detach, json=json,
        workspace=workspace,
    )  # fmt: skip


@app.command(epilog=EPILOG)
def export(
    run: Annotated[str, typer.Argument(metavar="RUN[@STEP]", help="A run, or a checkpoint of one.")],
    to: Annotated[list[str], typer.Option("--to", help="merged,adapter,gguf,q8_0,q4_k_m,...; repeatable.")],
    detach: DetachOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a run's adapter in other forms, each with a manifest of what it was made from."""
    from console import exporting

    exporting.export(run, to=to, detach=detach, json=json, workspace=workspace)


@app.command(epilog=EPILOG)
def parity(
    run: Annotated[str, typer.Argument(metavar="RUN[@STEP]", help="A run, or a checkpoint of one.")],
    forms: Annotated[
        list[str] | None,
        typer.Option(help="adapter,merged,q8_0,...; repeatable. The trained form is always the first."),
    ] = None,
    probes: Annotated[
        str | None, typer.Option(help="A character whose probes are asked; the run's own if not given.")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="Answers per probe and form.")] = 12,
    temperature: Annotated[float, typer.Option(min=0.0, help="0 takes the likeliest token.")] = 1.0,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1)] = 64,
    seed: Annotated[int | None, typer.Option(min=0, help="The same for every form; drawn if not given.")] = None,
    judge: Annotated[
        str | None, typer.Option(help="Judge each form's answers to the prompt set too: rules, anthropic:MODEL, ...")
    ] = None,
    judged_tokens: Annotated[
        int | None, typer.Option("--judged-tokens", min=1, help="Of these answers; else what the prompt set states.")
    ] = None,
    detach: DetachOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Compare every form of an adapter with the one it was trained in: breaks, KL, greedy answers, and the cause."""
    from console import comparing
    from engine.records.serving import Sampling

    given = {"temperature": temperature, "max_tokens": max_tokens, "seed": seed}
    comparing.parity(
        run, forms=forms or [], probes=probes, samples=samples, sampling=Sampling.parse(given, "sampling"), judge=judge,
        judged_tokens=judged_tokens,
        detach=detach, json=json, workspace=workspace,
    )  # fmt: skip


@app.command(epilog=EPILOG)
def compare(
    baseline: Annotated[
        str,
        typer.Argument(
            metavar="A", help="The baseline: a file of {id, score, stratum?, difficulty?, cluster?}, or a run."
        ),
    ],
    candidate: Annotated[str, typer.Argument(metavar="B", help="The candidate, scored on the same ids.")],
    smallest_effect: Annotated[
        float | None, typer.Option("--smallest-effect", help="The smallest difference that matters.")
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="superiority or noninferiority; else as the recipe's [verdict] says.")
    ] = None,
    margin: Annotated[float | None, typer.Option(help="How much worse is still as good.")] = None,
    primary: Annotated[
        str | None, typer.Option(metavar="KEY", help="The component compared; else as the recipe's [verdict] says.")
    ] = None,
    guard: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=LIMIT]", help="categories, break_rate or critical_failures. Repeatable."),
    ] = None,
    scale: Annotated[
        str | None, typer.Option(metavar="LOW,HIGH", help="Bounds of a score; a score of null is then a failure.")
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="judge, rubric, ...: compare although it differs. Repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    resamples: Annotated[int, typer.Option(min=1, max=1_000_000, help="Of the bootstrap.")] = 10_000,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Compare a candidate's scores with a baseline's, pair by pair: DEPLOY, NO-DEPLOY or UNDERPOWERED."""
    from console import deciding

    rule = {"smallest_effect": smallest_effect, "mode": mode, "margin": margin, "primary": primary}
    deciding.compare(
        baseline, candidate, rule=rule, guards=guard or [], scale=scale, allow=allow or [], seed=seed,
        resamples=resamples, json=json, workspace=workspace,
    )  # fmt: skip


@app.command(epilog=EPILOG)
def agree(
    human: Annotated[str, typer.Argument(metavar="HUMAN", help="A person's labels: a file of {id, label}.")],
    judge: Annotated[str, typer.Argument(metavar="JUDGE", help="The judge's labels of the same ids.")],
    threshold: Annotated[float, typer.Option(min=-1.0, max=1.0, help="What kappa's lower bound must reach.")] = 0.7,
    json: JsonOption = False,
) -> None:
    """Say how far a judge agrees with a person: Cohen's kappa with its interval."""
    from console import deciding

    deciding.agree(human, judge, threshold=threshold, json=json)


@app.command(epilog=EPILOG)
def calibrate(
    run: RunArgument,
    n: Annotated[
        int | None, typer.Option("--n", min=1, help="Answers to label, 60 at first; more than before adds to them.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="What the judge passes; the middle of the rubric's scale if not given.")
    ] = None,
    who: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who labels; only this person's labels count.")
    ] = None,
    second: Annotated[
        str | None, typer.Option(metavar="SCORERUN", help="Another judge's scores of the same answers, instead.")
    ] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Label a sample of judged answers blind, and say how far the judge agrees with you."""
    from console import calibrating

    calibrating.calibrate(
        run, n=n, threshold=threshold, who=who, second=second, json=json, workspace=workspace
    )  # fmt: skip


@app.command(epilog=EPILOG)
def card(
    run: RunArgument,
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Write it there; else beside the run.")] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a training's model card: what was trained on what, what was measured, and what that does not prove."""
    from console import carding

    carding.card(run, out=out, json=json, workspace=workspace)


@app.command(epilog=EPILOG)
def critic(
    model: Annotated[
        str, typer.Argument(metavar="RUN[@STEP]", help="The adapter that chooses: a run, or an adapter's folder.")
    ],
    prompts: Annotated[
        str | None, typer.Option(help="A character whose prompts.jsonl is asked; that of the run if not given.")
    ] = None,
    k: Annotated[int, typer.Option("--k", min=2, help="Candidates of each prompt.")] = 8,
    judge: JudgeOption = "rules",
    effort: EffortOption = None,
    temperature: Annotated[float | None, typer.Option(min=0.0, help="Else what the prompt set states.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Else what the prompt set states.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0)] = None,
    backend: Annotated[str | None, typer.Option(help="transformers or vllm.")] = None,
    max_usd: BudgetOption = None,
    detach: DetachOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Let an adapter choose among its base's answers, and see whether the choice or the pool is the bottleneck."""
    from console import criticising

    criticising.criticise(
        model, prompts=prompts, k=k, judge=judge, effort=effort,
        sampling={"temperature": temperature, "max_tokens": max_tokens, "seed": seed}, backend=backend,
        max_usd=max_usd, detach=detach, json=json, workspace=workspace,
    )  # fmt: skip


@app.command(epilog=EPILOG)
def gate(
    base: Annotated[str, typer.Option(metavar="FILE", help="The base's passes and fails: {id, score, text?, model?}.")],
    instruct: Annotated[str, typer.Option(metavar="FILE", help="The instructed model's, of the same ids.")],
    alt: Annotated[str | None, typer.Option(metavar="FILE", help="Another base's, for a look.")] = None,
    human: Annotated[str | None, typer.Option(metavar="FILE", help="A person's labels: {id, label}.")] = None,
    judge: Annotated[str | None, typer.Option(metavar="FILE", help="The judge's labels.")] = None,
    second: Annotated[str | None, typer.Option(metavar="FILE", help="A second judge's labels of a tenth.")] = None,
    confirmed_by: Annotated[
        str | None, typer.Option("--confirmed-by", metavar="PERSON", help="Who reads samples now, and confirms.")
    ] = None,
    accept: Annotated[list[str] | None, typer.Option(help="What needs no proof: uncalibrated.")] = None,
    allow: Annotated[list[str] | None, typer.Option(help="judge or rubric: although it differs. Repeatable.")] = None,
    name: Annotated[str | None, typer.Option(help="Record it, for the [gate] of a recipe.")] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Check before training that the base fails where the instructed model succeeds."""
    from console import gating

    gating.gate(
        base, instruct, alternative=alt, human=human, judge=judge, second=second, confirmed_by=confirmed_by,
        accept=accept or [], allow=allow or [], name=name, json=json, workspace=workspace,
    )  # fmt: skip


@app.command(epilog=EPILOG)
def init(folder: Annotated[str, typer.Argument(metavar="DIR")], json: JsonOption = False) -> None:
    """Make a workspace with Madison in it."""
    from console import data

    data.init(folder, json=json)


@app.command("new-character", epilog=EPILOG)
def new_character(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits, hyphens.")],
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Lay out a character of your own to fill in."""
    from console import data

    data.new_character(name, json=json, workspace=workspace)


@data_app.command("check", epilog=EPILOG)
def data_check(
    name: Annotated[str, typer.Argument(metavar="DATASET")], json: JsonOption = False, workspace: WorkspaceOption = None
) -> None:
    """Validate every row, and say what looks wrong with the whole."""
    from console import data

    data.check(name, json=json, workspace=workspace)


@data_app.command("show", epilog=EPILOG)
def data_show(
    name: Annotated[str, typer.Argument(metavar="DATASET")],
    limit: Annotated[int | None, typer.Option(min=0, metavar="N", help="Rows shown at most; all if not given.")] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Describe a dataset: categories, lengths, repeats, and what is wrong with which row."""
    from console import data

    data.show(name, limit=limit, json=json, workspace=workspace)


@data_app.command("seal", epilog=EPILOG)
def data_seal(
    name: Annotated[str, typer.Argument(metavar="DATASET")], json: JsonOption = False, workspace: WorkspaceOption = None
) -> None:
    """Write dataset.json for the rows as they are now."""
    from console import data

    data.seal(name, json=json, workspace=workspace)


@data_app.command("audit", epilog=EPILOG)
def data_audit(
    name: Annotated[str, typer.Argument(metavar="DATASET")],
    sealed: Annotated[
        list[str] | None, typer.Option(help="Dataset whose prompts and probes must not be repeated.")
    ] = None,
    meaning: Annotated[bool, typer.Option("--meaning", help="By a sentence embedding too (the embed extra).")] = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """List rows whose prompt repeats a sealed prompt, verbatim or reworded."""
    from console import data

    data.audit(name, sealed or [name], meaning=meaning, json=json, workspace=workspace)


@data_app.command("conversations", epilog=EPILOG)
def data_conversations(
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="A new file of rows for a prompts.jsonl.")],
    count: Annotated[int, typer.Option("--count", min=1, max=1000)] = 200,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same rows.")] = 1,
    modern: Annotated[bool, typer.Option("--modern", help="Of today's things too, which Madison cannot know.")] = False,
    json: JsonOption = False,
) -> None:
    """Write conversations of three to five turns, with what each later answer must respect."""
    from console import data

    data.write_conversations(out, count=count, seed=seed, modern=modern, json=json)
