{#- The day of a time in UTC, whatever the session's zone. -#}
{% macro day(time) -%}
    ({{ time }} at time zone 'UTC')::date
{%- endmacro %}

{#-
    An amount of one unit for all units of a line. A product beyond what any column can hold is cut to more than that, so
    that it stays so in every sum.
-#}
{% macro of_all_units(amount, quantity) -%}
    case
        when {{ amount }} is not null
            then greatest(least({{ amount }} * {{ quantity }}, 1e20::decimal(37, 4)), -1e20::decimal(37, 4))
    end
{%- endmacro %}

{#-
    What a line is: `product`, `gift_card`, `charge` or `shipping`. One that does not say is of a product, and so is one of
    a product that is a gift card. What is none of these, such as gift wrapping, is charged.
-#}
{% macro line_kind(item_type, is_gift_card) -%}
    case
        when lower({{ item_type }}) = 'shipping' then 'shipping'
        when
            lower({{ item_type }}) in ('gift-card', 'gift_card')
            or (coalesce(lower({{ item_type }}), 'product') = 'product' and coalesce({{ is_gift_card }}, false))
            then 'gift_card'
        when coalesce(lower({{ item_type }}), 'product') = 'product' then 'product'
        else 'charge'
    end
{%- endmacro %}

{#- Whether prices hold their tax; null where the order does not say. -#}
{% macro tax_included(price_method) -%}
    case
        when lower({{ price_method }}) in ('tax_included', 'vat_included') then true
        when lower({{ price_method }}) in ('tax_excluded', 'vat_excluded') then false
    end
{%- endmacro %}
