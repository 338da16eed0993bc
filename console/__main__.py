"""python -m console is charlab: the one place where an error becomes words and an exit code."""

import os
import sys

from engine.errors import CharlabError


def main() -> None:
    try:
        if sys.argv[1:]:
            from console.cli import app

            app()
        else:
            # the command line's library is not waited for where no command was given
            from console.app import run_console
            from engine.store.paths import find_workspace

            sys.exit(run_console(find_workspace()))
    except CharlabError as error:
        from console.text import say_error

        say_error(error)
        sys.exit(error.code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # the reader went away (| head); nothing is left to say, and nobody to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


if __name__ == "__main__":
    main()
