//! What a value may be, by a pattern or a list, wherever that is declared.

use super::RowCheck;
use super::compiler::{Compiler, Value};
use super::pattern::{KEPT, compiled, stray_brace};
use crate::bound;
use crate::column_type::ColumnType;
use crate::number;
use crate::place::Place;

/// The check of a regular expression; none where it cannot be one, which is reported.
pub(super) fn pattern(
    compiler: &mut Compiler<'_>,
    id: &str,
    value: &Value<'_>,
    pattern: &str,
    place: &Place,
) -> Option<RowCheck> {
    if value.column != ColumnType::String {
        let message = format!("{id}: a pattern needs a column of text, not {}", value.column);
        compiler.refuse(place, message, None);
        return None;
    }
    match compiled(pattern) {
        Ok((_, large)) if large && !compiler.has_room_for(pattern) => {
            let message = format!("{id}: the contract has more than {KEPT} different patterns of more than 1 MiB");
            let help = "repeat shorter classes, or the same pattern: it is compiled once";
            compiler.refuse(place, message, Some(help));
            None
        }
        Ok(_) => {
            if let Some(brace) = stray_brace(pattern) {
                let message = format!("{id}: `{brace}` is no repetition, but these characters");
                let help = "close the brace, as in {2} or {0,2}, or write \\{";
                compiler.warn(place, message, Some(help));
            }
            Some(RowCheck::Pattern(pattern.to_owned()))
        }
        Err(problem) => {
            let help = "patterns are matched in linear time: no look-around, no back references, no huge repetitions";
            compiler.refuse(place, format!("{id}: {problem}"), Some(help));
            None
        }
    }
}

/// The check of a list of values; none where one of them is no value of the column, which is reported.
pub(super) fn one_of(
    compiler: &mut Compiler<'_>,
    id: &str,
    value: &Value<'_>,
    values: Vec<(String, Place)>,
) -> Option<RowCheck> {
    let mut texts = Vec::new();
    let mut sound = true;
    for (text, place) in values {
        match in_column(&value.column, &text) {
            Ok(text) => texts.push(text),
            Err(problem) => {
                sound = false;
                compiler.refuse(&place, format!("{id}: {problem}"), None);
            }
        }
    }
    sound.then_some(RowCheck::OneOf(texts))
}

/// A listed value in the form that checks read.
pub(super) fn in_column(column: &ColumnType, text: &str) -> Result<String, String> {
    match column {
        ColumnType::String => Ok(text.to_owned()),
        ColumnType::Boolean if matches!(text, "true" | "false") => Ok(text.to_owned()),
        ColumnType::Boolean => Err(format!("`{text}` is neither true nor false")),
        ColumnType::Binary | ColumnType::List(_) | ColumnType::Struct(_) | ColumnType::Map(..) => {
            Err(format!("values of the type {column} cannot be listed"))
        }
        _ => {
            let value = bound::normal(column, text, None)?;
            let exact = matches!(column, ColumnType::Float64 | ColumnType::Time);
            match exact || number::value(column, &value).is_some() {
                true => Ok(value),
                false => Err(format!("`{text}` is no value of the type {column}")),
            }
        }
    }
}
