{%- set position = built_position() -%}
{{ config(
    unique_key=['tenant', 'product_id'],
    materialized='by_key',
    meta={'sources': ['stg_reference_events']},
) }}

with news as (

    select
        tenant,
        product_id
    from {{ ref('stg_reference_events') }}
    where
        event_name = 'reference.product'
        and changed_batch > {{ position }}
    group by tenant, product_id

),

events as (

    select said.*
    from {{ ref('stg_reference_events') }} as said
    inner join news on said.tenant = news.tenant and said.product_id = news.product_id

),

newest as (

    {{ newest_reference('reference.product', ['product_id'], 'events') }}

),

terms as (

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

    select terms.*
    from terms
    left join {{ this }} as known on terms.tenant = known.tenant and terms.product_id = known.product_id
    where
        (terms.unit_cost, terms.cost_currency) is distinct from (known.unit_cost, known.cost_currency)
        or terms.is_gift_card != coalesce(known.is_gift_card, false)

),

{% else -%}
changed as (

    select * from terms
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
