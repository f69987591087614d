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
        {{ said('payload.full_name') }} as full_name,
        coalesce({{ said('payload.phone') }}, {{ said('payload.phone_number') }}) as phone,
        {{ said('payload.display_id') }} as display_id,
        {{ said('payload.created_by') }} as created_by,
        {{ said('payload.store_id') }} as store_id,
        {%- for field in ['location_id', 'associate_id', 'associate_name', 'associate_email'] %}
        {{ said('payload.source.' ~ field) }} as source_{{ field }},
        {%- endfor %}
        payload.extended_attributes
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
