"""E-mail addresses in the one form in which they are stored and compared."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

__all__ = ["normalised_email"]


def normalised_email(text: str) -> str | None:
    """The address in lower case with its domain in ASCII (IDNA), or None where the text is no address.

    No DNS is asked, and names reserved for tests pass: nothing is mailed, the address only names an account. Local
    parts beyond ASCII are refused: two that look alike would be two accounts, and few mail servers take them.
    """
    try:
        checked = validate_email(
            text.strip(),
            allow_smtputf8=False,
            strict=True,
            check_deliverability=False,
            globally_deliverable=False,
            test_environment=True,
        )
    except EmailNotValidError:
        return None
    if checked.ascii_email is None or "." not in (checked.ascii_domain or ""):
        return None
    return checked.ascii_email.lower()
