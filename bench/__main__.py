"""``make bench``: one table of what the mock server costs, each figure a median of rounds of one run.

CPU time is compared as a ratio to the echo, since ratios hold on other machines as well; times of a clock do
not, and grow with whatever else runs. While the journal grows, each call also pays for memory that the process
never had before; once it is full, memory is used again, as in any long run. Both are measured.
"""

from collections.abc import Iterator

from bench import costs, load, memory, starts
from bench.calls import module, running
from bench.table import HEAD, Row, machine


def rows() -> Iterator[Row]:
    """Measure, and yield the rows of the table."""
    yield from costs.against_the_echo("journal growing")
    yield from costs.with_a_full_journal()
    yield from costs.invalid_against_valid()
    with running(module("mock")) as mock, running(module("echo")) as echo:
        yield from load.under_load(mock, echo)
    yield memory.kept()
    yield from starts.cold()
    yield from starts.wrapped()
    yield from starts.second()
    yield from starts.handles()
    yield starts.reset()


def main() -> None:
    """Print the machine and the table."""
    print("\n".join([*machine(), "", HEAD]))
    for row in rows():
        print(row, flush=True)


main()
