{{ config(
    materialized='by_entity',
    meta={'entity': ['hour'], 'sources': ['stg_deliveries']},
) }}

with arrivals as (

    select
        tenant,
        name,
        hour
    from {{ touched_rows('stg_deliveries') }}

),

hours as (

    select
        tenant,
        name,
        hour,
        count(*) as deliveries
    from arrivals
    group by tenant, name, hour

),

-- What is known already is not late, however old it is when NewStore repeats it: lag is of first deliveries.
events as (

    select
        tenant,
        name,
        hour,
        count(*) as events,
        quantile_cont(lag, 0.5) as lag_p50,
        quantile_cont(lag, 0.95) as lag_p95,
        max(lag) as lag_max,
        avg((lag > 900)::integer) as late_share
    from {{ touched_rows('stg_first_deliveries') }}
    group by tenant, name, hour

),

quarantined as (

    select
        tenant,
        name,
        hour,
        count(*) as quarantined
    from {{ touched_rows('stg_quarantined_deliveries') }}
    group by all

),

final as (

    select
        hours.tenant,
        hours.name,
        hours.hour,
        hours.deliveries,
        coalesce(events.events, 0) as events,
        hours.deliveries - coalesce(events.events, 0) - coalesce(bad.quarantined, 0) as duplicates,
        coalesce(bad.quarantined, 0) as quarantined,
        events.lag_p50,
        events.lag_p95,
        events.lag_max,
        events.late_share
    from hours
    left join events on hours.hour = events.hour and hours.tenant = events.tenant and hours.name = events.name
    left join quarantined as bad
        on hours.hour = bad.hour and (hours.tenant, hours.name) is not distinct from (bad.tenant, bad.name)

)

select * from final
