-- The five pipelines of this repository (pipelines/**/*.sql) in DuckDB's words, each step written to Parquet and read
-- from there by the next, as Polder does. BRONZE and OUT stand for the Parquet files of bronze and the folder to write.

COPY (
    WITH received AS (
        SELECT
            min(event_id) AS event_id,
            invoice_no,
            stock_code,
            description,
            quantity,
            invoice_date,
            unit_price,
            customer_id,
            country,
            min(currency) AS currency
        FROM read_parquet('BRONZE')
        GROUP BY invoice_no, stock_code, description, quantity, invoice_date, unit_price, customer_id, country
    ),

    lines AS (
        SELECT
            event_id,
            invoice_no,
            stock_code,
            nullif(trim(description), '') AS description,
            quantity,
            invoice_date,
            unit_price,
            nullif(regexp_replace(trim(customer_id), '\.0+$', ''), '') AS customer_id,
            country,
            currency,
            CASE WHEN regexp_matches(stock_code, '^[0-9]{5}[A-Za-z]*$') THEN 'product' ELSE 'other' END AS line_kind,
            starts_with(invoice_no, 'C') AS is_cancellation
        FROM received
    ),

    candidates AS (
        SELECT
            *,
            CASE WHEN is_cancellation AND quantity < 0 AND customer_id IS NOT NULL THEN
                last_value(CASE WHEN NOT is_cancellation AND quantity > 0 THEN event_id END IGNORE NULLS) OVER earlier
            END AS sale_event_id,
            CASE WHEN is_cancellation AND quantity < 0 AND customer_id IS NOT NULL THEN
                last_value(CASE WHEN NOT is_cancellation AND quantity > 0 THEN invoice_no END IGNORE NULLS) OVER earlier
            END AS sale_invoice_no
        FROM lines
        WINDOW earlier AS (
            PARTITION BY customer_id, stock_code, unit_price, abs(quantity)
            ORDER BY invoice_date, is_cancellation, event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    ),

    matched AS (
        SELECT
            *,
            row_number() OVER (
                PARTITION BY customer_id, stock_code, sale_event_id ORDER BY invoice_date, event_id
            ) AS claim
        FROM candidates
    )

    SELECT
        event_id,
        invoice_no,
        stock_code,
        description,
        quantity,
        invoice_date,
        unit_price,
        quantity * unit_price AS amount,
        customer_id,
        country,
        currency,
        line_kind,
        is_cancellation,
        CASE WHEN claim = 1 THEN sale_event_id END AS cancels_event_id,
        CASE WHEN claim = 1 THEN sale_invoice_no END AS cancels_invoice_no
    FROM matched
) TO 'OUT/invoice_lines.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1);

COPY (
    SELECT
        stock_code,
        first(description ORDER BY invoice_date DESC, event_id DESC)
            FILTER (WHERE description IS NOT NULL AND unit_price > 0) AS description,
        min(invoice_date) AS first_seen,
        max(invoice_date) AS last_seen
    FROM read_parquet('OUT/invoice_lines.parquet')
    WHERE line_kind = 'product'
    GROUP BY stock_code
) TO 'OUT/products.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1);

COPY (
    SELECT
        customer_id,
        first(country ORDER BY invoice_date DESC, event_id DESC) AS country,
        min(invoice_date) AS first_seen,
        max(invoice_date) AS last_seen
    FROM read_parquet('OUT/invoice_lines.parquet')
    WHERE customer_id IS NOT NULL
    GROUP BY customer_id
) TO 'OUT/customers.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1);

COPY (
    WITH lines AS (
        SELECT
            cast(invoice_date AS date) AS sales_day,
            stock_code,
            country,
            currency,
            CASE WHEN NOT is_cancellation THEN invoice_no END AS order_no,
            quantity,
            amount,
            CASE WHEN is_cancellation THEN 0 ELSE amount END AS sold,
            CASE WHEN is_cancellation THEN -amount ELSE 0 END AS cancelled
        FROM read_parquet('OUT/invoice_lines.parquet')
        WHERE line_kind = 'product'
    )

    SELECT
        sales_day,
        stock_code,
        country,
        currency,
        count(DISTINCT order_no) AS orders,
        cast(sum(quantity) AS bigint) AS units,
        sum(sold) AS gross_revenue,
        sum(cancelled) AS cancelled_revenue,
        sum(amount) AS net_revenue
    FROM lines
    GROUP BY sales_day, stock_code, country, currency
) TO 'OUT/product_sales.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1);

COPY (
    WITH newest AS (
        SELECT cast(max(invoice_date) AS date) AS as_of FROM read_parquet('OUT/invoice_lines.parquet')
    ),

    purchases AS (
        SELECT
            customer_id,
            currency,
            cast(max(CASE WHEN NOT is_cancellation THEN invoice_date END) AS date) AS last_order,
            count(DISTINCT CASE WHEN NOT is_cancellation THEN invoice_no END) AS frequency,
            sum(amount) AS monetary_value
        FROM read_parquet('OUT/invoice_lines.parquet')
        WHERE customer_id IS NOT NULL
        GROUP BY customer_id, currency
    )

    SELECT
        purchases.customer_id,
        customers.country,
        newest.as_of,
        purchases.last_order,
        newest.as_of - purchases.last_order AS recency_days,
        purchases.frequency,
        purchases.monetary_value,
        purchases.currency
    FROM purchases
    INNER JOIN read_parquet('OUT/customers.parquet') AS customers ON purchases.customer_id = customers.customer_id
    CROSS JOIN newest
) TO 'OUT/gold_customers.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1);
