"""Files that are looked at while they are served.

A thread of its own looks, so that reading never holds up a call. What is wrong is told, and what was served before
stays; nothing that was recorded is lost. Files are stamped before they are read: one that changes meanwhile is read
again at the next look. Of a change that could not be used, the files that it names are looked at too.
"""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from mockserver.engine.exchange import JSON
from mockserver.engine.faults import SpecError
from mockserver.engine.world import Blueprint
from mockserver.loading import stamp_of
from mockserver.options import Configuration
from mockserver.plan import Plan

TLS: Final = ("tls-cert", "tls-key")
AT_START_ONLY: Final = (
    "host",
    "port",
    *TLS,
    "cors",
    "allow-hosts",
    "log",
    "journal",
    "seed",
    "clock",
    "watch",
)
"""The keys that a running server cannot change."""

Stamps = dict[Path, tuple[int, ...]]


def stamps_of(paths: Iterable[Path]) -> Stamps:
    """Return what changes when files do, by path; nothing for one that is not there."""
    return {path: stamp_of(path) for path in paths}


def warnings_of(blueprint: Blueprint, specs: Sequence[str]) -> Iterator[str]:
    """Yield a warning for each example of the user's own specs that does not meet its schema."""
    if specs:
        from mockserver.checking import broken_examples  # noqa: PLC0415 - the bundled specs are checked by the tests

        yield from (f"warning: {problem}" for problem in broken_examples(blueprint.apis, specs))


class Watch:
    """Looks again and again whether files have changed, and serves what they say then.

    ``seen`` are the stamps of what is served already; ``replace`` is given what is to be served instead.
    """

    def __init__(
        self,
        plan: Plan,
        configuration: Configuration,
        seen: Stamps,
        replace: Callable[[Blueprint], None],
        *,
        every: float = 0.25,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._plan, self._started, self._seen = plan, configuration, seen
        self._replace, self._every, self._tell = replace, every, tell or tell_on_stderr
        self._config = plan.files(configuration)[0]
        self._had_config = bool(seen[self._config])
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mockserver-watch", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """Stop looking; wait no longer than the timeout in seconds for a look that is being taken."""
        self._stopping.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.wait(self._every):
            self.look()

    def look(self) -> None:
        """Look once whether a file has changed."""
        seen = stamps_of(self._seen)
        changed = [path for path, stamp in seen.items() if stamp != self._seen[path]]
        if not changed:
            return
        self._seen = seen
        names = ", ".join(map(str, changed))
        try:
            self._refuse_gone()
            self._use(names)
        except SpecError as error:
            self._tell(f"{error}\nmockserver: {names}: not used; what was served before is served on")
        except Exception as error:  # noqa: BLE001 - whatever it is, the next change shall be seen
            told = f"{type(error).__name__}: {error}; please report this with the file"
            self._tell(f"mockserver: {names}: not used, since the mock server failed on it: {told}")

    def _refuse_gone(self) -> None:
        """Go on with what a configuration file said, for as long as it is gone: it may be on its way back."""
        if self._had_config and not self._seen[self._config]:
            raise SpecError([(str(self._config), "", "is gone")])
        self._had_config = bool(self._seen[self._config])

    def _use(self, names: str) -> None:
        configuration = self._plan.configuration()
        files = self._plan.files(configuration)
        self._seen = {**stamps_of(files), **{path: self._seen[path] for path in files if path in self._seen}}
        blueprint = self._plan.blueprint(configuration.keeping(TLS, self._started))
        self._replace(blueprint)
        self._tell(f"mockserver: {names}: read again")
        for warning in warnings_of(blueprint, configuration["specs"]):
            self._tell(f"mockserver: {warning}")
        for sentence in self._at_start_only(configuration):
            self._tell(f"mockserver: {sentence}")

    def _at_start_only(self, configuration: Configuration) -> Iterator[str]:
        for key in AT_START_ONLY:
            before: JSON = self._started[key]
            if configuration[key] != before:
                yield f"{key} takes effect at the next start; it stays {'not set' if before is None else before}"


def tell_on_stderr(text: str) -> None:
    """Print a line for the person who started the server."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
