{{ config(meta={
    'entity': ['tenant', 'return_id'],
    'sources': ['stg_return_events'],
    'zones': {'rows': 'fct_returns', 'location': 'return_location_id'},
    'products': 'int_return_lines',
}) }}
-- depends_on: {{ ref('stg_return_events') }}, {{ ref('int_return_lines') }}

with returned as (

    {{ booked_returns(touched_rows('fct_returns'), touched_rows('fct_return_items'), none, 'order_id is null') }}

),

final as (

    select
        tenant,
        return_id,
        date,
        coalesce(location_id, 'unknown') as location_id,
        coalesce(currency, 'XXX') as currency,
        {{ booked_sums(returned_counts(), returned_amounts()) }}
    from returned
    group by all

)

select * from final
