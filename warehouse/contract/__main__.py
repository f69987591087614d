"""`python -m warehouse.contract` prints the tables of docs/contract.md, and so checks the contract file."""

import sys

from warehouse.contract import load_contract
from warehouse.contract.markdown_table import render_table, render_unshown
from warehouse.errors import ContractError

if __name__ == "__main__":
    try:
        contract = load_contract()
        sys.stdout.write(f"{render_table(contract)}\n\n{render_unshown(contract)}\n")
    except ContractError as error:
        sys.exit(f"Error: {error}")
