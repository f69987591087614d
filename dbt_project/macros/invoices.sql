{#- What an invoice comes to: NewStore does not publish the field's name, so the first plausible one that holds a number. -#}
{% macro invoiced_amount(payload_json) -%}
    coalesce(
        {%- for name in ['grand_total', 'total_amount', 'invoice_total', 'total', 'amount'] %}
        try_cast(json_extract_string({{ payload_json }}, '$.{{ name }}') as decimal(18, 4)){{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}
