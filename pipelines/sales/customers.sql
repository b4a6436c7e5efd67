SELECT
    customer_id,
    first_value(country ORDER BY invoice_date DESC, event_id DESC) AS country,
    min(invoice_date) AS first_seen,
    max(invoice_date) AS last_seen
FROM sales.silver.invoice_lines
WHERE customer_id IS NOT NULL
GROUP BY customer_id
