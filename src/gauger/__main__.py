"""`python -m gauger`."""

from gauger.cli import main

if __name__ == "__main__":  # processes that read logs import this module again
    main()
