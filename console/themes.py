"""The three looks of the console: dark, light, and the terminal's own 16 colours; and which one a terminal gets.

Curves are Okabe and Ito's eight colours (2008), told apart by the colour-blind too: as they stand on the dark ground,
black become grey; on the light one darkened and moved apart until they read there. Greys are so little saturated
that a terminal of 256 colours shows them as four different greys. The contrasts and distances are held by a test.
"""

from collections.abc import Mapping

from rich.console import Console
from textual.theme import BUILTIN_THEMES, Theme

from engine.errors import InputError
from panels.text import plain


def _curves(*colours: str) -> dict[str, str]:
    return {f"curve-{number}": colour for number, colour in enumerate(colours, 1)}


DARK = Theme(
    name="charlab-dark",
    primary="#7AA7D0",
    secondary="#8494A4",
    accent="#D6B172",
    success="#4DB391",
    warning="#E3B341",
    error="#EC7556",
    foreground="#D6DADF",
    background="#14171B",
    surface="#1A1E23",
    panel="#22272D",
    variables={
        # sky, orange, green, purple, yellow, vermilion, blue, and grey for black
        **_curves("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#0072B2", "#B8C0C8"),
        "band": "#3F4852",
        "good": "#4DB391",
        "bad": "#EC7556",
        "border": "#5F87AE",
        "border-blurred": "#39414A",
        "block-cursor-background": "#34475C",
        "block-cursor-foreground": "#F2F5F8",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#262C33",
        "block-cursor-blurred-foreground": "#D6DADF",
        "block-hover-background": "#1F242A",
        "input-cursor-background": "#D6DADF",
        "input-cursor-foreground": "#14171B",
        "input-selection-background": "#34475C",
        "screen-selection-background": "#34475C",
        "footer-background": "#1A1E23",
        "footer-foreground": "#9AA3AD",
        "footer-key-foreground": "#7AA7D0",
        "footer-description-foreground": "#9AA3AD",
        "scrollbar": "#39414A",
        "scrollbar-hover": "#4A545F",
        "scrollbar-active": "#5F87AE",
        "scrollbar-background": "#14171B",
        "button-color-foreground": "#14171B",
    },
)

LIGHT = Theme(
    name="charlab-light",
    primary="#1F5F94",
    secondary="#4A5A6A",
    accent="#7D5508",
    success="#0B6A4C",
    warning="#7D5508",
    error="#A9331A",
    foreground="#20262C",
    background="#F6F7F8",
    surface="#EDEFF1",
    panel="#E0E4E8",
    dark=False,
    variables={
        **_curves("#0A90C3", "#B37C0D", "#0D6A52", "#CF1487", "#7C6507", "#7D2E16", "#005DDA", "#3C4147"),
        "band": "#C3CAD1",
        "good": "#0B6A4C",
        "bad": "#A9331A",
        "border": "#1F5F94",
        "border-blurred": "#BBC3CB",
        "block-cursor-background": "#C4D8EA",
        "block-cursor-foreground": "#10161C",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#DCE2E8",
        "block-cursor-blurred-foreground": "#20262C",
        "block-hover-background": "#E6EAEE",
        "input-cursor-background": "#20262C",
        "input-cursor-foreground": "#F6F7F8",
        "input-selection-background": "#C4D8EA",
        "screen-selection-background": "#C4D8EA",
        "footer-background": "#EDEFF1",
        "footer-foreground": "#4F5A65",
        "footer-key-foreground": "#1F5F94",
        "footer-description-foreground": "#4F5A65",
        "scrollbar": "#BBC3CB",
        "scrollbar-hover": "#A3ADB7",
        "scrollbar-active": "#1F5F94",
        "scrollbar-background": "#F6F7F8",
        "button-color-foreground": "#F6F7F8",
    },
)

# Works on any ground the terminal has: cursors are in reverse video rather than in colours, which NO_COLOR takes away
# and of which nobody knows what they stand on. No bright yellow, green or cyan: on white they cannot be read.
ANSI = Theme(
    name="charlab-ansi",
    ansi=True,
    primary="ansi_bright_blue",
    secondary="ansi_cyan",
    accent="ansi_magenta",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    variables={
        **_curves(
            "ansi_cyan", "ansi_yellow", "ansi_magenta", "ansi_red",
            "ansi_bright_blue", "ansi_green", "ansi_bright_magenta", "ansi_default",
        ),
        "band": "ansi_bright_black",
        "good": "ansi_green",
        "bad": "ansi_red",
        "text-muted": "ansi_bright_black",
        "text-disabled": "ansi_bright_black",
        "foreground-muted": "ansi_bright_black",
        "foreground-disabled": "ansi_bright_black",
        "border": "ansi_bright_blue",
        "border-blurred": "ansi_bright_black",
        "block-cursor-background": "ansi_default",
        "block-cursor-foreground": "ansi_default",
        "block-cursor-text-style": "reverse",
        "block-cursor-blurred-background": "ansi_default",
        "block-cursor-blurred-foreground": "ansi_default",
        "block-cursor-blurred-text-style": "underline",
        "input-cursor-background": "ansi_default",
        "input-cursor-foreground": "ansi_default",
        "input-cursor-text-style": "reverse",
        "input-selection-background": "ansi_bright_blue",
        "input-selection-foreground": "ansi_black",
        "screen-selection-background": "ansi_bright_blue",
        "screen-selection-foreground": "ansi_black",
        "footer-key-foreground": "ansi_bright_blue",
        "footer-description-foreground": "ansi_default",
        "scrollbar": "ansi_bright_black",
        "scrollbar-hover": "ansi_bright_black",
        "scrollbar-active": "ansi_bright_blue",
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
        "button-color-foreground": "ansi_default",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
    },
)  # fmt: skip

THEMES = (DARK, LIGHT, ANSI)
OWN = (*(f"curve-{number}" for number in range(1, 9)), "band", "good", "bad")
"""The variables that panels use and that Textual's own themes lack."""


def fill_variables(theme: Theme) -> dict[str, str]:
    """Our variables for a theme that is not ours, by the ground it has."""
    ours = ANSI if theme.ansi else DARK if theme.dark else LIGHT
    return {name: ours.variables[name] for name in OWN}


def choose_theme(environ: Mapping[str, str]) -> str:
    """CHARLAB_THEME ('dark', 'light', 'ansi', or a theme of Textual's); else by what colours the terminal has.

    NO_COLOR gets the terminal's own, as do terminals of 16 colours by Rich's reading of TERM and COLORTERM, which is
    what Textual will send them; TEXTUAL_COLOR_SYSTEM overrules that reading here as it does there. With NO_COLOR an
    app must be made with `ansi_color=True`: Textual picks its filter before any theme is set, and would pick the one
    that turns the terminal's default colours black on black.
    """
    if wanted := environ.get("CHARLAB_THEME", ""):
        names = {theme.name.removeprefix("charlab-"): theme.name for theme in THEMES}
        known = {*names.values(), *BUILTIN_THEMES}
        if names.get(wanted, wanted) not in known:
            raise InputError(
                f"CHARLAB_THEME: no theme is called '{plain(wanted, 40)}'", fix=f"one of {', '.join(names)}"
            )
        return names.get(wanted, wanted)
    if "NO_COLOR" in environ:
        return ANSI.name
    system = environ.get("TEXTUAL_COLOR_SYSTEM") or "auto"
    if system == "auto":
        system = Console(force_terminal=True, color_system="auto", _environ=environ).color_system or "none"
    return DARK.name if system in ("256", "truecolor") else ANSI.name
