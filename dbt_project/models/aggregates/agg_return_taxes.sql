{%- set sources = ['stg_order_events', 'stg_return_orders'] -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources}) }}
-- depends_on: {{ ref('stg_order_events') }}, {{ ref('stg_return_orders') }}

with lines as (

    select
        returned.tenant,
        returned.order_id,
        returned.return_id,
        returned.item_id,
        coalesce(returned.currency, orders.currency, 'XXX') as currency,
        coalesce(returned.refund_tax, returned.refund_amount - returned.refund_excl_tax) as refund_tax,
        returned.tax_lines,
        origins.ordered_item_id
    from {{ touched_rows('int_return_lines') }} as returned
    left join {{ touched_rows('int_orders') }} as orders
        on returned.tenant = orders.tenant and returned.order_id = orders.order_id
    left join {{ touched_rows('int_order_units') }} as origins
        on returned.tenant = origins.tenant
        and returned.order_id = origins.order_id
        and returned.item_id = origins.item_id
    where returned.order_id is not null

),

told as (

    select
        tenant,
        order_id,
        return_id,
        item_id,
        unnest(tax_lines) as tax
    from lines

),

taxes_of_units as (

    select
        tenant,
        order_id,
        item_id,
        unnest(tax_lines) as tax,
        generate_subscripts(tax_lines, 1) as tax_line
    from {{ touched_rows('int_order_lines') }}

),

-- In ten-thousandths, the smallest part of an amount, so that no share is rounded and the shares come to the whole.
shared as (

    select
        tenant,
        order_id,
        item_id,
        {{ tax_of('tax') }},
        tax_line,
        (sum(tax.amount) over one_unit * 10000)::hugeint as whole,
        (sum(tax.amount) over up_to_here * 10000)::hugeint as up_to
    from taxes_of_units
    where tax.amount is not null
    window
        one_unit as (partition by tenant, order_id, item_id),
        up_to_here as (partition by tenant, order_id, item_id order by tax_line)

),

apportioned as (

    select
        lines.tenant,
        lines.order_id,
        lines.return_id,
        lines.item_id,
        shared.name,
        shared.country_code,
        try((lines.refund_tax * 10000)::hugeint * shared.up_to // shared.whole) as units_up_to,
        try(
            (lines.refund_tax * 10000)::hugeint * (shared.up_to - (shared.amount * 10000)::hugeint) // shared.whole
        ) as units_before
    from lines
    inner join shared
        on lines.tenant = shared.tenant
        and lines.order_id = shared.order_id
        and lines.ordered_item_id = shared.item_id
    where lines.refund_tax != 0 and shared.whole != 0 and coalesce(len(lines.tax_lines), 0) = 0

),

parts as (

    select
        tenant,
        order_id,
        return_id,
        item_id,
        name,
        country_code,
        abs(amount) as amount,
        false as is_apportioned
    from (
        select
            * exclude (tax),
            {{ tax_of('tax') }}
        from told
    ) as named
    where amount is not null
    union all
    select
        tenant,
        order_id,
        return_id,
        item_id,
        name,
        country_code,
        try_cast(units_up_to - units_before as decimal(28, 0)) * 0.0001::decimal(4, 4) as amount,
        true as is_apportioned
    from apportioned

),

-- What neither the return nor the order gives a name is of an unknown tax.
refunded as (

    select * from parts
    union all
    select
        lines.tenant,
        lines.order_id,
        lines.return_id,
        lines.item_id,
        'unknown' as name,
        'unknown' as country_code,
        lines.refund_tax - coalesce(named.amount, 0) as amount,
        false as is_apportioned
    from lines
    left join
        (
            select
                tenant,
                return_id,
                item_id,
                sum(amount) as amount
            from parts
            group by tenant, return_id, item_id
        ) as named
        on lines.tenant = named.tenant and lines.return_id = named.return_id and lines.item_id = named.item_id
    where lines.refund_tax != coalesce(named.amount, 0)

),

final as (

    select
        lines.tenant,
        lines.order_id,
        lines.return_id,
        refunded.name,
        refunded.country_code,
        lines.currency,
        sum(refunded.amount) as refunded,
        bool_or(refunded.is_apportioned) as is_apportioned
    from lines
    inner join refunded
        on lines.tenant = refunded.tenant
        and lines.order_id = refunded.order_id
        and lines.return_id = refunded.return_id
        and lines.item_id = refunded.item_id
    group by lines.tenant, lines.order_id, lines.return_id, refunded.name, refunded.country_code, lines.currency

)

select * from final
