{%- set movement_types = ['received', 'fulfilled', 'returned', 'adjusted', 'transferred'] -%}
{{ config(
    unique_key=['tenant', 'location_id', 'product_id', 'date'],
    materialized='by_key',
    meta={'entity': ['tenant', 'location_id', 'product_id', 'date'], 'sources': ['int_stock_sightings']},
) }}
-- depends_on: {{ ref('int_stock_sightings') }}

-- Complete counts alone say what is there: a count of which chunks are missing does not.
with moments as (

    select
        *,
        {{ day('occurred_at') }} as date,
        coalesce(quantity_change, 0) as units
    from {{ ref('fct_inventory_movements') }}
    where location_id is not null and product_id is not null
    union all by name
    select
        *,
        completed_at as occurred_at,
        {{ day('completed_at') }} as date,
        counted_quantity as counted
    from {{ ref('fct_inventory_counts') }}
    where is_complete and counted_quantity is not null and location_id is not null

),

{% if is_partial() -%}
-- A pair's days are made anew from the first on which something may be other than it was.
changed as (

    select
        tenant,
        location_id,
        product_id,
        min(first_date) as since,
        min(first_date)::timestamp at time zone 'UTC' as since_at
    from {{ ref('int_stock_sightings') }}
    where changed_batch > {{ built_position() }} and first_date is not null
    group by tenant, location_id, product_id

),

-- What the last day before these left is as good as counted. A day of which a correction has taken all away stays,
-- empty, so that what is made from it learns of that.
known as (

    select
        days.tenant,
        days.location_id,
        days.product_id,
        days.date,
        days.date < changed.since as is_before,
        case when days.date < changed.since then coalesce(days.closing, 0) end as counted,
        days.date < changed.since and days.closing is null as is_uncertain
    from {{ this }} as days
    inner join changed
        on days.tenant = changed.tenant
        and days.location_id = changed.location_id
        and days.product_id = changed.product_id
    qualify
        days.date >= changed.since
        or days.date = max(case when days.date < changed.since then days.date end) over (
            partition by days.tenant, days.location_id, days.product_id
        )

),

{% endif -%}
happened as (

    select
        moments.*,
        max(case when moments.counted is not null then moments.occurred_at end) over (
            partition by moments.tenant, moments.location_id, moments.product_id, moments.date
        ) as counted_at
    from moments
    {% if is_partial() %}
    inner join changed
        on moments.tenant = changed.tenant
        and moments.location_id = changed.location_id
        and moments.product_id = changed.product_id
        and moments.occurred_at >= changed.since_at
    union all by name
    select * from known
    {% endif %}

),

-- The last count of a day says what is there then, whatever the ledger expected; of two at one moment the greater id.
-- What moves at the very moment of a count is in the count.
days as (

    select
        tenant,
        location_id,
        product_id,
        date,
        {%- for movement_type in movement_types %}
        coalesce(sum(units) filter (where movement_type = '{{ movement_type }}'), 0) as {{ movement_type }},
        {%- endfor %}
        coalesce(sum(units), 0)::hugeint as change,
        arg_max(counted, (occurred_at, count_id))
        + coalesce(sum(units) filter (where occurred_at > counted_at), 0)::hugeint as counted,
        {{ 'bool_or(is_before) is true' if is_partial() else 'false' }} as is_before,
        {{ 'bool_or(is_uncertain) is true' if is_partial() else 'false' }} as is_uncertain,
        count(occurred_at) = 0 as is_empty
    from happened
    group by tenant, location_id, product_id, date

),

-- A pair's days up to the next one that ends on a count.
spans as (

    select
        *,
        count(counted) over (partition by tenant, location_id, product_id order by date) as counts_so_far
    from days

),

summed as (

    select
        *,
        sum(coalesce(counted, change)) over (
            partition by tenant, location_id, product_id, counts_so_far order by date
        ) as units_left
    from spans

),

-- After a day that ends on more than a column can hold nobody knows what is there, until the next count.
closed as (

    select
        *,
        case
            when not bool_or(is_uncertain or try_cast(units_left as bigint) is null) over (
                partition by tenant, location_id, product_id, counts_so_far order by date
            ) then units_left
        end as closing
    from summed

),

opened as (

    select
        *,
        lag(closing, 1, 0) over (partition by tenant, location_id, product_id order by date) as opening
    from closed

)

select
    tenant,
    location_id,
    product_id,
    date,
    opening::bigint as opening,
    {%- for movement_type in movement_types %}
    try_cast({{ movement_type }} as bigint) as {{ movement_type }},
    {%- endfor %}
    -- What it found beyond what was expected; of several counts of a day, all together.
    try_cast(closing - opening - change as bigint) as counted_variance,
    closing::bigint as closing,
    is_empty,
    {{ log_position() }}::bigint as changed_batch
from opened
where not is_before
