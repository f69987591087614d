{%- set position = built_position() -%}
{{ config(
    unique_key=['tenant', 'product_id'],
    materialized='by_key',
    meta={'sources': ['stg_reference_events']},
) }}

with events as (

    select *
    from {{ ref('stg_reference_events') }}
    where
        event_name = 'reference.product'
        {%- if is_partial() %}
        and product_id in (
            select product_id
            from {{ ref('stg_reference_events') }}
            where changed_batch > {{ position }} and product_id is not null
        )
        {%- endif %}

),

newest as (

    {{ newest_reference('reference.product', ['product_id'], 'events') }}

),

news as (

    select
        tenant,
        product_id,
        said.unit_cost,
        {{ said('said.cost_currency') }} as cost_currency,
        coalesce(said.is_gift_card, false) as is_gift_card
    from newest

),

{% if is_partial() -%}
-- A new name of a product must touch nothing that was sold of it. What nobody has said anything of costs nothing known.
changed as (

    select news.*
    from news
    left join {{ this }} as known on news.tenant = known.tenant and news.product_id = known.product_id
    where
        (news.unit_cost, news.cost_currency) is distinct from (known.unit_cost, known.cost_currency)
        or news.is_gift_card != coalesce(known.is_gift_card, false)

),

{% else -%}
changed as (

    select * from news
    where unit_cost is not null or is_gift_card

),

{% endif -%}
final as (

    select
        *,
        {{ log_position() }}::bigint as changed_batch
    from changed

)

select * from final
