"""The themes can be read, and their curves told apart, by eyes of every kind; each terminal gets the right one."""

import asyncio
import itertools
import math
import re

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from textual.app import App, ComposeResult
from textual.color import Color
from textual.containers import Vertical
from textual.theme import BUILTIN_THEMES, Theme
from textual.widgets import Static

from console.themes import ANSI, DARK, LIGHT, OWN, THEMES, choose_theme, fill_variables
from engine.errors import InputError

TRUE = (DARK, LIGHT)
TEXTS = ("text", "foreground", "primary", "secondary", "accent", "success", "warning", "error", "good", "bad")
DIM = ("text-muted", "foreground-muted")
GROUNDS = ("background", "surface", "panel")
Rgb = tuple[float, float, float]

# Machado, Oliveira and Fernandes 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# table of matrices at severity 1.0, applied to linear sRGB.
VISION = {
    "normal": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(colour: str) -> Rgb:
    """'#rrggbb' as linear sRGB: IEC 61966-2-1."""
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in Color.parse(colour).normalized
    )
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio."""
    dark, light = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (linear(one), linear(other)))
    return (light + 0.05) / (dark + 0.05)


def to_lab(rgb: Rgb) -> Rgb:
    """Linear sRGB as CIE L*a*b* under D65."""
    r, g, b = rgb
    white_scaled = (
        (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047,
        0.2126729 * r + 0.7151522 * g + 0.0721750 * b,
        (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883,
    )
    x, y, z = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in white_scaled)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def ciede2000(one: Rgb, other: Rgb) -> float:
    """Sharma, Wu and Dalal 2005, equations 2 to 22."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    chroma = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    stretch = 1 + 0.5 * (1 - math.sqrt(chroma**7 / (chroma**7 + 25**7)))
    c1, c2 = math.hypot(a1 * stretch, b1), math.hypot(a2 * stretch, b2)
    h1, h2 = math.degrees(math.atan2(b1, a1 * stretch)) % 360, math.degrees(math.atan2(b2, a2 * stretch)) % 360
    grey = c1 * c2 == 0
    turn = 0.0 if grey else (h2 - h1 + 180) % 360 - 180
    hue = h1 + h2 if grey else (h1 + turn / 2) % 360
    across = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))
    light, c = (l1 + l2) / 2, (c1 + c2) / 2

    def cosine(degrees: float) -> float:
        return math.cos(math.radians(degrees))

    t = 1 - 0.17 * cosine(hue - 30) + 0.24 * cosine(2 * hue) + 0.32 * cosine(3 * hue + 6) - 0.2 * cosine(4 * hue - 63)
    by_light = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2))
    by_chroma = (c2 - c1) / (1 + 0.045 * c)
    by_hue = across / (1 + 0.015 * c * t)
    bend = math.sin(math.radians(60 * math.exp(-(((hue - 275) / 25) ** 2))))
    rotation = -2 * math.sqrt(c**7 / (c**7 + 25**7)) * bend
    return math.sqrt(by_light**2 + by_chroma**2 + by_hue**2 + rotation * by_chroma * by_hue)


def see(colour: str, vision: str) -> Rgb:
    rgb = linear(colour)
    r, g, b = (min(1.0, max(0.0, sum(m * c for m, c in zip(row, rgb, strict=True)))) for row in VISION[vision])
    return to_lab((r, g, b))


def distance(one: str, other: str) -> float:
    """CIEDE2000 as the eye sees them that tells them apart worst."""
    return min(ciede2000(see(one, vision), see(other, vision)) for vision in VISION)


def curves(theme: Theme) -> list[str]:
    return [theme.variables[f"curve-{number}"] for number in range(1, 9)]


class Sample(App[None]):
    """Every text colour on every ground, as Textual itself resolves it."""

    CSS = "\n".join(
        [
            *(f"#{ground} {{ background: ${ground}; height: auto; }}" for ground in GROUNDS),
            *(f".{name} {{ color: ${name}; }}" for name in (*TEXTS, *DIM, *OWN)),
        ]
    )

    def __init__(self, theme: str, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        for ours in THEMES:
            self.register_theme(ours)
        self.theme = theme

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return fill_variables(self.current_theme)

    def compose(self) -> ComposeResult:
        for ground in GROUNDS:
            with Vertical(id=ground):
                for name in (*TEXTS, *DIM, *OWN):
                    yield Static("text", classes=name)


def resolve(theme: str) -> dict[tuple[str, str], tuple[RichColor, RichColor]]:
    """(name, ground) to the colours of text and ground."""
    found = {}

    async def go() -> None:
        app = Sample(theme)
        async with app.run_test():
            for static in app.query(Static):
                (name,) = static.classes
                style = static.rich_style
                assert style.color is not None
                assert style.bgcolor is not None
                assert static.parent is not None
                found[name, str(static.parent.id)] = (style.color, style.bgcolor)

    asyncio.run(go())
    return found


def test_the_distance_is_that_of_the_published_test_data() -> None:
    for one, other, expected in (
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ):
        assert ciede2000(one, other) == pytest.approx(expected, abs=1e-4)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert to_lab(linear("#ffffff")) == pytest.approx((100, 0, 0), abs=0.01)
    # the eyes that confuse red and green, and those that do not
    assert distance("#C04040", "#707020") < 12 < ciede2000(see("#C04040", "normal"), see("#707020", "normal"))


@pytest.mark.parametrize("theme", TRUE, ids=lambda theme: theme.name)
def test_text_stands_out_from_every_ground(theme: Theme) -> None:
    resolved = resolve(theme.name)
    for ground, name in itertools.product(GROUNDS, (*TEXTS, *DIM)):
        text, behind = (colour.get_truecolor().hex for colour in resolved[name, ground])
        assert contrast(text, behind) >= (3 if name in DIM else 4.5), (name, ground, text, behind)
    variables = theme.to_color_system().generate()
    for front, back in (
        ("block-cursor-foreground", "block-cursor-background"),
        ("block-cursor-blurred-foreground", "block-cursor-blurred-background"),
        ("input-cursor-foreground", "input-cursor-background"),
        ("footer-key-foreground", "footer-background"),
        ("footer-description-foreground", "footer-background"),
        ("button-color-foreground", "primary"),
        ("button-color-foreground", "error"),
    ):
        assert contrast(variables[front], variables[back]) >= 4.5, front


@pytest.mark.parametrize("theme", TRUE, ids=lambda theme: theme.name)
def test_curves_stand_out_from_the_ground_and_from_the_band_behind_them(theme: Theme) -> None:
    band = theme.variables["band"]
    for ground in (theme.background, theme.surface):
        assert ground is not None
        assert 1.4 <= contrast(band, ground) < 3, ground
        for colour in curves(theme):
            assert contrast(colour, ground) >= 3, (colour, ground)
    for colour in curves(theme):
        assert distance(colour, band) >= 10, colour


@pytest.mark.parametrize("theme", TRUE, ids=lambda theme: theme.name)
def test_the_colour_blind_tell_the_curves_apart_and_good_from_bad(theme: Theme) -> None:
    for one, other in itertools.combinations(curves(theme), 2):
        assert distance(one, other) >= 10, (one, other)
    assert distance(theme.variables["good"], theme.variables["bad"]) >= 10
    assert theme.variables["good"] == theme.success
    assert theme.variables["bad"] == theme.error


@pytest.mark.parametrize("theme", TRUE, ids=lambda theme: theme.name)
def test_grounds_stay_apart_in_256_colours(theme: Theme) -> None:
    greys = [theme.background, theme.surface, theme.panel, theme.variables["border-blurred"]]
    shown = [RichColor.parse(grey or "").downgrade(ColorSystem.EIGHT_BIT).number for grey in greys]
    assert len(set(shown)) == 4
    # the ramp of greys, not the cube of colours, in which they would turn green or blue
    assert all(number is not None and number >= 232 for number in shown), shown
    cursor = RichColor.parse(theme.variables["block-cursor-background"]).downgrade(ColorSystem.EIGHT_BIT).number
    assert cursor not in shown


def test_the_ansi_theme_sends_the_terminals_own_colours_alone() -> None:
    names = curves(ANSI)
    assert len(set(names)) == 8
    assert all(name.startswith("ansi_") for name in names)
    # on a white ground they cannot be read
    assert not set(names) & {"ansi_bright_yellow", "ansi_bright_green", "ansi_bright_cyan", "ansi_white"}
    for (name, _), (text, ground) in resolve(ANSI.name).items():
        assert text.is_default or text.is_system_defined, name
        assert ground.is_default, name
    # seen on any ground, and with NO_COLOR
    assert ANSI.variables["block-cursor-text-style"] == "reverse"


def test_without_colour_all_is_in_the_terminals_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    fills: dict[bool | None, set[str]] = {}

    async def go(ansi_color: bool | None) -> None:
        app = Sample(ANSI.name, ansi_color)
        async with app.run_test():
            fills[ansi_color] = set(re.findall(r"-r\d+ { fill: (#\w{6})", app.export_screenshot()))

    for ansi_color in (True, None):
        asyncio.run(go(ansi_color))
    # the defaults of the picture's own terminal: Rich's SVG_EXPORT_THEME
    assert fills[True] == {"#c5c8c6", "#292929"}
    # what ansi_color keeps away: by its other filter Textual has text and ground alike black
    assert "#000000" in fills[None]


def test_each_theme_defines_what_panels_use_and_textuals_own_get_ours() -> None:
    for theme in THEMES:
        assert set(OWN) <= theme.variables.keys(), theme.name
    assert {theme.name for theme in THEMES} == {"charlab-dark", "charlab-light", "charlab-ansi"}
    assert [theme.dark for theme in (DARK, LIGHT)] == [True, False]
    for name, ours in (("nord", DARK), ("solarized-light", LIGHT), ("ansi-dark", ANSI)):
        assert fill_variables(BUILTIN_THEMES[name]) == {own: ours.variables[own] for own in OWN}
    text, _ = resolve("nord")["curve-1", "surface"]
    assert text.get_truecolor().hex.upper() == "#56B4E9"


@pytest.mark.parametrize(
    ("environ", "theme"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "charlab-dark"),
        ({"TERM": "xterm-256color"}, "charlab-dark"),
        ({"TERM": "tmux-256color"}, "charlab-dark"),
        ({"TERM": "xterm-kitty"}, "charlab-dark"),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, "charlab-dark"),
        ({"TERM": "xterm"}, "charlab-ansi"),
        ({"TERM": "xterm-16color"}, "charlab-ansi"),
        ({"TERM": "linux"}, "charlab-ansi"),
        ({"TERM": "screen"}, "charlab-ansi"),
        ({"TERM": "dumb"}, "charlab-ansi"),
        ({}, "charlab-ansi"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "charlab-ansi"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "charlab-ansi"),
        ({"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "standard"}, "charlab-ansi"),
        ({"TERM": "xterm", "TEXTUAL_COLOR_SYSTEM": "truecolor"}, "charlab-dark"),
        ({"TERM": "xterm", "CHARLAB_THEME": "light"}, "charlab-light"),
        ({"TERM": "xterm-256color", "CHARLAB_THEME": "ansi"}, "charlab-ansi"),
        ({"TERM": "linux", "NO_COLOR": "1", "CHARLAB_THEME": "charlab-dark"}, "charlab-dark"),
        ({"TERM": "xterm", "CHARLAB_THEME": "nord"}, "nord"),
        ({"TERM": "xterm-256color", "CHARLAB_THEME": ""}, "charlab-dark"),
    ],
    ids=lambda value: " ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else value,
)
def test_the_terminal_and_the_person_choose_the_theme(environ: dict[str, str], theme: str) -> None:
    assert choose_theme(environ) == theme


def test_a_theme_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(InputError, match="CHARLAB_THEME: no theme is called 'drak'") as caught:
        choose_theme({"CHARLAB_THEME": "drak\x1b[2J"})
    assert caught.value.fix == "one of dark, light, ansi"
