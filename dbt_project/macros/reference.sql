{#-
    What a retailer says of its things in reference data of one name, the newest of each: by published_at, then payload
    hash. Each delivery holds all that is known of its thing, so the newest says everything.

    thing: the columns of stg_reference_events that name it within its tenant; events: rows of that model.
-#}
{% macro newest_reference(name, thing, events=none) %}
    select
        {{ (['tenant'] + thing) | join(',\n        ') }},
        min(published_at) as first_said_at,
        arg_max(payload, (published_at, payload_hash)) as said
    from {{ events or ref('stg_reference_events') }}
    where event_name = '{{ name }}'
    group by all
{% endmacro %}

{#-
    The columns of the fiscal calendar for days of a relation, beside `date` and the columns in `beside`: a row for each
    calendar and day.

    A year of weeks begins on the weekday that is nearest to its month and day, so some have 53 weeks. The 53rd belongs to
    the last period. A gregorian year begins on its day, and a period is a month from that day of the month on.
-#}
{% macro fiscal_dates(dates, calendars, beside) %}
    with starts as (

        select
            *,
            case
                when kind = 'gregorian' then anchor
                else anchor + ((weekday - isodow(anchor) + 10) % 7 - 3)::integer
            end as year_start
        from (
            select
                calendars.*,
                years.year as fiscal_year,
                make_date(years.year, calendars.month, calendars.day) as anchor
            from {{ calendars }} as calendars
            cross join (
                select distinct unnest([year - 2, year - 1, year, year + 1]) as year
                from {{ dates }}
            ) as years
        ) as anchored

    ),

    years as (

        select
            *,
            lead(year_start) over one_calendar as next_start,
            lag(year_start) over one_calendar as last_start
        from starts
        window
            one_calendar as (
                partition by {{ (beside + ['kind', 'month', 'day', 'weekday']) | join(', ') }} order by fiscal_year
            )

    ),

    placed as (

        select
            {%- for column in beside %}
            years.{{ column }},
            {%- endfor %}
            dates.date,
            years.kind,
            years.fiscal_year,
            years.year_start,
            years.last_start,
            case
                when years.kind = 'gregorian'
                    then
                        (dates.date - (years.year_start - (isodow(years.year_start) - years.weekday + 7)::integer % 7))
                        // 7
                else (dates.date - years.year_start) // 7
            end as week,
            len(list_filter(
                range(1, 12), lambda months: (years.year_start + to_months(months::integer))::date <= dates.date
            )) as months
        from {{ dates }} as dates
        inner join years
            on
                dates.date >= years.year_start
                and dates.date < years.next_start
                and dates.year between years.fiscal_year - 1 and years.fiscal_year + 1

    ),

    quarters as (

        select
            *,
            case when kind = 'gregorian' then months // 3 else least(week // 13, 3) end as quarter
        from placed

    )

    select
        {%- for column in beside %}
        {{ column }},
        {%- endfor %}
        date,
        fiscal_year,
        quarter + 1 as fiscal_quarter,
        case
            when kind = 'gregorian' then months + 1
            else
                quarter * 3 + case
                    when week - quarter * 13 < case when kind = '5-4-4' then 5 else 4 end then 1
                    when week - quarter * 13 < case when kind = '4-4-5' then 8 else 9 end then 2
                    else 3
                end
        end as fiscal_period,
        week + 1 as fiscal_week,
        case
            when kind = 'gregorian'
                then case when not (month(date) = 2 and dayofmonth(date) = 29) then (date - interval 1 year)::date end
            when last_start + (date - year_start)::integer < year_start
                then last_start + (date - year_start)::integer
        end as fiscal_day_last_year
    from quarters
{% endmacro %}
