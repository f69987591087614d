"""From new deliveries to new rows: dbt's models, run over the entities that something touched."""
