"""Which mirror, index and registry are asked is this machine's business: handed on, never written
into the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

SECONDS = 60.0
# What pip may be told by the machine; what names folders of this machine means nothing inside.
PIP = ("index-url", "extra-index-url", "trusted-host", "proxy", "cert", "timeout", "retries")
HANDED_ON = re.compile(
    r"(https?|no|all|ftp)_proxy|PIP_(INDEX_URL|TRUSTED_HOST|PROXY|CERT|DEFAULT_TIMEOUT)"
    r"|npm_config_(registry|proxy|https[-_]proxy|cafile)|NODE_EXTRA_CA_CERTS"
    r"|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE",
    re.IGNORECASE,
)


def environment(home: Path) -> dict[str, str]:
    """What an ordinary user's login has, and the machine's own words on where to fetch."""
    said = {name: value for name, value in os.environ.items() if HANDED_ON.fullmatch(name)}
    for key, value in _pip().items():
        said.setdefault(f"PIP_{key.upper().replace('-', '_')}", value)
    registry = _npm_registry()
    if registry:
        said.setdefault("npm_config_registry", registry)
    return said | {
        "HOME": str(home),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
    }


def files_named() -> list[str]:
    """Files of this machine that the environment names: an authority's certificates."""
    values = {os.path.realpath(value) for value in environment(Path("/")).values()}
    return sorted(value for value in values if value.endswith((".crt", ".pem")))


def apt_settings() -> str:
    """How the machine's own apt fetches: proxies, time limits, what it checks."""
    said = _said(["apt-config", "dump", "Acquire"])
    return "".join(f"{line}\n" for line in said.splitlines() if not line.endswith('"";'))


def _pip() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _said(["python3", "-m", "pip", "config", "list"]).splitlines():
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        words = [word for word in value.strip("'").split() if not word.startswith("file:")]
        if key in PIP and words:
            found[key] = " ".join(words)
    return found


def _npm_registry() -> str:
    said = _said(["npm", "config", "get", "registry"]).strip() if shutil.which("npm") else ""
    return said if said.startswith("http") else ""


def _said(command: list[str]) -> str:
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, check=False, cwd="/"
    )
    return run.stdout if run.returncode == 0 else ""
