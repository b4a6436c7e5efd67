//! Rules that a value's own keys declare: required, `logicalTypeOptions`, `enum`.

use std::cmp::Ordering;

use chrono_tz::{TZ_VARIANTS, Tz};
use polder_core::document::nearest;
use polder_core::units::counted;

use super::compiler::{Compiler, Heading, Value};
use super::valid::{one_of, pattern};
use super::{NumberWidth, RowCheck, TextFormat, id};
use crate::bound;
use crate::column_type::ColumnType;
use crate::dates::offset;
use crate::number::{self, Side};
use crate::physical_limit::PhysicalLimit;
use crate::place::{Place, Written};
use crate::schema::LogicalType;

/// The rules of one value, in the order of the standard's keys.
pub(super) fn collect(compiler: &mut Compiler<'_>, value: &Value<'_>) {
    let property = value.property;
    let options = &property.options;
    if property.required {
        let heading = compiler.limit(value, "required", &property.place);
        // Who reads a refusal looks for a `required` that the column does not have.
        let why = property.required_by_key.then_some("part of the primary key");
        compiler.row_because(heading, &value.steps, RowCheck::Required, why);
    }
    width(compiler, value);
    physical(compiler, value);
    zone(compiler, value);
    bounds(compiler, value);
    if let Some(by) = &options.multiple_of {
        let heading = compiler.limit(value, "multipleOf", &by.place);
        let numeric = matches!(
            value.column,
            ColumnType::Int32 | ColumnType::Int64 | ColumnType::Float64 | ColumnType::Decimal { .. }
        );
        match bound::normal(&value.column, &by.text, None) {
            Ok(_) if !numeric => compiler.refuse(
                &by.place,
                format!("{}: only numbers have multiples, not {}", heading.id, value.column),
                None,
            ),
            Ok(by) if value.column == ColumnType::Float64 || number::divisor(&value.column, &by).is_some() => {
                compiler.row(heading, &value.steps, RowCheck::MultipleOf(by));
            }
            Ok(text) => {
                let message = format!("{}: multiples of {text} cannot be told exactly", heading.id);
                compiler.refuse(&by.place, message, Some("write a number with fewer digits"));
            }
            Err(problem) => compiler.refuse(&by.place, format!("{}: {problem}", heading.id), None),
        }
    }
    let text = matches!(value.column, ColumnType::String | ColumnType::Binary);
    counts(
        compiler,
        value,
        (
            "minLength",
            options.min_length.map(|count| (count, RowCheck::MinLength(count))),
        ),
        (
            "maxLength",
            options.max_length.map(|count| (count, RowCheck::MaxLength(count))),
        ),
        (text, "text"),
    );
    if let Some(written) = &options.pattern {
        let heading = compiler.limit(value, "pattern", &written.place);
        if let Some(check) = pattern(compiler, &heading.id, value, &written.text, &written.place) {
            compiler.row(heading, &value.steps, check);
        }
    }
    if let Some(format) = &options.format {
        text_format(compiler, value, format);
    }
    let several = matches!(value.column, ColumnType::List(_) | ColumnType::Map(..));
    counts(
        compiler,
        value,
        (
            "minItems",
            options.min_items.map(|count| (count, RowCheck::MinItems(count))),
        ),
        (
            "maxItems",
            options.max_items.map(|count| (count, RowCheck::MaxItems(count))),
        ),
        (several, "an array"),
    );
    if options.unique_items {
        let heading = compiler.limit(value, "uniqueItems", &property.place);
        match value.column {
            ColumnType::List(_) => compiler.row(heading, &value.steps, RowCheck::UniqueItems),
            _ => wrong_type(compiler, &heading, value, "an array"),
        }
    }
    let object = matches!(value.column, ColumnType::Struct(_) | ColumnType::Map(..));
    counts(
        compiler,
        value,
        (
            "minProperties",
            options
                .min_properties
                .map(|count| (count, RowCheck::MinProperties(count))),
        ),
        (
            "maxProperties",
            options
                .max_properties
                .map(|count| (count, RowCheck::MaxProperties(count))),
        ),
        (object, "an object"),
    );
    required_properties(compiler, value);
    if !property.allowed.is_empty() {
        let values: Vec<_> = property
            .allowed
            .iter()
            .map(|value| (value.text.clone(), value.place.clone()))
            .collect();
        let place = &property.allowed[0].place;
        let heading = compiler.limit(value, "enum", place);
        if let Some(check) = one_of(compiler, &heading.id, value, values) {
            compiler.row(heading, &value.steps, check);
        }
    }
}

/// A declared width is a range of values, whatever the column could hold.
fn width(compiler: &mut Compiler<'_>, value: &Value<'_>) {
    let numeric = matches!(
        value.property.logical_type,
        Some(LogicalType::Integer | LogicalType::Number)
    );
    let Some(format) = value.property.options.format.as_ref().filter(|_| numeric) else {
        return;
    };
    if let Some(width) = NumberWidth::from_word(&format.text) {
        let heading = compiler.limit(value, "format", &format.place);
        compiler.row(heading, &value.steps, RowCheck::Width(width));
    }
}

/// The name of the physical type may ask for more than the type of the column does: what a store of that type could not
/// hold is no value of the column.
fn physical(compiler: &mut Compiler<'_>, value: &Value<'_>) {
    let Some(written) = &value.property.physical_type else {
        return;
    };
    let Some(limit) = PhysicalLimit::read(&written.text) else {
        return;
    };
    let text = matches!(value.column, ColumnType::String | ColumnType::Binary);
    let number = matches!(
        value.column,
        ColumnType::Int32 | ColumnType::Int64 | ColumnType::Float64 | ColumnType::Decimal { .. }
    );
    let heading = compiler.limit(value, "physicalType", &written.place);
    let compound = matches!(
        value.column,
        ColumnType::List(_) | ColumnType::Struct(_) | ColumnType::Map(..)
    );
    match limit {
        PhysicalLimit::Length(length) if text => compiler.row(heading, &value.steps, RowCheck::MaxLength(length)),
        PhysicalLimit::Width(width) if number => compiler.row(heading, &value.steps, RowCheck::Width(width)),
        PhysicalLimit::Format(format) if value.column == ColumnType::String => {
            compiler.row(heading, &value.steps, RowCheck::Format(format));
        }
        PhysicalLimit::Listed(values) if value.column == ColumnType::String => {
            compiler.row(heading, &value.steps, RowCheck::OneOf(values));
        }
        PhysicalLimit::BytesOfText(length) if value.column == ColumnType::String => {
            let why = "the bytes of a text depend on its encoding: its characters are counted, not those";
            let says = format!("it must have at most {}", counted(length, "byte"));
            compiler.not_run(heading, why.to_owned(), &says);
        }
        PhysicalLimit::SecondDigits(digits) if !compound && !text && !number => {
            let why = "the column holds microseconds, and nothing here counts their digits";
            let says = format!("it must have at most {} of a second", counted(digits, "digit"));
            compiler.not_run(heading, why.to_owned(), &says);
        }
        // A bare `enum` beside listed values names what they are in the store.
        PhysicalLimit::Unread(ref name)
            if !compound && (!limit.is_bare_enum() || value.property.allowed.is_empty()) =>
        {
            let why = match (limit.is_bare_enum(), text) {
                (true, _) => format!("`{name}` does not say which values it has: list them under `enum`"),
                (false, true) => format!("what `{name}` allows cannot be read: write a length, or labels in quotes"),
                (false, false) => format!("what `{name}` allows cannot be read: write how many digits a second has"),
            };
            compiler.not_run(heading, why, &format!("it must be what `{name}` allows"));
        }
        // The store's type and the column's are not of one kind, which is judged elsewhere.
        _ => {}
    }
}

/// A time zone has a name in the IANA database, or is an offset from UTC; and a type of no zone has none.
fn zone(compiler: &mut Compiler<'_>, value: &Value<'_>) {
    let options = &value.property.options;
    if let Some(said) = options.timezone.as_ref().filter(|said| said.text == "true")
        && value.column == ColumnType::TimestampLocal
    {
        let message = format!(
            "`{}`: `timezone: true` says that its times have a zone, but {} is a type of no zone, which is what counts",
            value.path, value.column
        );
        let help = "leave `timezone` out; where these are instants, write physicalType: timestamp";
        compiler.warn(&said.place, message, Some(help));
    }
    let Some(zone) = &options.default_timezone else {
        return;
    };
    let named = zone.text == "Z" || zone.text.parse::<Tz>().is_ok() || offset(&zone.text).is_some();
    if !named {
        let message = format!("`{}`: there is no time zone `{}`", value.path, zone.text);
        let help = match nearest(&zone.text, TZ_VARIANTS.iter().map(|zone| zone.name())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write its name in the IANA database, such as Europe/Amsterdam".to_owned(),
        };
        compiler.refuse(&zone.place, message, Some(&help));
    }
}

fn bounds(compiler: &mut Compiler<'_>, value: &Value<'_>) {
    let options = &value.property.options;
    let declared = [
        ("minimum", &options.minimum, true, false),
        ("exclusiveMinimum", &options.exclusive_minimum, true, true),
        ("maximum", &options.maximum, false, false),
        ("exclusiveMaximum", &options.exclusive_maximum, false, true),
    ];
    let zone = options.default_timezone.as_ref().map(|zone| zone.text.as_str());
    let mut lows: Vec<(String, bool)> = Vec::new();
    let mut highs: Vec<(String, bool, Place)> = Vec::new();
    for (rule, written, low, exclusive) in declared {
        let Some(written) = written else { continue };
        let heading = compiler.limit(value, rule, &written.place);
        let side = if low { Side::Low } else { Side::High };
        match bound::normal(&value.column, &written.text, zone) {
            Ok(bound) if !comparable(&value.column, &bound, side, exclusive) => {
                let message = format!(
                    "{}: `{bound}` is beyond every value of the type {}",
                    heading.id, value.column
                );
                compiler.refuse(&written.place, message, Some("leave the bound out"));
            }
            Ok(bound) => {
                let check = if low {
                    lows.push((bound.clone(), exclusive));
                    RowCheck::Minimum {
                        value: bound,
                        exclusive,
                    }
                } else {
                    highs.push((bound.clone(), exclusive, written.place.clone()));
                    RowCheck::Maximum {
                        value: bound,
                        exclusive,
                    }
                };
                compiler.row(heading, &value.steps, check);
            }
            Err(problem) => compiler.refuse(&written.place, format!("{}: {problem}", heading.id), None),
        }
    }
    for (low, low_open) in &lows {
        for (high, high_open, place) in &highs {
            let empty = match bound::order(&value.column, low, high) {
                Some(Ordering::Greater) => true,
                Some(Ordering::Equal) => *low_open || *high_open,
                _ => false,
            };
            if empty {
                let message = format!("`{}`: no value is from {low} to {high}", value.path);
                compiler.refuse(place, message, Some("the smaller bound is the minimum"));
            }
        }
    }
}

/// Whether a bound can be compared with the column's values. Times of day are in no table, which is said elsewhere.
fn comparable(column: &ColumnType, bound: &str, side: Side, exclusive: bool) -> bool {
    matches!(column, ColumnType::Float64 | ColumnType::Time) || number::bound(column, bound, side, exclusive).is_some()
}

/// A least and a greatest count of something that only some types have.
fn counts(
    compiler: &mut Compiler<'_>,
    value: &Value<'_>,
    least: (&str, Option<(u64, RowCheck)>),
    greatest: (&str, Option<(u64, RowCheck)>),
    (fits, kind): (bool, &str),
) {
    let place = &value.property.place;
    if let (Some((low, _)), Some((high, _))) = (&least.1, &greatest.1)
        && low > high
    {
        let message = format!("`{}`: {} {low} is more than {} {high}", value.path, least.0, greatest.0);
        compiler.refuse(place, message, Some("no value can keep both"));
    }
    for (rule, declared) in [least, greatest] {
        let Some((_, check)) = declared else { continue };
        let heading = compiler.limit(value, rule, place);
        if fits {
            compiler.row(heading, &value.steps, check);
        } else {
            wrong_type(compiler, &heading, value, kind);
        }
    }
}

fn wrong_type(compiler: &mut Compiler<'_>, heading: &Heading, value: &Value<'_>, kind: &str) {
    let message = format!("{}: it needs {kind}, not {}", heading.id, value.column);
    compiler.refuse(&value.property.place, message, None);
}

fn required_properties(compiler: &mut Compiler<'_>, value: &Value<'_>) {
    let names = &value.property.options.required;
    if names.is_empty() {
        return;
    }
    let place = &value.property.place;
    let heading = compiler.limit(value, id::by_option("required"), place);
    let fields = &value.property.properties;
    let mut found = Vec::new();
    for name in names {
        let field = fields
            .iter()
            .find(|field| field.declared_name.as_ref() == Some(name) || field.name == *name);
        match field {
            Some(field) => found.push(field.name.clone()),
            None => {
                let message = format!("{}: `{}` has no field `{name}`", heading.id, value.path);
                let known = fields.iter().filter_map(|field| field.declared_name.as_deref());
                let help = nearest(name, known).map(|near| format!("did you mean `{near}`?"));
                compiler.refuse(place, message, help.as_deref());
            }
        }
    }
    compiler.row(heading, &value.steps, RowCheck::RequiredProperties(found));
}

/// Formats of text, and of dates and times; widths of numbers are [`width`]'s.
fn text_format(compiler: &mut Compiler<'_>, value: &Value<'_>, format: &Written) {
    let heading = compiler.limit(value, "format", &format.place);
    let says = format!("the format is {}", format.text);
    match value.property.logical_type {
        Some(LogicalType::String) => match TextFormat::from_word(&format.text) {
            Ok(_) if value.column != ColumnType::String => {
                compiler.not_run(heading, format!("the column holds {}, not text", value.column), &says);
            }
            Ok(format) => compiler.row(heading, &value.steps, RowCheck::Format(format)),
            Err(why) => {
                if let Some(near) = nearest(&format.text, TextFormat::words()) {
                    let message = format!("{}: {why}", heading.id);
                    compiler.warn(&format.place, message, Some(&format!("did you mean `{near}`?")));
                }
                compiler.not_run(heading, why, &says);
            }
        },
        Some(LogicalType::Date | LogicalType::Timestamp | LogicalType::Time) => {
            let why = format!(
                "it says how values are written as text, and the column holds values of the type {}",
                value.column
            );
            compiler.not_run(heading, why, &says);
        }
        _ => {}
    }
}
