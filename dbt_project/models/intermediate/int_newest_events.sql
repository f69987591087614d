{{ config(
    unique_key='tenant',
    materialized='by_key',
    meta={'entity': ['tenant'], 'sources': ['stg_deliveries']},
) }}

with deliveries as (

    select
        tenant,
        published_at
    from {{ ref('stg_deliveries') }}
    -- A file that somebody loads says nothing of how far NewStore's events have come.
    where is_event and name not like 'reference.%' and changed_batch > {{ built_position() }}
    {%- if is_partial() %}
    union all
    select
        tenant,
        published_at
    from {{ this }}
    {%- endif %}

),

final as (

    select
        tenant,
        max(published_at) as published_at
    from deliveries
    group by tenant

)

select * from final
