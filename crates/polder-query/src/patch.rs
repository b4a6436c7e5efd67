//! New values for columns of rows, written in SQL.

mod as_text;
mod by_itself;
mod in_text;
mod to_blame;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::optimizer::simplify_expressions::{ExprSimplifier, SimplifyContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::sqlparser::ast::{
    Assignment, AssignmentTarget, Expr as SqlExpr, ExprWithAlias, Ident, ObjectNamePart,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;
use polder_core::{Error, ErrorKind, Result, ResultExt, clock};
use polder_gate::engine_words::{meant, syntax};
use polder_gate::reading::fields_beyond;
use polder_gate::sql_numbers;
use polder_gate::sql_numbers::by_itself::{with_known_places, with_written_casts};

use crate::failure::query_error;
use as_text::with_json;
use by_itself::kept;
use in_text::cast_to_text;
use to_blame::Both;

pub use as_text::AsJson;
pub use to_blame::TextTaken;

/// What errors say of functions of text that get something else.
const TAKES_TEXT: &str = " takes a string, not ";

/// What the right side of `UPDATE … SET` says: `quantity = abs(quantity), country = coalesce(country, 'Unspecified')`.
///
/// Every expression sees the row as it was. A name that is not in double quotes is in lower case, as in queries. Objects,
/// lists and maps that are cast to text are JSON.
pub struct RowPatch {
    schema: SchemaRef,
    names: Vec<String>,
    reads: Vec<String>,
    /// By the columns' places in the schema.
    set: Vec<(usize, Arc<dyn PhysicalExpr>)>,
}

impl fmt::Debug for RowPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowPatch")
            .field("set", &self.names)
            .finish_non_exhaustive()
    }
}

impl RowPatch {
    /// Reads assignments over these columns; those in `fixed` may be named, but not set. `follows` is a column, and
    /// another one that is set to the same where only the first is set. `as_json` writes what is cast to text; where a column
    /// of texts names another one in its metadata under [`RECEIVED`](polder_gate::reading::RECEIVED), these are it.
    ///
    /// # Errors
    /// `Usage` for text that is none, columns that there are not or that are fixed, a column that is set twice,
    /// expressions that do not fit together or take text for a decimal, a day or a time by themselves, and those that give
    /// another value each time.
    pub fn parse(
        text: &str,
        columns: &SchemaRef,
        fixed: &[&str],
        follows: Option<(&str, &str)>,
        as_json: AsJson,
    ) -> Result<Self> {
        let reader = Reader::new(columns, as_json).map_err(query_error)?;
        let schema = Arc::clone(&reader.schema);
        let mut assigned: Vec<(usize, SqlExpr)> = Vec::new();
        for Assignment { target, value } in assignments(text).map_err(|cause| unread(text, &cause))? {
            let place = place(&target, &value, &schema, fixed)?;
            if assigned.iter().any(|(other, _)| *other == place) {
                let message = format!("`{}` is set twice in `{text}`", schema.field(place).name());
                return Err(Error::new(ErrorKind::Usage, message));
            }
            assigned.push((place, value));
        }
        if let Some((leader, follower)) = follows
            && let (Ok(leader), Ok(follower)) = (schema.index_of(leader), schema.index_of(follower))
            && assigned.iter().all(|(place, _)| *place != follower)
            && let Some((_, value)) = assigned.iter().find(|(place, _)| *place == leader)
        {
            let value = value.clone();
            assigned.push((follower, value));
        }
        let (mut names, mut set) = (Vec::new(), Vec::new());
        for (place, value) in assigned {
            let name = schema.field(place).name();
            names.push(name.clone());
            let message = || format!("`{name} = {value}` cannot be computed");
            let expression = reader.compile(value.clone()).map_err(query_error);
            let expression = expression.context(ErrorKind::Usage, message).map_err(|error| {
                let of_text = error
                    .report()
                    .contains(TAKES_TEXT)
                    .then(|| cast_to_text(&reader, &value));
                match of_text.flatten() {
                    Some(of_text) => error.with_help(format!(
                        "a value that its column does not hold is text as it was received: {} = {of_text}",
                        quoted(name)
                    )),
                    None => error,
                }
            })?;
            let given = expression.data_type(&schema).map_err(query_error);
            has_fields(&given.context(ErrorKind::Usage, message)?, schema.field(place))?;
            set.push((place, expression));
        }
        let read: BTreeSet<String> = set
            .iter()
            .flat_map(|(_, expression)| collect_columns(expression))
            .map(|column| column.name().to_owned())
            .collect();
        Ok(Self {
            schema,
            names,
            reads: read.into_iter().collect(),
            set,
        })
    }

    /// What of the columns as they were `received`, of which some are text in the place of what is `promised`, is to blame
    /// for assignments that cannot be computed from them; nothing where nothing of it is.
    pub fn text_taken(text: &str, received: &SchemaRef, promised: &SchemaRef, as_json: AsJson) -> Option<TextTaken> {
        let both = Both::new(
            Reader::new(received, as_json).ok()?,
            Reader::new(promised, as_json).ok()?,
        );
        let assignments = assignments(text).ok()?;
        assignments.iter().find_map(|assignment| both.blamed(&assignment.value))
    }

    /// The columns that are set.
    pub fn columns(&self) -> &[String] {
        &self.names
    }

    /// The columns that the expressions read, by name.
    pub fn reads(&self) -> &[String] {
        &self.reads
    }

    /// The rows with these columns set, each in the type that its expression gives: into which type it goes, and what
    /// does not fit there, is not decided here. `rows` has the columns that the patch was read for, in their order.
    ///
    /// # Errors
    /// `Data`, where an expression fails for one of the rows at least.
    pub fn apply(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let failed = || "the expression fails".to_owned();
        let mut columns = rows.columns().to_vec();
        let mut fields = self.schema.fields().to_vec();
        for (place, expression) in &self.set {
            let value = expression
                .evaluate(rows)
                .map_err(query_error)
                .context(ErrorKind::Data, failed)?;
            columns[*place] = value.into_array(rows.num_rows()).context(ErrorKind::Data, failed)?;
            let kind = columns[*place].data_type().clone();
            fields[*place] = Arc::new(Field::new(fields[*place].name(), kind, true));
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).context(ErrorKind::Data, failed)
    }
}

fn assignments(text: &str) -> Result<Vec<Assignment>, ParserError> {
    let mut parser = Parser::new(&GenericDialect {}).try_with_sql(text)?;
    let assignments = parser.parse_comma_separated(Parser::parse_assignment)?;
    match parser.next_token().token {
        Token::EOF => Ok(assignments),
        other => Err(ParserError::ParserError(format!("`{other}` is too much"))),
    }
}

fn unread(text: &str, cause: &ParserError) -> Error {
    let cause = syntax(&cause.to_string());
    Error::new(ErrorKind::Usage, format!("`{text}` sets no columns: {cause}"))
        .with_help("write it as in UPDATE … SET: quantity = abs(quantity), country = coalesce(country, 'Unspecified')")
}

/// Whether a column has all fields of the objects that it is set to; a value in another one would be lost.
fn has_fields(given: &DataType, column: &Field) -> Result<()> {
    let Some(field) = fields_beyond(given, column.data_type(), column.name())
        .into_iter()
        .next()
    else {
        return Ok(());
    };
    let error = Error::new(ErrorKind::Usage, format!("the contract has no field `{}`", field.way));
    Err(match meant(&field.name, field.beside.iter().map(String::as_str)) {
        Some(help) => error.with_help(help),
        None => error.with_help(format!("the fields there are {}", field.beside.join(", "))),
    })
}

/// The place of the column that is set.
fn place(target: &AssignmentTarget, value: &SqlExpr, schema: &Schema, fixed: &[&str]) -> Result<usize> {
    let AssignmentTarget::ColumnName(name) = target else {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("`{target}` are several columns: set each by itself"),
        ));
    };
    let ident = match name.0.as_slice() {
        [part] => part.as_ident(),
        _ => None,
    };
    let Some(ident) = ident else {
        let error = Error::new(
            ErrorKind::Usage,
            format!("`{name}` is no column: set columns as a whole"),
        );
        return Err(match as_a_whole(&name.0, value, schema) {
            Some(whole) => error.with_help(format!("write {whole}")),
            None => error,
        });
    };
    let written = match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    };
    let names = || {
        let names = schema.fields().iter().map(|field| field.name().as_str());
        names.filter(|name| !fixed.contains(name))
    };
    if fixed.contains(&written.as_str()) {
        let message = format!("`{written}` says where the row came from: expressions may name it, but it is not set");
        return Err(Error::new(ErrorKind::Usage, message).with_help(can_be_set(names())));
    }
    schema.index_of(&written).map_err(|_| {
        let error = Error::new(ErrorKind::Usage, format!("the contract has no column `{written}`"));
        match meant(&written, names()) {
            Some(help) => error.with_help(help),
            None => error.with_help(format!(
                "{}; names with capital letters go into double quotes",
                can_be_set(names())
            )),
        }
    })
}

/// The assignment of a whole column that sets the field at this way in it; nothing where there is no such field.
fn as_a_whole(way: &[ObjectNamePart], value: &SqlExpr, schema: &Schema) -> Option<String> {
    let names: Option<Vec<&Ident>> = way.iter().map(ObjectNamePart::as_ident).collect();
    let names = names?.into_iter().map(|ident| match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    });
    let names: Vec<String> = names.collect();
    let (column, inside) = names.split_first()?;
    let field = schema.field_with_name(column).ok()?;
    let column = quoted(column);
    let whole = rebuilt(&column, field.data_type(), inside, value)?;
    Some(format!("{column} = {whole}"))
}

/// An object with all fields of the one at `prefix`, in which the field at this way has a new value.
fn rebuilt(prefix: &str, data_type: &DataType, way: &[String], value: &SqlExpr) -> Option<String> {
    let Some((name, rest)) = way.split_first() else {
        return Some(value.to_string());
    };
    let DataType::Struct(fields) = data_type else {
        return None;
    };
    fields.find(name)?;
    let fields = fields.iter().map(|field| {
        let own = quoted(field.name());
        let old = format!("{prefix}.{own}");
        let new = match field.name() == name {
            true => rebuilt(&old, field.data_type(), rest, value)?,
            false => old,
        };
        Some(format!("{own}: {new}"))
    });
    let fields: Option<Vec<String>> = fields.collect();
    Some(format!("{{{}}}", fields?.join(", ")))
}

/// A name as it is written in SQL.
fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match name.chars().all(is_plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

fn can_be_set<'n>(names: impl Iterator<Item = &'n str>) -> String {
    format!("these can be set: {}", names.collect::<Vec<_>>().join(", "))
}

/// Reads expressions over columns.
struct Reader {
    state: SessionState,
    schema: SchemaRef,
    columns: DFSchema,
    as_json: AsJson,
}

impl Reader {
    fn new(columns: &SchemaRef, as_json: AsJson) -> Result<Self, DataFusionError> {
        let fields = columns
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true));
        let schema = SchemaRef::new(Schema::new(fields.collect::<Vec<_>>()));
        let mut config = SessionConfig::new();
        polder_gate::read_as_everywhere(&mut config.options_mut().sql_parser);
        Ok(Self {
            state: SessionContext::new_with_config(config).state(),
            columns: DFSchema::try_from(Arc::clone(&schema))?,
            schema,
            as_json,
        })
    }

    /// What an expression gives; nothing where it cannot be computed.
    fn kind(&self, expression: &SqlExpr) -> Option<DataType> {
        let expression = self.compile(expression.clone()).ok()?;
        expression.data_type(&self.schema).ok()
    }

    fn compile(&self, value: SqlExpr) -> Result<Arc<dyn PhysicalExpr>, DataFusionError> {
        let (state, columns) = (&self.state, &self.columns);
        let expression = ExprWithAlias {
            expr: value,
            alias: None,
        };
        let expression = state.create_logical_expr_from_sql_expr(expression, columns)?;
        if expression.is_volatile() {
            return plan_err!(
                "it gives another value each time that it is computed, so nobody could tell later what was set: write the value"
            );
        }
        let expression = with_json(expression, columns, &self.schema, self.as_json)?;
        // Some functions are only names for others until they are simplified.
        let context = SimplifyContext::builder()
            .with_schema(Arc::new(columns.clone()))
            .with_config_options(Arc::clone(state.config_options()))
            .with_query_execution_start_time(Some(clock::now()))
            .build();
        let simplifier = ExprSimplifier::new(context);
        let expression = with_known_places(expression, columns);
        let expression = simplifier.coerce(with_written_casts(expression)?, columns)?;
        let expression = kept(sql_numbers::exact_expression(expression, columns)?, columns)?;
        let expression = simplifier.simplify(expression)?;
        state.create_physical_expr(expression, columns)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Int32Array, StringArray, StructArray};
    use arrow::datatypes::{Decimal128Type, Fields, Int32Type};
    use polder_gate::reading::RECEIVED;

    use super::*;

    fn no_json(_: &ArrayRef) -> Result<StringArray> {
        unreachable!("nothing is cast to text")
    }

    fn rows() -> RecordBatch {
        let price = Decimal128Array::from(vec![Some(1_500), None])
            .with_precision_and_scale(8, 3)
            .unwrap();
        RecordBatch::try_from_iter_with_nullable([
            (
                "quantity",
                Arc::new(Int32Array::from(vec![Some(-3), Some(4)])) as ArrayRef,
                true,
            ),
            ("country", Arc::new(StringArray::from(vec![None, Some("x")])), true),
            ("Price", Arc::new(price), true),
        ])
        .unwrap()
    }

    #[test]
    fn columns_are_set_from_the_row_as_it_was_in_the_types_of_their_expressions() {
        let rows = rows();
        let text = "quantity = abs(quantity), country = coalesce(country, 'n ' || quantity), \"Price\" = '2.5'";
        let patch = RowPatch::parse(text, &rows.schema(), &[], None, no_json).unwrap();
        assert_eq!(patch.columns(), ["quantity", "country", "Price"]);
        assert_eq!(patch.reads(), ["country", "quantity"]);
        let patched = patch.apply(&rows).unwrap();
        assert_eq!(patched.column(0).as_primitive::<Int32Type>().values(), &[3, 4]);
        let countries: Vec<_> = patched.column(1).as_string::<i32>().iter().flatten().collect();
        assert_eq!(countries, ["n -3", "x"]);
        let prices: Vec<_> = patched.column(2).as_string::<i32>().iter().flatten().collect();
        assert_eq!(prices, ["2.5", "2.5"]);
    }

    #[test]
    fn places_that_need_no_row_are_as_good_as_written_ones() {
        let rows = rows();
        for places in ["1", "2 - 1", "cast(1 AS int)"] {
            let text = format!(
                "country = 'x' || round(\"Price\" + 0.05, {places}), \"Price\" = round(\"Price\" + 0.05, {places})"
            );
            let patch = RowPatch::parse(&text, &rows.schema(), &[], None, no_json).unwrap();
            let patched = patch.apply(&rows).unwrap();
            assert_eq!(patched.column(1).as_string::<i32>().value(0), "x1.6", "{text}");
            let price = patched.column(2).as_primitive::<Decimal128Type>();
            assert_eq!(price.value_as_string(0), "1.6", "{text}");
        }
    }

    #[test]
    fn a_number_keeps_the_digits_that_were_written() {
        let rows = rows();
        let patch = RowPatch::parse("\"Price\" = 1.0005, quantity = 1.7", &rows.schema(), &[], None, no_json).unwrap();
        let patched = patch.apply(&rows).unwrap();
        let written = |column: usize| {
            patched
                .column(column)
                .as_primitive::<Decimal128Type>()
                .value_as_string(0)
        };
        assert_eq!((written(2), written(0)), ("1.0005".to_owned(), "1.7".to_owned()));
    }

    #[test]
    fn functions_of_text_over_what_is_none_are_told_with_the_cast() {
        let help = |text: &str| {
            let error = RowPatch::parse(text, &rows().schema(), &[], None, no_json).unwrap_err();
            error.help().map(ToOwned::to_owned)
        };
        let told = |text: &str| {
            Some(format!(
                "a value that its column does not hold is text as it was received: {text}"
            ))
        };
        for (text, helps) in [
            (
                "\"Price\" = replace(\"Price\", ',', '.')",
                "\"Price\" = replace(CAST(\"Price\" AS VARCHAR), ',', '.')",
            ),
            (
                "quantity = replace(replace(country, 'x', ''), quantity, '.')",
                "quantity = replace(replace(country, 'x', ''), CAST(quantity AS VARCHAR), '.')",
            ),
            (
                "quantity = replace(quantity, \"Price\", '.')",
                "quantity = replace(CAST(quantity AS VARCHAR), CAST(\"Price\" AS VARCHAR), '.')",
            ),
        ] {
            assert_eq!(help(text), told(helps), "{text}");
        }
        assert_eq!(help("quantity = abs(country)"), None);
    }

    #[test]
    fn a_column_follows_another_one_unless_it_is_set_itself() {
        let rows = rows();
        let prices = |text: &str| {
            let patch = RowPatch::parse(text, &rows.schema(), &[], Some(("quantity", "Price")), no_json).unwrap();
            let patched = patch.apply(&rows).unwrap();
            let prices = arrow::compute::cast(patched.column(2), &DataType::Utf8).unwrap();
            prices.as_string::<i32>().value(0).to_owned()
        };
        assert_eq!(prices("quantity = 2"), "2");
        assert_eq!(prices("quantity = 2, \"Price\" = 1"), "1");
        assert_eq!(prices("country = 'x'"), "1.500");
    }

    #[test]
    fn what_cannot_be_set_is_refused_before_any_row() {
        let schema = rows().schema();
        for (text, wanted) in [
            ("quantiti = 1", "no column `quantiti`"),
            ("\"Price\" = 1", "but it is not set"),
            ("quantity = 1; country = 'x'", "too much"),
            ("quantity", "sets no columns"),
            ("quantity = 1, quantity = 2", "set twice"),
            ("quantity = nope", "nope"),
            ("quantity = (SELECT 1 FROM other)", "cannot be computed"),
            ("quantity = sum(quantity)", "cannot be computed"),
            ("quantity = no_such_function(quantity)", "no_such_function"),
            ("quantity = random()", "another value each time"),
            ("country = uuid()", "another value each time"),
        ] {
            let error = match RowPatch::parse(text, &schema, &["Price"], None, no_json) {
                Err(error) => error,
                Ok(patch) => panic!("{text} is {patch:?}"),
            };
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
            assert!(error.report().contains(wanted), "{text}: {}", error.report());
        }
    }

    #[test]
    fn a_column_that_is_not_there_is_told_as_it_would_be_written() {
        let schema = rows().schema();
        for (text, help) in [
            ("Price = 1", "write \"Price\" in double quotes, for its capital letters"),
            ("\"Country\" = 'x'", "did you mean `country`?"),
            ("quantiti = 1", "did you mean `quantity`?"),
        ] {
            let error = RowPatch::parse(text, &schema, &[], None, no_json).unwrap_err();
            assert_eq!(error.help(), Some(help), "{text}");
        }
    }

    /// `o`, an object of `a`, `B` and an object `i` of `c`, and `l`, a list of such.
    fn nested() -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let object = |fields: Vec<Field>| DataType::Struct(Fields::from(fields));
        let o = object(vec![
            text("a"),
            text("B"),
            Field::new("i", object(vec![text("c")]), true),
        ]);
        let item = Field::new("item", o.clone(), true);
        Arc::new(Schema::new(vec![
            Field::new("o", o, true),
            Field::new("l", DataType::List(Arc::new(item)), true),
        ]))
    }

    #[test]
    fn a_field_that_its_column_does_not_have_is_refused_however_deep() {
        for (text, message, help) in [
            ("o = {aa: 'x'}", "no field `o.aa`", "did you mean `a`?"),
            (
                "o = {a: 'x', i: {other: 'y'}}",
                "no field `o.i.other`",
                "the fields there are c",
            ),
            (
                "l = [{a: 'x', stock: 1}, {a: 'y', stock: 2}]",
                "no field `l[].stock`",
                "the fields there are a, B, i",
            ),
            (
                "l = [{a: 'x', i: {cc: 'y'}}]",
                "no field `l[].i.cc`",
                "did you mean `c`?",
            ),
        ] {
            let error = RowPatch::parse(text, &nested(), &[], None, no_json).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
            assert!(error.report().contains(message), "{text}: {}", error.report());
            assert_eq!(error.help(), Some(help), "{text}");
        }
        // What is not said is null, and an object in the place of a text is told row by row.
        for text in ["o = {a: 'x'}", "o = {i: {c: o.a}, a: {x: 1}}", "o = NULL", "l = []"] {
            RowPatch::parse(text, &nested(), &[], None, no_json).unwrap();
        }
    }

    #[test]
    fn a_field_is_set_with_its_column_as_a_whole() {
        for (text, help) in [
            (
                "o.a = upper(o.a)",
                Some("write o = {a: upper(o.a), \"B\": o.\"B\", i: o.i}"),
            ),
            ("o.i.c = 'x'", Some("write o = {a: o.a, \"B\": o.\"B\", i: {c: 'x'}}")),
            ("o.z = 1", None),
            ("l.a = 1", None),
            ("p.a = 1", None),
        ] {
            let error = RowPatch::parse(text, &nested(), &[], None, no_json).unwrap_err();
            assert!(error.to_string().ends_with("set columns as a whole"), "{error}");
            assert_eq!(error.help(), help, "{text}");
            // What is advised can be written.
            if let Some(whole) = help.and_then(|help| help.strip_prefix("write ")) {
                RowPatch::parse(whole, &nested(), &[], None, no_json).unwrap();
            }
        }
    }

    #[test]
    fn a_row_that_an_expression_fails_for_is_an_error_of_the_data() {
        let rows = rows();
        let patch = RowPatch::parse(
            "quantity = CAST(country AS INT)",
            &rows.schema(),
            &["country"],
            None,
            no_json,
        )
        .unwrap();
        let error = patch.apply(&rows).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.report().ends_with("'x' is no int"), "{}", error.report());
        assert!(patch.apply(&rows.slice(0, 1)).is_ok());
    }

    /// Which value it is, in the place of its JSON.
    fn numbered(values: &ArrayRef) -> Result<StringArray> {
        Ok((0..values.len())
            .map(|row| values.is_valid(row).then(|| format!("json {row}")))
            .collect())
    }

    #[test]
    fn what_is_no_text_is_json_where_it_is_cast_to_text() {
        let fields = Fields::from(vec![Field::new("a", DataType::Int32, true)]);
        let objects = |valid: Vec<bool>| -> ArrayRef {
            let numbers: ArrayRef = Arc::new(Int32Array::from(vec![7; valid.len()]));
            Arc::new(StructArray::new(fields.clone(), vec![numbers], Some(valid.into())))
        };
        let of = HashMap::from([(RECEIVED.to_owned(), "p".to_owned())]);
        let object = |name: &str| Field::new(name, DataType::Struct(fields.clone()), true);
        let schema = Schema::new(vec![
            object("o"),
            object("p"),
            Field::new("t", DataType::Utf8, true),
            Field::new("p as received", DataType::Utf8, true).with_metadata(of),
        ]);
        let columns: Vec<ArrayRef> = vec![
            objects(vec![true, false]),
            objects(vec![true, true]),
            Arc::new(StringArray::from(vec!["x", "y"])),
            Arc::new(StringArray::from(vec![r#"{"a":7.0}"#, "{}"])),
        ];
        let rows = RecordBatch::try_new(Arc::new(schema), columns).unwrap();
        let texts = |expression: &str| -> Vec<Option<String>> {
            let text = format!("t = {expression}");
            let patch = RowPatch::parse(&text, &rows.schema(), &[], None, numbered).unwrap();
            let patched = patch.apply(&rows).unwrap();
            let texts = patched.column(2).as_string::<i32>();
            texts.iter().map(|text| text.map(str::to_owned)).collect()
        };
        let said = |texts: [Option<&str>; 2]| texts.map(|text| text.map(str::to_owned)).to_vec();
        assert_eq!(texts("CAST(o AS VARCHAR)"), said([Some("json 0"), None]));
        assert_eq!(texts("upper(TRY_CAST(o AS VARCHAR))"), said([Some("JSON 0"), None]));
        assert_eq!(texts("{a: 1, b: [2]}::text"), said([Some("json 0"), Some("json 0")]));
        assert_eq!(texts("CAST([o.a] AS VARCHAR)"), said([Some("json 0"), Some("json 1")]));
        // What came for it is there.
        assert_eq!(texts("CAST(p AS VARCHAR)"), said([Some(r#"{"a":7.0}"#), Some("{}")]));
        assert_eq!(texts("CAST(p.a AS VARCHAR)"), said([Some("7"), Some("7")]));
    }
}
