"""The table of events that docs/contract.md carries between its markers, rendered from the contract itself."""

from warehouse.contract.events import Contract

START = "<!-- events: printed by `python -m warehouse.contract` -->"
END = "<!-- end of events -->"


def render_table(contract: Contract) -> str:
    """A Markdown table of all events of NewStore in the contract's order, without a newline at its end."""
    lines = ["| event | meaning | key | source |", "|---|---|---|---|"]
    for event in contract.of_origin("newstore").values():
        key = ", ".join(f"`{part}`" for part in event.key)
        meaning = event.meaning.replace("|", "\\|")
        lines.append(f"| `{event.name}` | {meaning} | {key} | {event.key_source} |")
    return "\n".join(lines)
