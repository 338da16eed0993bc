"""Talking to one model, or to two side by side: pick them, write, judge what they answer.

Longer than a file should be: every key of the panel and every message that it sends is declared here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.message import Message
from textual.widgets import Static

from engine.records.serving import Sampling
from panels.ask import Ask
from panels.models import Models, ModelView
from panels.said import Said, Tone
from panels.sampling import SamplingForm
from panels.style import read_style
from panels.talk import Talk
from panels.text import harmless_lines, plain
from panels.turn import SideView, TurnView

Mode = Literal["say", "edit", "note", "model"]
PLACEHOLDERS: dict[Mode, str] = {
    "say": "enter sends, ctrl+j begins a new line, esc leads to the turns",
    "edit": "another wording of this turn; what was said before is kept as a version",
    "note": "what is there to note?",
    "model": "a model reference, or http://host:8000/v1#NAME",
}

HINTS = (
    "nothing said yet",
    "i writes, n takes a saved prompt of the dataset, s sets the sampling and the system prompt",
)


@dataclass(frozen=True)
class QuestionView:
    """A prompt that was saved to ask again."""

    id: str
    text: str
    turns: int = 1


@dataclass(frozen=True)
class ChatView:
    sides: tuple[SideView, ...] = ()
    turns: tuple[TurnView, ...] = ()
    """Those that are looked at, first to last."""
    busy: bool = False
    blind: bool = False
    system: str | None = None
    """For the next turn."""
    sampling: Sampling = field(default_factory=Sampling)


class Chat(Container):
    """A layer inwards is the field, one outwards the models; `show` is called for everything that changed."""

    DEFAULT_CSS = read_style(__file__)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i,enter", "write", "Write", id="chat.write"),
        Binding("a", "judge(True, False)", "Left holds", id="chat.left", tooltip="and the right one breaks: saved as a pair"),
        Binding("d", "judge(False, True)", "Right holds", id="chat.right", tooltip="and the left one breaks: saved as a pair"),
        Binding("w", "judge(True, True)", "Both hold", id="chat.both_hold", show=False),
        Binding("x", "judge(False, False)", "Both break", id="chat.both_break", show=False),
        Binding("r", "again", "Again", id="chat.again", tooltip="with the next seed; this answer is kept as a version"),
        Binding("e", "edit", "Edit", id="chat.edit", tooltip="ask this turn otherwise and go on from there"),
        Binding("t", "tokens", "Tokens", id="chat.tokens", tooltip="how likely each was, and what else might have stood there"),
        Binding("m", "models", "Models", id="chat.models"),
        Binding("s", "settings", "Sampling", id="chat.settings", tooltip="and the system prompt"),
        Binding("left_square_bracket", "version(-1)", "Version before", id="chat.version_before", show=False),
        Binding("right_square_bracket", "version(1)", "Next version", id="chat.next_version", show=False),
        Binding("n", "question(1)", "Next saved prompt", id="chat.next_prompt", show=False),
        Binding("p", "question(-1)", "Saved prompt before", id="chat.prompt_before", show=False),
        Binding("v", "part", "Where they part", id="chat.part", show=False),
        Binding("b", "blind", "Blind", id="chat.blind", show=False, tooltip="hide which is which until one is chosen"),
        Binding("N", "begin_anew", "New conversation", id="chat.new", show=False),
        Binding("f", "file_probe", "Save the prompt as a probe", id="chat.probe", show=False),
        Binding("c", "note", "Note", id="chat.note", show=False, tooltip="saved with where it came from"),
        Binding("escape", "leave", "Stop, or one layer out", id="chat.leave", show=False),
    ]  # fmt: skip
    HELP = """\
Talk to a model, or to two at once: space marks up to two in the list, enter starts them, i types the name of \
any other, or the URL of a server. Both are asked the same, with the same seed and sampling.

i writes, enter sends, ctrl+j begins a new line; esc stops answers that are coming and keeps what came. \
r asks again with the next seed, e asks a turn in other words; [ and ] step through the versions of a turn, \
and what was said after each is kept. n and p put saved prompts of the dataset into the field.

a and d say that the left or the right answer holds character while the other breaks it: the two are saved \
as a preference pair of NAME-spot, beside the dataset NAME of the run. f saves the prompt there as a probe, \
c a note. b hides which model is which until one is chosen.

t shows how likely each token was: h and l step through them, o leads to the other answer. v goes to where \
two answers part, which is underlined. s opens the sampling and the system prompt, which hold from the next \
turn on."""

    class Picked(Message):
        def __init__(self, references: tuple[str, ...]) -> None:
            super().__init__()
            self.references = references

    class Sent(Message):
        """A prompt; `turn` is the key of the turn that it stands beside, None where it is the next."""

        def __init__(self, text: str, turn: int | None = None) -> None:
            super().__init__()
            self.text = text
            self.turn = turn

    class Stopped(Message):
        pass

    class Again(Message):
        def __init__(self, turn: int) -> None:
            super().__init__()
            self.turn = turn

    class Stepped(Message):
        """Another version of a turn is to be looked at."""

        def __init__(self, turn: int, by: int) -> None:
            super().__init__()
            self.turn = turn
            self.by = by

    class Chosen(Message):
        """Whether the left answer of a turn holds, and the right one."""

        def __init__(self, turn: int, holds: tuple[bool, bool]) -> None:
            super().__init__()
            self.turn = turn
            self.holds = holds

    class Probed(Message):
        """The prompt of a turn is to be saved as a probe."""

        def __init__(self, turn: int) -> None:
            super().__init__()
            self.turn = turn

    class Noted(Message):
        def __init__(self, text: str, turn: int | None) -> None:
            super().__init__()
            self.text = text
            self.turn = turn

    class Changed(Message):
        """Another system prompt or sampling from the next turn on."""

        def __init__(self, system: str | None, sampling: Sampling) -> None:
            super().__init__()
            self.system = system
            self.sampling = sampling

    class Blinded(Message):
        pass

    class Begun(Message):
        """The next prompt begins a conversation."""

    class TokensShown(Message):
        def __init__(self, on: bool) -> None:
            super().__init__()
            self.on = on

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view = ChatView()
        self.mode: Mode = "say"
        self._editing: int | None = None
        self._questions: tuple[QuestionView, ...] = ()
        self._question = -1
        self._picking = True

    def compose(self) -> ComposeResult:
        yield Models(id="models")
        yield Talk(id="talk", hints=HINTS)
        yield SamplingForm(id="sampling")
        with Horizontal(id="ask-row"):
            yield Static("", id="mode", markup=False)
            yield Ask(id="ask")
        yield Said(id="said")

    def on_mount(self) -> None:
        self.query_one("#sampling").display = False
        self._set_mode("say")
        self._hint()

    # ---------------------------------------------------------------- what is shown

    def show(self, view: ChatView) -> None:
        before, self.view = self.view, view
        self.talk.show(view.sides, view.turns)
        if (
            view.sampling != before.sampling
            or view.system != before.system
            or view.blind != before.blind
            or not before.sides
        ):
            self._show_facts()
        if (view.busy, view.blind, len(view.sides), len(view.turns)) != (
            before.busy, before.blind, len(before.sides), len(before.turns),
        ):  # fmt: skip
            self.refresh_bindings()

    def show_models(self, models: Sequence[ModelView]) -> None:
        self.query_one(Models).show_models(models)

    def show_questions(self, questions: Sequence[QuestionView]) -> None:
        if tuple(questions) != self._questions:
            self._questions, self._question = tuple(questions), -1

    def say(self, words: str, tone: Tone = "muted") -> None:
        """Tell in the foot line what was done."""
        self.query_one(Said).say(words, tone)

    @property
    def talk(self) -> Talk:
        return self.query_one(Talk)

    @property
    def ask(self) -> Ask:
        return self.query_one("#ask", Ask)

    def text_to_copy(self) -> str:
        """The prompt and the answers of the turn under the cursor."""
        turn = self.talk.turn
        if turn is None:
            return ""
        said = [("user", turn.prompt), *((plain(s.label), r.text) for s, r in zip(self.view.sides, turn.replies))]
        return "\n\n".join(f"{who}: {harmless_lines(text)}" for who, text in said)

    def _show_facts(self) -> None:
        s = self.view.sampling
        facts = [f"temperature {s.temperature:g}", f"top_k {s.top_k}", f"top_p {s.top_p:g}", f"max {s.max_tokens}"]
        facts += ["no seed" if s.seed is None else f"seed {s.seed}", *(["system set"] if self.view.system else [])]
        self.query_one(Said).show_facts("  ".join([*(["blind"] if self.view.blind else []), *facts]))

    # ---------------------------------------------------------------- layers

    def _arrange(self) -> None:
        """Show the models or the talk, and the field where something can be typed."""
        models = self.query_one(Models)
        talking = not self._picking
        models.display, self.talk.display = not talking, talking
        self.query_one("#ask-row").display = talking or self.mode == "model"
        self.refresh_bindings()

    def _hint(self) -> None:
        self.say("space marks up to two, enter talks to them, i types another name" if self._picking else "")

    def _set_mode(self, mode: Mode, editing: int | None = None) -> None:
        self.mode, self._editing = mode, editing
        words = {"say": "you", "edit": "edit", "note": "note", "model": "model"}[mode]
        self.query_one("#mode", Static).update(words)
        self.ask.placeholder = PLACEHOLDERS[mode]
        self._arrange()

    def _settle(self) -> None:
        (self.query_one(Models) if self._picking else self.talk).focus()

    def action_leave(self) -> None:
        form = self.query_one(SamplingForm)
        if form.display:
            self._close_form()
        elif self.mode != "say":
            self.ask.put("")
            self._set_mode("say")
            self._settle()
        elif self.view.busy:
            self.post_message(self.Stopped())
        elif self._picking and self.view.sides:
            self._picking = False
            self._arrange()
            self._hint()
            self._settle()
        elif self.ask.has_focus:
            self._settle()
        elif self.talk.tokens:
            self.action_tokens()
        else:
            raise SkipAction()

    def _close_form(self) -> None:
        self.query_one(SamplingForm).display = False
        self._settle()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        talking = not self._picking
        match action:
            case "judge":
                return talking and len(self.view.sides) == 2 and bool(self.view.turns)
            case "again" | "edit" | "version" | "file_probe" | "tokens":
                return talking and bool(self.view.turns)
            case "part":
                return talking and len(self.view.sides) == 2
            case "blind":
                return talking and len(self.view.sides) == 2
            case "write" | "models" | "settings" | "question" | "begin_anew" | "note":
                return talking
        return True

    # ---------------------------------------------------------------- keys

    def action_write(self) -> None:
        self.ask.focus()

    def action_models(self) -> None:
        self._picking = True
        self._arrange()
        self._hint()
        self._settle()

    def action_settings(self) -> None:
        form = self.query_one(SamplingForm)
        form.show(self.view.system, self.view.sampling)
        form.display = True
        form.query_one("#temperature").focus()

    def action_judge(self, left: bool, right: bool) -> None:
        turn = self.talk.turn
        if turn is None:
            return
        if not all(reply.state not in ("waiting", "coming") for reply in turn.replies):
            self.say("the answers are still coming; esc stops them", "warn")
            return
        self.post_message(self.Chosen(turn.key, (left, right)))

    def action_again(self) -> None:
        if (turn := self.talk.turn) is not None and self._is_idle():
            self.post_message(self.Again(turn.key))

    def action_edit(self) -> None:
        if (turn := self.talk.turn) is not None and self._is_idle():
            self._set_mode("edit", turn.key)
            self.ask.put(turn.prompt)
            self.ask.focus()

    def action_version(self, by: int) -> None:
        turn = self.talk.turn
        if turn is not None and turn.version[1] > 1 and self._is_idle():
            self.post_message(self.Stepped(turn.key, by))

    def action_tokens(self) -> None:
        self.talk.show_tokens(not self.talk.tokens)
        self.post_message(self.TokensShown(self.talk.tokens))

    def action_part(self) -> None:
        if not self.talk.go_where_they_part():
            self.say("these two do not part")

    def action_question(self, by: int) -> None:
        if not self._questions:
            self.say("no prompts are saved for this model: prompts.jsonl and probes.jsonl of its dataset", "warn")
            return
        count = len(self._questions)
        self._question = (self._question + by) % count if self._question >= 0 or by > 0 else count - 1
        question = self._questions[self._question]
        if self.mode != "say":
            self._set_mode("say")
        self.ask.put(question.text)
        last = f", the last of {question.turns} turns" if question.turns > 1 else ""
        self.say(f"saved prompt {question.id}, {self._question + 1} of {count}{last}; i and enter send it")

    def action_blind(self) -> None:
        if self._is_idle():
            self.post_message(self.Blinded())

    def action_begin_anew(self) -> None:
        if self._is_idle():
            self.post_message(self.Begun())

    def action_file_probe(self) -> None:
        if (turn := self.talk.turn) is not None:
            self.post_message(self.Probed(turn.key))

    def action_note(self) -> None:
        self._set_mode("note")
        self.ask.put("")
        self.ask.focus()

    def _is_idle(self) -> bool:
        if self.view.busy:
            self.say("the answers are still coming; esc stops them", "warn")
        return not self.view.busy

    # ---------------------------------------------------------------- what its parts say

    @on(Models.Picked)
    def _pick(self, event: Models.Picked) -> None:
        event.stop()
        self._picking = False
        self._arrange()
        self._hint()
        self.ask.focus()
        self.post_message(self.Picked(event.references))

    @on(Models.Typing)
    def _type(self, event: Models.Typing) -> None:
        event.stop()
        self._set_mode("model")
        self.ask.focus()

    @on(Ask.Submitted, "#ask")
    def _submit(self, event: Ask.Submitted) -> None:
        event.stop()
        text = event.text.strip("\n") if self.mode != "model" else event.text.strip()
        if not text.strip() or (self.mode in ("say", "edit") and not self._is_idle()):
            return
        match self.mode:
            case "say":
                self.post_message(self.Sent(text))
            case "edit":
                self.post_message(self.Sent(text, self._editing))
            case "note":
                turn = self.talk.turn
                self.post_message(self.Noted(text, None if turn is None else turn.key))
            case "model":
                self.query_one(Models).add(plain(text))
        self.ask.take(event.text)
        stays = self.mode in ("say", "edit")
        self._set_mode("say")
        if not stays:
            self._settle()

    @on(SamplingForm.Changed)
    def _change(self, event: SamplingForm.Changed) -> None:
        event.stop()
        self._close_form()
        self.post_message(self.Changed(event.system, event.sampling))

    @on(SamplingForm.Cancelled)
    def _cancel(self, event: SamplingForm.Cancelled) -> None:
        event.stop()
        self._close_form()
