"""Welcome new users; whether a notification can be sent never decides whether they can sign up."""

import json
import os
import urllib.error
import urllib.request
from typing import Any


def sign_up(name: str, plan: str) -> dict[str, Any]:
    """Make a user, and have them welcomed."""
    user = {"id": name.lower(), "name": name, "plan": plan}
    trigger("welcome", user["id"], {"plan": plan})
    return user


def trigger(workflow: str, recipient: str, payload: dict[str, Any]) -> None:
    """Have a notification sent; one that cannot be is lost."""
    url = os.environ.get("MOCKSERVER_NOVU_URL", "https://api.novu.co") + "/v1/events/trigger"
    body = {"name": workflow, "to": [{"subscriberId": recipient}], "payload": json.dumps(payload)}
    headers = {"Authorization": "ApiKey key-of-the-tests", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except urllib.error.HTTPError as error:
        error.close()
