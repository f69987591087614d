"""From a request to the disk: keys, body, the group that is written and synced, the answer."""
