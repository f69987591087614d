{%- set place = ['tenant', 'location_id'] -%}
{#- Most requests are closed within so many days; what is open longer is looked for on each day that there is. -#}
{%- set short = 31 -%}
{{ config(
    unique_key=place + ['date'],
    materialized='by_key',
    meta={
        'entity': place + ['date'],
        'sources': ['int_stock_sightings'],
        'zones': {'location': 'location_id'},
    },
) }}
-- depends_on: {{ ref('int_stock_sightings') }}, {{ ref('stg_zones') }}

with {% if is_partial() -%}
changed as (

    {{ changed_since('first_step_date', place) }}

),

{% endif -%}
requests as (

    select
        facts.tenant,
        facts.fulfillment_location_id as location_id,
        facts.assigned_on,
        facts.ready_on,
        facts.closed_on,
        facts.completed_at is not null as is_completed,
        facts.hours_to_ready,
        facts.hours_to_complete,
        facts.is_open,
        coalesce(facts.assigned_at, facts.ready_for_handover_at, facts.completed_at, facts.failed_at) as opened_at,
        coalesce(facts.assigned_on, facts.ready_on, facts.business_date) as opened_on
    from {{ ref('fct_fulfillment_requests') }} as facts
    {% if is_partial() %}
    inner join changed
        on facts.tenant = changed.tenant
        and facts.fulfillment_location_id = changed.location_id
        and (facts.is_open or greatest(facts.assigned_on, facts.ready_on, facts.closed_on) >= changed.since)
    {% endif %}
    where facts.fulfillment_location_id is not null

),

units as (

    select
        facts.tenant,
        facts.fulfillment_location_id as location_id,
        facts.quantity,
        facts.completed_on,
        facts.failed_on,
        coalesce(facts.rejection_reason, 'unknown') as reason
    from {{ ref('fct_fulfillment_items') }} as facts
    {% if is_partial() %}
    inner join changed
        on facts.tenant = changed.tenant
        and facts.fulfillment_location_id = changed.location_id
        and greatest(facts.completed_on, facts.failed_on) >= changed.since
    {% endif %}
    where facts.fulfillment_location_id is not null

),

rejections as (

    select
        tenant,
        location_id,
        failed_on as date,
        reason,
        try_cast(sum(quantity) as bigint) as rejected
    from units
    where failed_on is not null
    group by tenant, location_id, failed_on, reason

),

steps as (

    select
        tenant,
        location_id,
        assigned_on as date,
        true as is_assigned
    from requests
    union all by name
    select
        tenant,
        location_id,
        ready_on as date,
        hours_to_ready
    from requests
    union all by name
    select
        tenant,
        location_id,
        closed_on as date,
        is_completed,
        case when is_completed then hours_to_complete end as hours_to_complete
    from requests
    union all by name
    select
        tenant,
        location_id,
        completed_on as date,
        quantity
    from units
    union all by name
    select *
    from rejections
    {%- if is_partial() %}
    -- A day of which a correction has taken all away stays, empty, so that what is made from it learns of that.
    union all by name
    select
        days.tenant,
        days.location_id,
        days.date,
        true as is_known
    from {{ this }} as days
    {%- endif %}

),

days as (

    select
        steps.tenant,
        steps.location_id,
        steps.date,
        count(steps.is_assigned) as assigned,
        count(*) filter (where steps.is_completed) as completed,
        count(*) filter (where not steps.is_completed) as failed,
        map_from_entries(
            coalesce(
                list({ 'key': steps.reason, 'value': steps.rejected } order by steps.reason) filter (
                    where steps.reason is not null
                ),
                []
            )
        ) as rejected_by_reason,
        try_cast(coalesce(sum(steps.quantity), 0) as bigint) as units,
        {%- for figure in ['hours_to_ready', 'hours_to_complete'] %}
        {%- for share in [50, 90] %}
        quantile_cont(steps.{{ figure }}, {{ share / 100 }}) as {{ figure }}_p{{ share }},
        {%- endfor %}
        {%- endfor %}
        {{ 'bool_and(steps.is_known is true)' if is_partial() else 'false' }} as is_empty
    from steps
    {% if is_partial() %}
    inner join changed
        on steps.tenant = changed.tenant
        and steps.location_id = changed.location_id
        and steps.date >= changed.since
    {% endif %}
    where steps.date is not null
    group by steps.tenant, steps.location_id, steps.date

),

-- What was open at the end of a day.
waiting as (

    select
        tenant,
        location_id,
        unnest(range(opened_on, closed_on, interval 1 day))::date as date,
        opened_at
    from requests
    where closed_on - opened_on between 1 and {{ short }}
    union all
    select
        days.tenant,
        days.location_id,
        days.date,
        requests.opened_at
    from requests
    inner join days
        on requests.tenant = days.tenant
        and requests.location_id = days.location_id
        and requests.opened_on <= days.date
    where requests.is_open or (requests.closed_on - requests.opened_on > {{ short }} and requests.closed_on > days.date)

),

left_open as (

    select
        tenant,
        location_id,
        date,
        count(*) as open_at_close,
        min(opened_at) as oldest_opened_at
    from waiting
    group by tenant, location_id, date

),

-- With the midnight at its end, as the time it was in the location's zone.
ended as (

    {{ with_local_time('days', '(date + 1)::timestamp', 'location_id') }}

)

select
    ended.tenant,
    ended.location_id,
    ended.date,
    ended.assigned,
    ended.completed,
    ended.failed,
    ended.rejected_by_reason,
    ended.units,
    ended.hours_to_ready_p50,
    ended.hours_to_ready_p90,
    ended.hours_to_complete_p50,
    ended.hours_to_complete_p90,
    coalesce(left_open.open_at_close, 0) as open_at_close,
    {{ hours('left_open.oldest_opened_at', 'ended.local_time') }} as oldest_open_hours,
    ended.is_empty,
    {{ log_position() }}::bigint as changed_batch
from ended
left join left_open
    on ended.tenant = left_open.tenant
    and ended.location_id = left_open.location_id
    and ended.date = left_open.date
