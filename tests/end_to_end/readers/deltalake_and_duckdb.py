"""Counts and sums of Delta tables by `deltalake` with PyArrow, and by DuckDB over the files that `deltalake` lists."""

import sys
from decimal import Decimal

import duckdb
import pyarrow.compute as compute
from deltalake import DeltaTable


def with_pyarrow(table, value, group):
    """The rows and the sum of each group, added up in Python's own decimals."""
    names = [part.strip() for part in value.split("*")]
    columns = [name for name in names if not name.isdigit()]
    groups = [] if group.startswith("'") else [group]
    data = table.to_pyarrow_table(columns=columns + groups)
    answers = {}
    parts = data.column(group).unique().to_pylist() if groups else [group.strip("'")]
    for part in parts:
        rows = data.filter(compute.equal(data.column(group), part)) if groups else data
        if not columns:
            answers[part] = (table.to_pyarrow_dataset().count_rows(), table.to_pyarrow_dataset().count_rows())
            continue
        total = Decimal(0)
        for numbers in zip(*(rows.column(name).to_pylist() for name in columns)):
            product = Decimal(1)
            for number in numbers:
                product *= number
            total += product
        answers[part] = (rows.num_rows, total)
    return answers


def main():
    lake, questions = sys.argv[1], [argument.split("|") for argument in sys.argv[2:]]
    connection = duckdb.connect()
    for dataset, value, group in questions:
        table = DeltaTable(f"{lake}/{dataset.replace('.', '/')}")
        for part, (rows, total) in with_pyarrow(table, value, group).items():
            print("deltalake", dataset, part, rows, total, sep="\t")
        files = [uri.removeprefix("file://") for uri in table.file_uris()]
        answers = connection.execute(
            f"SELECT {group} AS part, count(*), sum({value}) FROM read_parquet(?) GROUP BY part", [files]
        )
        for part, rows, total in answers.fetchall():
            print("duckdb", dataset, part, rows, total, sep="\t")
    sys.stdout.flush()


main()
