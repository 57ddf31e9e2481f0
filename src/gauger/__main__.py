"""`python -m gauger`."""

from gauger.cli import main

main()
