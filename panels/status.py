"""How a run's status looks: a glyph and a tone, the same wherever it is shown."""

STATUS_TONES = {
    "running": "good", "stalled": "warn", "lost": "bad", "failed": "bad", "stopped": "warn", "draft": "muted",
}  # fmt: skip
GLYPHS = {
    "running": "▶", "finished": "✓", "stopped": "■", "failed": "✗", "lost": "?", "stalled": "…", "draft": "·",
}  # fmt: skip
