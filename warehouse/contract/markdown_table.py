"""The tables that docs/contract.md carries between its markers, rendered from the contract itself."""

from warehouse.contract.events import Contract

START = "<!-- events: printed by `python -m warehouse.contract` -->"
END = "<!-- end of events -->"
START_OF_UNSHOWN = "<!-- unshown: printed by `python -m warehouse.contract` -->"
END_OF_UNSHOWN = "<!-- end of unshown -->"


def render_table(contract: Contract) -> str:
    """A Markdown table of all events of NewStore in the contract's order, without a newline at its end."""
    lines = ["| event | meaning | key | source |", "|---|---|---|---|"]
    for event in contract.of_origin("newstore").values():
        key = ", ".join(f"`{part}`" for part in event.key)
        meaning = event.meaning.replace("|", "\\|")
        lines.append(f"| `{event.name}` | {meaning} | {key} | {event.key_source} |")
    return "\n".join(lines)


def render_unshown(contract: Contract) -> str:
    """A Markdown table of the fields that no mart shows, without a newline at its end."""
    lines = ["| of | fields | kept in the log only, because |", "|---|---|---|"]
    for entry in contract.unshown:
        of, fields = (", ".join(f"`{name}`" for name in names) for names in (entry.of, entry.fields))
        why = entry.why.replace("|", "\\|")
        lines.append(f"| {of} | {fields} | {why[0].lower()}{why[1:]} |")
    return "\n".join(lines)
