WITH newest AS (
    SELECT cast(max(invoice_date) AS date) AS as_of FROM sales.silver.invoice_lines
),

purchases AS (
    SELECT
        customer_id,
        currency,
        cast(max(CASE WHEN NOT is_cancellation THEN invoice_date END) AS date) AS last_order,
        count(DISTINCT CASE WHEN NOT is_cancellation THEN invoice_no END) AS frequency,
        sum(amount) AS monetary_value
    FROM sales.silver.invoice_lines
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
INNER JOIN sales.silver.customers AS customers ON purchases.customer_id = customers.customer_id
CROSS JOIN newest
