{{ config(meta={'entity': ['tenant', 'location_id'], 'sources': ['int_location_sightings']}) }}

select
    tenant,
    location_id,
    list(role order by role) as roles,
    min(first_seen_at) as first_seen_at
from {{ touched_rows('int_location_sightings') }}
group by tenant, location_id
