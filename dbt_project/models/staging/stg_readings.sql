{{ config(unique_key=['journal', 'position'], materialized='append') }}

-- Nearly all deliveries conform, and are not here.
with unusual as (

    select
        tenant,
        name,
        journal,
        position,
        received_at,
        problem,
        body,
        coalesce(strlen(body), octet_length(raw_body)) as size,
        -- Nothing is known that only DuckDB refuses; should it ever come, it stands here and stops no run.
        coalesce(json_valid(body), false) as is_valid
    from {{ log_events() }}
    where
        {{ new_deliveries() }}
        and (problem is not null or not conforms_to_contract(name, body) or not coalesce(json_valid(body), false))

),

-- Materialized, or each field of what Python says would ask it again.
read as materialized (

    select
        * exclude (body),
        case when problem is null and is_valid then read_delivery(name, body) end as reading
    from unusual

),

final as (

    select
        tenant,
        name,
        journal,
        position,
        received_at,
        coalesce(problem, case when not is_valid then 'refused_by_duckdb' end, reading.problem) as problem,
        reading.idempotency_key,
        coalesce(reading.is_rewritten, false) as is_rewritten,
        reading.findings,
        size,
        {{ log_position() }}::bigint as changed_batch
    from read

)

select * from final
