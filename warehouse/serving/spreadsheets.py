"""What a spreadsheet makes of the texts in a CSV file."""

import re
from typing import Final

# What it takes for a formula. A phone number or an amount begins like one and is none.
FORMULA: Final = re.compile(r"[=@\t\r]|[+-](?![\d\s().,/-]*$)")
