{{ config(severity='warn') }}

-- Events may come in any order, but within the quarter of an hour that NewStore promises. An order that others have
-- told of for a day was placed before the stream began, or its event was lost on the way.
select
    tenant,
    parent_id as order_id,
    event_name,
    age
from {{ ref('missing_parents') }}
where parent = 'order' and age > interval 1 day
