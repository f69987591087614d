with drift as (

    select * from {{ ref('int_structure_drift') }}
    union all
    select * from {{ ref('int_value_drift') }}

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
    from drift

)

select * from final
