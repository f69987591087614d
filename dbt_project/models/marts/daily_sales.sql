{{ config(materialized='whole') }}

-- What comes back is booked where its order was sold; nobody knows where that was of a blind return.
with bookings as (

    select
        tenant,
        date,
        coalesce(channel_type, 'unknown') as channel_type,
        coalesce(channel, 'unknown') as channel,
        currency,
        {{ (booked_counts() + booked_amounts()) | join(',\n        ') }}
    from {{ ref('agg_order_bookings') }}
    where has_bookings
    union all
    select
        tenant,
        date,
        'unknown' as channel_type,
        'unknown' as channel,
        currency,
        {{ booked_of_returns() | join(',\n        ') }}
    from {{ ref('agg_blind_returns') }}

),

summed as (

    select
        tenant,
        date,
        channel_type,
        channel,
        {%- for name in booked_counts() %}
        {{ sum_of_known(name, 'bigint') }} as {{ name }},
        {%- endfor %}
        {%- for name in booked_amounts() %}
        {{ sum_of_known(name) }} as {{ name }},
        {%- endfor %}
        currency
    from bookings
    group by tenant, date, channel_type, channel, currency

),

totals as (

    select
        *,
        try_cast(
            net_sales::decimal(38, 4)
            + gift_cards_sold + charges + shipping + tax
            - cancelled_sales - cancelled_tax
            - returned_sales - refunded_tax - refunded_shipping
            + return_fees
            as decimal(18, 4)
        ) as total_sales
    from summed

),

final as (

    select
        totals.*,
        {%- for name in ['gross_sales', 'net_sales', 'cancelled_sales', 'returned_sales', 'total_sales'] %}
        try_cast(totals.{{ name }} * rates.rate as decimal(18, 4)) as {{ name }}_reporting,
        {%- endfor %}
        rates.reporting_currency
    from totals
    {{ join_reporting_rates('totals') }}

)

select * from final
