{%- set sources = ['stg_order_events', 'stg_return_orders', 'stg_fulfillment_orders'] -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources}) }}

with order_lines as (

    select
        tenant,
        order_id,
        unnest(payload.items) as item
    from {{ touched_rows('stg_order_events') }}

),

named as (

    select
        tenant,
        order_id,
        unnest({{ products_of_item('item') }}) as product_id
    from order_lines
    {%- for source in ['stg_return_orders', 'stg_fulfillment_orders'] %}
    union
    select
        tenant,
        order_id,
        unnest(product_ids) as product_id
    from {{ touched_rows(source) }}
    {%- endfor %}

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
