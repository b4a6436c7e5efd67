-- A line is the eight fields that the shop sent; what arrives again, in whatever order, is the same line. The event id
-- is made of file and line, so the smallest one of a repeated line is a stable choice.
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
    FROM sales.bronze.invoice_lines
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
        CASE WHEN regexp_like(stock_code, '^[0-9]{5}[A-Za-z]*$') THEN 'product' ELSE 'other' END AS line_kind,
        starts_with(invoice_no, 'C') AS is_cancellation
    FROM received
),

-- A cancellation undoes the latest earlier sale of as many units at the same price to the same customer ...
candidates AS (
    SELECT
        *,
        CASE WHEN is_cancellation AND quantity < 0 AND customer_id IS NOT NULL THEN
            last_value(CASE WHEN NOT is_cancellation AND quantity > 0 THEN event_id END) IGNORE NULLS OVER earlier
        END AS sale_event_id,
        CASE WHEN is_cancellation AND quantity < 0 AND customer_id IS NOT NULL THEN
            last_value(CASE WHEN NOT is_cancellation AND quantity > 0 THEN invoice_no END) IGNORE NULLS OVER earlier
        END AS sale_invoice_no
    FROM lines
    WINDOW earlier AS (
        PARTITION BY customer_id, stock_code, unit_price, abs(quantity)
        ORDER BY invoice_date, is_cancellation, event_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),

-- ... and a sale is undone once.
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
