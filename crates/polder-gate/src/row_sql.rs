//! SQL expressions over one row: planned once, run over batches.

use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, SchemaError};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, ExprSchemable, Volatility};
use datafusion::optimizer::simplify_expressions::{ExprSimplifier, SimplifyContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::BinaryExpr;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::sqlparser::ast::{Expr as Ast, visit_expressions};
use polder_core::document::nearest;
use polder_core::{Error, ErrorKind, Result};

use crate::sql_limits;

/// Rows without a value after which each row is judged alone at once: to look for more by halves would cost more.
const ALONE: usize = 64;

/// Functions and types are those of Polder's own sessions, so that an expression means the same in a query.
static ENGINE: LazyLock<SessionState> = LazyLock::new(|| {
    let mut config = SessionConfig::new().with_create_default_catalog_and_schema(false);
    let parser = &mut config.options_mut().sql_parser;
    parser.parse_float_as_decimal = true;
    parser.map_string_types_to_utf8view = false;
    SessionContext::new_with_config(config).state()
});

/// A boolean expression over columns. A row for which it is false breaks it; null does not, as in a SQL CHECK.
pub(crate) struct RowSql {
    expression: Arc<dyn PhysicalExpr>,
    /// The columns that it reads, in the order of `schema`.
    columns: Vec<String>,
    schema: SchemaRef,
}

/// Rows that break an expression.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The rows, ascending.
    pub(crate) rows: Vec<usize>,
    /// Rows of those for which it has no value, with why.
    pub(crate) failed: Vec<(usize, String)>,
}

impl RowSql {
    /// Plans an expression over a contract's columns.
    ///
    /// # Errors
    /// What is wrong with it: no expression, unknown columns, subqueries, aggregates, functions whose value changes from
    /// one call to the next, a value that is not true or false.
    pub(crate) fn compile(sql: &str, contract: &Schema) -> std::result::Result<Self, String> {
        sql_limits::text("expression", sql, sql_limits::IN_EXPRESSION)?;
        let engine = &*ENGINE;
        let dialect = engine.config_options().sql_parser.dialect;
        let parsed = engine
            .sql_to_expr_with_alias(sql, &dialect)
            .map_err(|error| format!("`{sql}` is no expression: {}", plain(&error)))?;
        if parsed.alias.is_some() {
            return Err("an expression needs no name".to_owned());
        }
        if has_query(&parsed.expr) {
            return Err("a row is judged alone: no subqueries; a rule over tables is `type: sql`".to_owned());
        }
        // Nulls arrive in columns that must not have them, and must not be planned away.
        let fields: Vec<_> = contract
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true))
            .collect();
        let all = Schema::new(fields);
        let schema = DFSchema::try_from(all.clone()).map_err(|error| plain(&error))?;
        let logical = engine
            .create_logical_expr_from_sql_expr(parsed, &schema)
            .map_err(|error| unknown_column(&error, contract, sql).unwrap_or_else(|| plain(&error)))?;
        allowed(&logical)?;
        let mut columns: Vec<String> = logical.column_refs().iter().map(|column| column.name.clone()).collect();
        columns.sort_by_key(|name| all.index_of(name).unwrap_or(usize::MAX));
        let read: Vec<Field> = columns
            .iter()
            .map(|name| all.field_with_name(name).cloned())
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| error.to_string())?;
        let read = Schema::new(read);
        let schema = DFSchema::try_from(read.clone()).map_err(|error| plain(&error))?;
        let kind = engine
            .create_physical_expr(logical.clone(), &schema)
            .and_then(|expression| expression.data_type(&read))
            .map_err(|error| plain(&error))?;
        if kind != DataType::Boolean {
            let kind = logical.get_type(&schema).unwrap_or(kind);
            return Err(format!("the expression must be true or false, but is {kind}"));
        }
        // Some functions (coalesce) are only names for other expressions until they are simplified.
        let context = SimplifyContext::builder()
            .with_schema(Arc::new(schema.clone()))
            .with_config_options(Arc::clone(engine.config_options()))
            .build();
        let simplifier = ExprSimplifier::new(context);
        let expression = simplifier
            .coerce(logical, &schema)
            .and_then(|logical| simplifier.simplify(logical))
            .and_then(|logical| engine.create_physical_expr(logical, &schema))
            .and_then(checked)
            .map_err(|error| plain(&error))?;
        Ok(Self {
            expression,
            columns,
            schema: Arc::new(read),
        })
    }

    /// The columns that it reads.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows of a batch that break it. A column that the batch lacks counts as nulls. A row for which the expression
    /// has no value (a division by zero, an overflow) breaks it.
    pub(crate) fn broken(&self, batch: &RecordBatch) -> Result<Broken> {
        let columns = self
            .schema
            .fields()
            .iter()
            .map(|field| match batch.column_by_name(field.name()) {
                Some(column) => column.clone(),
                None => new_null_array(field.data_type(), batch.num_rows()),
            });
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let read = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns.collect(), &options).map_err(
            |cause| Error::new(ErrorKind::Internal, "cannot put the columns of a rule together").with_source(cause),
        )?;
        let mut broken = Broken::default();
        self.judge(&read, 0, &mut broken);
        Ok(broken)
    }

    /// Judges a stretch of rows, the first of which is `first`. Where an error strikes, halves are judged apart until
    /// the rows that it comes from are alone: each row gets the verdict that it would get alone.
    fn judge(&self, rows: &RecordBatch, first: usize, broken: &mut Broken) {
        match self.values(rows) {
            Ok(values) => broken.rows.extend(falses(&values).map(|row| first + row)),
            Err(error) if rows.num_rows() <= 1 => {
                broken.rows.push(first);
                broken.failed.push((first, plain(&error)));
            }
            Err(_) => {
                if broken.failed.len() >= ALONE {
                    for row in 0..rows.num_rows() {
                        self.judge(&rows.slice(row, 1), first + row, broken);
                    }
                    return;
                }
                let half = rows.num_rows() / 2;
                self.judge(&rows.slice(0, half), first, broken);
                self.judge(&rows.slice(half, rows.num_rows() - half), first + half, broken);
            }
        }
    }

    fn values(&self, rows: &RecordBatch) -> std::result::Result<BooleanArray, DataFusionError> {
        let values: ArrayRef = self.expression.evaluate(rows)?.into_array(rows.num_rows())?;
        values
            .as_boolean_opt()
            .cloned()
            .ok_or_else(|| DataFusionError::Internal(format!("the expression gave {}", values.data_type())))
    }
}

/// The rows that are false and not null.
fn falses(values: &BooleanArray) -> impl Iterator<Item = usize> + '_ {
    let some = values.has_false();
    (0..if some { values.len() } else { 0 }).filter(|row| values.is_valid(*row) && !values.value(*row))
}

/// Whether there is a query anywhere in the expression.
fn has_query(expression: &Ast) -> bool {
    let found = visit_expressions(expression, |expression| match expression {
        Ast::Subquery(_) | Ast::InSubquery { .. } | Ast::Exists { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Refuses what is no function of the row alone.
fn allowed(expression: &Expr) -> std::result::Result<(), String> {
    let mut problem = None;
    let walked = expression.apply(|part| {
        problem = match part {
            Expr::AggregateFunction(call) => Some(format!("`{}` is over many rows", call.func.name())),
            Expr::WindowFunction(_) => Some("window functions are over many rows".to_owned()),
            Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable => Some(format!(
                "`{}` gives another value at another time, and a rule must not change its mind",
                call.func.name()
            )),
            Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) | Expr::ScalarSubquery(_) => {
                Some("a row is judged alone: no subqueries".to_owned())
            }
            Expr::Unnest(_) => Some("a row must not become several".to_owned()),
            Expr::Placeholder(_) | Expr::ScalarVariable(..) | Expr::OuterReferenceColumn(..) | Expr::GroupingSet(_) => {
                Some("parameters and variables have no value here".to_owned())
            }
            _ => None,
        };
        Ok(match problem {
            Some(_) => TreeNodeRecursion::Stop,
            None => TreeNodeRecursion::Continue,
        })
    });
    match (problem, walked) {
        (Some(problem), _) => Err(problem),
        (None, Err(error)) => Err(plain(&error)),
        (None, Ok(_)) => sql_limits::growth(expression).map(|_| ()),
    }
}

/// The expression with arithmetic that fails on overflow, where the engine's own would wrap around.
fn checked(expression: Arc<dyn PhysicalExpr>) -> std::result::Result<Arc<dyn PhysicalExpr>, DataFusionError> {
    let transformed = expression.transform_up(|part| {
        let Some(binary) = part.downcast_ref::<BinaryExpr>() else {
            return Ok(Transformed::no(part));
        };
        let strict = BinaryExpr::new(Arc::clone(binary.left()), *binary.op(), Arc::clone(binary.right()));
        Ok(Transformed::yes(
            Arc::new(strict.with_fail_on_overflow(true)) as Arc<dyn PhysicalExpr>
        ))
    });
    transformed.map(|transformed| transformed.data)
}

/// The problem of a column that is not there, with the one that was probably meant.
fn unknown_column(error: &DataFusionError, contract: &Schema, sql: &str) -> Option<String> {
    let DataFusionError::SchemaError(found, _) = error.find_root() else {
        return None;
    };
    let SchemaError::FieldNotFound { field, .. } = found.as_ref() else {
        return None;
    };
    let names = || contract.fields().iter().map(|field| field.name().as_str());
    let hint = match names().find(|name| name.eq_ignore_ascii_case(&field.name)) {
        Some(name) => format!("; write \"{name}\" in double quotes, for its capital letters"),
        None => match nearest(&field.name, names()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => match compared_word(sql, &field.name) {
                Some(word) if field.relation.is_none() => format!("; text goes in single quotes: '{word}'"),
                _ => String::new(),
            },
        },
    };
    Some(format!("there is no column `{}`{hint}", field.flat_name()))
}

/// The word as it is written right of a `=`, bare or in double quotes, which SQL takes for a column.
fn compared_word<'s>(sql: &'s str, name: &str) -> Option<&'s str> {
    sql.split('=').skip(1).find_map(|right| {
        let right = right.trim_start();
        let word = match right.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next()?,
            None => right.split(|c: char| !c.is_alphanumeric() && c != '_').next()?,
        };
        word.eq_ignore_ascii_case(name).then_some(word)
    })
}

/// The error's own words, without the engine's headings and backtraces.
fn plain(error: &DataFusionError) -> String {
    let text = error.find_root().strip_backtrace();
    let mut text = text.as_str();
    while let Some((head, rest)) = text.split_once(": ") {
        let heading =
            head.len() < 40 && (head.ends_with(" error") || head.ends_with("Error") || head.contains(" error "));
        if !heading {
            break;
        }
        text = rest;
    }
    // A regular expression is drawn over several lines, and the last one says what is wrong with it.
    if text.starts_with("regex parse error:")
        && let Some((_, why)) = text.rsplit_once("\nerror: ")
    {
        return format!(
            "the pattern cannot be used: {}",
            why.lines().next().unwrap_or_default().trim()
        );
    }
    text.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, Int64Array, StringArray};

    use super::*;

    fn contract() -> Schema {
        Schema::new(vec![
            Field::new("net", DataType::Int64, false),
            Field::new("gross", DataType::Int64, true),
            Field::new("Code", DataType::Utf8, true),
            Field::new("small", DataType::Int32, true),
        ])
    }

    fn rows(net: Vec<Option<i64>>, gross: Vec<Option<i64>>) -> RecordBatch {
        let count = net.len();
        RecordBatch::try_from_iter_with_nullable(vec![
            ("net", Arc::new(Int64Array::from(net)) as ArrayRef, true),
            ("gross", Arc::new(Int64Array::from(gross)) as ArrayRef, true),
            (
                "Code",
                Arc::new(StringArray::from(vec![Some("x"); count])) as ArrayRef,
                true,
            ),
            (
                "small",
                Arc::new(Int32Array::from(vec![Some(i32::MAX); count])) as ArrayRef,
                true,
            ),
        ])
        .unwrap()
    }

    fn broken(sql: &str, batch: &RecordBatch) -> Broken {
        RowSql::compile(sql, &contract()).unwrap().broken(batch).unwrap()
    }

    #[test]
    fn only_false_breaks_a_rule() {
        let batch = rows(
            vec![Some(1), Some(3), None, Some(2)],
            vec![Some(2), Some(2), Some(2), None],
        );
        assert_eq!(broken("net <= gross", &batch).rows, [1]);
        assert_eq!(broken("net <= gross AND net IS NOT NULL", &batch).rows, [1, 2]);
        assert_eq!(broken("net = 1 OR \"Code\" = 'y'", &batch).rows, [1, 3]);
        assert_eq!(broken("true", &batch).rows, Vec::<usize>::new());
    }

    #[test]
    fn a_row_without_a_value_breaks_it_and_no_other_row_does() {
        let batch = rows(
            vec![Some(4), Some(1), Some(i64::MAX), Some(9)],
            vec![Some(2), Some(0), Some(1), Some(3)],
        );
        let found = broken("net / gross > 0", &batch);
        assert_eq!(found.rows, [1]);
        assert!(found.failed[0].1.to_lowercase().contains("divide by zero"), "{found:?}");
        let found = broken("net + gross > 0", &batch);
        assert_eq!(found.rows, [2]);
        assert!(found.failed[0].1.to_lowercase().contains("overflow"), "{found:?}");
        assert_eq!(
            broken("small + 1 > 0", &batch).rows,
            Vec::<usize>::new(),
            "32 bits and a literal of 64"
        );
        // Alone, such a row is not divided at all; so it must not be among others either.
        assert_eq!(broken("gross = 0 OR net / gross > 0", &batch).rows, Vec::<usize>::new());
    }

    #[test]
    fn verdicts_do_not_depend_on_how_rows_are_split() {
        let net: Vec<_> = (0..257).map(|n| (n % 11 != 0).then_some(n)).collect();
        let gross: Vec<_> = (0..257).map(|n| (n % 7 != 1).then_some(n % 13)).collect();
        let batch = rows(net, gross);
        for sql in [
            "net / gross < 40",
            "gross <> 0 AND 100 / gross > 20",
            "CASE WHEN gross > 3 THEN net / gross > 9 END",
        ] {
            let rule = RowSql::compile(sql, &contract()).unwrap();
            let whole = rule.broken(&batch).unwrap();
            let alone: Vec<_> = (0..257)
                .flat_map(|row| {
                    rule.broken(&batch.slice(row, 1))
                        .unwrap()
                        .rows
                        .into_iter()
                        .map(move |_| row)
                })
                .collect();
            assert_eq!(whole.rows, alone, "{sql}");
        }
    }

    #[test]
    fn what_is_no_rule_about_one_row_is_refused_with_why() {
        let cases = [
            ("", "no expression"),
            ("net <= ", "no expression"),
            ("net <= gross; DROP TABLE x", "no expression"),
            ("net <= gross, net", "no expression"),
            ("net", "true or false, but is Int64"),
            ("nett > 1", "did you mean `net`?"),
            ("code = 'x'", "write \"Code\" in double quotes"),
            ("\"Code\" = EUR", "`eur`; text goes in single quotes: 'EUR'"),
            ("net > 1 AND \"Code\" =\"in transit\"", "quotes: 'in transit'"),
            ("other.net > 1", "there is no column `other.net`"),
            ("_offset > 1", "there is no column `_offset`"),
            ("net > (SELECT 1)", "no subqueries"),
            ("net IN (SELECT net FROM t)", "no subqueries"),
            ("EXISTS (SELECT 1)", "no subqueries"),
            ("sum(net) > 1", "over many rows"),
            ("row_number() OVER (ORDER BY net) > 1", "over many rows"),
            ("random() > 0.5", "another value at another time"),
            ("now() > TIMESTAMP '2020-01-01'", "another value at another time"),
            ("net > $1", "have no value here"),
            ("net > 1 AS x", "needs no name"),
            ("nosuch(net) > 1", "nosuch"),
        ];
        for (sql, why) in cases {
            let error = RowSql::compile(sql, &contract())
                .err()
                .unwrap_or_else(|| panic!("{sql} is taken"));
            assert!(error.contains(why), "{sql}: {error}");
        }
    }

    #[test]
    fn expressions_that_are_meant_to_hurt_are_refused() {
        let many = |part: &str, times: usize| format!("net > 1{}", part.repeat(times));
        let nested = |function: &str, times: usize| {
            (0..times).fold("\"Code\"".to_owned(), |inner, _| function.replace('@', &inner))
        };
        let long = |text: String| format!("length({text}) > 0");
        let cases = [
            (many(" OR net > 1", 2_000), "longer than 16 KiB"),
            (many(" OR net > 1", 1_400), "more than 200 operators"),
            (many("+1", 8_000), "more than 200 operators"),
            (
                format!("{}net > 1{}", "(".repeat(5_000), ")".repeat(5_000)),
                "more than 200 operators",
            ),
            (format!("{}net > 1", "NOT ".repeat(4_000)), "more than 200 operators"),
            (
                format!("CASE WHEN net > 1 THEN {}true", "CASE WHEN net > 1 THEN ".repeat(600)),
                "more than 200 operators",
            ),
            (long("repeat(\"Code\", 2000000000)".to_owned()), "make much of little"),
            (long("repeat(\"Code\", net)".to_owned()), "make much of little"),
            (long("lpad(\"Code\", 2000000000)".to_owned()), "make much of little"),
            (
                long("replace(\"Code\", 'a', \"Code\")".to_owned()),
                "must be written out",
            ),
            (long(nested("replace(@, 'a', 'aaaaaaaaaa')", 14)), "128 times as long"),
            (
                long(nested("regexp_replace(@, '', 'aaaaaaaaaa', 'g')", 3)),
                "128 times as long",
            ),
            (long(nested("encode(@, 'hex')", 8)), "128 times as long"),
            (
                long(format!("concat({})", vec!["\"Code\""; 150].join(", "))),
                "128 times as long",
            ),
            (
                long(nested("array_to_string(string_to_array(@, NULL), 'aaaaaaaaaa')", 3)),
                "128 times as long",
            ),
            (
                long("arrow_cast(\"Code\", 'FixedSizeBinary(2000000000)')".to_owned()),
                "no function that a rule may use",
            ),
            (
                "net IN (SELECT * FROM generate_series(1, 1000000000))".to_owned(),
                "no subqueries",
            ),
        ];
        // No more stack than the worker threads of a server have.
        let judged = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
            for (sql, why) in cases {
                let error = RowSql::compile(&sql, &contract())
                    .err()
                    .unwrap_or_else(|| panic!("{sql:.60} is taken"));
                assert!(error.contains(why), "{sql:.60}: {error:.200}");
            }
            let wide = format!("net IN ({}1)", "1, ".repeat(5_000));
            let batch = rows(vec![Some(1)], vec![None]);
            assert_eq!(broken(&wide, &batch).rows, Vec::<usize>::new());
            let deep = format!("net > 0{}", " OR net > 0".repeat(90));
            assert_eq!(broken(&deep, &batch).rows, Vec::<usize>::new());
        });
        judged.unwrap().join().unwrap();
    }

    #[test]
    fn texts_are_cleaned_and_put_together_as_rules_do() {
        let batch = rows(vec![Some(1)], vec![None]);
        for sql in [
            "replace(replace(replace(\"Code\", ' ', ''), '-', ''), ',', '.') = 'x'",
            "regexp_replace(\"Code\", '^(.)$', '\\1') = 'x'",
            "lpad(\"Code\", 3, '0') = '00x'",
            "\"Code\" || '-' || cast(net AS text) = 'x-1'",
            "upper(trim(\"Code\")) IN ('X', 'Y') AND length(\"Code\") = 1",
            "array_length(string_to_array(\"Code\", ',')) = 1",
        ] {
            assert_eq!(broken(sql, &batch), Broken::default(), "{sql}");
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_used_is_refused_with_its_reason() {
        let schema = Schema::new(vec![Field::new("c", DataType::Utf8, true)]);
        let why = RowSql::compile("c ~ '^(?=x)'", &schema).err().unwrap();
        assert!(why.starts_with("the pattern cannot be used: look-around"), "{why}");
    }

    #[test]
    fn many_rows_without_a_value_each_get_their_own_verdict() {
        let net: Vec<_> = (0..1_000).map(Some).collect();
        let gross: Vec<_> = (0..1_000).map(|n| Some(i64::from(n % 3 == 0))).collect();
        let found = broken("net / gross >= 0", &rows(net, gross));
        let expected: Vec<_> = (0..1_000).filter(|n| n % 3 != 0).collect();
        assert_eq!(found.rows, expected);
        assert_eq!(found.failed.len(), expected.len());
    }
}
