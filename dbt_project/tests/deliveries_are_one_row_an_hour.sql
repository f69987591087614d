-- The key of trust.deliveries: a test of columns that are never null cannot take a name that could not be read.
select
    tenant,
    name,
    hour
from {{ ref('deliveries') }}
group by tenant, name, hour
having count(*) > 1
