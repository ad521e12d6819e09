"""``python -m mockserver`` is the command ``mockserver``."""

import signal
import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it with 130, SIGTERM a server with 0, however early they come."""
    if sys.argv[1:2] == ["serve"]:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        from mockserver.cli import main as command  # noqa: PLC0415 - Ctrl-C may come while this is imported

        is_run = sys.argv[1:2] == [
            "run"
        ]  # whose command is to get its arguments as they were typed, in Windows too
        command(prog_name="mockserver", windows_expand_args=not is_run)
    except KeyboardInterrupt:
        sys.exit(130)  # what cli.INTERRUPTED says, which may not be there yet


if __name__ == "__main__":
    main()
