{#-
    Of which kind a tender is: as reference data say, else as its method does, where that is one of NewStore's own.
-#}
{% macro tender_kind(kind, payment_method) -%}
    coalesce(
        {{ kind }},
        case regexp_replace(lower({{ payment_method }}), '[^a-z]', '', 'g')
            when 'cash' then 'cash'
            when 'creditcard' then 'card'
            when 'debitcard' then 'card'
            when 'giftcard' then 'gift_card'
            when 'storecredit' then 'store_credit'
        end
    )
{%- endmacro %}

{#- A tax line by the columns that tell taxes apart, and its amount. -#}
{% macro tax_of(line) -%}
    coalesce({{ said(line ~ '.name') }}, 'unknown') as name,
    coalesce({{ said(line ~ '.country_code') }}, 'unknown') as country_code,
    {{ line }}.amount as amount
{%- endmacro %}

{#- What the tax lines of a line come to. -#}
{% macro named_tax(tax_lines) -%}
    coalesce(list_sum([each.amount for each in {{ tax_lines }}])::decimal(38, 4), 0)
{%- endmacro %}
