{{ config(materialized='whole') }}

-- A customer who orders in two currencies in one month is one.
with customers as (

    select
        tenant,
        cohort_month,
        month,
        count(*) as customers
    from {{ ref('agg_customer_months') }}
    where is_first_of_month
    group by tenant, cohort_month, month

),

activity as (

    select
        tenant,
        cohort_month,
        month,
        currency,
        count(*) as active_customers,
        try_cast(sum(net_sales) as decimal(18, 4)) as net_sales
    from {{ ref('agg_customer_months') }}
    group by tenant, cohort_month, month, currency

),

final as (

    select
        activity.tenant,
        activity.cohort_month,
        date_diff('month', activity.cohort_month, activity.month) as months_since,
        activity.currency,
        cohorts.customers,
        activity.active_customers,
        active.customers as all_active_customers,
        activity.net_sales
    from activity
    inner join customers as cohorts
        on activity.tenant = cohorts.tenant
        and activity.cohort_month = cohorts.cohort_month
        and activity.cohort_month = cohorts.month
    inner join customers as active
        on activity.tenant = active.tenant
        and activity.cohort_month = active.cohort_month
        and activity.month = active.month

)

select * from final
