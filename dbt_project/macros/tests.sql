{#- The columns together name a row: none is null, no two rows share them. -#}
{% test key(model, columns) %}
    select {{ columns | join(', ') }}
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1 {%- for name in columns %} or {{ name }} is null {%- endfor %}
{% endtest %}
