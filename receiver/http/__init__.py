"""HTTP/1.1 as `warehouse serve` speaks it: deadlines, bounds, the fast path of a plain delivery."""
