"""`log.events`: deliveries move from the journals into Parquet files, each exactly once."""
