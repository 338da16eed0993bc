"""The command line: every act of charlab as a command. Loads nothing heavy until a command needs it.

Data goes to standard output, narration to standard error. Exit codes: 0 done, 1 failed, 2 bad input,
3 worth retrying, 4 the answer is no, 5 cannot tell, 130 interrupted.
"""

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
    help="Datasets: show, check, seal, audit.", no_args_is_help=True, epilog=EPILOG, rich_markup_mode=None
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
    host: Annotated[str, typer.Option(help="Another than loopback needs --token.")] = "127.0.0.1",
    token: Annotated[str | None, typer.Option(help="What a client must send as its bearer token.")] = None,
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
    system: Annotated[str | None, typer.Option(help="System prompt; none of ours if not given.")] = None,
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
        str | None, typer.Option(help="A character whose probes.jsonl is asked; that of the model's run if not given.")
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


@app.command(epilog=EPILOG)
def export(
    run: Annotated[str, typer.Argument(metavar="RUN[@STEP]", help="A run, or a checkpoint of one.")],
    to: Annotated[
        list[str], typer.Option("--to", help="merged, adapter-gguf, gguf, q8_0, q4_0, q4_k_m, ... Repeatable.")
    ],
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a run's adapter in other forms, each with a manifest of what it was made from."""
    from console import exporting

    exporting.export(run, to=to, json=json, workspace=workspace)


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
    detach: DetachOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Compare every form of an adapter with the one it was trained in: breaks, KL, greedy answers, and the cause."""
    from console import comparing
    from engine.records.serving import Sampling

    given = {"temperature": temperature, "max_tokens": max_tokens, "seed": seed}
    comparing.parity(
        run, forms=forms or [], probes=probes, samples=samples, sampling=Sampling.parse(given, "sampling"),
        detach=detach, json=json, workspace=workspace,
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
    name: Annotated[str, typer.Argument(metavar="DATASET")], json: JsonOption = False, workspace: WorkspaceOption = None
) -> None:
    """Describe a dataset: categories, lengths, repeats, and what is wrong with which row."""
    from console import data

    data.show(name, json=json, workspace=workspace)


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
