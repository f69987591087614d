{#-
    The events of a family out of the log: one row for each variant of an event (same key, same payload), typed once.
    Narrow columns are deduplicated first, bodies are read only for what is new. Of the deliveries of one variant the
    one with the earliest published_at stands for it, whichever came first.

    entity: SQL for the columns by which the family's facts are recomputed, over the struct `payload`.
    keep_json: also keep the payload as it stands in the body, in `payload_json`, with the fields the contract lacks.
    apart: the payload's fields that are not kept in it, since they stand in a column of their own or in `payload_json`.
-#}
{% macro typed_events(family, entity, keep_json=false, apart=[]) %}
    {%- set names = "name in ('" ~ contract_names(family) | join("', '") ~ "')" -%}
    {%- set position = log_position() -%}
    {%- set news -%}
        problem is null
        and {{ names }}
        and batch > {{ built_position() if is_incremental() else 0 }}
        and batch <= {{ position }}
    {%- endset -%}

with arrivals as (

    select
        journal,
        position,
        tenant,
        name,
        idempotency_key,
        published_at,
        payload_hash,
        hash(body) as body_hash,
        md5_number(concat_ws(chr(31), tenant, name, idempotency_key, payload_hash)) as variant_id
    from {{ source('log', 'events') }}
    where
        {{ news }}
        and json_valid(body)
    qualify row_number() over (partition by variant_id order by published_at, body_hash, journal, position) = 1

),

unknown as (

    select arrivals.*
    from arrivals
    {%- if is_incremental() %}
    left join {{ this }} as known on arrivals.variant_id = known.variant_id
    where
        known.variant_id is null
        or (arrivals.published_at, arrivals.body_hash) < (known.published_at, known.body_hash)
    {%- endif %}

),

typed as (

    select
        unknown.*,
        from_json({{ without_zeros('events.body') }}, '{"payload": {{ contract_structure(family) }}}').payload as payload
        {%- if keep_json %},
        json_extract({{ without_zeros('events.body') }}, '$.payload')::varchar as payload_json
        {%- endif %}
    from unknown
    inner join {{ source('log', 'events') }} as events
        on
            unknown.journal = events.journal
            and unknown.position = events.position
    where {{ news | replace('batch', 'events.batch') | replace('problem', 'events.problem') | replace('name in', 'events.name in') }}

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
    {{ position }}::bigint as changed_batch
from typed
{% endmacro %}

{#-
    The events that count of the entities this run recomputes. Of several variants of an event whose key NewStore
    documents one wins: the greatest published_at, then the greatest hash. A key we only infer may be too narrow, and so
    never costs an event: there all variants count.

    Keys with several variants are few: what loses is found without its payload, so that payloads are never sorted. A run
    that recomputes few entities takes their events out of the table once, however large that is.
-#}
{% macro counted_events(source) %}
    {%- set documented = "event_name in ('" ~ documented_names() | join("', '") ~ "')" -%}
    {%- if is_incremental() %}
    with near as materialized (
        select *
        from {{ near(source) }}
        where {{ is_touched(*entity()) }}
    )

    select *
    from near
    where
        variant_id not in (
            {{ losing_variants('near', documented) }}
        )
    {%- else %}
    {%- set several -%}
        (tenant, event_name, idempotency_key) in (
            select
                tenant,
                event_name,
                idempotency_key
            from {{ ref(source) }}
            where {{ documented }}
            group by tenant, event_name, idempotency_key
            having count(*) > 1
        )
    {%- endset %}
    select events.*
    from {{ ref(source) }} as events
    where
        events.variant_id not in (
            {{ losing_variants(ref(source), several) }}
        )
    {%- endif %}
{% endmacro %}

{#- The ids of those variants, among the events of a relation under a condition, that do not stand for their key. -#}
{% macro losing_variants(events, condition) -%}
    select ranked.variant_id
    from (
        select
            variant_id,
            row_number() over (
                partition by tenant, event_name, idempotency_key
                order by published_at desc, payload_hash desc
            ) as place
        from {{ events }}
        where {{ condition }}
    ) as ranked
    where ranked.place > 1
{%- endmacro %}

{#-
    The newest of the events that tell of one thing: the greatest event time, then published_at, then payload hash.

    thing: SQL of the columns that name the thing within its tenant; time: the payload's own time, as text.
-#}
{% macro newest_events(events, thing, time) %}
    select
        *,
        {{ event_time(time) }} as occurred_at
    from {{ events }}
    where
        variant_id in (
            select arg_max(variant_id, ({{ event_time(time) }}, published_at, payload_hash))
            from {{ events }}
            group by tenant, {{ thing }}
        )
{% endmacro %}

{% macro event_time(time) -%}
    coalesce({{ utc(time) }}, published_at)
{%- endmacro %}

{#-
    The entities this run recomputes: those with a row that changed in a source since this model was last built. Whoever
    builds the model has put them into the temporary table `touched`; elsewhere they are asked for.
-#}
{% macro touched_entities() -%}
    {%- if flags.WHICH in ('run', 'build', 'compile') -%}
        select {{ entity() | join(', ') }} from touched
    {%- else -%}
        {%- for source in config.require('meta').sources -%}
        select {{ entity() | join(', ') }} from {{ ref(source) }} where changed_batch > {{ built_position() }}
        {{- ' union ' if not loop.last }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro entity() -%}
    {{ return(config.require('meta').entity) }}
{%- endmacro %}
