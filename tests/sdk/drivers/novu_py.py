# mypy: ignore-errors
"""Drives novu-py, of the current and of the old form."""

from novu_py import Novu, models

PACKAGE = "novu-py"


def trigger(asked):
    with _client(asked) as novu:
        found = novu.trigger(
            trigger_event_request_dto=_request(asked),
            idempotency_key=asked.get("idempotencyKey"),
            timeout_ms=round(asked["timeout"] * 1000) if "timeout" in asked else None,
            http_headers=asked.get("headers"),
        )
    return found.result.model_dump(mode="json", by_alias=True, exclude_none=True)


def facts(_):
    """Return what the SDK would do about a refusal, from the configuration that it makes for a call."""

    class Watched(Novu):
        def do_request(self, *_, retry_config, **__):
            found.update(config=retry_config, client=self.sdk_configuration.client)
            raise InterruptedError

    found = {}
    try:
        Watched(secret_key="any").trigger(trigger_event_request_dto={"workflow_id": "w", "to": "ada"})
    except InterruptedError:
        config, statuses = found["config"]
    return {
        "retries": statuses,
        "retriesForSeconds": config.backoff.max_elapsed_time / 1000,
        "timeoutSeconds": found["client"].timeout.read,
    }


def described(error):
    data = getattr(error, "data", error)
    status = getattr(error, "status_code", None) or getattr(data, "status_code", None)
    return {
        "status": None if status is None else int(status),
        "message": str(getattr(data, "message", None) or error),
    }


def _client(asked):
    if "code" in asked:
        return eval(asked["code"])  # noqa: S307 - it is the spec's
    without_retries = {} if asked.get("retries", True) else {"retry_config": None}
    return Novu(secret_key=asked["key"], server_url=asked["url"], **without_retries)


def _request(asked):
    wanted = dict(asked["request"])
    named = {"workflow_id": wanted.pop("name", None), "transaction_id": wanted.pop("transactionId", None)}
    members = {name: value for name, value in {**named, **wanted}.items() if value is not None}
    if asked.get("unchecked"):
        return models.TriggerEventRequestDto.model_construct(**{"workflow_id": None, **members})
    return members
