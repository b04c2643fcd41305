"""HTTP as uvicorn speaks it, with what is no HTTP refused in the envelope of every other error."""

from __future__ import annotations

import secrets

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from chassis.errors import error_body

__all__ = ["EnvelopeProtocol"]

_MALFORMED = error_body("BAD_REQUEST_ERROR", "Malformed HTTP request")


class EnvelopeProtocol(HttpToolsProtocol):
    """The parser is stricter than the proxy: control characters in a header, or a path that is not ASCII, come this far."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  (uvicorn's signature; its text is not in the envelope)
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            "content-type: application/json\r\n"
            f"content-length: {len(_MALFORMED)}\r\n"
            f"x-request-id: {secrets.token_hex(16)}\r\n"
            "connection: close\r\n"
            "\r\n"
        )
        self.transport.write(head.encode("ascii") + _MALFORMED)
        self.transport.close()
