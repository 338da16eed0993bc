"""Secrets taken out of a text before it is written: what the environment names as one, and what looks like one."""

import os
import re

_NAMED = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD)(?:_|$)")
_SHORTEST = 8
_LOOKS = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{12,}|hf_[A-Za-z0-9]{12,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|AKIA[A-Z0-9]{12,})"
    r"|(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}|(?<=//)[^/\s@]+@"
)


def redact(text: str) -> str:
    for name, secret in os.environ.items():
        if len(secret) >= _SHORTEST and _NAMED.search(name.upper()):
            text = text.replace(secret, "(removed)")
    return _LOOKS.sub("(removed)", text)
