{%- set times = {
    'fct_orders': [
        'placed_at', 'created_at', 'opened_at', 'first_assigned_at', 'first_fulfilled_at', 'completed_at', 'cancelled_at',
        'ordered_at',
    ],
    'fct_order_items': ['assigned_at', 'on_hold_at', 'fulfilled_at', 'cancelled_at', 'returned_at'],
    'fct_order_status_changes': ['occurred_at'],
    'fct_payment_transactions': ['occurred_at'],
    'fct_refund_requests': ['requested_at'],
    'fct_returns': ['returned_at'],
    'fct_invoices': ['created_at'],
    'fct_fulfillment_requests': ['assigned_at', 'ready_for_handover_at', 'completed_at', 'failed_at'],
    'fct_fulfillment_items': ['assigned_at', 'ready_for_handover_at', 'completed_at', 'failed_at'],
    'fct_inventory_movements': ['occurred_at'],
    'fct_inventory_counts': ['started_at', 'completed_at'],
    'fct_transfers': ['shipped_at', 'received_at'],
} -%}
{#- The years that a retailer's events may come from. A `not` of both would have each time looked at. -#}
{%- set first = "timestamptz '2000-01-01 00:00:00+00'" -%}
{%- set end = "timestamptz '2101-01-01 00:00:00+00'" -%}
{{ config(materialized='whole') }}

-- The first and the last believable time of each column, and every other one: one wrong year, such as 0001, must not
-- stretch the calendar over two millennia. Asked for column by column, DuckDB finds most of them in its statistics.
with moments as (
    {% for fact, columns in times.items() %}
    {%- set last_fact = loop.last %}
    {%- for column in columns %}
    select unnest([min({{ column }}), max({{ column }})]) as moment
    from {{ ref(fact) }}
    where {{ column }} >= {{ first }} and {{ column }} < {{ end }}
    union all
    select {{ column }} as moment
    from {{ ref(fact) }}
    where {{ column }} < {{ first }} or {{ column }} >= {{ end }}
    {{- ' union all' if not (last_fact and loop.last) }}
    {%- endfor %}
    {%- endfor %}

),

moment_years as (

    select distinct year({{ day('moment') }}) as year
    from moments
    where moment is not null

),

believable as (

    select unnest(range(min(year), max(year) + 1)) as year
    from moment_years
    where year between 2000 and 2100

),

years as (

    select year from moment_years
    union
    select year from believable

),

dates as (

    select unnest(generate_series(make_date(year, 1, 1), make_date(year, 12, 31), interval 1 day))::date as date
    from years

),

days as (

    select
        date,
        year(date) as year,
        quarter(date) as quarter,
        month(date) as month,
        monthname(date) as month_name,
        date_trunc('month', date)::date as month_start,
        isoyear(date) as iso_year,
        weekofyear(date) as iso_week,
        date_trunc('week', date)::date as week_start,
        dayofmonth(date) as day_of_month,
        dayofyear(date) as day_of_year,
        isodow(date) as iso_day_of_week,
        dayname(date) as day_name,
        isodow(date) > 5 as is_weekend
    from dates

),

-- A day has one row here, so its place in a fiscal year is known only where all retailers that say so divide it alike.
calendar as (

    select
        coalesce(max(kind), 'gregorian') as kind,
        coalesce(max(month), 1) as month,
        coalesce(max(day), 1) as day,
        coalesce(max(weekday), 1) as weekday
    from {{ ref('int_fiscal_calendars') }}
    having count(distinct concat_ws(' ', kind, month, day, weekday)) <= 1

),

fiscal as (

    {{ fiscal_dates('days', 'calendar', []) | indent(4) }}

),

final as (

    select
        days.*,
        fiscal.fiscal_year,
        fiscal.fiscal_quarter,
        fiscal.fiscal_period,
        fiscal.fiscal_week,
        fiscal.fiscal_day_last_year
    from days
    left join fiscal on days.date = fiscal.date

)

select * from final
