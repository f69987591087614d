{#- The figures of sales that are booked on days: how many, and how much. -#}
{% macro booked_counts() -%}
    {{ return(['orders', 'units', 'cancelled_units', 'returns', 'returned_units']) }}
{%- endmacro %}

{#- What locations do for orders, on the same days. -#}
{% macro requested_counts() -%}
    {{ return(['fulfilled_requests', 'pickup_requests', 'fulfilled_units', 'rejected_units']) }}
{%- endmacro %}

{% macro booked_amounts() -%}
    {{ return([
        'gross_sales', 'discounts', 'included_tax', 'net_sales', 'gift_cards_sold', 'charges', 'shipping', 'tax',
        'cancelled_sales', 'cancelled_tax', 'returned_sales', 'refunded_tax', 'refunded_shipping', 'return_fees',
        'refunds',
    ]) }}
{%- endmacro %}

{#- All of these figures as columns of a table of returns, which has those of its own. -#}
{% macro booked_of_returns() -%}
    {%- set columns = [] -%}
    {%- for name in booked_counts() + booked_amounts() -%}
        {%- do columns.append(name if name in returned_counts() + returned_amounts() else '0 as ' ~ name) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{% macro returned_counts() -%}
    {{ return(['returns', 'returned_units']) }}
{%- endmacro %}

{% macro returned_amounts() -%}
    {{ return([
        'gift_cards_sold', 'charges', 'returned_sales', 'refunded_tax', 'refunded_shipping', 'return_fees', 'refunds',
    ]) }}
{%- endmacro %}

{#- Figures summed up; null where a column cannot hold it, and 0 where there is nothing. -#}
{% macro booked_sums(counts, amounts) -%}
    {%- for name in counts %}
        try_cast(coalesce(sum({{ name }}), 0) as bigint) as {{ name }},
    {%- endfor %}
    {%- for name in amounts %}
        try_cast(coalesce(sum({{ name }}), 0) as decimal(18, 4)) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- The sum of a column in which null is more than it can hold: such a sum is not known either. -#}
{% macro sum_of_known(column, type='decimal(18, 4)') -%}
    case when count({{ column }}) = count(*) then try_cast(sum({{ column }}) as {{ type }}) end
{%- endmacro %}

{#-
    What returns give back, a row each: product lines are sales that came back, gift cards and charges are sold no more.
    A line is what the order's line of the same unit is, unless it says itself that it is no product. What was imported
    from another system is no return of ours.

    lines: the relation of the order's lines, where there is an order; condition: which returns.
-#}
{% macro booked_returns(returns, return_lines, lines, condition) %}
    with return_lines as (

        select
            returned.tenant,
            returned.return_id,
            returned.quantity,
            {%- set own_kind = line_kind('returned.item_type', 'terms.is_gift_card') %}
            {%- if lines %}
            case when {{ own_kind }} in ('product', 'gift_card') then lines.line_kind end as kind_of_unit,
            {%- endif %}
            {{ 'coalesce(kind_of_unit, ' ~ own_kind ~ ')' if lines else own_kind }} as line_kind,
            coalesce(returned.refund_excl_tax, returned.refund_amount - coalesce(returned.refund_tax, 0)) as amount,
            coalesce(returned.refund_tax, returned.refund_amount - returned.refund_excl_tax) as tax
        from {{ return_lines }} as returned
        {%- if lines %}
        left join {{ lines }} as lines
            on returned.tenant = lines.tenant
            and returned.order_id = lines.order_id
            and returned.item_id = lines.item_id
        {%- endif %}
        left join {{ ref('stg_product_terms') }} as terms
            on returned.tenant = terms.tenant and returned.product_id = terms.product_id

    ),

    amounts as (

        select
            tenant,
            return_id,
            sum(quantity) filter (where line_kind = 'product') as returned_units,
            sum(amount) filter (where line_kind = 'product') as returned_sales,
            sum(tax) as refunded_tax,
            sum(amount) filter (where line_kind = 'shipping') as refunded_shipping,
            -sum(amount) filter (where line_kind = 'gift_card') as gift_cards_sold,
            -sum(amount) filter (where line_kind = 'charge') as charges
        from return_lines
        group by tenant, return_id

    )

    select
        returns.tenant,
        returns.{{ 'order_id' if lines else 'return_id' }},
        returns.business_date as date,
        returns.return_location_id as location_id,
        returns.currency,
        1 as returns,
        amounts.* exclude (tenant, return_id),
        returns.return_fee as return_fees,
        coalesce(returns.total_refund_amount_adjusted, returns.total_refund_amount) as refunds
    from {{ returns }} as returns
    left join amounts on returns.tenant = amounts.tenant and returns.return_id = amounts.return_id
    where
        returns.is_historical is distinct from true
        and returns.{{ condition }}
{% endmacro %}

{#- An amount in the retailer's currency by the rate of its day, where one is known: a row of int_reporting_rates. -#}
{% macro join_reporting_rates(rows) -%}
    left join {{ ref('int_reporting_rates') }} as rates
        on {{ rows }}.tenant = rates.tenant
        and {{ rows }}.currency = rates.currency
        and {{ rows }}.date >= rates.valid_from
        and {{ rows }}.date < rates.valid_to
{%- endmacro %}
