"""From what the user has given to what is served: options, environment, file, and the specs that they name.

Everything that can be wrong with what the user gave is found here, before a socket is opened, and told at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from mockserver import loading
from mockserver.configuration import prefix_of, settings_of
from mockserver.engine.contract import Api
from mockserver.engine.faults import SpecError
from mockserver.engine.routing import mounted
from mockserver.engine.world import Blueprint
from mockserver.options import CONFIG_VARIABLE, Configuration, Layer, Place, configure, shown
from mockserver.yamltext import lines_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """What the user has given, read but for the files, which may change; ``named`` is the file that was named."""

    command: Layer
    environment: Layer
    named: Path | None

    @property
    def config(self) -> Path | None:
        """The configuration file: the one that is named, else ``mockserver.yaml`` of this folder, if it is there."""
        return loading.config_path(self.named)

    def configuration(self) -> Configuration:
        """Return the values in force. Raises `SpecError` with every problem of the file."""
        return configure(loading.table(), loading.load_config(self.config), self.environment, self.command)

    def blueprint(self, configuration: Configuration, names: Sequence[str] = ()) -> Blueprint:
        """Return what is served, or what of some names would be. Raises `SpecError` with every problem."""
        return blueprint_of(configuration, names, self._files())

    def located(self, load: Callable[[], T]) -> T:
        """Return what is loaded. Raises `SpecError`, with the lines of problems in the configuration file."""
        try:
            return load()
        except SpecError as error:
            raise loading.located(error, self._files()) from None

    def files(self, configuration: Configuration) -> list[Path]:
        """Return the files whose change matters, also a configuration file that is not there yet."""
        return [self.named or Path(loading.CONFIG_FILE), *map(Path, configuration["specs"])]

    def _files(self) -> dict[str, Path]:
        config = self.config
        return {} if config is None else {str(config): config}


def blueprint_of(
    configuration: Configuration, names: Sequence[str] = (), files: Mapping[str, Path] | None = None
) -> Blueprint:
    """Return what a configuration serves, or what of some names would be. Raises `SpecError` with every problem.

    ``files`` are those that problems are located in, by the names under which they are told.
    """
    known = loading.available(configuration["specs"])
    try:
        apis = _apis(configuration, known, names)
        return Blueprint(apis, settings_of(configuration, apis, known))
    except SpecError as error:
        raise loading.located(error, {**known, **(files or {})}) from None


def _apis(configuration: Configuration, known: Mapping[str, Any], names: Sequence[str]) -> list[Api]:
    wanted = list(names) or configuration["apis"]
    if not names and (unknown := [name for name in wanted if name not in known]):
        told = [loading.no_such_api(name, known) for name in unknown]
        raise SpecError(configuration.problem(("apis",), sentence) for sentence in told)
    apis = loading.load_apis(wanted, configuration["profile"], configuration["specs"])
    prefixes = configuration["prefixes"]
    return [mounted(api, _prefix(prefixes[api.name])) if api.name in prefixes else api for api in apis]


def _prefix(text: str) -> str:
    """Read a prefix; one that cannot be read is told by `settings_of`."""
    try:
        return prefix_of(text)
    except ValueError:
        return ""


def plan_of(command: Mapping[str, Sequence[str]], environment: Mapping[str, str], file: Path | None) -> Plan:
    """Read options (texts by key) and environment. Raises `SpecError` with every problem of both."""
    table = loading.table()
    named = file or (Path(environment[CONFIG_VARIABLE]) if environment.get(CONFIG_VARIABLE) else None)
    layers = loading.gathered([lambda: table.of_command(command), lambda: table.of_environment(environment)])
    return Plan(layers[0], layers[1], named)


def shown_configuration(plan: Plan, configuration: Configuration) -> Iterator[str]:
    """Yield the configuration as YAML, each value with what gave it."""
    yield f"# configuration file: {plan.config or 'none'}"
    yield from shown(configuration, _sources(plan, configuration))


def _sources(plan: Plan, configuration: Configuration) -> dict[Place, str]:
    sources = {place: given.source for place, given in configuration.given.items()}
    from_file = [(place, given.pointer) for place, given in configuration.given.items() if given.pointer]
    if (config := plan.config) is not None:
        lines = lines_of(loading.read_text(config), [pointer for _, pointer in from_file])
        placed = zip(from_file, lines, strict=True)
        sources |= {place: f"{config}:{line}" for (place, _), line in placed}
    return sources
