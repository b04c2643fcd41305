"""The commands of `./gateway`: parses them, and says what happens in words.

Imported by the bootstrap before anything is installed, so whatever needs a library is imported by
the command that needs it.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devstack.problems import StackError

if TYPE_CHECKING:
    from devstack.stack import Stack

# Commands whose work lies in another folder, listed once the folder is there.
DELEGATED = {
    "bench": ("bench/src/gateway_bench", "gateway_bench", "measure a platform of its own against PostgreSQL's floor"),
    "faults": ("e2e/src/gateway_faults", "gateway_faults", "kill, freeze and starve parts of a platform and count the damage"),
    "demo": ("e2e/shop", "e2e.shop", "run the sample merchant on port 4000 against the platform"),
}
WATCH_INTERVAL_SECONDS = 0.5


def parse(root: Path, arguments: Sequence[str]) -> argparse.Namespace:
    """The command and its options; stops with the usage when there is no such command."""
    parser = argparse.ArgumentParser(prog="./gateway", description="The payment gateway on this machine.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    up = commands.add_parser("up", help="start the platform and stay in front of it until Ctrl-C")
    up.add_argument("-d", "--detach", action="store_true", help="leave it in the background")
    down = commands.add_parser("down", help="stop the platform; its data stays")
    down.add_argument("--wipe", action="store_true", help="remove the data as well")
    commands.add_parser("status", help="show every process; exit code 0 if all of them run")
    logs = commands.add_parser("logs", help="show the last lines of the logs")
    logs.add_argument("-f", "--follow", action="store_true", help="keep showing new lines until Ctrl-C")
    logs.add_argument("name", nargs="?", metavar="NAME", help="one process of `./gateway status`")
    commands.add_parser("test", help="run every check and test; more arguments go to pytest", add_help=False)
    for name, (folder, _, summary) in DELEGATED.items():
        if (root / folder).exists():
            commands.add_parser(name, help=summary, add_help=False)
    options, rest = parser.parse_known_args(arguments)
    options.rest = rest
    if rest and options.command not in ("test", *DELEGATED):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return options


def main(arguments: Sequence[str]) -> int:
    """Carries out one command and answers with its exit code."""
    root = Path(os.environ.get("GATEWAY_ROOT") or Path.cwd())
    options = parse(root, arguments)
    # A terminal that closes, or a `kill`, ends a command the way Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        return carry_out(root, options)
    except StackError as error:
        print(f"{error}" if error.is_configuration else f"gateway: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\ngateway: interrupted", file=sys.stderr)
        return 130


def carry_out(root: Path, options: argparse.Namespace) -> int:
    """Hands a parsed command to the function that does it."""
    if options.command in DELEGATED:
        environment = demo_environment(root) if options.command == "demo" else dict(os.environ)
        os.chdir(root)
        # In this process's place: Ctrl-C, and the time that tidying up takes, are the other program's own.
        os.execve(sys.executable, [sys.executable, "-m", DELEGATED[options.command][1], *options.rest], environment)
    if options.command == "test":
        from devstack.testing import run_checks

        return run_checks(root, options.rest)

    from devstack.settings import read_settings
    from devstack.stack import Stack

    settings = read_settings(root, os.environ)
    stack = Stack(settings.home, settings.ports, settings.environment, root=root, say=say)
    if options.command == "up":
        return up(stack, detach=options.detach)
    if options.command == "down":
        return down(stack, wipe=options.wipe)
    if options.command == "status":
        return status(stack)
    return logs(stack, options.name, follow=options.follow)


def demo_environment(root: Path) -> dict[str, str]:
    """What points the sample merchant at the platform of this repository, where the environment does not say otherwise."""
    from devstack.folders import folders_of
    from devstack.settings import complete_environment, read_settings

    settings = read_settings(root, os.environ)
    complete = complete_environment(settings.environment)
    return {
        "GATEWAY_API_URL": f"http://127.0.0.1:{settings.ports.api}",
        "GATEWAY_CHECKOUT_PORT": str(settings.ports.checkout),
        "GATEWAY_DEMO_PORT": str(settings.ports.demo),
        "GATEWAY_DEMO_FILE": str(folders_of(settings.home).data / "shop.sqlite3"),
        "GATEWAY_API_KEY": complete["TEST_API_KEY"],
        "GATEWAY_API_SECRET": complete["TEST_API_SECRET"],
        **settings.environment,
    }


def say(text: str) -> None:
    """One line of progress. A reader who has gone away does not stop what is being done."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def up(stack: "Stack", *, detach: bool) -> int:
    """Starts the platform, or says that it runs already."""
    started = time.monotonic()
    with stack.locked():
        if stack.is_started():
            say("The platform is running already (./gateway down stops it).")
            print_addresses(stack)
            return 0
        try:
            stack.start()
        except KeyboardInterrupt:
            say("\nStopping …")
            stack.stop()
            raise
    say(f"The platform is healthy after {time.monotonic() - started:.1f} s.")
    print_addresses(stack)
    if detach:
        return 0
    return stay_in_front(stack)


def print_addresses(stack: "Stack") -> None:
    """Where everything is, and the credentials to try it with."""
    rows = [
        *stack.urls.items(),
        ("test merchant", stack.environment["TEST_MERCHANT_EMAIL"]),
        ("X-Api-Key", stack.environment["TEST_API_KEY"]),
        ("X-Api-Secret", stack.environment["TEST_API_SECRET"]),
    ]
    for label, value in rows:
        say(f"  {label:<14} {value}")


def stay_in_front(stack: "Stack") -> int:
    """Reports what changes its state, and stops everything on Ctrl-C."""
    say("Ctrl-C stops it; ./gateway logs -f shows what it does.")
    known = {state.name: state.summary for state in stack.states()}
    try:
        while stack.is_started():
            time.sleep(WATCH_INTERVAL_SECONDS)
            for state in stack.states():
                if known.get(state.name) != state.summary:
                    say(f"{time.strftime('%H:%M:%S')}  {state.name:<16} {state.summary}")
                    known[state.name] = state.summary
    except KeyboardInterrupt:
        say("\nStopping …")
        with stack.locked():
            stack.stop()
    say("The platform is stopped; its data is kept.")
    return 0


def down(stack: "Stack", *, wipe: bool) -> int:
    """Stops the platform and, where asked to, removes its data."""
    with stack.locked():
        was_running = stack.stop()
        say("The platform is stopped." if was_running else "The platform was not running.")
        if wipe:
            stack.wipe()
            say("Its data is removed.")
    return 0


def status(stack: "Stack") -> int:
    """A table of all processes."""
    states = stack.states()
    if not states:
        say("The platform is not running.")
        return 1
    say(f"{'PROCESS':<18}{'STATE':<10}{'PID':>8}  UPTIME")
    for state in states:
        say(f"{state.name:<18}{state.state:<10}{state.pid or '-':>8}  {state.uptime}")
    return 0 if all(state.is_running for state in states) else 1


def logs(stack: "Stack", name: str | None, *, follow: bool) -> int:
    """The last lines of one log or of all, each with the process's name in front."""
    from devstack.logs import follow_logs, show_last_lines

    files = stack.log_files(name)
    show_last_lines(files)
    if follow:
        try:
            follow_logs(files)
        except KeyboardInterrupt:
            return 0
    return 0
