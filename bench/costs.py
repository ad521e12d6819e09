"""CPU time of a call, against the echo. Both servers take turns, so that both see a machine that slows down."""

from collections.abc import Iterator
from itertools import cycle, islice, repeat

from bench.calls import HUNDRED, INVALID, KEYED, SMALL, Client, module, running
from bench.table import Row, of_the_echo

ROUNDS = 9
_DIFFERENT = 1000  # bodies, more than the server remembers
_FULL = 2000  # the calls that a journal keeps which is to be full soon
MOST = 1 / 0.55  # what is promised: 0.55 of the echo
MOST_INVALID = 1.8
CASES = [
    ("valid", SMALL, {}, 3000, MOST),
    ("100 recipients", HUNDRED, {}, 1000, MOST),
    ("replay of a key", SMALL, KEYED, 3000, None),
    ("invalid, the same again", INVALID, {}, 1000, None),
]


def cost(client: Client, request: bytes, calls: int) -> float:
    """Return the CPU seconds of one call."""
    return cost_of(client, repeat(request), calls)


def cost_of(client: Client, requests: Iterator[bytes], calls: int) -> float:
    """Return the CPU seconds of one call, of as many as are taken from the requests."""
    before = client.cpu()
    for request in islice(requests, calls):
        client.send(request)
    return (client.cpu() - before) / calls


def against_the_echo(when: str, *keep: str, warm_up: int = 300) -> Iterator[Row]:
    """Yield a row for each kind of call, each between two servers of its own."""
    for name, body, headers, calls, target in CASES:
        with running(module("mock", *keep)) as mock, running(module("echo")) as echo:
            request, plain = mock.request(body, headers), echo.request(body, headers)
            cost(mock, request, warm_up), cost(echo, plain, warm_up)
            ratios = [cost(mock, request, calls) / cost(echo, plain, calls) for _ in range(ROUNDS)]
        yield Row(f"{name}, {when}: CPU / echo", ratios, target=target, told=of_the_echo)


def with_a_full_journal() -> Iterator[Row]:
    """Yield the same with a journal that is full, so that each call pushes one out."""
    yield from against_the_echo("journal full", str(_FULL), warm_up=_FULL)


def invalid_against_valid() -> Iterator[Row]:
    """Yield how much more a call costs that is refused and explained: the same again, and another one each time."""
    with running(module("mock")) as mock:
        valid, again = mock.request(SMALL), mock.request(INVALID)
        others = cycle([mock.request({**INVALID, "name": number}) for number in range(_DIFFERENT)])
        rounds = [
            (cost(mock, valid, 3000), cost(mock, again, 1000), cost_of(mock, others, 1000))
            for _ in range(ROUNDS)
        ]
    for name, position in (("the same again", 1), ("another each time", 2)):
        ratios = [each[position] / each[0] for each in rounds]
        yield Row(f"invalid call, {name}: CPU / valid call", ratios, target=MOST_INVALID)
