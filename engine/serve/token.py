"""The token of a server elsewhere, out of the environment: each host has its own, and none is sent another's."""

import os
import re
from urllib.parse import urlsplit

from engine.records.serving import LOOPBACK

VARIABLE = "CHARLAB_TOKEN"


def name_variable(url: str) -> str:
    """CHARLAB_TOKEN for this machine; for http://gpu.example:8000/v1 it is CHARLAB_TOKEN_GPU_EXAMPLE_8000."""
    place = urlsplit(url)
    return (
        VARIABLE
        if place.hostname in LOOPBACK
        else f"{VARIABLE}_{re.sub(r'[^A-Z0-9]', '_', place.netloc.upper().replace('-', '__'))}"
    )


def read_token(url: str) -> str | None:
    return os.environ.get(name_variable(url)) or None
