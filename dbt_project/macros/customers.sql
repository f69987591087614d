{#-
    Tells customers apart, also those who buy as guests: NewStore's id of the customer, else `guest-` and the SHA-256 of the
    e-mail address in lower case. Null where neither is said.
-#}
{% macro customer_key(customer_id, customer_email) -%}
    coalesce({{ customer_id }}, 'guest-' || sha256(lower({{ said(customer_email) }})))
{%- endmacro %}
