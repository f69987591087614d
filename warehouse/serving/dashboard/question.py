"""A question of the dashboard: SQL over the marts, and what each column of its answer means."""

import msgspec

from warehouse.serving.dashboard.definitions import column_meaning


class Question(msgspec.Struct, frozen=True):
    """Columns mean what those of the same name in `marts` do, else what `meanings` says."""

    sql: str
    marts: tuple[str, ...] = ()
    meanings: dict[str, str] = {}

    def meaning(self, column: str) -> str:
        """What a column means, as `define` reads it; empty for what names a row and is in no mart."""
        return self.meanings.get(column) or column_meaning(column, self.marts) or ""
