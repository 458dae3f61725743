# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The twin of connection_spec in module_utils/_connection_options.py.
    DOCUMENTATION = r"""
---
options:
  hostname:
    description:
      - The pool to talk to, by one or more of its members. They are tried in order until one
        answers. A member that is not the pool's master names the master, which is used then;
        see O(follow_master).
      - Each is a name, an address or an IPv6 address in brackets. A port may follow, as in
        V(xcp1.example.com:8443), and beats O(port).
      - C(https://) is understood unless C(http://) is written. With C(http://) the password
        travels in clear, and a warning says so.
      - If not set, the environment variable E(XAPI_HOST) is used, or else E(XENSERVER_HOST).
        There several members are separated by commas.
    type: list
    elements: str
    required: true
  port:
    description:
      - The port for members that are written without one.
      - Without it, that is 443, or 80 for a member written with C(http://).
      - If not set, the environment variable E(XAPI_PORT) is used.
    type: int
  username:
    description:
      - The account to log in with.
      - If not set, the environment variable E(XAPI_USERNAME) is used, or else E(XENSERVER_USER).
    type: str
    default: root
  password:
    description:
      - The password of the account. It is required unless O(session_ref) is given.
      - If not set, the environment variable E(XAPI_PASSWORD) is used, or else
        E(XENSERVER_PASSWORD).
    type: str
  validate_certs:
    description:
      - Whether the hosts' certificates must be signed by a trusted authority and be for the name
        that is written in O(hostname). With O(cert_fingerprint), that alone is checked.
      - Without that check anyone on the way can pose as the pool and read the password.
      - If not set, the environment variable E(XAPI_VALIDATE_CERTS) is used, or else
        E(XENSERVER_VALIDATE_CERTS).
    type: bool
    default: true
  ca_path:
    description:
      - The certificate authorities to trust, as a PEM file or as a directory of such files under
        OpenSSL's hash names. They take the place of those that the system trusts.
      - Give the host's own certificate here if it is self-signed.
      - If not set, the environment variable E(XAPI_CA_PATH) is used.
    type: path
  cert_fingerprint:
    description:
      - The SHA-256 fingerprints of the certificates to trust, one for each host that may be
        talked to. These certificates are trusted and no others, whoever signed them, whatever name
        and dates they have, and whatever O(validate_certs) says.
      - Each is 64 hexadecimal digits, with or without colons between and C(SHA256:) before them.
        The error that an unknown certificate leads to shows the line to write here, and how to
        compare it on the host.
      - It is checked before anything is sent. A member that is written with C(http://) is an error.
      - If not set, the environment variable E(XAPI_CERT_FINGERPRINT) is used. There several
        fingerprints are separated by commas.
    type: list
    elements: str
  session_ref:
    description:
      - The reference of a session to use in place of a login, as C(session.login_with_password)
        returns it. O(username) and O(password) are not used then.
      - The session is not logged out. If it ends while the module is at work, the module fails.
    type: str
  pool_uuid:
    description:
      - The uuid of the pool that is meant. If the host that answers belongs to another pool, the
        module fails before it reads anything else.
      - If not set, the environment variable E(XAPI_POOL_UUID) is used.
    type: str
  request_timeout:
    description:
      - How long one request may take, from the name look-up to the end of its answer.
      - Seconds, or numbers with C(d), C(h), C(m) or C(s), such as V(2m); more than 0, and a day at
        most.
      - If not set, the environment variable E(XAPI_REQUEST_TIMEOUT) is used.
    type: str
    default: "30"
  follow_master:
    description:
      - Whether to go to the pool's master when a member names it. The master is reached by the
        address that it has in the pool, with the scheme, the port and the checks of certificates
        that hold for the member. If its certificate does not fit, the next member is tried.
      - With V(false), a member that is not the master is passed over like one that does not answer.
      - If not set, the environment variable E(XAPI_FOLLOW_MASTER) is used.
    type: bool
    default: true
requirements:
  - requests (Python library)
notes:
  - The module runs where its task runs, which is best the controller. Nothing is installed on the
    hosts of the pool.
  - Environment variables that are set but empty count as not set.
  - The proxies of the environment are used (E(HTTPS_PROXY), E(HTTP_PROXY), E(NO_PROXY)). A file
    C(.netrc) is not read. Without O(ca_path), a bundle of authorities that
    E(REQUESTS_CA_BUNDLE) or E(CURL_CA_BUNDLE) names is used.
  - On SIGTERM, SIGINT and SIGHUP, and when Ansible does not wait any more (the keyword C(timeout)),
    the module logs out and ends. What Ansible kills at the end of C(async) cannot log out.
"""
