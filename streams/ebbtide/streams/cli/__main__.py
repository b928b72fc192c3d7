"""`python -m ebbtide.streams.cli`, for where the script is not on the path."""

from ebbtide.streams.cli import main

main()
