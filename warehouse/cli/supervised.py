"""A verb of the command line as a supervisor starts it: it ends when the supervisor does."""

from warehouse.cli import main
from warehouse.system.supervisor import live_with_parent

if __name__ == "__main__":
    live_with_parent()
    main()
