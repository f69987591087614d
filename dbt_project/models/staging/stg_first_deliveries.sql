{{ config(unique_key='variant_id', materialized='append') }}

-- The delivery that came into the log first stands for the event; batches become visible in the order of their numbers,
-- so whatever is read later is a duplicate of it.
with readings as (

    select
        journal,
        position,
        problem,
        idempotency_key
    from {{ ref('stg_readings') }}
    where changed_batch > {{ built_position() }}

),

arrivals as (

    select
        {{ variant_id('readings', 'events') }} as variant_id,
        events.tenant,
        events.name,
        events.batch,
        events.received_at,
        events.published_at,
        events.journal,
        events.position
    from {{ log_events() }} as events
    left join readings on events.journal = readings.journal and events.position = readings.position
    where
        {{ new_deliveries('events') }}
        and events.problem is null
        and readings.problem is null

),

first_arrivals as (

    select *
    from arrivals
    qualify row_number() over (partition by variant_id order by batch, received_at, journal, position) = 1

),

final as (

    select
        variant_id,
        tenant,
        name,
        date_trunc('hour', received_at) as hour,
        (epoch_us(received_at) - epoch_us(published_at)) / 1e6 as lag
    from first_arrivals
    {%- if is_partial() %}
    where
        not exists (
            select 1
            from {{ this }} as known
            where known.variant_id = first_arrivals.variant_id
        )
    {%- endif %}

)

select * from final
