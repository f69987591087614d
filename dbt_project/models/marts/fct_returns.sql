{{ config(meta={
    'entity': ['tenant', 'return_id'],
    'sources': ['stg_return_events'],
    'zones': {'location': 'return_location_id'},
}) }}

with events as (

    {{ counted_events('stg_return_events') }}

),

returns as (

    {{ newest_events('events', 'return_id', 'payload.returned_at') }}

),

units as (

    select
        tenant,
        return_id,
        sum(quantity) as item_count
    from {{ touched_rows('int_return_lines') }}
    where not is_shipping
    group by tenant, return_id

),

described as (

    select
        returns.tenant,
        returns.return_id,
        returns.order_id,
        {{ said('returns.payload.blind_order_id') }} as blind_order_id,
        {{ said('returns.payload.external_order_id') }} as external_order_id,
        returns.order_id is null as is_blind,
        {{ said('returns.payload.return_location_id') }} as return_location_id,
        returns.occurred_at as returned_at,
        returns.payload.total_refund_amount,
        returns.payload.total_refund_amount_adjusted,
        returns.payload.total_refund_excl_tax,
        returns.payload.total_refund_tax,
        returns.payload.return_fee,
        {{ said('returns.payload.currency') }} as currency,
        try_cast(coalesce(units.item_count, 0) as bigint) as item_count,
        {{ said('returns.payload.customer_id') }} as customer_id,
        {{ said('returns.payload.associate_id') }} as associate_id,
        returns.payload.is_historical
    from returns
    left join units on returns.tenant = units.tenant and returns.return_id = units.return_id

),

timed as (

    {{ with_local_time('described', 'returned_at', 'return_location_id') }}

),

final as (

    select
        * exclude (local_time),
        local_time::date as business_date
    from timed

)

select * from final
