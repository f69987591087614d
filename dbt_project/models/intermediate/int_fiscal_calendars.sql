{{ config(materialized='whole') }}

with retailers as (

    {{ newest_reference('reference.retailer', []) }}

),

typed as (

    select
        tenant,
        {{ said('said.week_start') }} as week_start,
        case
            when said.fiscal_calendar in ('nrf-4-5-4', '4-4-5', '5-4-4') then said.fiscal_calendar
            else 'gregorian'
        end as kind,
        -- In a year without 29 February, so that the day is in all years.
        try_cast('2001-' || {{ said('said.fiscal_year_start') }} as date) as first_day
    from retailers

),

-- What is left out is as the National Retail Federation has it for its calendar. For the others it is 1 January and
-- Monday.
final as (

    select
        tenant,
        kind,
        coalesce(month(first_day), case when kind = 'nrf-4-5-4' then 2 else 1 end) as month,
        coalesce(day(first_day), 1) as day,
        coalesce(
            nullif(
                list_position(
                    ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'], week_start
                ),
                0
            ),
            case when kind = 'nrf-4-5-4' then 7 else 1 end
        ) as weekday
    from typed

)

select * from final
