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
