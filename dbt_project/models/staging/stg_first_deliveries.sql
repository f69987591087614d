{{ config(unique_key='variant_id', incremental_strategy='append') }}

-- The delivery that came into the log first stands for the event; batches become visible in the order of their numbers,
-- so whatever is read later is a duplicate of it.
with arrivals as (

    select
        md5_number(concat_ws(chr(31), tenant, name, idempotency_key, payload_hash)) as variant_id,
        tenant,
        name,
        batch,
        received_at,
        journal,
        position
    from {{ source('log', 'events') }}
    where
        {{ new_deliveries() }}
        and problem is null
        and (journal, position) not in (
            select (quarantined.journal, quarantined.position)
            from {{ ref('stg_quarantined_deliveries') }} as quarantined
        )

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
        date_trunc('hour', received_at) as hour
    from first_arrivals
    {%- if is_incremental() %}
    where
        not exists (
            select 1
            from {{ this }} as known
            where known.variant_id = first_arrivals.variant_id
        )
    {%- endif %}

)

select * from final
