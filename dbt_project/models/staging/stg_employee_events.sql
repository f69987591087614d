{{ config(unique_key='variant_id', materialized='by_key', meta={'family': 'employee'}) }}

{{ typed_events('employee', 'payload.id as employee_id', apart=['id']) }}
