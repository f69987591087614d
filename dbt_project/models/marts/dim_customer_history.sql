{{ config(meta={'entity': ['tenant', 'customer_id'], 'sources': ['stg_customer_events']}) }}
-- depends_on: {{ ref('stg_customer_events') }}

with states as (

    select *
    from {{ touched_rows('int_customer_states') }}

),

-- Variants of one event that say the same are one state.
changes as (

    select
        *,
        row(revision, email, first_name, last_name, phone) as state
    from states
    qualify state is distinct from lag(state) over (partition by tenant, customer_id order by step)

),

numbered as (

    select
        *,
        to_microseconds(row_number() over (partition by tenant, customer_id order by step)) as ticks
    from changes

),

-- The revision says what came after what. Where a time does not come after the time of the state before, the state
-- begins a microsecond after that one began.
dated as (

    select
        *,
        max(occurred_at - ticks) over (
            partition by tenant, customer_id order by step rows between unbounded preceding and current row
        ) + ticks as valid_from
    from numbered

),

final as (

    select
        tenant,
        customer_id,
        valid_from,
        lead(valid_from) over (partition by tenant, customer_id order by step) as valid_to,
        revision,
        email,
        first_name,
        last_name,
        phone,
        valid_to is null as is_current
    from dated

)

select * from final
