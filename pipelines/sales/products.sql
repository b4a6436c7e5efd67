-- Lines without a price carry notes ("damaged", "?") in place of a name.
SELECT
    stock_code,
    first_value(description ORDER BY invoice_date DESC, event_id DESC)
        FILTER (WHERE description IS NOT NULL AND unit_price > 0) AS description,
    min(invoice_date) AS first_seen,
    max(invoice_date) AS last_seen
FROM sales.silver.invoice_lines
WHERE line_kind = 'product'
GROUP BY stock_code
