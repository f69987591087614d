{{ config(meta={
    'entity': ['tenant', 'order_id'],
    'sources': ['stg_order_events'],
    'zones': {'location': 'demand_location_id', 'channel': 'channel'},
}) }}

with events as (

    {{ counted_events('stg_order_events') }}

),

-- Which of several headers counts is decided by the lifecycle, not by the arrival.
steps as (

    select
        tenant,
        order_id,
        arg_max(
            variant_id,
            (
                event_name = 'order.opened',
                event_name = 'order.created',
                event_name = 'order.completed',
                published_at,
                payload_hash
            )
        ) filter (where is_header) as header_variant_id,
        min(occurred_at) filter (where event_name = 'order.opened') as opened_at,
        min(occurred_at) filter (where event_name in ('order.completed', 'order.shipped')) as completed_at,
        min(occurred_at) filter (
            where event_name in ('order.completed', 'order.shipped') and coalesce(len(payload.items), 0) = 0
        ) as completed_as_a_whole_at,
        min(occurred_at) filter (where event_name = 'order.cancelled') as cancelled_at,
        arg_min({{ said('payload.cancellation_reason') }}, (occurred_at, published_at, payload_hash)) filter (
            where event_name = 'order.cancelled'
        ) as cancellation_reason,
        arg_max({{ said('payload.customer_id') }}, (published_at, payload_hash)) as told_customer_id
    from events
    group by tenant, order_id

),

headers as (

    select
        variant_id,
        event_name,
        published_at,
        {%- for field in [
            'external_id', 'channel_type', 'channel', 'demand_location_id', 'customer_id', 'external_customer_id',
            'customer_email', 'associate_id', 'currency', 'price_method',
        ] %}
        {{ said('payload.' ~ field) }} as {{ field }},
        {%- endfor %}
        {%- for field, name in {'country': 'country', 'state': 'state', 'zip_code': 'zip'}.items() %}
        {{ said('payload.shipping_address.' ~ field) }} as ship_to_{{ name }},
        {%- endfor %}
        list_sort(list_distinct([{{ said('each.coupon_code') }} for each in payload.discounts])) as coupon_codes,
        payload.is_exchange,
        payload.is_historical,
        payload.subtotal,
        payload.discount_total,
        payload.shipping_total,
        payload.shipping_tax,
        payload.tax_total,
        payload.grand_total,
        payload.discounts,
        payload.extended_attributes,
        {{ utc('payload.placed_at') }} as placed_at,
        {{ utc('payload.created_at') }} as created_at
    from events
    where is_header

),

told as (

    select
        steps.tenant,
        steps.order_id,
        steps.header_variant_id,
        headers.event_name as header_name,
        -- A header that names nobody is of an anonymous buyer.
        case
            when headers.event_name is null then steps.told_customer_id else headers.customer_id
        end as customer_id,
        headers.external_id,
        headers.channel_type,
        headers.channel,
        headers.demand_location_id,
        headers.external_customer_id,
        headers.customer_email,
        headers.associate_id,
        headers.ship_to_country,
        headers.ship_to_state,
        headers.ship_to_zip,
        coalesce(headers.coupon_codes, []) as coupon_codes,
        headers.currency,
        headers.price_method,
        headers.is_exchange,
        headers.is_historical,
        headers.subtotal,
        headers.discount_total,
        headers.shipping_total,
        headers.shipping_tax,
        headers.tax_total,
        headers.grand_total,
        headers.discounts,
        headers.extended_attributes,
        headers.placed_at,
        headers.created_at,
        steps.opened_at,
        steps.completed_at,
        steps.completed_as_a_whole_at,
        steps.cancelled_at,
        steps.cancellation_reason,
        coalesce(headers.placed_at, headers.created_at, steps.opened_at, headers.published_at) as ordered_at,
        headers.event_name is not null and not coalesce(headers.is_historical, false) as is_sale
    from steps
    left join headers on steps.header_variant_id = headers.variant_id

),

timed as (

    {{ with_local_time('told', 'ordered_at', 'demand_location_id', 'channel') }}

),

-- A business day is the day on the wall of the shop, not in UTC.
final as (

    select
        * exclude (local_time),
        local_time::date as business_date,
        hour(local_time) as business_hour
    from timed

)

select * from final
