# mypy: ignore-errors
"""Runs a driver of a Python SDK: ``python -I host.py driver.py``; ``tests/sdk/README.md`` describes the protocol.

Of the driver, each function without an underscore is a call: it takes what was asked, and returns what the SDK's caller
would get, or raises what the SDK raises. `NotImplementedError` says that the SDK cannot do it. A result that a caller
would not take for success is returned as ``Failed(result)``, and ``described`` may tell status and message of an error.
"""

import importlib.metadata
import importlib.util
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor


class Failed:
    """What an SDK returned and marked as a failure."""

    def __init__(self, result):
        self.result = result


def load(path):
    spec = importlib.util.spec_from_file_location("driver", path)
    driver = importlib.util.module_from_spec(spec)
    driver.Failed = Failed
    spec.loader.exec_module(driver)
    return driver


def described(error):
    return {"status": getattr(error, "status_code", None), "message": str(error)}


def answer(driver, asked):
    if "together" in asked:
        with ThreadPoolExecutor() as pool:
            return {"together": list(pool.map(lambda each: answer(driver, each), asked["together"]))}
    call = getattr(driver, asked["call"], None)
    if call is None:
        return {"unsupported": f"the driver has no {asked['call']}"}
    try:
        found = call(asked)
    except NotImplementedError as error:
        return {"unsupported": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever an SDK raises is what was asked for
        told = getattr(driver, "described", described)(error)
        return {"raised": {"type": type(error).__name__, **told}, "ok": False}
    if isinstance(found, Failed):
        return {"returned": found.result, "ok": False}
    return {"returned": found, "ok": True}


def main(path):
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what an SDK prints is no answer
    driver = load(path)
    version = importlib.metadata.version(driver.PACKAGE)
    print(json.dumps({"sdk": driver.PACKAGE, "version": version}), file=lines)
    for line in sys.stdin:
        print(json.dumps(answer(driver, json.loads(line))), file=lines)


if __name__ == "__main__":
    main(sys.argv[1])
