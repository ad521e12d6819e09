"""What is wrong with a spec or a configuration, for the person who wrote it."""


class SpecError(Exception):
    """A spec or a configuration that cannot be used, for the person who wrote it.

    ``problems`` are all that were found, each ``(file, pointer, sentence)``.
    """

    def __init__(self, problems: list[tuple[str, str, str]]) -> None:
        self.problems = problems
        super().__init__(
            "\n".join(f"{file} {pointer}".rstrip() + f": {text}" for file, pointer, text in problems)
        )
