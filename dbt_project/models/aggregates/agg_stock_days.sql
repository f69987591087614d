{%- set movement_types = ['received', 'fulfilled', 'returned', 'adjusted', 'transferred'] -%}
{%- set pair = ['tenant', 'location_id', 'product_id'] -%}
{{ config(
    unique_key=pair + ['date'],
    materialized='by_key',
    meta={
        'entity': pair + ['date'],
        'sources': ['int_stock_sightings'],
        'zones': {'location': 'location_id'},
    },
) }}
{#- Only what happened on the days that a run makes anew. -#}
{%- set of_changed_days %}
    inner join changed
        on facts.tenant = changed.tenant
        and facts.location_id = changed.location_id
        and facts.product_id = changed.product_id
        and facts.business_date >= changed.since
{%- endset -%}
-- depends_on: {{ ref('int_stock_sightings') }}, {{ ref('stg_zones') }}

with {% if is_partial() -%}
changed as (

    {{ changed_since('first_date', pair) }}

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
        days.date < changed.since and days.closing is null as is_uncertain,
        true as is_known
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
movements as (

    select
        facts.tenant,
        facts.location_id,
        facts.product_id,
        facts.business_date as date,
        facts.movement_type,
        facts.quantity_change as units,
        facts.occurred_at
    from {{ ref('fct_inventory_movements') }} as facts
    {{ of_changed_days if is_partial() }}
    where facts.location_id is not null and facts.product_id is not null

),

-- Complete counts alone say what is there: a count of which chunks are missing does not. The last of a day says it,
-- whatever the ledger expected; of two at one moment the greater id.
counts as (

    select
        facts.tenant,
        facts.location_id,
        facts.product_id,
        facts.business_date as date,
        arg_max(facts.counted_quantity, (facts.completed_at, facts.count_id)) as counted,
        max(facts.completed_at) as counted_at
    from {{ ref('fct_inventory_counts') }} as facts
    {{ of_changed_days if is_partial() }}
    where facts.is_complete and facts.counted_quantity is not null and facts.location_id is not null
    group by facts.tenant, facts.location_id, facts.product_id, facts.business_date

),

-- What moves at the very moment of a count is in the count.
since_count as (

    select
        movements.tenant,
        movements.location_id,
        movements.product_id,
        movements.date,
        movements.units as units_since_count
    from movements
    inner join counts
        on movements.tenant = counts.tenant
        and movements.location_id = counts.location_id
        and movements.product_id = counts.product_id
        and movements.date = counts.date
        and movements.occurred_at > counts.counted_at

),

happened as (

    select * exclude (occurred_at)
    from movements
    union all by name
    select * exclude (counted_at)
    from counts
    union all by name
    select *
    from since_count
    {%- if is_partial() %}
    union all by name
    select * from known
    {%- endif %}

),

sums as (

    select
        tenant,
        location_id,
        product_id,
        date,
        {%- for movement_type in movement_types %}
        coalesce(sum(units) filter (where movement_type = '{{ movement_type }}'), 0) as {{ movement_type }},
        {%- endfor %}
        max(counted) + coalesce(sum(units_since_count), 0) as counted,
        {{ 'bool_or(is_before) is true' if is_partial() else 'false' }} as is_before,
        {{ 'bool_or(is_uncertain) is true' if is_partial() else 'false' }} as is_uncertain,
        {{ 'bool_and(is_known is true)' if is_partial() else 'false' }} as is_empty
    from happened
    group by tenant, location_id, product_id, date

),

days as (

    select
        * replace (
            {%- for movement_type in movement_types %}
            try_cast({{ movement_type }} as bigint) as {{ movement_type }}{{ ',' if not loop.last }}
            {%- endfor %}
        ),
        {{ movement_types | join(' + ') }} as change
    from sums

),

-- All that has moved up to a day's end, whatever was counted.
moved as (

    select
        *,
        sum(change) over (partition by tenant, location_id, product_id order by date) as units
    from days

),

-- What the last count found beyond that stays, up to the next one.
found as (

    select
        *,
        last_value(counted - units ignore nulls) over up_to_day as surplus,
        last_value(counted - units ignore nulls) over before_day as surplus_before,
        max(date) filter (where counted is not null) over up_to_day as counted_on,
        max(date) filter (where counted is not null) over before_day as counted_on_before
    from moved
    window
        up_to_day as (partition by tenant, location_id, product_id order by date),
        before_day as (
            partition by tenant, location_id, product_id order by date
            rows between unbounded preceding and 1 preceding
        )

),

stock as (

    select
        *,
        units + coalesce(surplus, 0) as closing,
        units - change + coalesce(surplus_before, 0) as opening
    from found

),

-- After a day that ends on more than a column can hold nobody knows what is there, until the next count.
unknown as (

    select
        tenant,
        location_id,
        product_id,
        coalesce(counted_on, '-infinity'::date) as counted_on,
        min(date) as since
    from stock
    where is_uncertain or try_cast(closing as bigint) is null
    group by all

)

select
    stock.tenant,
    stock.location_id,
    stock.product_id,
    stock.date,
    case when opens.since is null or opens.since >= stock.date then stock.opening end::bigint as opening,
    {%- for movement_type in movement_types %}
    stock.{{ movement_type }},
    {%- endfor %}
    -- What it found beyond what was expected; of several counts of a day, all together.
    case
        when (opens.since is null or opens.since >= stock.date) and (closes.since is null or closes.since > stock.date)
            then try_cast(stock.closing - stock.opening - stock.change as bigint)
    end as counted_variance,
    case when closes.since is null or closes.since > stock.date then stock.closing end::bigint as closing,
    stock.is_empty,
    {{ log_position() }}::bigint as changed_batch
from stock
left join unknown as closes
    on stock.tenant = closes.tenant
    and stock.location_id = closes.location_id
    and stock.product_id = closes.product_id
    and coalesce(stock.counted_on, '-infinity'::date) = closes.counted_on
left join unknown as opens
    on stock.tenant = opens.tenant
    and stock.location_id = opens.location_id
    and stock.product_id = opens.product_id
    and coalesce(stock.counted_on_before, '-infinity'::date) = opens.counted_on
where not stock.is_before
