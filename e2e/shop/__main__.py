"""Starts the shop: tells the gateway where its webhooks go, serves until Ctrl-C, and leaves everything as it was."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn

from e2e.shop.app import Shop, create_app
from e2e.shop.gateway import Gateway, GatewayRefusal, GatewayUnreachable
from e2e.shop.settings import Settings, WrongSetting, read_settings
from e2e.shop.store import Store


class CannotStart(Exception):
    """One line that says why, and what to do."""


def main() -> int:
    # A `kill` or a closed terminal ends the shop the way Ctrl-C does: with the former webhook address put back. Ctrl-C too,
    # since a shell has what it starts in the background ignore it, and the server listens to it only once it runs.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        settings = read_settings(os.environ)
        with listening(settings) as listener, registered(settings) as (gateway, secret):
            serve(settings, gateway, secret, listener)
    except (WrongSetting, CannotStart) as error:
        print(f"shop: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print("The shop is closed; its orders are kept.")
    return 0


@contextlib.contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """The port, before anything is changed at the gateway."""
    try:
        listener = socket.create_server((settings.host, settings.port))
    except OSError as error:
        raise CannotStart(
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror}); GATEWAY_DEMO_PORT sets another port"
        ) from error
    with listener:
        yield listener


@contextlib.contextmanager
def registered(settings: Settings) -> Iterator[tuple[Gateway, str]]:
    """The gateway, which sends its webhooks here meanwhile, and the secret that they are signed with."""
    with contextlib.closing(Gateway(settings.api_url, settings.api_key, settings.api_secret)) as gateway:
        try:
            registration = gateway.register_webhook(settings.webhook_url)
        except GatewayUnreachable as error:
            raise CannotStart(f"no gateway answers at {settings.api_url}: start it with ./gateway up -d") from error
        except GatewayRefusal as error:
            raise CannotStart(f"the gateway refuses {settings.webhook_url} of {settings.api_key}: {error}") from error
        try:
            yield gateway, settings.webhook_secret or registration.secret
        finally:
            try:
                gateway.restore_webhook(settings.webhook_url, registration.former_url)
            except (GatewayUnreachable, GatewayRefusal) as error:
                print(f"shop: the webhook address could not be put back: {error}", file=sys.stderr)


def serve(settings: Settings, gateway: Gateway, secret: str, listener: socket.socket) -> None:
    """Runs until it is told to stop."""
    store = Store(settings.file)
    # What was paid before a crash, and not yet sent.
    store.fulfil_paid()
    app = create_app(Shop(settings, gateway, store, secret))
    host = "localhost" if settings.host in ("127.0.0.1", "0.0.0.0") else settings.host
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3))
    # Whoever reads that the shop is open may close it at once; and uvicorn repeats the signal once everything is closed.
    with contextlib.suppress(KeyboardInterrupt):
        print(f"The shop is open:  http://{host}:{settings.port}", flush=True)
        print(f"Its webhooks:      http://{host}:{settings.port}/logs", flush=True)
        print(f"The gateway calls: {settings.webhook_url}   (Ctrl-C closes the shop)", flush=True)
        server.run(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
