{{ config(unique_key='variant_id', materialized='by_key', meta={'family': 'reference'}) }}

{#- What each is about, by which a mart finds what concerns it: a channel that names a location says nothing of it. -#}
{%- set things = {
    'location_id': 'reference.location',
    'channel': 'reference.channel',
    'product_id': 'reference.product',
    'payment_method': 'reference.tender',
} -%}
{%- set columns -%}
{%- for column, name in things.items() -%}
case when name = '{{ name }}' then {{ said('payload.' ~ column) }} end as {{ column }}{{ ',\n    ' if not loop.last }}
{%- endfor -%}
{%- endset -%}

{{ typed_events('reference', columns) }}
