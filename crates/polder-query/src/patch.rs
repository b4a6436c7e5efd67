//! New values for columns of rows, written in SQL.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::execution::SessionState;
use datafusion::logical_expr::cast;
use datafusion::optimizer::simplify_expressions::{ExprSimplifier, SimplifyContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::sqlparser::ast::{Assignment, AssignmentTarget, Expr as SqlExpr, ExprWithAlias};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;
use polder_core::document::nearest;
use polder_core::{Error, ErrorKind, Result, ResultExt, clock};

use crate::failure::query_error;

/// What the right side of `UPDATE … SET` says: `quantity = abs(quantity), country = coalesce(country, 'Unspecified')`.
///
/// Every expression sees the row as it was. A name that is not in double quotes is in lower case, as in queries.
pub struct RowPatch {
    schema: SchemaRef,
    names: Vec<String>,
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
    /// Reads assignments over these columns. Each result is cast to its column's type.
    ///
    /// # Errors
    /// `Usage` for text that is none, columns that there are not, a column that is set twice, and expressions that do
    /// not fit together.
    pub fn parse(text: &str, columns: &SchemaRef) -> Result<Self> {
        let fields = columns
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true));
        let schema = SchemaRef::new(Schema::new(fields.collect::<Vec<_>>()));
        let df_schema = DFSchema::try_from(Arc::clone(&schema)).map_err(query_error)?;
        let mut config = SessionConfig::new();
        // As in queries.
        let parser = &mut config.options_mut().sql_parser;
        (parser.parse_float_as_decimal, parser.map_string_types_to_utf8view) = (true, false);
        let state = SessionContext::new_with_config(config).state();
        let (mut names, mut set) = (Vec::new(), Vec::new());
        for Assignment { target, value } in assignments(text).map_err(|cause| unread(text, &cause))? {
            let place = place(&target, &schema)?;
            let name = schema.field(place).name();
            if names.contains(name) {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!("`{name}` is set twice in `{text}`"),
                ));
            }
            names.push(name.clone());
            let message = || format!("`{name} = {value}` cannot be computed");
            let expression = compile(&state, value.clone(), &schema, place, &df_schema).map_err(query_error);
            set.push((place, expression.context(ErrorKind::Usage, message)?));
        }
        Ok(Self { schema, names, set })
    }

    /// The columns that are set.
    pub fn columns(&self) -> &[String] {
        &self.names
    }

    /// The rows with these columns set. `rows` has the columns that the patch was read for, in their order.
    ///
    /// # Errors
    /// `Data`, where an expression fails for one of the rows at least.
    pub fn apply(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let failed = || "the expression fails".to_owned();
        let mut columns = rows.columns().to_vec();
        for (place, expression) in &self.set {
            let value = expression
                .evaluate(rows)
                .map_err(query_error)
                .context(ErrorKind::Data, failed)?;
            columns[*place] = value.into_array(rows.num_rows()).context(ErrorKind::Data, failed)?;
        }
        RecordBatch::try_new(Arc::clone(&self.schema), columns).context(ErrorKind::Data, failed)
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
    let cause = cause.to_string();
    let cause = cause.trim_start_matches("sql parser error: ");
    Error::new(ErrorKind::Usage, format!("`{text}` sets no columns: {cause}"))
        .with_help("write it as in UPDATE … SET: quantity = abs(quantity), country = coalesce(country, 'Unspecified')")
}

/// The place of the column that is set.
fn place(target: &AssignmentTarget, schema: &Schema) -> Result<usize> {
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
        return Err(Error::new(
            ErrorKind::Usage,
            format!("`{name}` is no column: set columns as a whole"),
        ));
    };
    let written = match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    };
    schema.index_of(&written).map_err(|_| {
        let error = Error::new(ErrorKind::Usage, format!("the contract has no column `{written}`"));
        let names = schema.fields().iter().map(|field| field.name().as_str());
        match nearest(&written, names) {
            Some(near) => error.with_help(format!("did you mean `{near}`?")),
            None => error.with_help("names with capital letters go into double quotes"),
        }
    })
}

fn compile(
    state: &SessionState,
    value: SqlExpr,
    schema: &Schema,
    place: usize,
    df_schema: &DFSchema,
) -> datafusion::error::Result<Arc<dyn PhysicalExpr>> {
    let expression = ExprWithAlias {
        expr: value,
        alias: None,
    };
    let expression = state.create_logical_expr_from_sql_expr(expression, df_schema)?;
    let expression = cast(expression, schema.field(place).data_type().clone());
    // Some functions are only names for others until they are simplified.
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(df_schema.clone()))
        .with_config_options(Arc::clone(state.config_options()))
        .with_query_execution_start_time(Some(clock::now()))
        .build();
    let simplifier = ExprSimplifier::new(context);
    let expression = simplifier.simplify(simplifier.coerce(expression, df_schema)?)?;
    state.create_physical_expr(expression, df_schema)
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, Decimal128Array, Int32Array, StringArray};
    use arrow::datatypes::{Decimal128Type, Int32Type};

    use super::*;

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
    fn columns_are_set_from_the_row_as_it_was_in_their_types() {
        let rows = rows();
        let text = "quantity = abs(quantity), country = coalesce(country, 'n ' || quantity), \"Price\" = '2.5'";
        let patch = RowPatch::parse(text, &rows.schema()).unwrap();
        assert_eq!(patch.columns(), ["quantity", "country", "Price"]);
        let patched = patch.apply(&rows).unwrap();
        assert_eq!(patched.schema(), rows.schema());
        assert_eq!(patched.column(0).as_primitive::<Int32Type>().values(), &[3, 4]);
        let countries: Vec<_> = patched.column(1).as_string::<i32>().iter().flatten().collect();
        assert_eq!(countries, ["n -3", "x"]);
        assert_eq!(
            patched.column(2).as_primitive::<Decimal128Type>().values(),
            &[2_500, 2_500]
        );
    }

    #[test]
    fn what_cannot_be_set_is_refused_before_any_row() {
        let schema = rows().schema();
        for (text, wanted) in [
            ("quantiti = 1", "no column `quantiti`"),
            ("quantity = 1; country = 'x'", "too much"),
            ("quantity", "sets no columns"),
            ("quantity = 1, quantity = 2", "set twice"),
            ("quantity = nope", "nope"),
            ("quantity = (SELECT 1 FROM other)", "cannot be computed"),
            ("quantity = sum(quantity)", "cannot be computed"),
            ("quantity = no_such_function(quantity)", "no_such_function"),
        ] {
            let error = match RowPatch::parse(text, &schema) {
                Err(error) => error,
                Ok(patch) => panic!("{text} is {patch:?}"),
            };
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
            assert!(error.report().contains(wanted), "{text}: {}", error.report());
        }
    }

    #[test]
    fn a_row_that_an_expression_fails_for_is_an_error_of_the_data() {
        let rows = rows();
        let patch = RowPatch::parse("quantity = CAST(country AS INT)", &rows.schema()).unwrap();
        assert_eq!(patch.apply(&rows).unwrap_err().kind(), ErrorKind::Data);
        assert!(patch.apply(&rows.slice(0, 1)).is_ok());
    }
}
