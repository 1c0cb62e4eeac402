"""``python -m fieldreport.cli``: the same commands where the console script is not on the path."""

from fieldreport.cli import main

main(prog_name="fieldreport")
