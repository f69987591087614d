{{ config(unique_key='variant_id', incremental_strategy='delete+insert', meta={'family': 'employee'}) }}

{{ typed_events('employee', 'payload.id as employee_id', apart=['id']) }}
