"""Recognises credentials: none is accepted where a name belongs, no message repeats one."""

import re

_PREFIXED = re.compile(
    r"""
    (?<![A-Za-z0-9])(?:
        (?:AKIA|ASIA)[0-9A-Z]{16}                     # AWS access key id
      | hf_[A-Za-z0-9]{16,}                           # Hugging Face token
      | gh[opsur]_[A-Za-z0-9]{20,} | github_pat_\w{20,} # GitHub tokens
      | glpat-[\w-]{16,}                              # GitLab token
      | xox[abprs]-[\w-]{10,}                         # Slack tokens
      | sk-(?=[\w-]{0,200}[A-Z])(?=[\w-]{0,200}[0-9])[\w-]{20,} # API keys of model vendors
      | eyJ[\w-]{10,}\.[\w-]{10,}                     # JSON Web Token
    )
  | -----BEGIN\ [A-Z\ ]{0,40}PRIVATE\ KEY
    """,
    re.VERBOSE,
)
# The shape of an AWS secret access key; also that of some paths and digests.
_FORTY = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_SEARCHED = 100_000

HIDDEN = "(not shown: it looks like a credential)"


def is_credential(text: str) -> bool:
    """Whether the text contains what can hardly be anything but a credential."""
    return _PREFIXED.search(text, 0, _SEARCHED) is not None


def looks_like_credential(text: str) -> bool:
    """Whether the text contains the shape of a well-known credential; digests do not count."""
    if is_credential(text):
        return True
    return any(not re.fullmatch(r"[0-9a-f]{40}", m) for m in _FORTY.findall(text[:_SEARCHED]))


def shown(value: object, *, limit: int = 60) -> str:
    """The value as a message may print it: at most `limit` characters, never a credential.

    Text is quoted; what cannot be printed becomes a question mark. Lists and maps are not spelled
    out, since what they hold may be long or secret.
    """
    match value:
        case list() | tuple():
            return "a list" if value else "an empty list"
        case dict():
            return "a map" if value else "an empty map"
        case str():
            return shown_text(value, limit=limit)
        case bool():
            return "true" if value else "false"
        case _:
            return "empty" if value is None else cut(repr(value), limit=limit)


def shown_text(text: str, *, limit: int = 60) -> str:
    """As `shown`, for text."""
    return HIDDEN if looks_like_credential(text) else f'"{cut(text, limit=limit)}"'


def cut(text: str, *, limit: int = 60) -> str:
    """At most `limit` printable characters of the text, and how long it is where it was longer."""
    if len(text) <= limit:
        return "".join(c if c.isprintable() else "?" for c in text)
    start = "".join(c if c.isprintable() else "?" for c in text[: limit - 1])
    return f"{start}… ({len(text):,} characters)"
