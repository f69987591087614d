"""Names that stand in the SQL of the dbt project's models, and that whoever runs this SQL gives their meaning."""

from typing import Final

# The log, and the view through which models read it or a copy of what is new there, as the macro `log_events` has it.
LOG: Final = "lake.log.events"
LOG_VIEW: Final = "log_events"

# Between a table and its columns of an entity, in the name of a view of its rows of touched entities: the macro
# `touched_rows` makes such names. No table of the lake or of the build database has it in its own.
OF_VIEWS: Final = "__"

# The model of time zones: one that changes moves the business day of what happened there.
STAGING: Final = "staging"
ZONES: Final = "stg_zones"

# What models ask of Python, with an event's name and the body of its delivery.
CONFORMS: Final = "conforms_to_contract"
READ: Final = "read_delivery"
REWRITE: Final = "body_as_read"
WITHOUT_ZEROS: Final = "without_zeros"
FUNCTIONS: Final = frozenset({CONFORMS, READ, REWRITE, WITHOUT_ZEROS})
