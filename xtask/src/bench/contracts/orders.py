"""Orders to check, and DuckDB checking them: one query for all figures, written by hand.

orders.py make ROWS FILE | orders.py check FILE THREADS | orders.py keys FILE THREADS
"""

import json
import sys

import duckdb

COUNTRIES = "GB DE FR NL BE ES IT PT SE NO DK PL".split()
CURRENCIES = "EUR GBP USD SEK PLN".split()
STATES = "new paid packed shipped returned".split()


def make(connection, rows, file):
    """The same rows at every call: all values come from hashes of the row's number."""
    connection.execute(f"""
        COPY (
          WITH numbered AS (
            SELECT i, hash(i) AS a, hash(i * 31 + 7) AS b, hash(i * 131 + 3) AS d FROM range({rows}) AS r(i)
          )
          SELECT
            (i * 7919 % {rows} + 1)::BIGINT AS order_id,
            'ORD-' || lpad((i * 104729 % {rows})::VARCHAR, 10, '0') AS order_ref,
            (a % 200000 + 1)::INTEGER AS customer_id,
            {COUNTRIES}[(b % 12 + 1)::INTEGER] AS country,
            {CURRENCIES}[(b // 12 % 5 + 1)::INTEGER] AS currency,
            {STATES}[(d % 5 + 1)::INTEGER] AS status,
            CASE WHEN d // 5 % 50 != 0 THEN 'user' || (a % 200000)::VARCHAR || '@example.com' END AS email,
            CASE WHEN d // 250 % 400 = 0 THEN 'N/A' ELSE lpad((b // 60 % 100000)::VARCHAR, 5, '0') END AS postcode,
            (a // 200000 % 100 + 1)::INTEGER AS quantity,
            ((b // 6000000 % 999999 + 1) / 100)::DECIMAL(10, 2) AS unit_price,
            CASE WHEN d // 100000 % 100 != 0 THEN (d // 10000000 % 500) / 1000.0 END::DOUBLE AS discount,
            TIMESTAMPTZ '2025-01-01 00:00:00+00' + to_microseconds((i * 6000000 + a % 1000000)::BIGINT) AS ordered_at,
            CASE WHEN a // 20000000 % 10 != 0
              THEN DATE '2025-01-01' + (i * 6 // 86400)::INTEGER + (b % 20)::INTEGER END AS shipped_on
          FROM numbered ORDER BY i
        ) TO '{file}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 250000)""")


def failing(condition):
    """How many rows meet a condition, of which there must be none."""
    return f"count(*) FILTER (WHERE {condition})", lambda figure: figure == 0


def nulls(column, percent):
    return f"100.0 * count(*) FILTER (WHERE {column} IS NULL) / count(*)", lambda figure: figure < percent


def unlisted(column, values):
    listed = ", ".join(f"'{value}'" for value in values)
    return failing(f"{column} NOT IN ({listed})")


def checks(rows):
    every = {
        "order_id.minimum": failing("order_id < 1"),
        "order_id.maximum": failing(f"order_id > {rows}"),
        "order_ref.minLength": failing("length(order_ref) < 14"),
        "order_ref.maxLength": failing("length(order_ref) > 14"),
        "order_ref.pattern": failing("NOT regexp_matches(order_ref, '^ORD-[0-9]{10}$')"),
        "customer_id.minimum": failing("customer_id < 1"),
        "customer_id.maximum": failing("customer_id > 200000"),
        "country.minLength": failing("length(country) < 2"),
        "country.maxLength": failing("length(country) > 2"),
        "country.invalidValues": unlisted("country", COUNTRIES),
        "currency.pattern": failing("NOT regexp_matches(currency, '^[A-Z]{3}$')"),
        "currency.invalidValues": unlisted("currency", CURRENCIES),
        "status.invalidValues": unlisted("status", STATES),
        "email.maxLength": failing("length(email) > 64"),
        "email.pattern": failing(r"NOT regexp_matches(email, '^[^@ ]+@[^@ ]+\.[a-z]+$')"),
        "email.nullValues": nulls("email", 5),
        "postcode.maxLength": failing("length(postcode) > 8"),
        "postcode.pattern": failing("NOT regexp_matches(postcode, '^([0-9]{5}|N/A)$')"),
        "postcode.missingValues": (
            "100.0 * count(*) FILTER (WHERE postcode IS NULL OR postcode IN ('', 'N/A')) / count(*)",
            lambda figure: figure < 1,
        ),
        "quantity.minimum": failing("quantity < 1"),
        "quantity.maximum": failing("quantity > 99"),
        "unit_price.minimum": failing("unit_price < 0.01"),
        "unit_price.maximum": failing("unit_price > 10000"),
        "discount.minimum": failing("discount < 0"),
        "discount.maximum": failing("discount > 0.5"),
        "discount.nullValues": nulls("discount", 2),
        "ordered_at.nullValues": failing("ordered_at IS NULL"),
        "shipped_on.nullValues": nulls("shipped_on", 15),
        "rowCount": ("count(*)", lambda figure: 1000 <= figure <= 1000000000),
    }
    required = "order_id order_ref customer_id country currency status quantity unit_price ordered_at".split()
    every.update({f"{column}.required": failing(f"{column} IS NULL") for column in required})
    return every


def keys():
    return {
        f"{column}.unique": (f"count({column}) - count(DISTINCT {column})", lambda figure: figure == 0)
        for column in ("order_id", "order_ref")
    }


def ask(connection, file, every):
    figures = ", ".join(figure for figure, _ in every.values())
    answer = connection.execute(f"SELECT {figures} FROM read_parquet('{file}')").fetchone()
    return {name: [figure, holds(figure)] for (name, (_, holds)), figure in zip(every.items(), answer)}


verb, *arguments = sys.argv[1:]
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
if verb == "make":
    make(connection, int(arguments[0]), arguments[1])
else:
    connection.execute(f"SET threads = {int(arguments[1])}")
    every = keys() if verb == "keys" else checks(int(arguments[2]))
    print(json.dumps(ask(connection, arguments[0], every)))
