{{ config(materialized='table') }}

with retailers as (

    {{ fiscal_calendars() }}

),

fiscal as (

    {{ fiscal_dates(ref('dim_dates'), 'retailers', ['tenant']) | indent(4) }}

)

select * from fiscal
