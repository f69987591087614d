{#-
    The events of customers as states, the oldest first: `step` numbers them. The revision decides, as a number; an event
    without one has revision 0. Then a creation is before an edit, and then decide the event's own time, published_at
    and the payload's hash. An edit's created_at is the customer's, so only a creation takes its time from there.
-#}
{% macro customer_states(events) %}
    select
        tenant,
        customer_id,
        event_name,
        payload,
        revision,
        occurred_at,
        row_number() over (
            partition by tenant, customer_id
            order by revision, event_name = 'customer.updated', occurred_at, published_at, payload_hash
        ) as step
    from (
        select
            *,
            coalesce(payload.revision, 0) as revision,
            coalesce(
                case
                    when event_name = 'customer.created' then {{ utc('payload.created_at') }}
                    else {{ utc('payload.updated_at') }}
                end,
                published_at
            ) as occurred_at
        from {{ events }}
    ) as timed
{% endmacro %}
