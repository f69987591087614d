{#- All product ids that a line of an order event names: a swap names the old and the new one. -#}
{% macro products_of_item(item) -%}
    list_distinct([
        {%- for field in [
            'product_id', 'old_product_id', 'new_product_id', 'swapped_to_product_id', 'swapped_from_product_id',
            'old_item.product_id', 'new_item.product_id',
        ] %}
        {{ said(item ~ '.' ~ field) }}{{ ',' if not loop.last }}
        {%- endfor %}
    ])
{%- endmacro %}
