{%- set counts = ['orders', 'units', 'returns', 'returned_units'] + requested_counts() -%}
{%- set sold = {'orders': 'sold_orders', 'units': 'sold_units'} -%}
{%- set figures = ['sold_orders', 'sold_units'] + counts[2:] + ['net_sales', 'returned_sales'] -%}
{{ config(materialized='whole') }}

with bookings as (

    select
        tenant,
        date,
        location_id,
        currency,
        {{ (counts + ['net_sales', 'returned_sales']) | join(',\n        ') }}
    from {{ ref('agg_order_bookings') }}
    where
        location_id != 'unknown'
        and greatest({{ counts | join(', ') }}) is distinct from 0
    union all
    select
        tenant,
        date,
        location_id,
        currency,
        {%- for name in counts %}
        {{ name if name in returned_counts() else '0 as ' ~ name }},
        {%- endfor %}
        0 as net_sales,
        returned_sales
    from {{ ref('agg_blind_returns') }}
    where location_id != 'unknown'

),

days as (

    select
        tenant,
        date,
        location_id,
        currency,
        {%- for name in counts %}
        {{ sum_of_known(name, 'bigint') }} as {{ sold.get(name, name) }},
        {%- endfor %}
        {{ sum_of_known('net_sales') }} as net_sales,
        {{ sum_of_known('returned_sales') }} as returned_sales
    from bookings
    group by tenant, date, location_id, currency

),

tenants as (

    select
        tenant,
        max(date) as newest_date
    from days
    group by tenant

),

-- Where no fiscal calendar is said, the same day is the same date.
calendar as (

    select
        tenant,
        date,
        fiscal_day_last_year as day_last_year
    from {{ ref('dim_fiscal_dates') }}
    union all
    select
        tenants.tenant,
        dates.date,
        (dates.date - interval 1 year)::date as day_last_year
    from tenants
    cross join {{ ref('dim_dates') }} as dates
    where
        not (month(dates.date) = 2 and day(dates.date) = 29)
        and tenants.tenant not in (select fiscal.tenant from {{ ref('dim_fiscal_dates') }} as fiscal)

),

-- A day on which a store sold nothing has a row for what it sold a year before.
last_year as (

    select
        days.tenant,
        calendar.date,
        days.location_id,
        days.currency,
        days.net_sales
    from days
    inner join calendar on days.tenant = calendar.tenant and days.date = calendar.day_last_year
    inner join tenants on days.tenant = tenants.tenant and calendar.date <= tenants.newest_date
    where days.net_sales is distinct from 0

),

paired as (

    select
        coalesce(days.tenant, last_year.tenant) as tenant,
        coalesce(days.date, last_year.date) as date,
        coalesce(days.location_id, last_year.location_id) as location_id,
        coalesce(days.currency, last_year.currency) as currency,
        {%- for name in figures %}
        coalesce(days.{{ name }}, case when days.tenant is null then 0 end) as {{ name }},
        {%- endfor %}
        coalesce(last_year.net_sales, case when last_year.tenant is null then 0 end) as net_sales_same_day_last_year
    from days
    full join last_year
        on days.tenant = last_year.tenant
        and days.date = last_year.date
        and days.location_id = last_year.location_id
        and days.currency = last_year.currency

),

first_days as (

    select
        tenant,
        location_id,
        min(date) filter (where sold_orders > 0) as first_sold_on
    from days
    group by tenant, location_id

),

final as (

    select
        paired.*,
        coalesce(
            coalesce(locations.opened_on, first_days.first_sold_on) <= calendar.day_last_year
            and coalesce(locations.closed_on, 'infinity'::date) > paired.date,
            false
        ) as is_same_store,
        {%- for name in ['net_sales', 'returned_sales'] %}
        try_cast(paired.{{ name }} * rates.rate as decimal(18, 4)) as {{ name }}_reporting,
        {%- endfor %}
        rates.reporting_currency
    from paired
    left join calendar on paired.tenant = calendar.tenant and paired.date = calendar.date
    left join first_days on paired.tenant = first_days.tenant and paired.location_id = first_days.location_id
    left join {{ ref('dim_locations') }} as locations
        on paired.tenant = locations.tenant and paired.location_id = locations.location_id
    {{ join_reporting_rates('paired') }}

)

select * from final
