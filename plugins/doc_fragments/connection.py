# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # This must match connection_spec in module_utils/_client/options.py.
    DOCUMENTATION = r"""
---
options:
  hostname:
    description:
      - The pool to connect to, as a list of one or more of its members. The module tries them in
        order until one answers. If a member is not the pool's master, the module continues with the
        master that this member names; see O(follow_master).
      - Each member is a host name, an IPv4 address or an IPv6 address in brackets, with or without
        a port, such as V(xcp1.example.com:8443). A port here takes precedence over O(port).
      - The scheme is C(https://) unless you write C(http://). With C(http://) the password is sent
        unencrypted, and the module warns about it.
      - If this option is not set, the environment variable E(XAPI_HOST) is used, or else
        E(XENSERVER_HOST). Separate several members by commas there.
    type: list
    elements: str
    required: true
  port:
    description:
      - The port of members that are written without one. By default this is 443, or 80 for a
        member with C(http://).
      - If this option is not set, the environment variable E(XAPI_PORT) is used.
    type: int
  username:
    description:
      - The account to log in with.
      - If this option is not set, the environment variable E(XAPI_USERNAME) is used, or else
        E(XENSERVER_USER).
    type: str
    default: root
  password:
    description:
      - The password of the account. It is required unless O(session_ref) is set.
      - If this option is not set, the environment variable E(XAPI_PASSWORD) is used, or else
        E(XENSERVER_PASSWORD).
    type: str
  validate_certs:
    description:
      - Whether to require that a trusted authority signed the hosts' certificates, and that these
        are valid for the names in O(hostname). With O(cert_fingerprint), only the fingerprint is
        checked.
      - If this is V(false), an attacker on the network can impersonate the pool and read the
        password.
      - If this option is not set, the environment variable E(XAPI_VALIDATE_CERTS) is used, or else
        E(XENSERVER_VALIDATE_CERTS).
    type: bool
    default: true
  ca_path:
    description:
      - The certificate authorities to trust instead of those of the system, as a PEM file or as a
        directory of such files under OpenSSL's hash names.
      - For a self-signed certificate, set this to the certificate of the host.
      - If this option is not set, the environment variable E(XAPI_CA_PATH) is used.
    type: path
  cert_fingerprint:
    description:
      - The SHA-256 fingerprints of the certificates to trust, one for each host that the module may
        connect to. It trusts no other certificates, and ignores the signer, name and dates of
        these, and O(validate_certs).
      - Each fingerprint is 64 hexadecimal digits, with or without colons between them and
        C(SHA256:) before them. If a certificate is not trusted, the error message has the line to
        write here, and a command to compare the fingerprint on the host.
      - The fingerprint is checked before anything is sent. A member with C(http://) is an error.
      - If this option is not set, the environment variable E(XAPI_CERT_FINGERPRINT) is used.
        Separate several fingerprints by commas there.
    type: list
    elements: str
  session_ref:
    description:
      - The reference of a session to use instead of logging in, as
        C(session.login_with_password) returns it. O(username) and O(password) are not used then.
      - The module does not log this session out. It fails if the session ends during the run.
    type: str
  pool_uuid:
    description:
      - The uuid of the expected pool. If the host belongs to another pool, the module fails before
        it reads anything else.
      - If this option is not set, the environment variable E(XAPI_POOL_UUID) is used.
    type: str
  request_timeout:
    description:
      - How long one request may take, from the name lookup to the end of the response.
      - Write seconds, or numbers with C(d), C(h), C(m) or C(s), such as V(2m). The value must be
        more than 0 and at most a day.
      - If this option is not set, the environment variable E(XAPI_REQUEST_TIMEOUT) is used.
    type: str
    default: "30"
  follow_master:
    description:
      - Whether to connect to the pool's master if a member names it. The module uses the address
        that the master has in the pool, with the scheme, the port and the certificate checks of the
        member. If these checks fail, it tries the next member.
      - If this is V(false), the module skips a member that is not the master, like one that does
        not answer.
      - If this option is not set, the environment variable E(XAPI_FOLLOW_MASTER) is used.
    type: bool
    default: true
requirements:
  - requests (Python library)
notes:
  - The module runs where its task runs, preferably on the controller. It does not install anything
    on the hosts of the pool.
  - An environment variable that is set but empty counts as not set.
  - The module uses the proxies of the environment (E(HTTPS_PROXY), E(HTTP_PROXY), E(NO_PROXY)). It
    does not read a file C(.netrc). Without O(ca_path), it uses the CA bundle that
    E(REQUESTS_CA_BUNDLE) or E(CURL_CA_BUNDLE) names.
  - On SIGTERM, SIGINT and SIGHUP, and when Ansible stops waiting for it (the keyword C(timeout)),
    the module logs out and ends. It cannot log out if Ansible kills it at the end of C(async).
"""
