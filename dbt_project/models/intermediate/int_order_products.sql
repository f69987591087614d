{%- set sources = ['stg_order_events', 'stg_return_events', 'stg_fulfillment_events'] -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources}) }}

with order_lines as (

    select
        tenant,
        order_id,
        unnest(payload.items) as item
    from {{ near('stg_order_events') }}
    {%- if is_incremental() %}
    where {{ is_touched('tenant', 'order_id') }}
    {%- endif %}

),

return_lines as (

    select
        tenant,
        order_id,
        unnest(payload.items) as item
    from {{ near('stg_return_events') }}
    where
        order_id is not null
        {%- if is_incremental() %}
        and {{ is_touched('tenant', 'order_id') }}
        {%- endif %}

),

fulfillment_lines as (

    select
        tenant,
        order_id,
        unnest(payload.items) as item
    from {{ near('stg_fulfillment_events') }}
    where
        order_id is not null
        {%- if is_incremental() %}
        and {{ is_touched('tenant', 'order_id') }}
        {%- endif %}

),

named as (

    select
        tenant,
        order_id,
        unnest({{ products_of_item('item') }}) as product_id
    from order_lines
    union
    select
        tenant,
        order_id,
        {{ said('item.product_id') }} as product_id
    from return_lines
    union
    select
        tenant,
        order_id,
        {{ said('item.product_id') }} as product_id
    from fulfillment_lines

),

final as (

    select
        tenant,
        order_id,
        product_id,
        {{ log_position() }}::bigint as changed_batch
    from named
    where product_id is not null

)

select * from final
