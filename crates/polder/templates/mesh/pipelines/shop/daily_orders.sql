SELECT
    cast(ordered_at AS date) AS order_day,
    currency,
    count(DISTINCT order_id) AS orders,
    sum(amount) AS amount
FROM shop.bronze.orders
GROUP BY cast(ordered_at AS date), currency
