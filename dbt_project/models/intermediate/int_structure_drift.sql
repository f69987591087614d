{{ config(unique_key=['tenant', 'event_name', 'path', 'drift', 'seen_type'], materialized='by_key') }}

-- Where a strict decoder has said, in a fraction of the time, that nothing differs, there is no reading. An empty
-- object says no more than null, and json_structure would take it for a mixture. In a text, replacing it does no harm.
with payloads as (

    select
        events.tenant,
        events.name as event_name,
        { 'received_at': events.received_at, 'journal': events.journal, 'position': events.position } as delivery,
        json_structure(replace(({{ raw_payload('events.body') }})::varchar, '{}', 'null')) as structure
    from {{ ref('stg_readings') }} as readings
    inner join {{ log_events() }} as events
        on readings.journal = events.journal and readings.position = events.position
    where
        {{ new_deliveries('events') }}
        and readings.changed_batch > {{ built_position() }}
        and readings.problem is null

),

-- Payloads of one structure drift in the same way, so each structure is looked at once. What is asked of it below is an
-- aggregate here: DuckDB would ask it before it groups, and make the structure of each payload once more for it. Each
-- node of a tree carries its paths: a payload of 100,000 fields would take gigabytes, one of 5,000 characters does not.
structures as (

    select
        tenant,
        event_name,
        structure,
        max(length(structure::varchar)) > 32768 as is_too_large,
        max(left(structure::varchar, 1)) = '{' as is_object,
        count(*) as deliveries,
        min(delivery) as first_delivery,
        max(delivery.received_at) as last_seen_at
    from payloads
    group by tenant, event_name, structure

),

-- Structures are many by what is there and what is not, but each field of a payload has one of a few structures itself.
fields as (

    select
        * exclude (structure, is_too_large, is_object),
        unnest(json_keys(structure)) as field,
        unnest(json_extract(structure, '$.*')) as value
    from structures
    where is_object and not is_too_large

),

parts as (

    select
        tenant,
        event_name,
        json_object(field, value) as structure,
        sum(deliveries) as deliveries,
        min(first_delivery) as first_delivery,
        max(last_seen_at) as last_seen_at
    from fields
    group by tenant, event_name, field, value
    union all
    select * exclude (is_too_large, is_object)
    from structures
    where not is_object and not is_too_large

),

-- json_structure says JSON where the elements of a list are of different kinds, or a key stands twice with two kinds.
seen as (

    select
        parts.tenant,
        parts.event_name,
        parts.deliveries,
        parts.first_delivery,
        parts.last_seen_at,
        substr(regexp_replace(node.fullkey, '\[\d+\]', '[]', 'g'), 3) as path,
        substr(regexp_replace(node.path, '\[\d+\]', '[]', 'g'), 3) as parent,
        contains(node.key, '.') or contains(node.key, '[') as is_ambiguous,
        case
            when node.type = 'OBJECT' then 'object'
            when node.type = 'ARRAY' then 'list'
            when node.atom ->> '$' = 'VARCHAR' then 'text'
            when node.atom ->> '$' in ('UBIGINT', 'BIGINT', 'HUGEINT') then 'integer'
            when node.atom ->> '$' = 'DOUBLE' then 'number'
            when node.atom ->> '$' = 'BOOLEAN' then 'boolean'
            when node.atom ->> '$' = 'JSON' then 'mixed'
            else node.atom ->> '$'
        end as seen_type
    from parts, json_tree(parts.structure) as node
    where node.fullkey != '$' and node.value::varchar not in ('"NULL"', '["NULL"]')

),

compared as (

    select
        seen.*,
        case known.type when 'name' then 'text' when 'list by name' then 'list' else known.type end as expected_type,
        case
            when
                (known.type is null or seen.is_ambiguous)
                and not ends_with(seen.path, '[]')
                and (seen.parent = '' or parents.type = 'record') then 'unknown_field'
            when
                case
                    when known.type in ('record', 'object') then seen.seen_type != 'object'
                    when known.type in ('text', 'uuid', 'time') then seen.seen_type != 'text'
                    when known.type in ('number', 'money') then seen.seen_type not in ('integer', 'number')
                    when known.type in ('integer', 'boolean', 'list') then seen.seen_type != known.type
                    when known.type = 'list by name' then seen.seen_type not in ('list', 'object')
                    when known.type = 'name' then seen.seen_type not in ('text', 'object')
                end then 'wrong_type'
        end as drift
    from seen
    left join run.main.contract_fields as known on seen.event_name = known.name and seen.path = known.path
    left join run.main.contract_fields as parents on seen.event_name = parents.name and seen.parent = parents.path

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
        event_name,
        '' as path,
        'not_compared' as drift,
        null as expected_type,
        'object' as seen_type,
        deliveries,
        first_delivery,
        last_seen_at
    from structures
    where is_too_large

)

{{ add_up_drift('news') }}
