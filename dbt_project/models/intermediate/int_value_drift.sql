{#- The names of all fields of the contract that are money or whole numbers. -#}
{%- set names = [] -%}
{%- for fields in contract().fields.values() -%}
    {%- for field in fields if field.type in ['money', 'integer'] -%}
        {%- do names.append(field.path.split('.')[-1].split('[')[0]) -%}
    {%- endfor -%}
{%- endfor -%}
{#- One of them with a number that may not fit: of 15 digits, with five decimals, or with an exponent. -#}
{%- set wide_number = '"(' ~ names | unique | sort | join('|') ~ ')"\\s*:\\s*'
    ~ '(\\[|-?(\\d{15}|\\d+\\.\\d{5}|\\d+(\\.\\d+)?[eE]))' -%}
{#- The events whose lines are units, which NewStore sends one by one. -#}
{%- set events_of_units = contract().names.get('order', []) + contract().names.get('return', [])
    + contract().names.get('fulfillment', []) -%}
{{ config(unique_key=['tenant', 'event_name', 'path', 'drift', 'seen_type'], materialized='by_key') }}

-- Deliveries that may hold a number that does not fit, or a quantity that is not one: to search their text costs next
-- to nothing. In escapes anything may be written.
with suspects as (

    select
        events.tenant,
        events.name as event_name,
        { 'received_at': events.received_at, 'journal': events.journal, 'position': events.position } as delivery,
        {{ raw_payload('events.body') }} as payload
    from {{ log_events() }} as events
    left join {{ ref('stg_readings') }} as readings
        on events.journal = readings.journal
        and events.position = readings.position
        and readings.changed_batch > {{ built_position() }}
    where
        {{ new_deliveries('events') }}
        and events.problem is null
        and readings.problem is null
        and (
            contains(events.body, '\u')
            or regexp_matches(events.body, '{{ wide_number }}')
            or (
                events.name in ('{{ events_of_units | join("', '") }}')
                and contains(events.body, '"quantity"')
                and regexp_matches(events.body, '"quantity"\s*:\s*(["0-]|[2-9]|1[0-9.eE])')
            )
        )

),

with_numbers as (

    select
        tenant,
        event_name,
        delivery,
        {{ payload_values('event_name', 'payload', ['money', 'integer']) }} as numbers
    from suspects
    where contains(payload::varchar, '\u') or regexp_matches(payload::varchar, '{{ wide_number }}')

),

-- What the reading has said; numbers that are too great, which read as nothing, and money of more than four decimals,
-- which is rounded; and lines of several units, which cannot be cancelled, held or fulfilled in part.
found as (

    select
        tenant,
        name as event_name,
        { 'received_at': received_at, 'journal': journal, 'position': position } as delivery,
        finding.path,
        finding.drift,
        finding.expected_type,
        finding.seen_type
    from (
        select
            *,
            unnest(findings) as finding
        from {{ ref('stg_readings') }}
        where changed_batch > {{ built_position() }} and problem is null
    ) as readings
    union all
    select distinct
        tenant,
        event_name,
        delivery,
        number.path,
        'does_not_fit' as drift,
        number.type as expected_type,
        case when json_type(number.value) = 'DOUBLE' then 'number' else 'integer' end as seen_type
    from (
        select
            *,
            unnest(numbers) as number
        from with_numbers
    ) as listed
    where
        case
            when number.type = 'integer' and json_type(number.value) in ('BIGINT', 'UBIGINT')
                then try_cast(number.value ->> '$' as bigint) is null
            when number.type = 'money' and json_type(number.value) in ('BIGINT', 'UBIGINT', 'DOUBLE')
                then
                    try_cast(number.value ->> '$' as decimal(18, 4))
                    is distinct from try_cast(number.value ->> '$' as decimal(38, 12))
                    or try_cast(number.value ->> '$' as decimal(18, 4)) is null
        end
    union all
    select distinct
        tenant,
        event_name,
        delivery,
        'items[].quantity' as path,
        'not_one_unit' as drift,
        'integer' as expected_type,
        case json_type(quantity) when 'VARCHAR' then 'text' when 'DOUBLE' then 'number' else 'integer' end as seen_type
    from (
        select
            *,
            unnest(json_extract(payload, '$.items[*].quantity')) as quantity
        from suspects
        where event_name in ('{{ events_of_units | join("', '") }}')
    ) as lines
    where try_cast(quantity ->> '$' as double) != 1

),

news as (

    select
        tenant,
        event_name,
        path,
        drift,
        expected_type,
        seen_type,
        1 as deliveries,
        delivery as first_delivery,
        delivery.received_at as last_seen_at
    from found

)

{{ add_up_drift('news') }}
