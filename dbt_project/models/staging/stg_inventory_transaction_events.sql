{{ config(unique_key='variant_id', materialized='by_key', meta={'family': 'inventory_transaction'}) }}

{#- A transfer has the id of its announcement; what is received names it, or nothing. -#}
{%- set transfer_id -%}
    case name
        when 'inventory_transaction.asn_created' then payload.id
        when 'inventory_transaction.items_received' then {{ said('payload.asn_id') }}
    end
{%- endset %}

{{ typed_events(
    'inventory_transaction', 'payload.id as transaction_id, ' ~ transfer_id ~ ' as transfer_id', apart=['id']
) }}
