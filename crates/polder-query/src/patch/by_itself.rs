//! Values that the engine would take for something else by itself, and round or cut: in `coalesce(t, 1.5)` it makes a
//! decimal of one digit behind the point of any text, and one of fifteen of any double.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, Expr, ExprSchemable, ScalarUDF, Signature, SimpleScalarUDF, Volatility};
use polder_gate::sql_numbers::by_itself::{changed, no_text, unwritten, without_notes};

/// The expression without what tells who wrote a cast. Where the engine has put one into it that makes decimals of doubles,
/// it fails for those that these do not hold exactly.
///
/// # Errors
/// `Plan`, where the engine has put one into it that makes decimals, days or times of text, and nobody has said how.
pub(super) fn kept(expression: Expr, columns: &DFSchema) -> Result<Expr, DataFusionError> {
    let checked = expression.transform_up(|part| {
        no_text(&part, columns, of_text)?;
        let Some((from, to)) = unwritten(&part) else {
            return Ok(Transformed::no(part));
        };
        Ok(match changed(&from.get_type(columns)?, to, of_double) {
            Some(_) => Transformed::yes(exactly(to).call(vec![from.clone()])),
            None => Transformed::no(part),
        })
    })?;
    without_notes(checked.data)
}

/// A cast that fails where the way back gives another value.
fn exactly(to: &DataType) -> ScalarUDF {
    let kind = to.clone();
    let cast = move |values: &[ColumnarValue]| {
        let [value] = values else {
            return Err(DataFusionError::Internal("one value is cast".to_owned()));
        };
        let there = value.cast_to(&kind, None)?;
        let back = there.cast_to(&value.data_type(), None)?;
        match value.to_array(1)?.as_ref() == back.to_array(1)?.as_ref() {
            true => Ok(there),
            false => Err(DataFusionError::Execution(
                "a double has more digits than the decimals beside it let it keep: CAST these AS DOUBLE".to_owned(),
            )),
        }
    };
    let one = Signature::any(1, Volatility::Immutable);
    let function = SimpleScalarUDF::new_with_signature("exactly", one, to.clone(), Arc::new(cast));
    ScalarUDF::from(function)
}

/// Whole numbers a text is or is not, and of floating-point numbers it is the nearest to everybody.
fn of_text(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    from.is_string() && (to.is_decimal() || matches!(to, Date32 | Date64 | Timestamp(..)))
}

fn of_double(from: &DataType, to: &DataType) -> bool {
    from.is_floating() && to.is_decimal()
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
    use arrow::compute::cast;
    use arrow::error::ArrowError;

    use super::*;
    use crate::patch::RowPatch;

    #[test]
    fn text_becomes_no_decimal_or_day_that_nobody_asked_for() -> Result<(), ArrowError> {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["2.2567"]));
        let rows = RecordBatch::try_from_iter_with_nullable([("t", Arc::clone(&texts), true), ("x", texts, true)])?;
        let parse = |text: &str| RowPatch::parse(text, &rows.schema(), &[], None, |_| unreachable!());
        for text in [
            "x = coalesce(t, 1.5)",
            "x = nullif(t, 1.5)",
            "x = CASE WHEN t = 1.5 THEN 'a' ELSE 'b' END",
            "x = [1.5, t]",
            "x = [{a: 1.5}, {a: t}]",
            "x = MAP {'k': 1.5, 'j': t}",
            "x = CASE WHEN t > DATE '2026-01-01' THEN 'a' END",
            "x = [1.5, '2.2567']",
        ] {
            let error = parse(text).err().map(|error| error.report()).unwrap_or_default();
            assert!(error.contains("text is not taken for a"), "{text}: {error}");
        }
        for (text, wanted) in [
            ("x = coalesce(CAST(t AS DECIMAL(5,1)), 1.5)", "2.3"),
            ("x = coalesce(t, '1.5')", "2.2567"),
            ("x = coalesce(1.5, '2.5')", "1.5"),
            (
                "x = coalesce(1.5, CASE WHEN t = 'a' THEN '2.5' ELSE '3' || '.5' END)",
                "1.5",
            ),
        ] {
            let patched = parse(text).unwrap().apply(&rows).unwrap();
            let written = cast(patched.column(1), &DataType::Utf8)?;
            assert_eq!(written.as_string::<i32>().value(0), wanted, "{text}");
        }
        Ok(())
    }

    #[test]
    fn a_double_beside_decimals_keeps_its_digits_or_is_refused() {
        let doubles: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), Some(1.234567890123e-9), None]));
        let rows = RecordBatch::try_from_iter_with_nullable([("d", doubles, true)]).unwrap();
        for text in [
            "d = coalesce(d, 0.5)",
            "d = CASE WHEN d < 0 THEN 0.0 ELSE d END",
            "d = [0.5, d]",
            "d = [{a: 0.5}, {a: d}]",
            "d = MAP {'k': 0.5, 'j': d}",
        ] {
            let patch = RowPatch::parse(text, &rows.schema(), &[], None, |_| unreachable!()).unwrap();
            for (row, holds) in [true, false, true].into_iter().enumerate() {
                let applied = patch.apply(&rows.slice(row, 1));
                let said = applied.err().map(|error| error.report()).unwrap_or_default();
                assert_eq!(said.is_empty(), holds, "{text}, row {row}: {said}");
                assert!(holds || said.contains("CAST these AS DOUBLE"), "{said}");
            }
        }
        for text in [
            "d = d * 1.5",
            "d = coalesce(d, CAST(0.5 AS DOUBLE))",
            "d = CAST(d AS DECIMAL(4,2))",
        ] {
            let patch = RowPatch::parse(text, &rows.schema(), &[], None, |_| unreachable!()).unwrap();
            patch.apply(&rows).unwrap();
        }
        // A comparison is one of doubles.
        let compared = "d = CASE WHEN d > 0.000000001234 THEN 1 END";
        let patch = RowPatch::parse(compared, &rows.schema(), &[], None, |_| unreachable!()).unwrap();
        assert_eq!(patch.apply(&rows).unwrap().column(0).null_count(), 1);
    }
}
