"""`python -m whatnext` is the `whatnext` command."""

from whatnext.cli import main

if __name__ == "__main__":
    main()
