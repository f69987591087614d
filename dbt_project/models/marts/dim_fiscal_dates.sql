{{ config(materialized='whole') }}

with fiscal as (

    {{ fiscal_dates(ref('dim_dates'), ref('int_fiscal_calendars'), ['tenant']) | indent(4) }}

)

select * from fiscal
