"""What an API server, or its absence, tells us as the errors of `Cluster`.

Owns: metav1.Status to ApiError, answers that are no Status, and connections that fail, in the words that Go programs
use and people search for. Must not know: sessions, resources.
Behaviour follows apimachinery `pkg/api/errors` (NewGenericServerResponse) and Go's net and crypto/tls messages.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec

from canarium.kube.cluster import AlreadyExists, ApiError, Conflict, Gone, NotFound, Unavailable

_GENERIC: dict[int, tuple[str, str]] = {
    400: ("BadRequest", "the server rejected our request for an unknown reason"),
    401: ("Unauthorized", "the server has asked for the client to provide credentials"),
    403: ("Forbidden", ""),
    404: ("NotFound", "the server could not find the requested resource"),
    405: ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
    406: ("NotAcceptable", "the server was unable to respond with a content type that the client supports"),
    409: ("Conflict", "the server reported a conflict"),
    410: ("Gone", "the requested version is no longer kept"),
    415: ("UnsupportedMediaType", ""),
    422: ("Invalid", "the server rejected our request due to an error in our request"),
    429: ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: (
        "Timeout",
        "the server was unable to return a response in the time allotted, but may still be processing the request",
    ),
}

_SAID_AT_MOST = 200
"""Characters of a strange answer that an error repeats."""


def of_status(status: Mapping[str, Any], code: int) -> ApiError:
    """A metav1.Status that is no success. code: the HTTP status, for a Status that does not say."""
    code = int(status.get("code") or code)
    reason = str(status.get("reason") or "")
    details = status.get("details")
    causes = tuple(
        (str(cause.get("field") or ""), str(cause.get("reason") or ""), str(cause.get("message") or ""))
        for cause in (details or {}).get("causes") or ()
    )
    message = str(status.get("message") or _GENERIC.get(code, ("", ""))[1] or f"the server answered {code}")
    return _class_of(code, reason)(code, reason or "Unknown", message, causes=causes, details=details)


def _class_of(code: int, reason: str) -> type[ApiError]:
    if reason == "AlreadyExists":
        return AlreadyExists
    return {404: NotFound, 409: Conflict, 410: Gone}.get(code, ApiError)


def of_answer(code: int, content_type: str, body: bytes, *, method: str, url: str, location: str = "") -> ApiError:
    """An answer that is not success: the Status in it, or what its code means when a proxy or something else spoke."""
    try:
        status = msgspec.json.decode(body)
    except msgspec.DecodeError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return of_status(status, code)
    said = _said(body)
    if 300 <= code < 400:
        return not_the_api(code, content_type, body, method=method, url=url, location=location)
    reason, message = _GENERIC.get(code, ("InternalError" if code >= 500 else "Unknown", ""))
    if code == 409 and method == "POST":
        reason = "AlreadyExists"
    if not message and code >= 500:
        message = f'an error on the server ("{said}") has prevented the request from succeeding'
    elif not message:
        message = said or f"the server responded with the status code {code} but did not return more information"
    elif said and code != 401:
        message = f"{message}: {said}"
    causes = (("", "UnexpectedServerResponse", said),) if said else ()
    return _class_of(code, reason)(code, reason, message, causes=causes)


def not_the_api(code: int, content_type: str, body: bytes, *, method: str, url: str, location: str = "") -> ApiError:
    """Success in words that no API server uses: a login page, most often."""
    if location:
        what = f"the answer is a redirect to {location}"
    else:
        kind = content_type.partition(";")[0] or "no content type"
        what = f'the answer is not JSON ({kind}): "{_said(body)}"'
    return ApiError(
        code,
        "UnexpectedServerResponse",
        f'{method.capitalize()} "{url}": {what}',
        next_step="Check the server's address: something that is not a Kubernetes API server answers there.",
    )


def _said(body: bytes) -> str:
    text = " ".join(body[: _SAID_AT_MOST * 4].decode(errors="replace").split())
    return text if len(text) <= _SAID_AT_MOST else f"{text[:_SAID_AT_MOST]}…"


# -- no answer --------------------------------------------------------------------------------------------------------


def unanswered(error: BaseException, *, method: str, url: str, host: str) -> Unavailable:
    """No answer arrived: which request, which address, why.

    host: `address:port`. details: `host` and `cause`, the latter without the request, as kubectl prints it.
    """
    cause = _cause(error, host)
    code, reason = (504, "Timeout") if isinstance(error, TimeoutError) else (503, "ServiceUnavailable")
    if "connection refused" in cause:
        hint = f"The connection to the server {host} was refused - did you specify the right host or port?"
    elif "x509" in cause:
        hint = "Check certificate-authority-data in the kubeconfig, or use --insecure-skip-tls-verify to look away."
    else:
        hint = f"Unable to connect to the server {host}: is it running, and reachable from here?"
    return Unavailable(
        code,
        reason,
        f'{method.capitalize()} "{url}": {cause}',
        details={"host": host, "cause": cause},
        next_step=hint,
    )


def _cause(error: BaseException, host: str) -> str:
    """Go's words for it."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return f"dial tcp: lookup {host.rpartition(':')[0]}: no such host"
        case aiohttp.ClientConnectorCertificateError():
            return _certificate(error.certificate_error, host)
        case aiohttp.ClientConnectorSSLError() | ssl.SSLError():
            return _handshake(error)
        case aiohttp.ServerFingerprintMismatch():
            return "tls: the server's certificate is not the expected one"
        case aiohttp.ConnectionTimeoutError():
            return f"dial tcp {host}: i/o timeout"
        case aiohttp.ClientConnectorError():
            return f"dial tcp {host}: connect: {_errno(error.os_error)}"
        case aiohttp.SocketTimeoutError():
            return f"read tcp {host}: i/o timeout"
        case TimeoutError():
            return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        case aiohttp.ServerDisconnectedError():
            return "EOF"
        case aiohttp.ClientPayloadError():
            return "unexpected EOF"
        case OSError():
            return f"read tcp {host}: {_errno(error)}"
        case aiohttp.InvalidURL():
            return "the server's address is not a URL"
        case _:
            return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _errno(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "no such host"
    if error.errno is not None and error.errno in errno.errorcode:
        return os.strerror(error.errno).lower()
    return (error.strerror or str(error)).lower()


def _certificate(error: BaseException, host: str) -> str:
    name = host.rpartition(":")[0].strip("[]")
    code = getattr(error, "verify_code", 0)
    said = getattr(error, "verify_message", "") or str(error)
    if code in (62, 64):  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
        return f"tls: failed to verify certificate: x509: certificate is not valid for {name}"
    if code in (9, 10):  # not yet valid, expired
        return f"tls: failed to verify certificate: x509: certificate has expired or is not yet valid: {said}"
    if code in (2, 18, 19, 20, 21):
        return "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    return f"tls: failed to verify certificate: x509: {said}"


def _handshake(error: BaseException) -> str:
    said = str(error)
    if "WRONG_VERSION_NUMBER" in said or "RECORD_LAYER_FAILURE" in said:
        return "http: server gave HTTP response to HTTPS client"
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return f"tls: {getattr(inner, 'reason', None) or said}".lower()
