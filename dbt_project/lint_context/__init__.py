"""What dbt would offer to a model, so that sqlfluff can render it with no database: queries answer nothing."""

from typing import Any, Final

execute: Final = False
invocation_id: Final = "00000000-0000-0000-0000-000000000000"


class Config:
    """dbt's `config`: takes any settings, and gives every model the same small `meta`."""

    def __call__(self, **settings: Any) -> str:
        """Show nothing, whatever is set."""
        del settings
        return ""

    def require(self, name: str) -> Any:
        """A value of the shape that models read."""
        return {"meta": {"entity": ["tenant", "entity_id"], "sources": ["stg_events"]}}[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The same, or `default` for what no model needs."""
        return self.require(name) if name == "meta" else default


config: Final = Config()


class Flags:
    """dbt's `flags`, with a command of the linter's own."""

    EMPTY: Final = False
    WHICH: Final = "lint"


flags: Final = Flags()


class Model:
    """dbt's `model`, of which macros ask the name."""

    name: Final = "model_name"


model: Final = Model()
