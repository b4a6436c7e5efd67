-- What is summed and counted are plain columns: only then is count(DISTINCT …) planned as two groupings, without a set
-- in memory for each group.
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
    FROM sales.silver.invoice_lines
    WHERE line_kind = 'product'
)

SELECT
    sales_day,
    stock_code,
    country,
    currency,
    count(DISTINCT order_no) AS orders,
    sum(quantity) AS units,
    sum(sold) AS gross_revenue,
    sum(cancelled) AS cancelled_revenue,
    sum(amount) AS net_revenue
FROM lines
GROUP BY sales_day, stock_code, country, currency
