"""`python -m explorer`. Everything else is imported where Ctrl-C already ends in one line."""

import sys

if __name__ == "__main__":
    try:
        from explorer.commands import main

        code = main()
    except KeyboardInterrupt:
        print("explorer: stopped.", file=sys.stderr)
        code = 130
    sys.exit(code)
