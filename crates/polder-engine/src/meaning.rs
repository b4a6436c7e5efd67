//! What the names of a pipeline's query mean: a part of its definition that does not stand in its files.
//!
//! A source's contract may give names another meaning though the query stays as it is (`EXISTS (… WHERE b.w < v)`, `NATURAL
//! JOIN`, `SELECT *`), or its values another type (`x / 2` of whole numbers is another number than of others). What is told is
//! which columns of its sources the query uses, and of which kind their values are: a name that comes to mean another column
//! brings one in, or lets one go. How it uses them is told by its text. The words are hashed and kept in tables: they say
//! what every plan of the query must say, and nothing of how well a plan is followed.

use std::collections::BTreeSet;

use arrow::datatypes::{FieldRef, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt as _};
use polder_query::lineage::{Kind, Tracer};

use crate::definition::Pipeline;
use crate::engine::Engine;
use crate::lineage::{self, overlap};
use crate::source::Source;
use crate::sql::place::SqlText;

/// The columns that a query uses, by dataset, each with the kind of its values. In the order of the dataset's columns where the query may take them by their
/// place, else by name.
pub(crate) type Meaning = Vec<(String, Vec<String>)>;

/// What the names of a pipeline's query mean over its sources. Those that are built `ahead` are taken as they will be then.
///
/// # Errors
/// `Document` for a query that does not plan; what the lake reports.
pub(crate) async fn meaning(
    engine: &Engine,
    pipeline: &Pipeline,
    sources: &[Source],
    ahead: &BTreeSet<DatasetName>,
) -> Result<Meaning> {
    let tables = sources
        .iter()
        .map(|source| {
            let table = match ahead.contains(&source.dataset) {
                true => source.promised(),
                false => source.provider()?,
            };
            Ok((source.dataset.clone(), table))
        })
        .collect::<Result<Vec<_>>>()?;
    let schemas: Vec<_> = tables
        .iter()
        .map(|(dataset, table)| (dataset.clone(), table.schema()))
        .collect();
    let text = SqlText::file(&pipeline.sql);
    let plan = match engine.session.with_tables(tables).written(text.sql).await {
        Ok(plan) => plan,
        Err(error) if matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Refused) => return Err(error),
        Err(error) => {
            // A query that does not fit the contracts is told as `polder check` tells it, all at once.
            engine.refuse_unsound(pipeline).await?;
            return Err(Error::document(vec![text.failure(&error, "sql")]).with_source(error));
        }
    };
    used(text.sql, &plan, &schemas).context(ErrorKind::Document, || {
        format!("cannot plan the query of {}", pipeline.name)
    })
}

/// The columns of these datasets that a query uses.
fn used(sql: &str, plan: &LogicalPlan, schemas: &[(DatasetName, SchemaRef)]) -> PlanResult<Meaning> {
    let used = Tracer::used_by(plan)?;
    let (by_place, spread) = (takes_by_place(sql), spreads_objects(plan)?);
    let of = |(dataset, schema): &(DatasetName, SchemaRef)| {
        let paths: Vec<_> = used
            .iter()
            .filter(|(of, _)| of == dataset)
            .map(|(_, path)| path.as_str())
            .collect();
        let is_used = |field: &&FieldRef| {
            let inside = |path: &&str| path.len() >= field.name().len() && overlap(path, field.name());
            paths.iter().any(inside)
        };
        let columns = schema.fields().iter().filter(is_used);
        let mut columns: Vec<_> = columns
            .map(|field| match spread || paths.contains(&field.name().as_str()) {
                true => format!("{}:{}", field.name(), in_words(&Kind::of(field.data_type()))),
                false => inside(field, &paths),
            })
            .collect();
        if !by_place {
            columns.sort();
        }
        (dataset.to_string(), columns)
    };
    Ok(schemas.iter().map(of).collect())
}

/// Whether a query may name all columns at once, so that what it takes where is a matter of their order. A sign that may
/// also multiply counts.
fn takes_by_place(sql: &str) -> bool {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else {
        return true;
    };
    let tokens: Vec<_> = tokens
        .iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .collect();
    let is_all = |at: usize| match (at.checked_sub(1).and_then(|at| tokens.get(at)), tokens.get(at + 1)) {
        // `count(*)`
        (Some(Token::LParen), Some(Token::RParen)) => false,
        (Some(Token::Word(before)), _) => {
            matches!(before.keyword, Keyword::SELECT | Keyword::DISTINCT | Keyword::ALL)
        }
        (Some(Token::SingleQuotedString(_) | Token::RBracket), _) => false,
        // `DISTINCT ON (…) *` is followed by no number and no name.
        (
            Some(Token::Number(..) | Token::RParen),
            Some(Token::Number(..) | Token::SingleQuotedString(_) | Token::LParen | Token::Minus),
        ) => false,
        (Some(Token::Number(..) | Token::RParen), Some(Token::Word(behind))) => behind.keyword != Keyword::NoKeyword,
        _ => true,
    };
    tokens
        .iter()
        .enumerate()
        .any(|(at, token)| **token == Token::Mul && is_all(at))
}

/// Whether a query makes columns of all fields of an object, in their order.
fn spreads_objects(plan: &LogicalPlan) -> PlanResult<bool> {
    let mut spreads = false;
    plan.apply_with_subqueries(|node| {
        spreads |= matches!(node, LogicalPlan::Unnest(unnest) if !unnest.struct_type_columns.is_empty());
        Ok(if spreads {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    })?;
    Ok(spreads)
}

/// The values inside of a column that a query uses: another field is nothing to it.
fn inside(field: &FieldRef, used: &[&str]) -> String {
    let kinds = lineage::paths(field.name(), field.data_type()).into_iter();
    let kinds = kinds.filter(|(path, _)| used.contains(&path.as_str()));
    let mut words: Vec<_> = kinds
        .map(|(path, kind)| format!("{path}:{}", in_words(&Kind::of(&kind))))
        .collect();
    words.sort();
    words.join("+")
}

/// A kind of values as it is hashed. A wider type of the same kind is the same.
fn in_words(kind: &Kind) -> String {
    let plain = match kind {
        Kind::Boolean => "boolean",
        Kind::Integer => "integer",
        Kind::Narrow => "narrow",
        Kind::Digits => "digits",
        Kind::Decimal(scale) => return format!("decimal({scale})"),
        Kind::Exact => "exact",
        Kind::Approximate => "approximate",
        Kind::Number => "number",
        Kind::Float => "float",
        Kind::Double => "double",
        Kind::Text => "string",
        Kind::Binary => "binary",
        Kind::Date => "date",
        Kind::Timestamp => "timestamp",
        Kind::LocalTimestamp => "timestamp_ntz",
        Kind::List(item) => return format!("array<{}>", in_words(item)),
        Kind::Map(key, value) => return format!("map<{},{}>", in_words(key), in_words(value)),
        Kind::Object(fields) => {
            let fields = fields.iter();
            let fields: Vec<_> = fields
                .map(|(name, kind)| format!("{name}:{}", in_words(kind)))
                .collect();
            return format!("struct<{}>", fields.join(","));
        }
        Kind::Other(name) => name,
    };
    plain.to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, TimeUnit};
    use datafusion::catalog::TableProvider;
    use datafusion::datasource::empty::EmptyTable;
    use polder_query::{Session, SessionOptions};

    use super::*;

    fn schema(columns: &str) -> SchemaRef {
        use arrow::datatypes::{Field, Fields, Schema};
        let number = |name: &str| Field::new(name, DataType::Int64, true);
        let fields = columns.split(' ').filter(|column| !column.is_empty());
        let fields = fields.map(|column| match column.split_once(':') {
            Some((name, inside)) => {
                let inside: Fields = inside.split('+').map(number).collect();
                Field::new(name, DataType::Struct(inside), true)
            }
            None => number(column),
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// What a query uses of the tables `d` and `e` of these columns; `o:a+b` is an object.
    async fn used_of(sql: &str, d: &str, e: &str) -> Vec<String> {
        let schemas: Vec<(DatasetName, SchemaRef)> = [("s.bronze.d", d), ("s.bronze.e", e)]
            .map(|(name, columns)| (name.parse().unwrap(), schema(columns)))
            .to_vec();
        let tables = schemas.iter().map(|(name, schema)| {
            let table: Arc<dyn TableProvider> = Arc::new(EmptyTable::new(Arc::clone(schema)));
            (name.clone(), table)
        });
        let session = Session::without_lake(&SessionOptions::default())
            .unwrap()
            .with_tables(tables);
        let plan = session
            .written(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {}", error.report()));
        let used = used(sql, &plan, &schemas).unwrap();
        used.iter().map(|(_, columns)| columns.join(" ")).collect()
    }

    /// These words are in the tables of every lake: another one is a full build of every pipeline whose query is like it.
    #[tokio::test]
    async fn what_is_told_of_a_query_stays_as_it_is() {
        const COLUMNS: &str = "z k v w u";
        for (sql, d, e) in [
            ("SELECT k, v FROM s.bronze.d", "k v", ""),
            ("SELECT count(*) AS n FROM s.bronze.d", "", ""),
            (
                "SELECT 2*v*w AS n, sum(z) * 3 AS m FROM s.bronze.d GROUP BY v, w",
                "v w z",
                "",
            ),
            (
                "SELECT CASE WHEN w > 0 THEN v END AS v FROM s.bronze.d WHERE u = 1 ORDER BY k",
                "k u v w",
                "",
            ),
            (
                "SELECT d.k, e.v FROM s.bronze.d d JOIN s.bronze.e e USING (k)",
                "k",
                "k v",
            ),
            (
                "SELECT d.v FROM s.bronze.d d NATURAL JOIN s.bronze.e e",
                COLUMNS,
                COLUMNS,
            ),
            (
                "SELECT v, row_number() OVER (PARTITION BY k ORDER BY w) AS n FROM s.bronze.e",
                "",
                "k v w",
            ),
            ("SELECT v FROM s.bronze.d UNION ALL SELECT w FROM s.bronze.e", "v", "w"),
            (
                "SELECT k FROM s.bronze.d d WHERE EXISTS (SELECT 1 FROM s.bronze.e e WHERE e.k = d.k AND w > 0)",
                "k",
                "k w",
            ),
            // A column that is only passed along with the others is none that it uses.
            ("WITH q AS (SELECT * FROM s.bronze.d) SELECT k, v FROM q", "k v", ""),
            ("SELECT * FROM s.bronze.d", COLUMNS, ""),
        ] {
            let mut columns = [d.to_owned(), e.to_owned()];
            if sql.contains("NATURAL") {
                columns = columns.map(|_| "k u v w z".to_owned());
            }
            let columns = columns.map(|columns| {
                let columns: Vec<_> = columns
                    .split_whitespace()
                    .map(|name| format!("{name}:integer"))
                    .collect();
                columns.join(" ")
            });
            assert_eq!(used_of(sql, COLUMNS, COLUMNS).await, columns, "{sql}");
        }
        let objects = "SELECT o.b AS x FROM s.bronze.d";
        assert_eq!(used_of(objects, "k o:b+a", "k").await, ["o.b:integer", ""]);
        let spread = "SELECT unnest(o) FROM s.bronze.d";
        assert_eq!(
            used_of(spread, "k o:b+a", "k").await,
            ["o:struct<b:integer,a:integer>", ""]
        );
        let whole = "SELECT count(DISTINCT o) AS n FROM s.bronze.d";
        assert_eq!(
            used_of(whole, "k o:b+a", "k").await,
            ["o:struct<b:integer,a:integer>", ""]
        );
        let kinds = [
            (DataType::Int32, "integer"),
            (DataType::Float64, "double"),
            (DataType::Decimal128(12, 2), "decimal(2)"),
            (DataType::Utf8, "string"),
            (DataType::Date32, "date"),
            (
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                "timestamp",
            ),
            (DataType::Timestamp(TimeUnit::Microsecond, None), "timestamp_ntz"),
            (DataType::new_list(DataType::Boolean, true), "array<boolean>"),
        ];
        for (kind, word) in kinds {
            assert_eq!(in_words(&Kind::of(&kind)), word);
        }
    }

    #[tokio::test]
    async fn what_changes_the_meaning_of_names_is_told_and_nothing_else() {
        const EXISTS: &str = "SELECT k FROM s.bronze.d d WHERE EXISTS (SELECT 1 FROM s.bronze.e WHERE w > 0)";
        const SWAPPED: &str = "WITH q(a, b) AS (SELECT * FROM s.bronze.d) SELECT a - b AS x FROM q";
        const PLAIN: &str = "SELECT v - w AS x, count(*) OVER () * 2 AS n FROM s.bronze.d";
        const NATURAL: &str = "SELECT d.v FROM s.bronze.d d NATURAL JOIN s.bronze.e e";
        const SPREAD: &str = "WITH q(a, b) AS (SELECT unnest(o) FROM s.bronze.d) SELECT a FROM q";
        for (sql, before, after, is_another) in [
            (EXISTS, ("k w", "k"), ("k w", "k w"), true),
            (EXISTS, ("k w", "k"), ("k w x", "k x"), false),
            (EXISTS, ("k w", "k"), ("w k", "k"), false),
            (SWAPPED, ("v w", "k"), ("w v", "k"), true),
            (SWAPPED, ("v w", "k"), ("v w", "x k"), false),
            (PLAIN, ("v w", "k"), ("x w v", "k"), false),
            (NATURAL, ("k v", "k"), ("k v u", "k u"), true),
            (NATURAL, ("k v", "k"), ("k u v", "k x"), false),
            (SPREAD, ("o:b+c", "k"), ("o:c+b", "k"), true),
            (SPREAD, ("o:b+c", "k"), ("u o:b+c", "k"), false),
        ] {
            let (was, is) = (
                used_of(sql, before.0, before.1).await,
                used_of(sql, after.0, after.1).await,
            );
            assert_eq!(was != is, is_another, "{sql}: {was:?}, {is:?}");
        }
    }

    #[test]
    fn columns_may_be_taken_by_place_where_all_are_named_at_once() {
        for (sql, expected) in [
            ("SELECT * FROM d", true),
            ("SELECT d.* FROM d", true),
            ("SELECT 1 AS a, * FROM d", true),
            ("SELECT DISTINCT /* all */ -- of\n * FROM d", true),
            ("SELECT DISTINCT ON (k) * FROM d", true),
            ("SELECT * EXCLUDE (k) FROM d", true),
            (
                "SELECT a * b, 2 * a, '*' AS s, \"x\" * 2, l[1] * -a, 2 * 3, -(a + b) * -(b) * (c) * a FROM d",
                false,
            ),
            ("SELECT count( * ), count(*) OVER () * 2 FROM d -- *", false),
            ("SELECT 'never ended", true),
        ] {
            assert_eq!(takes_by_place(sql), expected, "{sql}");
        }
    }
}
