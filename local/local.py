#!/usr/bin/env python3
"""The local default: an AWS, an EMR, a Livy and a Spark on this machine, without Docker and without an account."""

import argparse
import json
import os
import shlex
import signal
import sys
import time

# All that is written goes below `.local/`, compiled modules too.
sys.dont_write_bytecode = True

import install
import machine
import paths
from instance import SERVICES, Instance
from say import Fault, bad, dim, good

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    # A closed terminal and a polite `kill` end as Ctrl-C does: with everything stopped. A shell's background
    # jobs would not even hear Ctrl-C's own signal.
    for sign in ENDS:
        signal.signal(sign, signal.default_int_handler)
    options = _parse()
    try:
        return options.act(options) or 0
    except Fault as fault:
        print(bad(str(fault), sys.stderr), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _install(options) -> None:
    install.install(options.parts)


def _jar(options) -> None:
    install.jar()
    print(paths.SPARK_PI)


def _up(options) -> None:
    instance = _start(options)
    _show(instance)
    print(dim("For your own use, in this shell: ") + f'eval "$({_self(options)} env)"')


def _run(options) -> int:
    instance = Instance(options.instance)
    if any(map(instance.alive, SERVICES)):
        raise Fault(f"The instance {instance.name!r} is up already: `{_self(options)} down` ends it")
    try:
        instance = _start(options)
        _show(instance)
        print("Ctrl-C stops everything.", flush=True)
        # Meanwhile its services may be stopped and started from elsewhere.
        while not (dead := instance.died()):
            if not instance.state:
                print("Taken down from elsewhere.")
                return 0
            time.sleep(1)
        raise Fault(f"Ended: {', '.join(dead)}. Its log: {instance.folder / 'log'}")
    finally:
        for sign in ENDS:
            signal.signal(sign, signal.SIG_IGN)
        Instance(options.instance).down()


def _down(options) -> None:
    Instance(options.instance).down()


def _status(options) -> int:
    instance = Instance(options.instance)
    if options.json:
        print(json.dumps(instance.status(), indent=2))
    else:
        _show(instance)
    return 0 if _well(instance) else 1


def _service(options) -> None:
    instance = Instance(options.instance)
    if options.command in ("stop", "restart"):
        instance.stop(options.service)
    if options.command in ("start", "restart"):
        instance.start(options.service)


def _env(options) -> None:
    exports = [f"export {name}={shlex.quote(value)}" for name, value in Instance(options.instance).environment().items()]
    print("unset AWS_PROFILE AWS_SESSION_TOKEN", *exports, sep="\n")


def _logs(options) -> None:
    logs = sorted((Instance(options.instance).folder / "log").glob("*.log"))
    if not logs:
        raise Fault(f"The instance {options.instance!r} has no logs")
    os.execvp("tail", ["tail", "-n", str(options.lines), *(["-F"] if options.follow else []), *map(str, logs)])


def _start(options) -> Instance:
    machine.check_python()
    machine.check_java()
    instance = Instance(options.instance)
    if not instance.up(options.aws_port, options.livy_port, options.emr_port, options.livy_retain):
        print("It is up already.")
        if not _well(instance):
            raise Fault(f"But not well; `{_self(options)} status` tells more, `{_self(options)} down` ends it")
    return instance


def _well(instance: Instance) -> bool:
    status = instance.status()
    return all(status.get(name, {}).get("healthy") for name in SERVICES)


def _show(instance: Instance) -> None:
    status = instance.status()
    for name in SERVICES:
        service = status.get(name)
        word = good("up") if service and service["healthy"] else bad("not well") if service and service["running"] else bad("down")
        print(f"{name:<6} {word}   {service['url']}   {dim(service['log'])}" if service else f"{name:<6} {word}", flush=True)


def _self(options) -> str:
    other = "" if options.instance == "default" else f" --instance {options.instance}"
    return os.path.relpath(__file__) + other


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    instance = os.environ.get("SPARKJOB_INSTANCE", "default")
    parser.add_argument("--instance", default=instance, metavar="NAME", help="which one, where several run side by side")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    def command(name, act, text):
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(act=act)
        return added

    installer = command("install", _install, "fetch what is needed, once")
    installer.add_argument("parts", nargs="*", metavar="|".join(install.PARTS))
    command("jar", _jar, f"compile the SparkPi example into {paths.SPARK_PI.relative_to(paths.ROOT)}")
    _ports(command("up", _up, "start it in the background, and wait until it is well"))
    _ports(command("run", _run, "start it in the foreground, and stop it all on Ctrl-C"))
    command("down", _down, "stop everything")
    command("status", _status, "what runs where").add_argument("--json", action="store_true")
    for name, text in (("start", "start one service again"), ("stop", "stop one service"), ("restart", "stop and start one service")):
        command(name, _service, text).add_argument("service", choices=SERVICES)
    command("env", _env, "what a shell needs to work with it, as export lines")
    logs = command("logs", _logs, "the ends of the logs")
    logs.add_argument("--follow", "-f", action="store_true")
    logs.add_argument("--lines", "-n", type=int, default=40)
    return parser.parse_args()


def _ports(parser: argparse.ArgumentParser) -> None:
    def option(name, variable, default, text):
        value = int(os.environ.get(variable) or default)
        parser.add_argument(name, type=int, default=value, help=f"{text} (default: {variable} or {default})", metavar="N")

    option("--aws-port", "SPARKJOB_AWS_PORT", 4566, "AWS's port, 0 for a free one")
    option("--livy-port", "SPARKJOB_LIVY_PORT", 8998, "Livy's port, 0 for a free one")
    option("--emr-port", "SPARKJOB_EMR_PORT", 4567, "the EMR APIs' port, 0 for a free one")
    option("--livy-retain", "SPARKJOB_LIVY_RETAIN", 600, "seconds for which Livy remembers a finished batch")


if __name__ == "__main__":
    sys.exit(main())
