"""What can be asked of recorded calls, and scripted for the next ones: of all APIs, or of one."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Unpack

from mockserver.client.asking import Duration, Pattern, given, request_pattern, seconds
from mockserver.client.calls import Call, read_call
from mockserver.client.connection import Connection
from mockserver.client.failures import DroppedCallsError, counted, described, failure
from mockserver.client.steering import Rule

JSON = Any
FaultKind = Literal[
    "EMPTY_RESPONSE", "CONNECTION_RESET_BY_PEER", "MALFORMED_RESPONSE_CHUNK", "RANDOM_DATA_THEN_CLOSE"
]
_LONGEST_WAIT: Final = 60_000
_WITH_ANSWERS: Final = "?response=true"


class View:
    """What can be asked and scripted; ``narrowed`` is what all of it is about."""

    def __init__(self, connection: Connection, narrowed: Mapping[str, JSON] | None = None) -> None:
        self._connection = connection
        self._narrowed = dict(narrowed or {})

    # What was sent

    @property
    def calls(self) -> list[Call]:
        """The recorded calls, oldest first. Raises `DroppedCallsError` where some were dropped."""
        found, dropped = self._found({})
        if dropped:
            raise DroppedCallsError(dropped)
        return found

    def find(self, **pattern: Unpack[Pattern]) -> list[Call]:
        """Return the recorded calls that match, oldest first. Raises `DroppedCallsError` where some were dropped."""
        found, dropped = self._found(pattern)
        if dropped:
            raise DroppedCallsError(dropped)
        return found

    def _found(self, pattern: Mapping[str, Any]) -> tuple[list[Call], int]:
        asked = request_pattern(**{**self._narrowed, **pattern})
        reply = self._connection.ask("POST", f"/requests/find{_WITH_ANSWERS}", asked)
        return [read_call(each) for each in reply.value["requests"]], reply.dropped

    def assert_called(self, **pattern: Unpack[Pattern]) -> list[Call]:
        """Return the calls that match. Raises AssertionError, with the nearest calls, where there are none."""
        __tracebackhide__ = True
        found, dropped = self._found(pattern)
        if not found and dropped:
            raise DroppedCallsError(dropped)
        if not found:
            raise AssertionError(self._told("at least 1 call{}", pattern, found, 1))
        return found

    def assert_called_once(self, **pattern: Unpack[Pattern]) -> Call:
        """Return the one call that matches. Raises AssertionError where there is none, or are several."""
        __tracebackhide__ = True
        return self.assert_called_times(1, **pattern)[0]

    def assert_called_times(self, count: int, **pattern: Unpack[Pattern]) -> list[Call]:
        """Return the calls that match, which have to be so many. Raises AssertionError, and `DroppedCallsError`."""
        __tracebackhide__ = True
        found, dropped = self._found(pattern)
        if dropped and len(found) <= count:
            raise DroppedCallsError(dropped)
        if len(found) != count:
            raise AssertionError(self._told(f"{counted(count)}{{}}", pattern, found, count))
        return found

    def assert_not_called(self, **pattern: Unpack[Pattern]) -> None:
        """Raise AssertionError where a call matches, and `DroppedCallsError` where that cannot be told."""
        __tracebackhide__ = True
        self.assert_called_times(0, **pattern)

    def wait_for(self, count: int = 1, timeout: Duration = 5.0, **pattern: Unpack[Pattern]) -> list[Call]:
        """Wait until so many calls match, and return them. Raises AssertionError, with the nearest, when time is up.

        ``timeout`` is real time: seconds, a text such as ``"500ms"``, or a timedelta.
        """
        __tracebackhide__ = True
        asked = request_pattern(**{**self._narrowed, **pattern})
        left = max(0, round(seconds(timeout) * 1000))
        while True:
            part = min(left, _LONGEST_WAIT)
            body = {**asked, "count": count, "timeoutMilliseconds": part}
            path = f"/requests/wait{_WITH_ANSWERS}&redact=true"
            reply = self._connection.ask("POST", path, body, timeout=part / 1000 + 10, also=(408,))
            found, left = [read_call(each) for each in reply.value["requests"]], left - part
            if reply.status == 200:
                return found
            if left <= 0:
                break
        if reply.dropped:
            raise DroppedCallsError(reply.dropped)
        wanted = f"{counted(count)}{{}} within {seconds(timeout):g} s"
        raise AssertionError(self._told(wanted, pattern, found, count, reply.value["nearMisses"]))

    async def wait_for_async(
        self,
        count: int = 1,
        timeout: Duration = 5.0,  # noqa: ASYNC109 - the server keeps the time
        **pattern: Unpack[Pattern],
    ) -> list[Call]:
        """Wait as `wait_for` does, without stopping the event loop."""
        __tracebackhide__ = True
        from mockserver.waits import in_thread  # noqa: PLC0415 - who does not wait so needs no event loop

        return await in_thread(lambda: self.wait_for(count, timeout, **pattern), "mockserver wait")

    def _told(
        self,
        wanted: str,
        pattern: Mapping[str, Any],
        found: Sequence[Call],
        count: int,
        misses: Sequence[Mapping[str, JSON]] | None = None,
    ) -> str:
        """Return the text of a failed assertion; ``wanted`` has braces where the pattern is described."""
        asked = {**self._narrowed, **pattern}
        total = counted(self._connection.post("/requests/count", {})["count"], "recorded call")
        if misses is None and len(found) < count:
            path = "/requests/near-misses/request-pattern?redact=true"
            misses = self._connection.post(path, request_pattern(**asked))["nearMisses"]
        told = wanted.replace("{}", described(given(asked)))
        return failure(told, f"{len(found)} of {total}", found, misses or ())

    # What comes next

    def respond(  # noqa: PLR0913 - each is a word of its own for who reads a test
        self,
        status: int | None = None,
        *,
        body: JSON = None,
        headers: Mapping[str, str] | None = None,
        retry_after: int | str | None = None,
        example: str | None = None,
        times: int | None = 1,
        after: Literal["nothing", "checks"] = "nothing",
        delay: Duration | None = None,
        when: Pattern | None = None,
        mapping: Mapping[str, JSON] | None = None,
    ) -> Rule:
        """Answer the next calls so, and return the rule that does.

        Without a body, the API's own answer for the status is sent, or the ``example`` of its spec. ``body`` is JSON,
        or a text or bytes that are sent as they are. ``times`` is the number of calls (None: all), ``after="checks"``
        leaves calls alone that the API refuses. ``when`` narrows the calls, in the words of `assert_called`;
        ``mapping`` is laid over the stub mapping that is sent (``name``, ``priority``, ``scenarioName`` …).
        Raises ValueError where nothing is said, and `ControlError` for what cannot be.
        """
        if all(each is None for each in (status, body, example, delay, mapping)):
            raise ValueError("say what is answered: status=, body=, example=, delay= or mapping=")
        response = _response(status, body, headers, retry_after)
        if delay is not None:
            response["fixedDelayMilliseconds"] = round(seconds(delay) * 1000)
        return self._rule(response, times, when, {"after": after, "example": example, **(mapping or {})})

    def delay(self, by: Duration, *, times: int | None = None, when: Pattern | None = None) -> Rule:
        """Hold back the answers of the next calls (all, unless ``times`` says how many), which are else as they are."""
        return self._rule({"fixedDelayMilliseconds": round(seconds(by) * 1000)}, times, when, {})

    def fault(self, kind: FaultKind, *, times: int | None = 1, when: Pattern | None = None) -> Rule:
        """Break the connection of the next calls instead of answering them.

        ``kind`` is ``EMPTY_RESPONSE``, ``CONNECTION_RESET_BY_PEER``, ``MALFORMED_RESPONSE_CHUNK`` or
        ``RANDOM_DATA_THEN_CLOSE``.
        """
        return self._rule({"fault": kind}, times, when, {})

    def _rule(
        self, response: JSON, times: int | None, when: Pattern | None, more: Mapping[str, JSON]
    ) -> Rule:
        request = request_pattern(**{**self._narrowed, **(when or {})})
        mapping = {"request": request, "response": response, "times": times, **more}
        said = {name: value for name, value in mapping.items() if value is not None}
        return Rule(self._connection.post("/mappings", said)["id"], self._connection)

    # What clients did

    def retries(self) -> list[dict[str, JSON]]:
        """Return what the retry audit says of each logical call; see ``GET /__admin/retries``.

        Raises `DroppedCallsError` where calls were dropped.
        """
        audit = self._connection.get("/retries")
        if audit["dropped"]:
            raise DroppedCallsError(audit["dropped"])
        return self._audited(audit)

    def _audited(self, audit: Mapping[str, JSON]) -> list[dict[str, JSON]]:
        return [each for each in audit["calls"] if self._narrowed.get("api") in {None, each["api"]}]

    def assert_retries_ok(self) -> None:
        """Raise AssertionError where a client retried wrongly, with each rule that was broken; notes do not count.

        So it does where that cannot be told since the clock was moved between two attempts. Raises `DroppedCallsError`
        where calls were dropped. A client that gave up has broken no rule.
        """
        __tracebackhide__ = True
        audit = self._connection.get("/retries")
        calls = self._audited(audit)
        broken = [
            f"  {each['rule']}: {each['sentence']} ({_numbered(each['calls'])})"
            for call in calls
            for each in call["broken"]
            if each["level"] == "fail"
        ]
        if broken:
            raise AssertionError("\n".join([f"{counted(len(broken), 'rule')} of retrying broken", *broken]))
        if audit["dropped"]:
            raise DroppedCallsError(audit["dropped"])
        if unjudged := [f"  {each['notJudged']}" for each in calls if not each["judged"]]:
            raise AssertionError("\n".join(["what was retried cannot be judged", *unjudged]))


def _numbered(numbers: Sequence[int]) -> str:
    return f"call{'' if len(numbers) == 1 else 's'} {', '.join(f'#{number}' for number in numbers)}"


def _response(
    status: int | None, body: JSON, headers: Mapping[str, str] | None, retry_after: int | str | None
) -> dict[str, JSON]:
    response: dict[str, JSON] = {} if status is None else {"status": status}
    if isinstance(body, bytes):
        response["base64Body"] = base64.b64encode(body).decode()
    elif isinstance(body, str):
        response["body"] = body
    elif body is not None:
        response["jsonBody"] = body
    sent = {**({} if retry_after is None else {"Retry-After": str(retry_after)}), **(headers or {})}
    return {**response, **({"headers": sent} if sent else {})}
