# mypy: ignore-errors
"""Asks for a URL with requests, httpx and the standard library, and prints what each sees: a status, or an error."""

import json
import sys
import urllib.request

import httpx
import requests

URL = sys.argv[1]


def seen(ask):
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
        return "untrusted" if "CERTIFICATE_VERIFY_FAILED" in repr(error) + str(error) else repr(error)


asked = (
    lambda: requests.get(URL, timeout=10).status_code,
    lambda: httpx.get(URL, timeout=10).status_code,
    lambda: urllib.request.urlopen(URL, timeout=10).status,
)
print(json.dumps([seen(ask) for ask in asked]))  # noqa: T201
