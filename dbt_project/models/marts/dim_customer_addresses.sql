{{ config(meta={'entity': ['tenant', 'address_id'], 'sources': ['stg_address_events']}) }}

with events as (

    {{ counted_events('stg_address_events') }}

),

steps as (

    select
        *,
        case event_name
            when 'customer.address_updated' then 2
            when 'customer.address_created' then 1
            else 0
        end as lifecycle,
        coalesce(payload.revision, 0) as revision,
        coalesce(
            case event_name
                when 'customer.address_updated' then {{ utc('payload.updated_at') }}
                when 'customer.address_created' then {{ utc('payload.created_at') }}
                else {{ utc('payload.deleted_at') }}
            end,
            published_at
        ) as occurred_at
    from events

),

-- A deletion may say no more than the id: it is the last to be asked what the address is.
newest as (

    select *
    from steps
    qualify
        row_number() over (
            partition by tenant, address_id
            order by lifecycle desc, revision desc, occurred_at desc, published_at desc, payload_hash desc
        ) = 1

),

lives as (

    select
        tenant,
        address_id,
        arg_max(customer_id, (lifecycle, revision, occurred_at, published_at, payload_hash)) filter (
            where customer_id is not null
        ) as customer_id,
        min(occurred_at) filter (where event_name = 'customer.address_created') as created_at,
        min(occurred_at) filter (where event_name = 'customer.address_deleted') as deleted_at
    from steps
    group by tenant, address_id

),

final as (

    select
        newest.tenant,
        newest.address_id,
        lives.customer_id,
        {{ said('payload.type') }} as address_type,
        {{ said('payload.first_name') }} as first_name,
        {{ said('payload.last_name') }} as last_name,
        coalesce({{ said('payload.address_line_1') }}, {{ said('payload.address_line1') }}) as address_line_1,
        coalesce({{ said('payload.address_line_2') }}, {{ said('payload.address_line2') }}) as address_line_2,
        {{ said('payload.zip_code') }} as zip_code,
        {{ said('payload.city') }} as city,
        {{ said('payload.state') }} as state,
        coalesce({{ said('payload.country_code') }}, {{ said('payload.country') }}) as country_code,
        {{ said('payload.phone') }} as phone,
        lives.deleted_at is not null as is_deleted,
        coalesce(lives.created_at, {{ utc('payload.created_at') }}) as created_at,
        case when newest.lifecycle > 0 then newest.occurred_at end as updated_at,
        lives.deleted_at
    from newest
    inner join lives on newest.tenant = lives.tenant and newest.address_id = lives.address_id

)

select * from final
