"""A page of sales, fulfilment, returns, stock and trust for analysts; reads the lake and nothing else."""
