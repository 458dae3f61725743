# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTML pages that the server answers with where it has no answer of the API (http_svr.ml)."""

from __future__ import annotations

from .values import NOT_IMPLEMENTED

_ENTITIES = str.maketrans({"<": "&lt;", ">": "&gt;", "'": "&apos;", '"': "&quot;", "&": "&amp;"})


class Page(Exception):
    """An answer that is a page, after which the connection closes."""

    def __init__(
        self, status: int, reason: str, body: str, *, version: str = "1.1", realm: str = ""
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.body = body
        self.version = version
        self.realm = realm


def escape(text: str) -> str:
    return text.translate(_ENTITIES)


def _html(title: str, text: str) -> str:
    return f"<html><body><h1>HTTP {title}</h1>{text}</body></html>"


def internal_error(extra: str, *, version: str = "1.1") -> Page:
    """Return the page for any exception; `extra` is HTML, mostly the exception's text."""
    text = (
        "An unexpected error occurred; please wait a while and try again. If the problem persists, "
        "please contact your support representative."
        f"<h1> Additional information </h1>{extra}"
    )
    body = _html("500 internal server error", text)
    return Page(500, "Internal Error", body, version=version)


def exception(text: str, *, version: str = "1.1") -> Page:
    """Return the page for an exception that is known by its text."""
    return internal_error(escape(text), version=version)


def unparsable() -> Page:
    return internal_error("The HTTP headers could not be parsed.")


def forbidden(*, version: str = "1.1") -> Page:
    text = "Access to the requested resource is forbidden."
    return Page(403, "Forbidden", _html("403 forbidden", text), version=version)


def unauthorized(realm: str, *, version: str = "1.1") -> Page:
    """Return the page for a request without a valid session."""
    body = _html("401 unauthorised", "Please check your credentials and retry.")
    return Page(401, "Unauthorised", body, version=version, realm=realm)


def not_simulated(name: str, *, version: str = "1.1") -> Page:
    """Return the simulator's own page for a request that a server answers and it does not."""
    body = _html("501 not simulated", f"{NOT_IMPLEMENTED} {name}")
    return Page(501, "Not simulated", body, version=version)


def missing(path: str) -> Page:
    body = (
        '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN"> <html><head> '
        "<title>404 Not Found</title> </head><body> <h1>Not Found</h1> "
        f"<p>The requested URL {escape(path)} was not found on this server.</p> "
        "<hr><address>Xapi Server</address></body></html>"
    )
    return Page(404, "Not Found", body)


def timed_out() -> Page:
    text = "Timed out waiting for the request."
    return Page(408, "Request Timeout", _html("408 request timeout", text))


def header_too_large() -> Page:
    reason = "Request Header Fields Too Large"
    text = "Exceeded the maximum header size."
    return Page(431, reason, _html("431 request header fields too large", text))


def not_implemented(method: str, *, version: str = "1.1") -> Page:
    body = _html("501 Method Not Implemented", f"<p>Unknown {method} not supported.<br /></p>")
    return Page(501, "Method not implemented", body, version=version)
