{{ config(meta={'entity': ['tenant', 'employee_id'], 'sources': ['stg_employee_events']}) }}

with events as (

    {{ counted_events('stg_employee_events') }}

),

steps as (

    select
        *,
        coalesce(
            case
                when event_name = 'employee.created' then {{ utc('payload.created_at') }}
                else {{ utc('payload.updated_at') }}
            end,
            published_at
        ) as occurred_at,
        row_number() over (
            partition by tenant, employee_id
            order by event_name = 'employee.updated' desc, occurred_at desc, published_at desc, payload_hash desc
        ) as age
    from events

),

-- An edit is taken to carry the whole employee, so the newest says everything there is.
final as (

    select
        tenant,
        employee_id,
        {{ said('newest.associate_id') }} as associate_id,
        {{ said('newest.email') }} as email,
        {{ said('newest.first_name') }} as first_name,
        {{ said('newest.last_name') }} as last_name,
        {{ said('newest.phone') }} as phone,
        newest.is_active,
        created_at,
        updated_at
    from (
        select
            tenant,
            employee_id,
            arg_min(payload, age) as newest,
            coalesce(
                min(occurred_at) filter (where event_name = 'employee.created'),
                arg_min({{ utc('payload.created_at') }}, age) filter (where {{ utc('payload.created_at') }} is not null)
            ) as created_at,
            arg_min(occurred_at, age) as updated_at
        from steps
        group by tenant, employee_id
    ) as lives

)

select * from final
