//! What the engine says, and what people read of it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::error::ArrowError;

use super::*;
use crate::row_sql::RowSql;

fn contract() -> Schema {
    let address = vec![
        Field::new("city", DataType::Utf8, true),
        Field::new("zip", DataType::Int32, true),
    ];
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("qty", DataType::Int32, true),
        Field::new("price", DataType::Decimal128(10, 2), true),
        Field::new("code", DataType::Utf8, true),
        Field::new("Kind", DataType::Utf8, true),
        Field::new("ok", DataType::Boolean, true),
        Field::new("day", DataType::Date32, true),
        Field::new("at", utc, true),
        Field::new("tags", DataType::new_list(DataType::Utf8, true), true),
        Field::new("addr", DataType::Struct(address.clone().into()), true),
        Field::new(
            "addrs",
            DataType::new_list(DataType::Struct(address.into()), true),
            true,
        ),
    ])
}

#[test]
fn an_expression_that_does_not_plan_is_told_in_words_of_contracts() {
    let columns = "the columns here are Kind, addr, addrs, at, code, day, id, ok, price, qty, tags";
    let unknown = format!("there is no column `weather`; {columns}");
    let cast = "CAST one of them to the type of the other";
    let cases = [
        (
            "pric > 1",
            "there is no column `pric`; did you mean `price`?".to_owned(),
        ),
        ("weather > 1", unknown),
        ("o.price > 1", "there is no column `o.price`; there is price".to_owned()),
        (
            "kind = 'x'",
            "there is no column `kind`; write \"Kind\" in double quotes, for its capital letters".to_owned(),
        ),
        (
            "kinde = 'x'",
            "there is no column `kinde`; did you mean \"Kind\", in double quotes for its capital letters?".to_owned(),
        ),
        (
            "\"Code\" = 'x'",
            "there is no column `Code`; did you mean `code`?".to_owned(),
        ),
        (
            "code <> \"Basic\"",
            "there is no column `Basic`; text goes in single quotes: 'Basic'".to_owned(),
        ),
        (
            "code IN ('a', \"basic\")",
            "there is no column `basic`; text goes in single quotes: 'basic'".to_owned(),
        ),
        (
            "code LIKE \"b%\"",
            "there is no column `b%`; text goes in single quotes: 'b%'".to_owned(),
        ),
        (
            "code = EURO",
            "there is no column `euro`; text goes in single quotes: 'EURO'".to_owned(),
        ),
        (
            "addr.citi = 'x'",
            "there is no field `citi` in the struct; did you mean `city`?".to_owned(),
        ),
        (
            "code.x = 1",
            "there is nothing inside of string: `.` and `['…']` are for structs and maps".to_owned(),
        ),
        (
            "ok AND addrs[1].zip < 50",
            "`.` cannot go from an item or a call to its field `zip` at line 1, column 17; write addrs[1]['zip']".to_owned(),
        ),
        (
            "length(\n  (addrs[array_length(addrs)])\n    .\"city\") > 3",
            "`.` cannot go from an item or a call to its field `city` at line 3, column 6; write it as in items[1]['city']"
                .to_owned(),
        ),
        (
            "(addrs[array_length(addrs)]).city = 'x'",
            "`.` cannot go from an item or a call to its field `city` at line 1, column 30; write \
             (addrs[array_length(addrs)])['city']"
                .to_owned(),
        ),
        (
            "addr[1] = 'x'",
            "`[ ]` with a number is for lists, and this is struct<city:string,zip:int>; a field of an object is o.name or \
             o['name']"
                .to_owned(),
        ),
        (
            "code[1:2] = 'x'",
            "`[ ]` with a number is for lists, and this is string; a part of a text is substr(text, 1, 1)".to_owned(),
        ),
        (
            "price < 1e400",
            "a number with 400 zeros at its end is too large for a decimal; a number that large or small is a double: \
             CAST('1e200' AS DOUBLE), up to 1.8e308"
                .to_owned(),
        ),
        (
            "price > 1e-100",
            "a number of 100 digits is too long for a decimal, which has 76 at most; a number that large or small is a \
             double: CAST('1e200' AS DOUBLE), up to 1.8e308"
                .to_owned(),
        ),
        (
            "tags['x'] = 'x'",
            "there is nothing inside of array<string>: `.` and `['…']` are for structs and maps; an item of a list is [1], \
             and what is inside of it [1]['…']"
                .to_owned(),
        ),
        (
            "explode(tags) = 'x'",
            "there is no function `explode`; write unnest(…) in SELECT, which makes a row of each item".to_owned(),
        ),
        (
            "price + code > 1",
            format!("`+` does not work on decimal(10,2) and string; {cast}"),
        ),
        (
            "at + 1 > at",
            format!("`+` does not work on timestamp and bigint; {cast}"),
        ),
        (
            "price > day",
            format!("`>` cannot compare decimal(10,2) with date; {cast}"),
        ),
        ("tags = 'x'", "`=` cannot compare array<string> with string".to_owned()),
        (
            "addr > 3",
            "`>` cannot compare struct<city:string,zip:int> with bigint".to_owned(),
        ),
        (
            "code IS TRUE",
            format!("`IS DISTINCT FROM` cannot compare string with boolean; {cast}"),
        ),
        (
            "ok AND code",
            "`AND` needs true or false on both sides, not boolean and string".to_owned(),
        ),
        ("NOT code", "`NOT` needs true or false, not string".to_owned()),
        ("-ok", "`-` before a value needs a number or an interval".to_owned()),
        (
            "code << 2 > 1",
            "`<<` needs whole numbers on both sides, not string and bigint".to_owned(),
        ),
        (
            "qty LIKE 'a%'",
            "`LIKE` needs text on both sides, not int and string".to_owned(),
        ),
        ("day * 2 > day", "`*` does not work on date and bigint".to_owned()),
        ("code -> 'b' = 1", "there is no operator `->`".to_owned()),
        (
            "price > 0 && qty > 0",
            "there is no operator `&&`; write AND".to_owned(),
        ),
        (
            "{property} > 0",
            "`{property} > 0` is no expression: expected `:`, but found `}` at line 1, column 10; name the column: \
             {property} stands for it in queries of rules alone (`type: sql`)"
                .to_owned(),
        ),
        (
            "lenght(code) > 3",
            "there is no function `lenght`; did you mean `length`?".to_owned(),
        ),
        ("frobnicate(code)", "there is no function `frobnicate`".to_owned()),
        (
            "year(day) = 2020",
            "there is no function `year`; write extract(year FROM …)".to_owned(),
        ),
        (
            "date_diff('day', day, day) > 1",
            "there is no function `date_diff`; write a subtraction, as in day - other_day".to_owned(),
        ),
        ("upper(qty) = 'A'", "`upper` takes a string, not int".to_owned()),
        ("round(code) > 3", "`round` takes a number, not string".to_owned()),
        ("abs(day) > 1", "`abs` takes a number, not date".to_owned()),
        (
            "substring(code, 'a', 2) = 'x'",
            "`substr` takes a whole number, not string".to_owned(),
        ),
        (
            "string_to_array(code) = 1",
            "`string_to_array` takes 2 or 3 values, not 1".to_owned(),
        ),
        (
            "coalesce(day, ok) = 1",
            "`coalesce` needs values of one type".to_owned(),
        ),
        ("sqrt(code) > 1", "`sqrt` does not take string".to_owned()),
        (
            "array_length(code) > 3",
            "`array_length` does not take string; its first value must be an array, and the others fit what is in it"
                .to_owned(),
        ),
        (
            "CAST(code AS intt) > 3",
            "there is no type `intt`; did you mean `int`?".to_owned(),
        ),
        ("CAST('abc' AS int) > 3", "'abc' is no int".to_owned()),
        ("price BETWEEN 'a' AND 'b'", "'a' is no decimal".to_owned()),
        ("day = '2020-13-01'", "'2020-13-01' is no date".to_owned()),
        (
            "at > 'bar'",
            "'bar' is no timestamp: timestamp must contain at least 10 characters".to_owned(),
        ),
        ("day > day + INTERVAL 'foo'", "'foo' is no interval".to_owned()),
        (
            "CAST(999999999999 AS int) > qty",
            "'999999999999' does not fit into int".to_owned(),
        ),
        ("ok::date > day", "boolean cannot be cast to date".to_owned()),
        ("code ~ '('", "the pattern cannot be used: unclosed group".to_owned()),
        (
            "price || code",
            "the expression must be true or false, but is string".to_owned(),
        ),
        (
            "price >",
            "`price >` is no expression: expected an expression, but it ends there".to_owned(),
        ),
        (
            "price > 1)",
            "`price > 1)` is no expression: expected end of expression, but found `)` at line 1, column 10".to_owned(),
        ),
        (
            "(price > 1",
            "`(price > 1` is no expression: expected `)`, but it ends there".to_owned(),
        ),
        (
            "at AT TIME ZONE code > at",
            "a column cannot stand there: `code`".to_owned(),
        ),
        ("code COLLATE \"x\" = 'a'", "this is not supported: COLLATE".to_owned()),
    ];
    for (sql, words) in cases {
        let said = RowSql::compile(sql, &contract()).err().unwrap();
        assert_eq!(said, words, "{sql}");
    }
}

#[test]
fn a_row_without_a_value_is_told_with_the_value_that_is_at_fault() {
    let row = |code: &str| {
        RecordBatch::try_from_iter_with_nullable(vec![
            ("id", Arc::new(Int64Array::from(vec![i64::MAX])) as ArrayRef, true),
            ("qty", Arc::new(Int32Array::from(vec![0])), true),
            ("code", Arc::new(StringArray::from(vec![code])), true),
        ])
        .unwrap()
    };
    for (sql, code, words) in [
        ("id / qty > 1", "", "division by zero"),
        (
            "id * 2 > 1",
            "",
            "the result is out of range: '9223372036854775807 * 2'",
        ),
        (
            "abs(-id - 1) > 1",
            "",
            "the result is out of range: 'abs(-9223372036854775808)'",
        ),
        ("to_date(code) > day", "soon", "the value is no date"),
        ("CAST(code AS int) > 1", "twelve", "'twelve' is no int"),
        ("CAST(code AS int) > 1", "99999999999", "'99999999999' is no int"),
        ("CAST(code AS date) > day", "soon", "'soon' is no date"),
        ("CAST(code AS decimal(5,2)) > 1", "x1", "'x1' is no decimal"),
        ("CAST(code AS boolean)", "perhaps", "'perhaps' is no boolean"),
        (
            "CAST(id AS int) + 1 > 1",
            "",
            "'9223372036854775807' does not fit into int",
        ),
    ] {
        let rule = RowSql::compile(sql, &contract()).unwrap();
        let broken = rule.broken(&row(code)).unwrap();
        assert_eq!(broken.failed, [(0, words.to_owned())], "{sql}");
    }
}

#[test]
fn messages_of_queries_are_translated_without_what_surrounds_them() {
    let plan = |text: &str| DataFusionError::Plan(text.to_owned());
    let within = |error: DataFusionError| error.context("type_coercion").context("while planning");
    let cases = [
        (
            within(plan("Cannot coerce arithmetic expression Boolean + Timestamp(ns) to valid types")),
            "`+` does not work on boolean and timestamp_ntz; CAST one of them to the type of the other",
        ),
        (
            DataFusionError::Execution(
                "Function 'coalesce' user-defined coercion failed with: Execution error: Fail to find the coerced type. \
                 No function matches the given name and argument types 'coalesce(Date32, Boolean)'. You might need to add \
                 explicit type casts.\n\tCandidate functions:\n\tcoalesce(UserDefined)"
                    .to_owned(),
            ),
            "`coalesce` does not take date and boolean",
        ),
        (
            plan(
                "Failed to coerce arguments to satisfy a call to 'corr' function: coercion from Utf8, Decimal128(10, 2) to \
                 the signature Exact(Float64, Float64) failed. No function matches the given name and argument types \
                 'corr(Utf8, Decimal128(10, 2))'. You might need to add explicit type casts.\n\tCandidate \
                 functions:\n\tcorr(y: Float64, x: Float64)",
            ),
            "`corr` does not take string and decimal(10,2); it is called as corr(y: double, x: double)",
        ),
        (
            DataFusionError::Internal(
                "Function 'sum' failed to match any signature, errors: Error during planning: Function 'sum' requires \
                 Decimal, but received String (DataType: Utf8).,Error during planning: Function 'sum' requires Int64, but \
                 received String (DataType: Utf8)..\nThis issue was likely caused by a bug in DataFusion's code."
                    .to_owned(),
            ),
            "`sum` takes a number, not string",
        ),
        (
            plan("Cannot create filter with non-boolean predicate 'a.b > Utf8(\"x\")' returning Utf8"),
            "a condition must be true or false, but `a.b > 'x'` is string",
        ),
        (
            plan(
                "Column in SELECT must be in GROUP BY or an aggregate function: While expanding wildcard, column \
                 \"shop.bronze.t.id\" must appear in the GROUP BY clause or must be part of an aggregate function, \
                 currently only \"count(Int64(1))\" appears in the SELECT clause satisfies this requirement",
            ),
            "`id` must be in GROUP BY or in an aggregate; an aggregate makes one value of many rows, such as max(id)",
        ),
        (
            plan(
                "Projections require unique expression names but the expression \"count(Int64(1)) AS a\" at position 0 and \
                 \"count(Int64(1)) AS a\" at position 1 have the same name. Consider aliasing (\"AS\") one of them.",
            ),
            "two columns of the query have the same name; give one of them another name with AS",
        ),
        (plan("Invalid qualifier x"), "there is no table `x` in the query"),
        (
            plan("array_element does not support type Struct(\"a\": Int32, \"b\": Utf8)"),
            "`[ ]` with a number is for lists, and this is struct<a:int,b:string>; a field of an object is o.name or \
             o['name']",
        ),
        (
            plan(
                "array_element does not support type Utf8. No function matches the given name and argument types \
                 'array_element(Utf8, Int64)'. You might need to add explicit type casts.\n\tCandidate \
                 functions:\n\tarray_element(array, index)",
            ),
            "`[ ]` with a number is for lists, and this is string; a part of a text is substr(text, 1, 1)",
        ),
        (
            plan(
                "flatten does not support type Int64. No function matches the given name and argument types \
                 'flatten(Int64)'. You might need to add explicit type casts.\n\tCandidate functions:\n\tflatten(array)",
            ),
            "`flatten` does not take bigint; it is called as flatten(array)",
        ),
        (
            DataFusionError::Execution("array_sum does not support type Utf8".to_owned()),
            "`array_sum` does not take string",
        ),
        (
            DataFusionError::ArrowError(
                Box::new(ArrowError::InvalidArgumentError("Invalid comparison operation: Int64 == Utf8".to_owned())),
                None,
            ),
            "bigint cannot be compared with string; CAST one of them to the type of the other",
        ),
        (
            DataFusionError::ArrowError(Box::new(ArrowError::DivideByZero), None),
            "division by zero",
        ),
        (
            DataFusionError::ArrowError(
                Box::new(ArrowError::CastError("Casting from Date32 to Boolean not supported".to_owned())),
                None,
            ),
            "date cannot be cast to boolean",
        ),
        (
            DataFusionError::NotImplemented(
                "Physical plan does not support logical expression Exists(Exists { subquery: <subquery>, negated: false })"
                    .to_owned(),
            ),
            "a subquery cannot stand there; join what it reads, or ask for it in WHERE",
        ),
        (DataFusionError::NotImplemented("TOP".to_owned()), "this is not supported: TOP"),
        (
            DataFusionError::NotImplemented(
                "Physical plan does not support logical expression OuterReferenceColumn(Field { name: \"items\", data_type: \
                 List(Field { name: \"element\", data_type: Struct([Field { name: \"qty\", data_type: Utf8, nullable: true }, \
                 Field { name: \"price\", data_type: Float64, nullable: true }]), nullable: true }), nullable: true }, \
                 Column { relation: Some(Bare { table: \"p\" }), name: \"items\" })"
                    .to_owned(),
            ),
            "`unnest` in FROM cannot read a column of a table beside it: `p.items`; unnest it in a query of its own: WITH l AS \
             (SELECT *, unnest(items) AS item FROM …) SELECT item['qty'] FROM l",
        ),
        (
            DataFusionError::NotImplemented(
                "Physical plan does not support logical expression OuterReferenceColumn(Field { name: \"tags\", data_type: \
                 List(Field { name: \"element\", data_type: Utf8, nullable: true }), nullable: true }, Column { relation: \
                 Some(Full { catalog: \"a\", schema: \"b\", table: \"c\" }), name: \"tags\" })"
                    .to_owned(),
            ),
            "`unnest` in FROM cannot read a column of a table beside it: `tags`; unnest it in a query of its own: WITH l AS \
             (SELECT *, unnest(tags) AS item FROM …) SELECT item FROM l",
        ),
        (
            DataFusionError::NotImplemented(
                "Physical plan does not support logical expression OuterReferenceColumn(Field { name: \"k\", data_type: Utf8, \
                 nullable: true }, Column { relation: Some(Bare { table: \"p\" }), name: \"k\" })"
                    .to_owned(),
            ),
            "what stands in FROM cannot read a column of a table beside it: `p.k`; join the two on what they have in common",
        ),
        (DataFusionError::NotImplemented("LATERAL VIEWS".to_owned()),
            "there is no `LATERAL VIEW`; unnest it in a query of its own: WITH l AS (SELECT *, unnest(items) AS item FROM …) \
             SELECT item['sku'] FROM l",
        ),
    ];
    for (error, words) in cases {
        assert_eq!(said(&error, Asked::default()).in_one(), words, "{error:?}");
    }
}

#[test]
fn what_is_not_known_is_said_as_the_engine_says_it() {
    let cases = [
        (
            "Projections of Decimal128(38, 10) and List(Utf8, field: 'element') went wrong near 'Utf8'",
            "Projections of decimal(38,10) and array<string> went wrong near 'Utf8'",
        ),
        (
            "UNION queries have different number of columns",
            "UNION queries have different number of columns",
        ),
        ("it isn't an Int32, it's Int64(3)", "it isn't an int, it's 3"),
    ];
    for (text, words) in cases {
        let error = DataFusionError::Plan(text.to_owned()).context("while planning");
        assert_eq!(said(&error, Asked::default()).in_one(), words);
    }
}

#[test]
fn types_are_named_as_contracts_name_them() {
    let engine = "Cannot coerce Decimal128(38, 10) + Timestamp(µs, \"UTC\") of abs(Utf8View) in Int64s to Boolean, \
                  Map(\"key_value\": non-null Struct(\"key\": non-null Utf8, \"value\": Int32), unsorted), Interval(MonthDayNano)";
    let words =
        "Cannot coerce decimal(38,10) + timestamp of abs(string) in Int64s to boolean, map<string,int>, interval";
    assert_eq!(types_in_words(engine), words);
    let constants = "count(Int64(1)) > Decimal128(Some(-5),10,2) OR Utf8(\"Int32\") = Int64(NULL) AND Boolean(true)";
    assert_eq!(types_in_words(constants), "count(1) > -0.05 OR 'Int32' = NULL AND true");
    let name = "shop.bronze.t.items[Int64(1)][Utf8(\"Null\")] AS Boolean";
    assert_eq!(constants_in_words(name), "shop.bronze.t.items[1]['Null'] AS Boolean");
}
