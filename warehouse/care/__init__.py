"""Care of the log and the lake: verify, recover, compact, quarantine, export."""
