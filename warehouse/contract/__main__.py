"""`python -m warehouse.contract` prints the table of events for docs/contract.md, and so checks the contract file."""

import sys

from warehouse.contract import load_contract
from warehouse.contract.markdown_table import render_table
from warehouse.errors import ContractError

if __name__ == "__main__":
    try:
        sys.stdout.write(render_table(load_contract()) + "\n")
    except ContractError as error:
        sys.exit(f"Error: {error}")
