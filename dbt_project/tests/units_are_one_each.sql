{{ config(severity='warn') }}

-- NewStore sends each unit as a line with an id of its own. Counts go by quantity all the same; a line of several units
-- cannot be cancelled, held or fulfilled in part.
select
    tenant,
    order_id,
    item_id,
    quantity
from {{ ref('fct_order_items') }}
where quantity != 1
