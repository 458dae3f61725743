# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A self-signed certificate made at start, with arithmetic alone: ECDSA on P-256 and some
DER.

The key lives as long as the simulator and guards only loopback connections of tests.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import secrets
import ssl
import tempfile
import time
from pathlib import Path
from typing import TypeAlias

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_A = _P - 3
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_Point: TypeAlias = tuple[int, int] | None

_EC_PUBLIC_KEY = "1.2.840.10045.2.1"
_P256 = "1.2.840.10045.3.1.7"
_ECDSA_SHA256 = "1.2.840.10045.4.3.2"
_COMMON_NAME = "2.5.4.3"
_ALTERNATIVE_NAMES = "2.5.29.17"
_BASIC_CONSTRAINTS = "2.5.29.19"


class Certificate:
    """A certificate for some names and addresses, valid from a day ago to ten years on.

    `pem` is the path of the certificate alone, for clients to trust; `context` is for the server.
    """

    def __init__(
        self, names: list[str], *, valid_from: float | None = None, days: int = 3650
    ) -> None:
        began = time.time() - 86400 if valid_from is None else valid_from
        key = secrets.randbelow(_N - 1) + 1
        public = _times(key, _G)
        der = _certificate(names, key, public, began, began + days * 86400)
        self.sha256 = hashlib.sha256(der).hexdigest().upper()
        self._folder = tempfile.TemporaryDirectory(prefix="xapi-simulator-")
        self.pem = Path(self._folder.name) / "certificate.pem"
        self.pem.write_text(_pem("CERTIFICATE", der), encoding="ascii")
        private = Path(self._folder.name) / "key.pem"
        private.write_text(_pem("EC PRIVATE KEY", _private_key(key, public)), encoding="ascii")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.pem, private)
        private.unlink()

    @property
    def fingerprint(self) -> str:
        """The SHA-256 as OpenSSL writes it."""
        return ":".join(self.sha256[place : place + 2] for place in range(0, 64, 2))

    def remove(self) -> None:
        self._folder.cleanup()


def _add(left: _Point, right: _Point) -> _Point:
    if left is None:
        return right
    if right is None:
        return left
    if left[0] == right[0]:
        if (left[1] + right[1]) % _P == 0:
            return None
        slope = (3 * left[0] * left[0] + _A) * pow(2 * left[1], -1, _P)
    else:
        slope = (right[1] - left[1]) * pow(right[0] - left[0], -1, _P)
    x = (slope * slope - left[0] - right[0]) % _P
    return x, (slope * (left[0] - x) - left[1]) % _P


def _times(factor: int, point: _Point) -> tuple[int, int]:
    total: _Point = None
    while factor:
        if factor & 1:
            total = _add(total, point)
        point = _add(point, point)
        factor >>= 1
    if total is None:
        raise ValueError("the point at infinity is no key")
    return total


def _sign(key: int, message: bytes) -> bytes:
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    nonce = secrets.randbelow(_N - 1) + 1
    r = _times(nonce, _G)[0] % _N
    s = pow(nonce, -1, _N) * (digest + r * key) % _N
    return _sequence(_integer(r), _integer(s))


def _certificate(
    names: list[str], key: int, public: tuple[int, int], begins: float, ends: float
) -> bytes:
    algorithm = _sequence(_oid(_ECDSA_SHA256))
    who = _sequence(_tlv(0x31, _sequence(_oid(_COMMON_NAME), _tlv(0x0C, names[0].encode()))))
    key_info = _sequence(_sequence(_oid(_EC_PUBLIC_KEY), _oid(_P256)), _bits(_point(public)))
    extensions = _sequence(
        _sequence(_oid(_ALTERNATIVE_NAMES), _tlv(0x04, _sequence(*map(_general_name, names)))),
        _sequence(
            _oid(_BASIC_CONSTRAINTS),
            _tlv(0x01, b"\xff"),
            _tlv(0x04, _sequence(_tlv(0x01, b"\xff"))),
        ),
    )
    body = _sequence(
        _tlv(0xA0, _integer(2)),
        _integer(secrets.randbits(63)),
        algorithm,
        who,
        _sequence(_time(begins), _time(ends)),
        who,
        key_info,
        _tlv(0xA3, extensions),
    )
    return _sequence(body, algorithm, _bits(_sign(key, body)))


def _private_key(key: int, public: tuple[int, int]) -> bytes:
    secret = _tlv(0x04, key.to_bytes(32, "big"))
    return _sequence(
        _integer(1), secret, _tlv(0xA0, _oid(_P256)), _tlv(0xA1, _bits(_point(public)))
    )


def _general_name(name: str) -> bytes:
    try:
        return _tlv(0x87, ipaddress.ip_address(name).packed)
    except ValueError:
        return _tlv(0x82, name.encode())


def _point(point: tuple[int, int]) -> bytes:
    return b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def _tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 128:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 128 + len(size))) + size + content


def _sequence(*parts: bytes) -> bytes:
    return _tlv(0x30, b"".join(parts))


def _integer(value: int) -> bytes:
    return _tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _bits(content: bytes) -> bytes:
    return _tlv(0x03, b"\0" + content)


def _oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    content = bytes((40 * first + second,))
    for number in rest:
        digits = [number & 127]
        while number > 127:
            number >>= 7
            digits.append(128 | number & 127)
        content += bytes(reversed(digits))
    return _tlv(0x06, content)


def _time(moment: float) -> bytes:
    return _tlv(0x18, time.strftime("%Y%m%d%H%M%SZ", time.gmtime(moment)).encode())


def _pem(kind: str, der: bytes) -> str:
    return f"-----BEGIN {kind}-----\n{base64.encodebytes(der).decode()}-----END {kind}-----\n"
