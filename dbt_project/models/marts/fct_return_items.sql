{%- set sources = ['stg_return_events', 'int_return_sales', 'int_exchanges'] -%}
{%- set zones = {'rows': 'fct_returns', 'location': 'return_location_id'} -%}
{{ config(meta={'entity': ['tenant', 'return_id'], 'sources': sources, 'zones': zones}) }}
-- depends_on: {{ ref('stg_return_events') }}

with exchanged as (

    select distinct
        tenant,
        return_id
    from {{ touched_rows('int_exchanges') }}
    where is_current

),

final as (

    select
        lines.tenant,
        lines.return_id,
        lines.item_id,
        lines.order_id,
        lines.product_id,
        lines.item_type,
        lines.quantity,
        lines.refund_amount,
        lines.refund_amount_adjusted,
        lines.refund_excl_tax,
        lines.refund_tax,
        lines.currency,
        lines.return_reason,
        lines.return_code,
        lines.item_condition,
        lines.condition_code,
        lines.adjustment_reason,
        lines.returned_at,
        returns.business_date,
        returns.business_date - sales.sold_on as days_to_return,
        sales.sold_at_location_id,
        exchanged.return_id is not null as is_exchange
    from {{ touched_rows('int_return_lines') }} as lines
    inner join {{ touched_rows('fct_returns') }} as returns
        on lines.tenant = returns.tenant and lines.return_id = returns.return_id
    left join {{ touched_rows('int_return_sales') }} as sales
        on lines.tenant = sales.tenant and lines.return_id = sales.return_id and lines.order_id = sales.order_id
    left join exchanged on lines.tenant = exchanged.tenant and lines.return_id = exchanged.return_id

)

select * from final
