# mypy: ignore-errors
"""Drives novu, the SDK before novu-py."""

from novu.api import EventApi

PACKAGE = "novu"


def trigger(asked):
    if "idempotencyKey" in asked:
        raise NotImplementedError("it sends no idempotency key")
    return _plain(_client(asked).trigger(**_arguments(asked)))


def facts(_):
    return {"timeoutSeconds": EventApi("http://localhost", "any").requests_timeout}


def described(error):
    return {"status": getattr(getattr(error, "response", None), "status_code", None), "message": str(error)}


def _client(asked):
    if "code" in asked:
        return eval(asked["code"])  # noqa: S307 - it is the spec's
    return EventApi(asked["url"], asked["key"], asked.get("timeout"))


def _arguments(asked):
    names = {"to": "recipients", "transactionId": "transaction_id"}
    arguments = {names.get(name, name): value for name, value in asked["request"].items()}
    return {"name": None, **arguments} if asked.get("unchecked") else arguments


def _plain(event):
    return {
        "acknowledged": event.acknowledged,
        "status": event.status,
        "transaction_id": event.transaction_id,
    }
