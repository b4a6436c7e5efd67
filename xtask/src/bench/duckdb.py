"""Runs the steps of a SQL file in DuckDB, then prints one line of JSON: the answers to the queries that follow.

duckdb.py SQL BRONZE OUT THREADS [QUERY ...]; in SQL and queries BRONZE and OUT stand for the arguments of that name.
"""

import json
import sys

import duckdb

sql, bronze, out, threads, *queries = sys.argv[1:]


def placed(text):
    return text.replace("BRONZE", bronze).replace("OUT", out)


connection = duckdb.connect()
connection.execute(f"SET threads = {int(threads)}; SET TimeZone = 'UTC'")
with open(sql, encoding="utf-8") as file:
    connection.execute(placed(file.read()))
answers = [",".join(str(value) for value in connection.execute(placed(query)).fetchone()) for query in queries]
print(json.dumps(answers))
