//! Which part of what was received is to blame where an expression cannot be computed from text.

use std::ops::ControlFlow;

use datafusion::arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, Visit, Visitor};

use super::Reader;

/// What an expression takes for something else although it is text, at least in part.
#[derive(Debug, Clone, PartialEq)]
pub struct TextTaken {
    /// It, as it stands in the expression: `o.v`, `l[2]['a']`, `replace(o.v, ',', '.')`.
    pub written: String,
    /// Its type.
    pub received: DataType,
    /// Its type where a row has what the contract promises.
    pub promised: DataType,
}

/// The expressions of a patch over what was received, beside the same over what is promised.
pub(super) struct Both {
    received: Reader,
    promised: Reader,
}

impl Both {
    pub(super) fn new(received: Reader, promised: Reader) -> Self {
        Self { received, promised }
    }

    /// What is to blame for this expression, where it cannot be computed: of the innermost parts that cannot be, the first
    /// text that it takes as it is.
    pub(super) fn blamed(&self, expression: &SqlExpr) -> Option<TextTaken> {
        match expression.visit(&mut Failing(self)) {
            ControlFlow::Break(blamed) => Some(blamed),
            ControlFlow::Continue(()) => None,
        }
    }

    /// What is taken in this part, which cannot be computed.
    fn taken(&self, part: &SqlExpr) -> Option<TextTaken> {
        if is_name(part) {
            return self.of_name(part);
        }
        match part.visit(&mut Taking {
            both: self,
            depth: 0,
            below: None,
        }) {
            ControlFlow::Break(taken) => Some(taken),
            ControlFlow::Continue(()) => None,
        }
    }

    /// What a name means, or as much of it as there is.
    fn of_name(&self, name: &SqlExpr) -> Option<TextTaken> {
        let mut name = name.clone();
        loop {
            if let Some(received) = self.received.kind(&name) {
                let promised = self.promised.kind(&name)?;
                return is_less(&received, &promised).then(|| TextTaken {
                    written: name.to_string(),
                    received,
                    promised,
                });
            }
            name = before_the_last(name)?;
        }
    }
}

/// Finds the first part that cannot be computed although all inside of it can, and is to blame for something.
struct Failing<'b>(&'b Both);

impl Visitor for Failing<'_> {
    type Break = TextTaken;

    fn post_visit_expr(&mut self, part: &SqlExpr) -> ControlFlow<TextTaken> {
        if self.0.received.kind(part).is_some() {
            return ControlFlow::Continue(());
        }
        match self.0.taken(part) {
            Some(taken) => ControlFlow::Break(taken),
            None => ControlFlow::Continue(()),
        }
    }
}

/// Finds the first text inside of a part that it takes as it is: what is cast, or goes into something that is no text, is
/// said to be what it is.
struct Taking<'b> {
    both: &'b Both,
    depth: usize,
    /// Below which depth nothing is looked at.
    below: Option<usize>,
}

impl Visitor for Taking<'_> {
    type Break = TextTaken;

    fn pre_visit_expr(&mut self, part: &SqlExpr) -> ControlFlow<TextTaken> {
        self.depth += 1;
        // The first is the one that cannot be computed.
        if self.below.is_some() || self.depth == 1 {
            return ControlFlow::Continue(());
        }
        let kind = self.both.received.kind(part);
        let is_said = matches!(part, SqlExpr::Cast { .. }) || kind.as_ref().is_some_and(|kind| !has_text(kind));
        if is_name(part) || is_said {
            self.below = Some(self.depth);
        }
        if is_said {
            return ControlFlow::Continue(());
        }
        if is_name(part) {
            return match self.both.of_name(part) {
                Some(taken) => ControlFlow::Break(taken),
                None => ControlFlow::Continue(()),
            };
        }
        // A text that is made of one.
        if kind == Some(DataType::Utf8)
            && let Some(inside) = self.both.taken(part)
        {
            return ControlFlow::Break(TextTaken {
                written: part.to_string(),
                received: DataType::Utf8,
                ..inside
            });
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &SqlExpr) -> ControlFlow<TextTaken> {
        if self.below == Some(self.depth) {
            self.below = None;
        }
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}

pub(super) fn is_name(part: &SqlExpr) -> bool {
    use SqlExpr::{CompoundFieldAccess, CompoundIdentifier, Identifier};
    matches!(part, Identifier(_) | CompoundIdentifier(_) | CompoundFieldAccess { .. })
}

/// A name without its last step.
fn before_the_last(name: SqlExpr) -> Option<SqlExpr> {
    match name {
        SqlExpr::CompoundIdentifier(mut parts) => {
            parts.pop();
            match parts.len() {
                0 => None,
                1 => parts.pop().map(SqlExpr::Identifier),
                _ => Some(SqlExpr::CompoundIdentifier(parts)),
            }
        }
        SqlExpr::CompoundFieldAccess { root, mut access_chain } => {
            access_chain.pop();
            Some(match access_chain.is_empty() {
                true => *root,
                false => SqlExpr::CompoundFieldAccess { root, access_chain },
            })
        }
        _ => None,
    }
}

/// Whether some of it is text that is promised to be something else.
fn is_less(received: &DataType, promised: &DataType) -> bool {
    use DataType::{List, Map, Struct, Utf8};
    match (received, promised) {
        (Utf8, promised) => *promised != Utf8,
        (Struct(received), Struct(promised)) => received.iter().any(|field| {
            let promised = promised.find(field.name());
            promised.is_some_and(|(_, promised)| is_less(field.data_type(), promised.data_type()))
        }),
        (List(received), List(promised)) | (Map(received, _), Map(promised, _)) => {
            is_less(received.data_type(), promised.data_type())
        }
        _ => false,
    }
}

fn has_text(kind: &DataType) -> bool {
    use DataType::{FixedSizeList, LargeList, List, Map, Struct};
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        Struct(fields) => fields.iter().any(|field| has_text(field.data_type())),
        List(item) | LargeList(item) | FixedSizeList(item, _) | Map(item, _) => has_text(item.data_type()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{Field, Fields, Schema, SchemaRef};

    use super::*;
    use crate::patch::RowPatch;

    /// An object `o` of a time `at` and numbers `v` and `w`, a list `l` and a map `m` of objects of a number `a` and a day
    /// `dt`, with text where this says so.
    fn columns(text: impl Fn(&str) -> bool) -> SchemaRef {
        let field = |way: &str, kind: DataType| {
            let name = way.rsplit('.').next().unwrap();
            Field::new(name, if text(way) { DataType::Utf8 } else { kind }, true)
        };
        let number = DataType::Decimal128(10, 2);
        let at = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()));
        let o = vec![
            field("o.at", at),
            field("o.v", number.clone()),
            field("o.w", number.clone()),
        ];
        let item = |of: &str| {
            let fields = vec![
                field(&format!("{of}.a"), number.clone()),
                field(&format!("{of}.dt"), DataType::Date32),
            ];
            DataType::Struct(Fields::from(fields))
        };
        let sides = vec![
            Field::new("key", DataType::Utf8, false),
            Field::new("value", item("m"), true),
        ];
        let entries = Field::new("key_value", DataType::Struct(sides.into()), false);
        Arc::new(Schema::new(vec![
            field("o", DataType::Struct(o.into())),
            field("l", DataType::List(Arc::new(Field::new("item", item("l"), true)))),
            field("m", DataType::Map(Arc::new(entries), false)),
        ]))
    }

    #[test]
    fn the_first_text_that_is_taken_for_something_else_is_to_blame() {
        let promised = columns(|_| false);
        let inside = columns(|way| way.contains('.') && way != "o.w");
        let whole = columns(|way| way == "o");
        for (text, received, written) in [
            ("o = {v: round(o.v, 2)}", &inside, "o.v"),
            (
                "o = {at: to_timestamp(o.at, '%m/%d/%Y %H:%M') AT TIME ZONE 'UTC', v: round(o.v,2)}",
                &inside,
                "o.v",
            ),
            (
                "o = {v: round(CAST(o.v AS DECIMAL(10,3)), 2), w: round(o['w'], 1) + abs(o['v'])}",
                &inside,
                "o['v']",
            ),
            (
                "o = {v: round(replace(o.v, ',', '.'), 2)}",
                &inside,
                "replace(o.v, ',', '.')",
            ),
            ("o = {w: o.w}, l = [{a: abs(l[2]['a'])}]", &inside, "l[2]['a']"),
            ("m = MAP {'k': {a: abs(m['k']['a'])}}", &inside, "m['k']['a']"),
            // What the contract promises is not there at all.
            ("o = {v: o.v}", &whole, "o"),
            ("o = {v: round(o['v'], 2)}", &whole, "o"),
        ] {
            let blamed = RowPatch::text_taken(text, received, &promised, |_| unreachable!()).unwrap();
            assert_eq!(blamed.written, written, "{text}");
            assert_eq!(blamed.received, DataType::Utf8, "{text}");
        }
        let mixed = "l = [{a: 1, dt: to_date(l[1]['dt'], '%d.%m.%Y')}, {a: l[2]['a'], dt: l[2]['dt']}]";
        let blamed = RowPatch::text_taken(mixed, &inside, &promised, |_| unreachable!()).unwrap();
        assert_eq!(blamed.written, "l[2]['a']");
        // Nothing of what is text is to blame, or nothing at all.
        for text in [
            "o = {v: abs('x')}",
            "o = {v: abs(CAST(o.v AS DECIMAL(10,2)))}",
            "o = {v: abs(CAST(o.v AS VARCHAR))}",
        ] {
            assert_eq!(
                RowPatch::text_taken(text, &inside, &promised, |_| unreachable!()),
                None,
                "{text}"
            );
        }
    }
}
