//! Functions of text over columns that are none: what did not fit such a column is text, and is reached by a cast.

use std::ops::ControlFlow;

use datafusion::arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, VisitMut, VisitorMut};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::Reader;
use super::to_blame::is_name;

/// Names in an expression that are tried.
const TRIED: usize = 16;

/// An expression that cannot be computed with the first name in it that is no text cast to text, or all of them, where it can be
/// computed then.
pub(super) fn cast_to_text(reader: &Reader, expression: &SqlExpr) -> Option<SqlExpr> {
    let one_by_one = (0..TRIED).map(Some).chain([None]);
    one_by_one
        .map(|only| {
            let mut tried = expression.clone();
            let mut casting = Casting { reader, only, names: 0 };
            let _: ControlFlow<()> = VisitMut::visit(&mut tried, &mut casting);
            tried
        })
        .find(|tried| reader.kind(tried).is_some())
}

struct Casting<'r> {
    reader: &'r Reader,
    /// Which of the names is cast; all of them without it.
    only: Option<usize>,
    /// How many names that are no text were there.
    names: usize,
}

impl VisitorMut for Casting<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, part: &mut SqlExpr) -> ControlFlow<()> {
        if !is_name(part) || self.reader.kind(part).is_none_or(|kind| kind == DataType::Utf8) {
            return ControlFlow::Continue(());
        }
        if self.only.is_none_or(|only| only == self.names)
            && let Ok(mut parser) = Parser::new(&GenericDialect {}).try_with_sql(&format!("CAST({part} AS VARCHAR)"))
            && let Ok(cast) = parser.parse_expr()
        {
            *part = cast;
        }
        self.names += 1;
        ControlFlow::Continue(())
    }
}
