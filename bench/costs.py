"""CPU time of a call, against the echo. Both servers take turns, so that both see a machine that slows down."""

from collections.abc import Iterator

from bench.calls import HUNDRED, INVALID, KEYED, SMALL, Client
from bench.table import Row, of_the_echo

ROUNDS = 9
MOST = 1 / 0.55  # what is promised: 0.55 of the echo
MOST_INVALID = 1.8
CASES = [
    ("valid", SMALL, {}, 3000, MOST),
    ("100 recipients", HUNDRED, {}, 1200, MOST),
    ("replay of a key", SMALL, KEYED, 3000, None),
    ("invalid, explained", INVALID, {}, 1500, None),
]


def cost(client: Client, request: bytes, calls: int) -> float:
    """Return the CPU seconds of one call."""
    before = client.cpu()
    for _ in range(calls):
        client.send(request)
    return (client.cpu() - before) / calls


def against_the_echo(mock: Client, echo: Client, when: str) -> Iterator[Row]:
    """Yield a row for each kind of call."""
    for name, body, headers, calls, target in CASES:
        request, plain = mock.request(body, headers), echo.request(body, headers)
        cost(mock, request, 300), cost(echo, plain, 300)
        ratios = [cost(mock, request, calls) / cost(echo, plain, calls) for _ in range(ROUNDS)]
        yield Row(f"{name}, {when}: CPU / echo", ratios, target=target, told=of_the_echo)


def invalid_against_valid(mock: Client) -> Row:
    """Return how much more a call costs that is refused and explained."""
    valid, invalid = mock.request(SMALL), mock.request(INVALID)
    ratios = [cost(mock, invalid, 1500) / cost(mock, valid, 3000) for _ in range(ROUNDS)]
    return Row("invalid call: CPU / valid call", ratios, target=MOST_INVALID)
