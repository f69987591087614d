{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': ['stg_order_events']}) }}
-- depends_on: {{ ref('stg_order_events') }}

with attributes as (

    select
        tenant,
        order_id,
        '' as item_id,
        unnest(extended_attributes) as attribute,
        generate_subscripts(extended_attributes, 1) as line
    from {{ touched_rows('int_orders') }}
    union all
    select
        tenant,
        order_id,
        item_id,
        unnest(extended_attributes) as attribute,
        generate_subscripts(extended_attributes, 1) as line
    from {{ touched_rows('int_order_lines') }}

),

named as (

    select
        tenant,
        order_id,
        item_id,
        {{ said('attribute.name') }} as name,
        attribute.value ->> '$' as value,
        line
    from attributes

),

-- A name may stand twice: its first line counts.
final as (

    select * exclude (line)
    from named
    where name is not null
    qualify row_number() over (partition by tenant, order_id, item_id, name order by line) = 1

)

select * from final
