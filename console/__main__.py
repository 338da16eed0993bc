"""python -m console is charlab."""

from console.cli import main

main()
