//! Rules of the standard's library: metrics with an operator and a unit.

use polder_core::document::{Entry, Node, Value as Written, nearest};

use super::compiler::{Compiler, Heading, Value};
use super::valid::{in_column, one_of, pattern};
use super::{Metric, Operator, RowCheck, key};
use crate::column_type::ColumnType;
use crate::quality::{Quality, counts_rows, is_percent};
use crate::schema::Property;

/// What a metric measures.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    Nulls,
    Missing,
    Invalid,
    Duplicates,
    Rows,
}

/// Metrics by their names: those of the standard from version 3.1, then those that documents of version 3.0 and its
/// examples use for the same things.
const METRICS: [(&str, Measure); 12] = [
    ("nullValues", Measure::Nulls),
    ("missingValues", Measure::Missing),
    ("invalidValues", Measure::Invalid),
    ("duplicateValues", Measure::Duplicates),
    ("rowCount", Measure::Rows),
    ("nullCheck", Measure::Nulls),
    ("nullCount", Measure::Nulls),
    ("missingCount", Measure::Missing),
    ("validValues", Measure::Invalid),
    ("duplicateCount", Measure::Duplicates),
    ("unique", Measure::Duplicates),
    ("countCheck", Measure::Rows),
];

impl Measure {
    fn arguments(self, of_column: bool) -> &'static [&'static str] {
        match self {
            Self::Missing => &["missingValues"],
            Self::Invalid => &["validValues", "pattern"],
            Self::Duplicates if !of_column => &["properties"],
            _ => &[],
        }
    }

    fn as_str(self) -> &'static str {
        METRICS
            .iter()
            .find(|(_, measure)| *measure == self)
            .map_or("", |(name, _)| name)
    }
}

/// The rule that a metric with its operator makes: of rows where no failing row is allowed, else of the table.
pub(super) fn collect(
    compiler: &mut Compiler<'_>,
    heading: Heading,
    quality: &Quality,
    metric: &str,
    arguments: Option<&Node>,
    value: Option<&Value<'_>>,
) {
    let Some((_, measure)) = METRICS.iter().find(|(name, _)| *name == metric) else {
        let near = nearest(metric, METRICS.iter().map(|(name, _)| *name));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let why = format!("`{metric}` is no metric of the standard's library{hint}");
        compiler.not_run(heading, why, metric);
        return;
    };
    let measure = *measure;
    let arguments = arguments.and_then(Node::as_map).unwrap_or_default();
    let known = measure.arguments(value.is_some());
    let mut sound = true;
    for entry in arguments {
        if !known.contains(&entry.key.as_str()) {
            sound = false;
            let message = format!(
                "{}: the metric {} takes no argument `{}`",
                heading.id,
                measure.as_str(),
                entry.key
            );
            let help = match nearest(&entry.key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "it takes none: leave it out".to_owned(),
                None => format!("it takes {}", known.join(" and ")),
            };
            compiler.refuse(&quality.place.at(entry.key_span), message, Some(&help));
        }
    }
    let Some(percent) = unit(compiler, &heading, quality, measure) else {
        return;
    };
    let Some(operator) = operator(compiler, &heading, quality, measure, percent) else {
        return;
    };
    if !sound {
        return;
    }
    let column = match (measure, value) {
        (Measure::Rows, _) => {
            compiler.set(heading, Metric::Rows, operator, percent);
            return;
        }
        (Measure::Duplicates, None) => {
            if let Some(columns) = properties(compiler, &heading, quality, arguments) {
                compiler.set(heading, Metric::Duplicates { columns }, operator, percent);
            }
            return;
        }
        (Measure::Duplicates, Some(value)) if value.is_repeated() => {
            let why = "a row has many of these values: what must differ is said by `uniqueItems` of the list";
            compiler.not_run(heading, why.to_owned(), "no two values are the same");
            return;
        }
        (Measure::Duplicates, Some(value)) => {
            let columns = vec![value.path.clone()];
            if !key::refused(compiler, &heading.id, &columns, &[&quality.places.metric]) {
                compiler.set(heading, Metric::Duplicates { columns }, operator, percent);
            }
            return;
        }
        (_, None) => {
            let message = format!("{}: {} is about a column", heading.id, measure.as_str());
            compiler.refuse(
                &quality.places.metric,
                message,
                Some("move the rule to the column's `quality`"),
            );
            return;
        }
        (_, Some(value)) => value,
    };
    let path = column.path.clone();
    let (check, metric) = match measure {
        Measure::Nulls => (RowCheck::Required, Metric::Nulls { column: path }),
        Measure::Missing => {
            let Some(values) = missing(compiler, &heading, quality, arguments, column) else {
                return;
            };
            let check = match values.as_slice() {
                [] => RowCheck::Required,
                _ => RowCheck::NotMissing(values.clone()),
            };
            (check, Metric::Missing { column: path, values })
        }
        _ => {
            let Some(mut checks) = invalid(compiler, &heading, quality, arguments, column) else {
                return;
            };
            let metric = Metric::Invalid {
                column: path,
                checks: checks.clone(),
            };
            match checks.pop() {
                Some(only) if checks.is_empty() => (only, metric),
                last => {
                    checks.extend(last);
                    (RowCheck::All(checks), metric)
                }
            }
        }
    };
    if none_allowed(&operator) {
        compiler.row(heading, &column.steps, check);
    } else {
        compiler.set(heading, metric, operator, percent);
    }
}

/// Whether no row may fail, which each row alone can keep or break.
fn none_allowed(operator: &Operator) -> bool {
    match operator {
        Operator::MustBe(figure) | Operator::LessOrEqual(figure) => figure.trim().parse() == Ok(0.0),
        _ => false,
    }
}

/// Whether the figure is a share; none where the unit makes no sense, which is reported.
fn unit(compiler: &mut Compiler<'_>, heading: &Heading, quality: &Quality, measure: Measure) -> Option<bool> {
    let unit = quality.unit.as_deref().map(str::trim);
    let percent = match unit {
        None => false,
        Some(unit) if counts_rows(unit) => false,
        Some(unit) if is_percent(unit) => true,
        Some(other) => {
            let message = format!("{}: the unit `{other}` is not known", heading.id);
            let help = match nearest(other, ["rows", "percent"]) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "known: rows (the default) and percent".to_owned(),
            };
            compiler.refuse(&quality.places.unit, message, Some(&help));
            return None;
        }
    };
    if percent && measure == Measure::Rows {
        let message = format!("{}: the number of rows is no share of them", heading.id);
        compiler.refuse(&quality.places.unit, message, Some("leave the unit out"));
        return None;
    }
    Some(percent)
}

/// What the figure must be, which is a number; none where it cannot be, which is reported. Rules of version 3.0 that
/// name none allow no failing row.
fn operator(
    compiler: &mut Compiler<'_>,
    heading: &Heading,
    quality: &Quality,
    measure: Measure,
    percent: bool,
) -> Option<Operator> {
    let Some(operator) = quality.operator.clone() else {
        if quality.names_operator() {
            let message = format!("{}: what the figure must be is no single value", heading.id);
            compiler.refuse(&quality.places.operator, message, Some("write how many are allowed"));
            return None;
        }
        if measure == Measure::Rows {
            let message = format!("{}: it does not say how many rows there must be", heading.id);
            compiler.refuse(&quality.places.metric, message, Some("add `mustBeGreaterThan: 0`"));
            return None;
        }
        return Some(Operator::MustBe("0".to_owned()));
    };
    let wrong = operator
        .problem(quality.lower.as_ref())
        .or_else(|| {
            let word = operator.bounds().into_iter().find(|bound| !is_number(bound))?;
            Some((
                format!("`{word}` is no number, and the figure is one"),
                "write how many are allowed",
            ))
        })
        .or_else(|| operator.impossible(percent));
    if let Some((problem, help)) = wrong {
        compiler.refuse(
            &quality.places.operator,
            format!("{}: {problem}", heading.id),
            Some(help),
        );
        return None;
    }
    // With a lower bound beside it, that may be what fails.
    let lower = quality.lower.as_ref();
    if percent && operator.pointless_share() && lower.is_none_or(Operator::pointless_share) {
        compiler.warn(
            &quality.places.operator,
            format!("{}: every share of rows is that: this can never fail", heading.id),
            Some("a share is from 0 to 100 percent"),
        );
    }
    Some(operator)
}

/// The key of a rule about several columns.
fn properties(
    compiler: &mut Compiler<'_>,
    heading: &Heading,
    quality: &Quality,
    arguments: &[Entry],
) -> Option<Vec<String>> {
    let list = argument(arguments, "properties").and_then(|node| Some((node, node.as_list()?)));
    let Some((_, names)) = list.filter(|(_, names)| !names.is_empty()) else {
        let message = format!("{}: it does not say which columns make the key", heading.id);
        let help = "list them: arguments: {properties: [tenant_id, order_id]}";
        compiler.refuse(&quality.places.metric, message, Some(help));
        return None;
    };
    let mut columns = Vec::new();
    let mut sound = true;
    for node in names {
        let name = node.scalar_text().unwrap_or_default();
        match column(&compiler.object.properties, name) {
            Some(path) => columns.push(path),
            None => {
                sound = false;
                let message = format!("{}: there is no column `{name}`", heading.id);
                let known = compiler.object.properties.iter().map(|column| column.name.as_str());
                let help = nearest(name, known).map(|near| format!("did you mean `{near}`?"));
                compiler.refuse(&quality.place.at(node.span), message, help.as_deref());
            }
        }
    }
    if !sound {
        return None;
    }
    let places: Vec<_> = names.iter().map(|node| quality.place.at(node.span)).collect();
    let places: Vec<_> = places.iter().collect();
    (!key::refused(compiler, &heading.id, &columns, &places)).then_some(columns)
}

/// The path of a column, or of a field inside one, by declared or physical names.
fn column(properties: &[Property], name: &str) -> Option<String> {
    let named =
        |property: &Property, name: &str| property.declared_name.as_deref() == Some(name) || property.name == name;
    if let Some(property) = properties.iter().find(|property| named(property, name)) {
        return Some(property.name.clone());
    }
    let (first, rest) = name.split_once('.')?;
    let outer = properties.iter().find(|property| named(property, first))?;
    column(&outer.properties, rest).map(|inner| format!("{}.{inner}", outer.name))
}

fn argument<'n>(arguments: &'n [Entry], key: &str) -> Option<&'n Node> {
    arguments
        .iter()
        .find(|entry| entry.key == key)
        .map(|entry| &entry.value)
}

/// The values that stand for nothing. What the column can never hold is left out: it cannot occur.
fn missing(
    compiler: &mut Compiler<'_>,
    heading: &Heading,
    quality: &Quality,
    arguments: &[Entry],
    value: &Value<'_>,
) -> Option<Vec<String>> {
    let Some(node) = argument(arguments, "missingValues") else {
        return Some(Vec::new());
    };
    let values = scalars(compiler, heading, quality, node)?;
    let known = values
        .iter()
        .filter_map(|node| in_column(&value.column, node.scalar_text()?).ok());
    Some(known.collect())
}

/// What a valid value keeps: it is one of a list, or matches a pattern, or both.
fn invalid(
    compiler: &mut Compiler<'_>,
    heading: &Heading,
    quality: &Quality,
    arguments: &[Entry],
    value: &Value<'_>,
) -> Option<Vec<RowCheck>> {
    let (listed, matched) = (argument(arguments, "validValues"), argument(arguments, "pattern"));
    let mut checks = Vec::new();
    if let Some(node) = listed {
        let nodes = scalars(compiler, heading, quality, node)?;
        let values: Vec<_> = nodes
            .iter()
            .filter_map(|node| Some((node.scalar_text()?.to_owned(), quality.place.at(node.span))))
            .collect();
        if matches!(
            value.column,
            ColumnType::List(_) | ColumnType::Struct(_) | ColumnType::Map(..)
        ) {
            let message = format!("{}: values of the type {} cannot be listed", heading.id, value.column);
            compiler.refuse(
                &quality.places.metric,
                message,
                Some("move the rule to the values inside"),
            );
            return None;
        }
        checks.push(one_of(compiler, &heading.id, value, values)?);
    }
    if let Some(node) = matched {
        let place = quality.place.at(node.span);
        let Some(text) = node.as_str() else {
            let message = format!("{}: the pattern must be text, but is {}", heading.id, node.kind());
            compiler.refuse(&place, message, Some("put it in quotes"));
            return None;
        };
        checks.push(pattern(compiler, &heading.id, value, text, &place)?);
    }
    if checks.is_empty() {
        let message = format!("{}: it does not say which values are valid", heading.id);
        let help = "add arguments: {validValues: […]} or {pattern: …}";
        compiler.refuse(&quality.places.metric, message, Some(help));
        return None;
    }
    Some(checks)
}

/// The items of a list of single values; none where it is no such list, which is reported.
fn scalars<'n>(
    compiler: &mut Compiler<'_>,
    heading: &Heading,
    quality: &Quality,
    node: &'n Node,
) -> Option<&'n [Node]> {
    let single = |node: &Node| !matches!(node.value, Written::List(_) | Written::Map(_));
    let list = node
        .as_list()
        .filter(|list| !list.is_empty() && list.iter().all(single));
    if list.is_none() {
        let message = format!("{}: a list of values is needed", heading.id);
        compiler.refuse(&quality.place.at(node.span), message, Some("write [a, b, c]"));
    }
    list
}

fn is_number(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok_and(f64::is_finite)
}
