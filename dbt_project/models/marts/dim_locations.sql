{{ config(meta={'entity': ['tenant', 'location_id'], 'sources': ['int_location_sightings', 'stg_reference_events']}) }}

with sightings as (

    select
        tenant,
        location_id,
        list(role order by role) as roles,
        min(first_seen_at) as first_seen_at
    from {{ touched_rows('int_location_sightings') }}
    group by tenant, location_id

),

described as (

    {{ newest_reference('reference.location', ['location_id'], touched_rows('stg_reference_events')) }}

),

final as (

    select
        coalesce(sightings.tenant, described.tenant) as tenant,
        coalesce(sightings.location_id, described.location_id) as location_id,
        coalesce(sightings.roles, []) as roles,
        least(sightings.first_seen_at, described.first_said_at) as first_seen_at,
        {{ said('described.said.name') }} as name,
        {{ said('described.said.kind') }} as kind,
        {{ said('described.said.time_zone') }} as time_zone,
        {{ said('described.said.region') }} as region,
        {{ said('described.said.country') }} as country,
        {{ said('described.said.currency') }} as currency,
        try_cast({{ said('described.said.opened_on') }} as date) as opened_on,
        try_cast({{ said('described.said.closed_on') }} as date) as closed_on,
        try_cast(described.said.selling_area as decimal(18, 4)) as selling_area
    from sightings
    full outer join described
        on sightings.tenant = described.tenant and sightings.location_id = described.location_id

)

select * from final
