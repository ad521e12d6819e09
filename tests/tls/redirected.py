# mypy: ignore-errors
"""Calls the hosts that two real SDKs have in their code, and prints what a caller sees of each.

It does what a line of /etc/hosts and port 443 would do, without the rights that these need: the names are at
127.0.0.1:PORT. The check of the certificate, and all else, is as it is without it. ``redirected.py PORT NAME...``.
"""

import json
import socket
import sys

PORT, NAMES = int(sys.argv[1]), sys.argv[2:]
resolve = socket.getaddrinfo


def redirected(host, port, *rest, **more):
    is_meant = host in NAMES and int(port) == 443
    return resolve("127.0.0.1", PORT, *rest, **more) if is_meant else resolve(host, port, *rest, **more)


def novu():
    from novu_py import Novu

    with Novu(secret_key="any", retry_config=None) as sdk:
        sent = {"workflow_id": "welcome", "to": "ada", "payload": {}}
        return sdk.trigger(trigger_event_request_dto=sent).result.acknowledged


def suprsend():
    from suprsend import Event, Suprsend

    return Suprsend("a-key-of-a-workspace", "secret").track_event(Event("ada", "WELCOME"))["success"]


def seen(call):
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
        return f"{type(error).__name__}: {error}"


socket.getaddrinfo = redirected
print(json.dumps([seen(novu), seen(suprsend)]))  # noqa: T201
