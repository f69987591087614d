{{ config(
    unique_key=['tenant', 'event_name', 'path', 'drift', 'seen_type'],
    materialized='by_key',
) }}

-- Of most payloads a strict decoder has said in a fraction of the time that nothing in them differs: these have no
-- reading.
with readings as (

    select
        journal,
        position,
        problem,
        findings
    from {{ ref('stg_readings') }}
    where {{ new_readings() }}

),

arrivals as (

    select
        events.tenant,
        events.name,
        events.received_at,
        events.journal,
        events.position,
        json_extract(
            case when contains(events.body, '\u0000') then without_zeros(events.body) else events.body end,
            '$.payload'
        ) as payload,
        readings.findings
    from {{ source('log', 'events') }} as events
    left join readings on events.journal = readings.journal and events.position = readings.position
    where
        {{ new_deliveries() | replace('batch', 'events.batch') }}
        and events.problem is null
        and readings.problem is null
        and (
            readings.journal is not null
            or {{ may_not_fit('events.body') }}
            or {{ may_not_be_one('events.name', 'events.body') }}
        )

),

-- Payloads of one structure drift in the same way, so each structure is looked at once. An empty object says no more
-- than null, and json_structure would take it for a mixture. Inside a text the replacement is of no consequence.
-- What is asked of a structure below is an aggregate here: DuckDB puts a condition on the structure itself in front of
-- the grouping, and makes the structure of each payload once more for it.
structures as (

    select
        tenant,
        name,
        structure,
        max(length(structure::varchar)) > 32768 as is_too_large,
        max(left(structure::varchar, 1)) = '{' as is_object,
        count(*) as deliveries,
        min({ 'received_at': received_at, 'journal': journal, 'position': position }) as first_delivery,
        max(received_at) as last_seen_at
    from (
        select
            *,
            json_structure(replace(payload::varchar, '{}', 'null')) as structure
        from arrivals
    ) as structured
    group by tenant, name, structure

),

-- Each node of a tree carries its paths, so a hostile payload of 100,000 fields would take gigabytes apart. NewStore's
-- largest structures have some 5,000 characters.
comparable as (

    select * from structures
    where not is_too_large

),

-- Structures are many by what is there and what is not, but each field of a payload has one of a few structures itself.
parts as (

    select
        tenant,
        name,
        json_object(field, value) as structure,
        sum(deliveries) as deliveries,
        min(first_delivery) as first_delivery,
        max(last_seen_at) as last_seen_at
    from (
        select
            tenant,
            name,
            unnest(json_keys(structure)) as field,
            unnest(json_extract(structure, '$.*')) as value,
            deliveries,
            first_delivery,
            last_seen_at
        from comparable
        where is_object
    ) as split
    group by tenant, name, field, value
    union all
    select
        tenant,
        name,
        structure,
        deliveries,
        first_delivery,
        last_seen_at
    from comparable
    where not is_object

),

nodes as (

    select
        parts.tenant,
        parts.name,
        regexp_replace(node.fullkey, '\[\d+\]', '[]', 'g') as node_path,
        regexp_replace(node.path, '\[\d+\]', '[]', 'g') as parent_path,
        contains(node.key, '.') or contains(node.key, '[') as is_ambiguous,
        case
            when node.type = 'OBJECT' then 'object'
            when node.type = 'ARRAY' then 'list'
            else node.atom ->> '$'
        end as structure_type,
        parts.deliveries,
        parts.first_delivery,
        parts.last_seen_at
    from parts, json_tree(parts.structure) as node
    where node.fullkey != '$' and node.value::varchar not in ('"NULL"', '["NULL"]')

),

-- json_structure says JSON where the elements of a list are of different kinds, or a key stands twice with two kinds.
seen as (

    select
        tenant,
        name as event_name,
        substr(node_path, 3) as path,
        substr(parent_path, 3) as parent,
        is_ambiguous,
        case structure_type
            when 'VARCHAR' then 'text'
            when 'UBIGINT' then 'integer'
            when 'BIGINT' then 'integer'
            when 'DOUBLE' then 'number'
            when 'BOOLEAN' then 'boolean'
            when 'JSON' then 'mixed'
            else structure_type
        end as seen_type,
        deliveries,
        first_delivery,
        last_seen_at
    from nodes

),

compared as (

    select
        seen.*,
        case fields.type when 'name' then 'text' when 'list by name' then 'list' else fields.type end as expected_type,
        case
            when
                (fields.type is null or seen.is_ambiguous)
                and not ends_with(seen.path, '[]')
                and (seen.parent = '' or parents.type = 'record') then 'unknown_field'
            when
                case fields.type
                    when 'record' then seen.seen_type != 'object'
                    when 'object' then seen.seen_type != 'object'
                    when 'list' then seen.seen_type != 'list'
                    when 'list by name' then seen.seen_type not in ('list', 'object')
                    when 'name' then seen.seen_type not in ('text', 'object')
                    when 'text' then seen.seen_type != 'text'
                    when 'uuid' then seen.seen_type != 'text'
                    when 'time' then seen.seen_type != 'text'
                    when 'integer' then seen.seen_type != 'integer'
                    when 'number' then seen.seen_type not in ('integer', 'number')
                    when 'money' then seen.seen_type not in ('integer', 'number')
                    when 'boolean' then seen.seen_type != 'boolean'
                end then 'wrong_type'
        end as drift
    from seen
    left join run.main.contract_fields as fields on seen.event_name = fields.name and seen.path = fields.path
    left join run.main.contract_fields as parents on seen.event_name = parents.name and seen.parent = parents.path

),

-- A number that is too great reads as nothing, and money of more than four decimals is rounded.
numbers as (

    select
        tenant,
        name,
        received_at,
        journal,
        position,
        unnest(list_distinct([
            { 'path': number.path, 'type': number.type, 'seen_type': case
                when json_type(number.value) = 'DOUBLE' then 'number' else 'integer'
            end }
            for number in {{ payload_values('name', 'payload', ['money', 'integer']) }}
            if case
                when number.type = 'integer' and json_type(number.value) in ('BIGINT', 'UBIGINT')
                    then try_cast(number.value ->> '$' as bigint) is null
                when number.type = 'money' and json_type(number.value) in ('BIGINT', 'UBIGINT', 'DOUBLE')
                    then
                        try_cast(number.value ->> '$' as decimal(18, 4))
                        is distinct from try_cast(number.value ->> '$' as decimal(38, 12))
                        or try_cast(number.value ->> '$' as decimal(18, 4)) is null
                else false
            end
        ])) as field
    from arrivals
    where {{ may_not_fit('payload::varchar') }}

),

-- A line of several units cannot be cancelled, held or fulfilled in part.
quantities as (

    select
        tenant,
        name,
        received_at,
        journal,
        position,
        unnest(list_distinct([
            case json_type(quantity)
                when 'VARCHAR' then 'text'
                when 'DOUBLE' then 'number'
                else 'integer'
            end
            for quantity in json_extract(payload, '$.items[*].quantity')
            if coalesce(try_cast(quantity ->> '$' as double) != 1, false)
        ])) as seen_type
    from arrivals
    where {{ is_of_units('name') }}

),

news as (

    select
        tenant,
        event_name,
        path,
        drift,
        case when drift = 'wrong_type' then expected_type end as expected_type,
        seen_type,
        deliveries,
        first_delivery,
        last_seen_at
    from compared
    where drift is not null
    union all
    select
        tenant,
        name as event_name,
        '' as path,
        'not_compared' as drift,
        null as expected_type,
        'object' as seen_type,
        deliveries,
        first_delivery,
        last_seen_at
    from structures
    where is_too_large
    union all
    select
        tenant,
        event_name,
        finding.path,
        finding.drift,
        finding.expected_type,
        finding.seen_type,
        1 as deliveries,
        first_delivery,
        last_seen_at
    from (
        select
            tenant,
            name as event_name,
            unnest(findings) as finding,
            { 'received_at': received_at, 'journal': journal, 'position': position } as first_delivery,
            received_at as last_seen_at
        from arrivals
    ) as found
    union all
    select
        tenant,
        name as event_name,
        field.path,
        'does_not_fit' as drift,
        field.type as expected_type,
        field.seen_type,
        1 as deliveries,
        { 'received_at': received_at, 'journal': journal, 'position': position } as first_delivery,
        received_at as last_seen_at
    from numbers
    union all
    select
        tenant,
        name as event_name,
        'items[].quantity' as path,
        'not_one_unit' as drift,
        'integer' as expected_type,
        seen_type,
        1 as deliveries,
        { 'received_at': received_at, 'journal': journal, 'position': position } as first_delivery,
        received_at as last_seen_at
    from quantities

),

{% if is_partial() -%}
either as (

    select * from news
    union all
    select
        tenant,
        event_name,
        path,
        drift,
        expected_type,
        seen_type,
        deliveries,
        { 'received_at': first_seen_at, 'journal': example_journal, 'position': example_position } as first_delivery,
        last_seen_at
    from {{ this }}
    where
        (tenant, event_name, path, drift, seen_type) in (
            select (news.tenant, news.event_name, news.path, news.drift, news.seen_type) from news
        )

),

{% endif -%}
totals as (

    select
        tenant,
        event_name,
        path,
        drift,
        min(expected_type) as expected_type,
        seen_type,
        sum(deliveries)::bigint as deliveries,
        min(first_delivery) as first_delivery,
        max(last_seen_at) as last_seen_at
    from {{ 'either' if is_partial() else 'news' }}
    group by tenant, event_name, path, drift, seen_type

),

final as (

    select
        tenant,
        event_name,
        path,
        drift,
        expected_type,
        seen_type,
        deliveries,
        first_delivery.journal as example_journal,
        first_delivery.position as example_position,
        first_delivery.received_at as first_seen_at,
        last_seen_at
    from totals

)

select * from final
