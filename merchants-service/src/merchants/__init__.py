"""Merchants: accounts, credentials, and who a request comes from.

Other contexts use what ``__all__`` names.
"""

from merchants import housekeeping
from merchants.authentication import Authenticator, Principal
from merchants.settings import AuthenticationSettings

__all__ = ["AuthenticationSettings", "Authenticator", "Principal", "housekeeping"]
