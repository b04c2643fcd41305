"""Reads `.env`: standard library only, since the bootstrap needs it before anything is installed."""

import re
from pathlib import Path

ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
UNQUOTED_COMMENT = re.compile(r"\s+#.*$")


class DotenvError(Exception):
    """A line of the file is no assignment; the message names file and line."""


def read_dotenv(path: Path) -> dict[str, str]:
    """The assignments of a `.env` file, empty where there is no such file.

    The form is the one that docker-compose reads: `NAME=value`, values optionally in quotes,
    comments from `#` on.
    """
    if not path.is_file():
        return {}
    values = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        assignment = ASSIGNMENT.fullmatch(text)
        if assignment is None:
            raise DotenvError(f"{path}, line {number}: not of the form NAME=value")
        name, value = assignment.groups()
        values[name] = unquote(value)
    return values


def unquote(value: str) -> str:
    """A value without its quotes, or without the comment that follows it."""
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    if value.startswith("#"):
        return ""
    return UNQUOTED_COMMENT.sub("", value).strip()
