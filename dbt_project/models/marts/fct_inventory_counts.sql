{%- set chunk = 'event_name, count_id, coalesce(payload.chunk_number, 1)' -%}
{{ config(meta={'entity': ['tenant', 'count_id'], 'sources': ['stg_inventory_count_events']}) }}

with events as (

    {{ counted_events('stg_inventory_count_events') }}

),

-- A payload without chunk_number is the only chunk.
chunks as (

    select
        *,
        coalesce(payload.chunk_number, 1) as chunk
    from ({{ newest_events('events', chunk, 'payload.completed_at') }}) as newest

),

totals as (

    select
        tenant,
        count_id,
        greatest(max(coalesce(payload.total_chunks, 1)), 1) as total_chunks
    from chunks
    group by tenant, count_id

),

counts as (

    select
        chunks.tenant,
        chunks.count_id,
        totals.total_chunks,
        count(*) filter (where chunks.chunk between 1 and totals.total_chunks) as chunks_seen,
        min({{ utc('chunks.payload.started_at') }}) as started_at,
        coalesce(max({{ utc('chunks.payload.completed_at') }}), max(chunks.published_at)) as completed_at
    from chunks
    inner join totals on chunks.tenant = totals.tenant and chunks.count_id = totals.count_id
    group by chunks.tenant, chunks.count_id, totals.total_chunks

),

chunk_lines as (

    select
        tenant,
        count_id,
        {{ said('payload.fulfillment_location_id') }} as location_id,
        {{ said('payload.count_type') }} as count_type,
        {{ said('payload.associate_id') }} as associate_id,
        {{ utc('payload.due_date') }} as due_at,
        chunk,
        unnest(payload.items) as item,
        generate_subscripts(payload.items, 1) as line
    from chunks

),

-- A product may stand twice in one count: its first line counts.
lines as (

    select
        *,
        {{ said('item.product_id') }} as product_id
    from chunk_lines
    where {{ said('item.product_id') }} is not null
    qualify row_number() over (partition by tenant, count_id, product_id order by chunk, line) = 1

),

final as (

    select
        lines.tenant,
        lines.count_id,
        lines.product_id,
        lines.location_id,
        lines.count_type,
        lines.item.stock_on_hand as system_quantity,
        lines.item.count as counted_quantity,
        try_cast(lines.item.count::hugeint - lines.item.stock_on_hand as bigint) as variance,
        lines.associate_id,
        lines.due_at,
        counts.started_at,
        counts.completed_at,
        counts.chunks_seen,
        counts.total_chunks,
        counts.chunks_seen = counts.total_chunks as is_complete
    from lines
    inner join counts on lines.tenant = counts.tenant and lines.count_id = counts.count_id

)

select * from final
