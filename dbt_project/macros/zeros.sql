{#-
    A text of JSON in which no text holds a zero byte: each becomes the sign for it, as in the tenant, name and key that the
    receiver reads (`warehouse.envelope`). DuckLake puts the values of a filter into a statement to its catalog, which a
    zero byte would cut. JSON holds one only as this escape, behind an even number of backslashes, and never a chr(1).
-#}
{% macro without_zeros(json) -%}
    case
        when contains({{ json }}, '\u0000')
            then replace(replace(replace({{ json }}, '\\', chr(1)), '\u0000', '␀'), chr(1), '\\')
        else {{ json }}
    end
{%- endmacro %}
