# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python -m tests.simulator: serve a simulated pool until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from . import RealClock, Simulator
from .call_log import MIB
from .plan import Plan, read, usual
from .products import PRODUCTS

ENDS = (signal.SIGTERM, signal.SIGINT)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator", description=__doc__.split(": ")[1]
    )
    _add_pool_options(parser.add_argument_group("the pool"))
    parser.add_argument(
        "--host", default="127.0.0.1", help="address of the first host (%(default)s)"
    )
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--username", default="root")
    parser.add_argument("--password", default="xapi-secret")
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
    parser.add_argument("--no-gc", action="store_true", help="collect nothing")
    parser.add_argument(
        "--control", action="store_true", help="open /simulator/ to whoever can connect"
    )
    parser.add_argument(
        "--legacy-ids",
        action="store_true",
        help="answer JSON-RPC as XenServer 7.0 to 7.2: version 1.0, id 0",
    )
    parser.add_argument(
        "--url-file",
        type=Path,
        metavar="FILE",
        help="write the addresses there as JSON once the pool answers",
    )
    parser.add_argument(
        "--log-limit",
        type=int,
        default=16,
        metavar="MIB",
        help="memory for the log of calls (%(default)s); 0: keep no log",
    )
    return parser


def _add_pool_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--product",
        choices=list(PRODUCTS),
        help="what the hosts are (bare, the recorded build from source with three VMs; with --vms, "
        "--srs or --inventory xcp-ng-8.3)",
    )
    group.add_argument("--hosts", type=int, metavar="N", help="hosts, on addresses in a row (1)")
    group.add_argument(
        "--supporters", type=int, default=0, metavar="N", help="hosts beside the master"
    )
    group.add_argument("--vms", type=int, metavar="N", help="VMs (3)")
    group.add_argument("--srs", type=int, metavar="N", help="shared SRs (1)")
    group.add_argument(
        "--tasks", type=int, default=0, metavar="N", help="begin with N tasks of many kinds"
    )
    group.add_argument(
        "--inventory", type=Path, metavar="FILE", help="YAML or JSON file with the objects"
    )


def _plan(args: argparse.Namespace) -> Plan:
    """Return the plan of the pool; raise ValueError for options that make no sense."""
    for name in ("vms", "srs", "tasks", "supporters", "log_limit"):
        if (getattr(args, name) or 0) < 0:
            raise ValueError(f"--{name.replace('_', '-')} has to be 0 or more")
    if args.hosts is not None and args.hosts < 1:
        raise ValueError("--hosts has to be 1 or more")
    if args.hosts is not None and args.supporters:
        raise ValueError("--hosts counts the supporters too: give one of the two")
    planned = [name for name in ("vms", "srs", "inventory") if getattr(args, name) is not None]
    if args.product is None:
        args.product = "xcp-ng-8.3" if planned else "bare"
    if planned and args.product == "bare":
        raise ValueError(f"--{planned[0]} needs a product other than bare")
    if args.inventory is not None:
        return read(args.inventory)
    return usual(3 if args.vms is None else args.vms, 1 if args.srs is None else args.srs)


def _simulator(args: argparse.Namespace) -> Simulator:
    plan = _plan(args)
    hosts = args.hosts or max(len(plan.hosts), args.supporters + 1)
    simulator = Simulator(
        host=args.host,
        port=args.port,
        username=args.username,
        password=args.password,
        tasks=args.tasks,
        supporters=hosts - 1,
        tls=args.tls,
        collects=not args.no_gc,
        control=args.control,
        legacy_ids=args.legacy_ids,
        clock=RealClock(args.speed),
        product=args.product,
        plan=plan,
    )
    simulator.log.limit = args.log_limit * MIB
    return simulator


def _serve(simulator: Simulator, url_file: Path | None) -> None:
    """Print the addresses and wait for a signal to end."""
    simulator.end = lambda: os.kill(os.getpid(), signal.SIGTERM)
    if url_file is not None:
        url_file.write_text(json.dumps({"url": simulator.url, "hosts": _addresses(simulator)}))
    print(simulator.url, flush=True)
    if simulator.certificate:
        print(
            f"certificate {simulator.certificate.pem} sha256 {simulator.certificate.sha256}",
            flush=True,
        )
    for host in simulator.hosts[1:]:
        print(f"supporter {host.url}", flush=True)
    signal.sigwait(ENDS)


def _addresses(simulator: Simulator) -> list[str]:
    return [host.url for host in simulator.hosts]


def main() -> None:
    parser = _parser()
    args = parser.parse_args()
    try:
        simulator = _simulator(args)
    except (LookupError, TypeError, ValueError) as error:
        parser.error(str(error))
    # Waited for, not handled: a handler could interrupt the very wait that it is to end.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    with contextlib.ExitStack() as stack:
        stack.callback(simulator.__exit__, None, None, None)
        try:
            simulator.__enter__()
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            sys.exit(f"Cannot listen on {args.host}, port {args.port}: {reason}")
        _serve(simulator, args.url_file)


if __name__ == "__main__":
    main()
