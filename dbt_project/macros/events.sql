{#-
    The events of a family out of the log: one row for each variant of an event (same key, same payload), typed once.
    Narrow columns are deduplicated first, bodies are read only for what is new. Of the deliveries of one variant the
    one with the earliest published_at stands for it, whichever came first. How each is to be read says stg_readings.

    entity: SQL for the columns by which the family's facts are recomputed, over the struct `payload`.
    keep_json: also keep the payload as it stands in the body, in `payload_json`, with the fields the contract lacks.
    apart: the payload's fields that are not kept in it, since they stand in a column of their own or in `payload_json`.
-#}
{% macro typed_events(family, entity, keep_json=false, apart=[]) %}
    {%- set names = "name in ('" ~ contract().names.get(family, []) | join("', '") ~ "')" -%}
    {%- set news -%}
        events.problem is null
        and events.{{ names }}
        and {{ new_deliveries('events') }}
    {%- endset -%}

with readings as (

    select
        journal,
        position,
        problem,
        idempotency_key,
        is_rewritten
    from {{ ref('stg_readings') }}
    where changed_batch > {{ built_position() }} and {{ names }}

),

arrivals as (

    select
        events.journal,
        events.position,
        events.tenant,
        events.name,
        coalesce(readings.idempotency_key, events.idempotency_key) as idempotency_key,
        events.published_at,
        events.payload_hash,
        hash(events.body) as body_hash,
        {{ variant_id('readings', 'events') }} as variant_id,
        coalesce(readings.is_rewritten, false) as is_rewritten
    from {{ log_events() }} as events
    left join readings on events.journal = readings.journal and events.position = readings.position
    where
        {{ news }}
        and readings.problem is null
    qualify row_number() over (partition by variant_id order by events.published_at, body_hash, events.journal, events.position) = 1

),

unknown as (

    select arrivals.*
    from arrivals
    {%- if is_partial() %}
    left join {{ this }} as known on arrivals.variant_id = known.variant_id
    where
        known.variant_id is null
        or (arrivals.published_at, arrivals.body_hash) < (known.published_at, known.body_hash)
    {%- endif %}

),

read as (

    select
        unknown.*,
        case when unknown.is_rewritten then body_as_read(unknown.name, events.body) else events.body end as body
    from unknown
    inner join {{ log_events() }} as events
        on
            unknown.journal = events.journal
            and unknown.position = events.position
    where {{ news }}

),

typed as (

    select
        * exclude (body),
        from_json(body, '{"payload": {{ contract().structures.get(family, '{}') }}}').payload as payload
        {%- if keep_json %},
        json_extract(body, '$.payload')::varchar as payload_json
        {%- endif %}
    from read

)

select
    tenant,
    {{ entity }},
    name as event_name,
    idempotency_key,
    payload_hash,
    published_at,
    {%- if apart %}
    struct_update(
        typed.payload
        {%- for field in apart %},
        {{ field }} := if(false, typed.payload.{{ field }}, null)
        {%- endfor %}
    ) as payload,
    {%- else %}
    payload,
    {%- endif %}
    {%- if keep_json %}
    payload_json,
    {%- endif %}
    variant_id,
    body_hash,
    {{ log_position() }}::bigint as changed_batch
from typed
{% endmacro %}

{#- Names a variant of an event; the key that a delivery is read with today goes before that of the log. -#}
{% macro variant_id(readings, events) -%}
    md5_number(concat_ws(
        chr(31),
        {{ events }}.tenant,
        {{ events }}.name,
        coalesce({{ readings }}.idempotency_key, {{ events }}.idempotency_key),
        {{ events }}.payload_hash
    ))
{%- endmacro %}

{#-
    The events that count of the entities this run recomputes. Of several variants of an event whose key NewStore
    documents one wins: the greatest published_at, then the greatest hash. A key we only infer may be too narrow, and so
    never costs an event: there all variants count.

    Keys with several variants are few: what loses is found without its payload, so that payloads are never sorted. A run
    that recomputes few entities takes their events out of the table once, however large that is.
-#}
{% macro counted_events(source) %}
    {%- set documented = "event_name in ('" ~ contract().documented | join("', '") ~ "')" -%}
    {%- if is_partial() -%}
    with events as materialized (
        select *
        from {{ touched_rows(source) }}
    )

    select *
    from events
    {%- else -%}
    select events.*
    from {{ ref(source) }} as events
    {%- endif %}
    where
        variant_id not in (
            select ranked.variant_id
            from (
                select
                    variant_id,
                    row_number() over (
                        partition by tenant, event_name, idempotency_key
                        order by published_at desc, payload_hash desc
                    ) as place
                from {{ 'events' if is_partial() else ref(source) }}
                where
                    {{ documented }}
                    {%- if not is_partial() %}
                    and (tenant, event_name, idempotency_key) in (
                        select
                            tenant,
                            event_name,
                            idempotency_key
                        from {{ ref(source) }}
                        where {{ documented }}
                        group by tenant, event_name, idempotency_key
                        having count(*) > 1
                    )
                    {%- endif %}
            ) as ranked
            where ranked.place > 1
        )
{% endmacro %}

{#-
    The newest of the events that tell of one thing: the greatest event time, then published_at, then payload hash.

    thing: SQL of the columns that name the thing within its tenant; time: the payload's own time, as text.
-#}
{% macro newest_events(events, thing, time) %}
    {%- set at = 'coalesce(' ~ utc(time) ~ ', published_at)' %}
    select
        *,
        {{ at }} as occurred_at
    from {{ events }}
    where
        variant_id in (
            select arg_max(variant_id, ({{ at }}, published_at, payload_hash))
            from {{ events }}
            group by tenant, {{ thing }}
        )
{% endmacro %}
