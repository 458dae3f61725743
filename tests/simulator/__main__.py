# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python -m tests.simulator: serve a simulated pool until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import signal

from . import RealClock, Simulator

ENDS = (signal.SIGTERM, signal.SIGINT)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator", description=__doc__.split(": ")[1]
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address of the first host (%(default)s)"
    )
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--username", default="root")
    parser.add_argument("--password", default="xapi-secret")
    parser.add_argument(
        "--tasks", type=int, default=0, metavar="N", help="begin with N tasks of many kinds"
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        metavar="X",
        help="let the server's time run X times as fast",
    )
    parser.add_argument(
        "--tls", action="store_true", help="serve https with a certificate made at start"
    )
    parser.add_argument(
        "--supporters",
        type=int,
        default=0,
        metavar="N",
        help="hosts beside the master, on the next addresses",
    )
    parser.add_argument("--no-gc", action="store_true", help="collect nothing")
    parser.add_argument(
        "--control", action="store_true", help="open /simulator/ to whoever can connect"
    )
    parser.add_argument(
        "--legacy-ids",
        action="store_true",
        help="answer JSON-RPC as XenServer 7.0 to 7.2: version 1.0, id 0",
    )
    return parser.parse_args()


def main() -> None:
    args = _arguments()
    # Waited for, not handled: a handler could interrupt the very wait that it is to end.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    with Simulator(
        host=args.host,
        port=args.port,
        username=args.username,
        password=args.password,
        tasks=args.tasks,
        supporters=args.supporters,
        tls=args.tls,
        collects=not args.no_gc,
        control=args.control,
        legacy_ids=args.legacy_ids,
        clock=RealClock(args.speed),
    ) as simulator:
        print(simulator.url, flush=True)
        if simulator.certificate:
            print(
                f"certificate {simulator.certificate.pem} sha256 {simulator.certificate.sha256}",
                flush=True,
            )
        for host in simulator.hosts[1:]:
            print(f"supporter {host.url}", flush=True)
        signal.sigwait(ENDS)


if __name__ == "__main__":
    main()
