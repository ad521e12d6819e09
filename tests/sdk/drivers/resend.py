# mypy: ignore-errors
"""Drives resend, as a client of OpenSend."""

import importlib
import os

import resend

PACKAGE = "resend"


def trigger(asked):
    if "idempotencyKey" in asked:
        raise NotImplementedError("it sends no idempotency key with an event")
    variable, _, url = asked.get("code", f"RESEND_API_URL={asked['url']}").partition("=")
    os.environ[variable] = url
    importlib.reload(resend)  # it reads its environment once
    resend.api_key = asked["key"]
    sent = resend.Events.send(asked["request"])
    return {name: value for name, value in sent.items() if name != "http_headers"}


def facts(_):
    return {"timeoutSeconds": resend.default_http_client._timeout}


def described(error):
    return {"status": getattr(error, "code", None), "message": str(error)}
