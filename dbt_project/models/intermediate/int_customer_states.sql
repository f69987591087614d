{{ config(meta={'entity': ['tenant', 'customer_id'], 'sources': ['stg_customer_events']}) }}

with events as (

    {{ counted_events('stg_customer_events') }}

),

-- An edit's created_at is the customer's, so only a creation takes its time from there.
described as (

    select
        tenant,
        customer_id,
        event_name = 'customer.created' as is_creation,
        coalesce(payload.revision, 0) as revision,
        coalesce(
            case
                when is_creation then {{ utc('payload.created_at') }}
                else {{ utc('payload.updated_at') }}
            end,
            published_at
        ) as occurred_at,
        published_at,
        payload_hash,
        {{ utc('payload.created_at') }} as created_at,
        {{ said('payload.email') }} as email,
        {{ said('payload.first_name') }} as first_name,
        {{ said('payload.last_name') }} as last_name,
        {{ said('payload.phone') }} as phone
    from events

),

-- The revision decides, as a number; then a creation is before an edit, and then decide the times.
final as (

    select
        * exclude (published_at, payload_hash),
        row_number() over (
            partition by tenant, customer_id
            order by revision, not is_creation, occurred_at, published_at, payload_hash
        ) as step,
        step = count(*) over (partition by tenant, customer_id) as is_newest
    from described

)

select * from final
