//! Custom rules: Polder's own, and those of other tools.

use polder_core::document::{Entry, Node, nearest};
use polder_core::units::parse_duration;

use super::compiler::{Compiler, Heading};
use super::{Metric, Operator};
use crate::column_type::ColumnType;
use crate::place::Place;
use crate::quality::Quality;
use crate::schema::Property;

/// The engine whose rules Polder runs.
const ENGINE: &str = "polder";
const RULES: [&str; 3] = ["row", "freshness", "volume"];
/// Commits that a rule about volume compares with at least: fewer give no idea of what is usual.
pub const LEAST_COMMITS: u32 = 5;
/// What a log is asked for at most: so many commits that brought rows are looked for among twice as many.
const MOST_COMMITS: u32 = 500;
const COMMITS: u32 = 10;
const DEVIATION: f64 = 3.0;

/// A rule of `type: custom`.
pub(super) fn collect(
    compiler: &mut Compiler<'_>,
    heading: Heading,
    quality: &Quality,
    engine: &str,
    implementation: Option<&Node>,
) {
    if engine != ENGINE {
        let says = quality
            .description
            .clone()
            .unwrap_or_else(|| format!("a rule of {engine}"));
        compiler.not_run(heading, format!("a rule of {engine}"), &says);
        return;
    }
    let body = &quality.places.body;
    let help = "write one of row: \"a <= b\", freshness: {column: updated_at, within: 24h}, volume: {commits: 10, \
                deviation: 3}";
    let entries = implementation.and_then(Node::as_map).unwrap_or_default();
    let [entry] = entries else {
        let message = format!("{}: a rule of {ENGINE} says exactly one thing", heading.id);
        compiler.refuse(body, message, Some(help));
        return;
    };
    let place = quality.place.at(entry.value.span);
    match entry.key.as_str() {
        "row" => match entry.value.as_str().map(str::trim).filter(|sql| !sql.is_empty()) {
            Some(sql) => compiler.row_sql(Heading { place, ..heading }, sql.to_owned()),
            None => {
                let message = format!("{}: `row` must be a SQL expression", heading.id);
                compiler.refuse(&place, message, Some("such as row: \"net <= gross\""));
            }
        },
        "freshness" => freshness(compiler, heading, &place, &entry.value),
        "volume" => volume(compiler, heading, &place, &entry.value),
        other => {
            let message = format!("{}: `{other}` is no rule of {ENGINE}", heading.id);
            let help = nearest(other, RULES).map_or_else(|| help.to_owned(), |near| format!("did you mean `{near}`?"));
            compiler.refuse(&quality.place.at(entry.key_span), message, Some(&help));
        }
    }
}

fn freshness(compiler: &mut Compiler<'_>, heading: Heading, place: &Place, node: &Node) {
    let Some(entries) = settings(compiler, &heading, place, node, &["column", "within"]) else {
        return;
    };
    let (Some(column), Some(within)) = (setting(entries, "column"), setting(entries, "within")) else {
        let message = format!(
            "{}: freshness needs a column and how old its newest value may be",
            heading.id
        );
        compiler.refuse(place, message, Some("write {column: updated_at, within: 24h}"));
        return;
    };
    let name = column.scalar_text().unwrap_or_default();
    let columns = &compiler.object.properties;
    let found = columns
        .iter()
        .find(|property| property.name == name || property.declared_name.as_deref() == Some(name));
    let Some(property) = found else {
        if is_inside(name, columns) {
            let message = format!(
                "{}: `{name}` leads into a column, and freshness is of a whole one",
                heading.id
            );
            let help = "name a column of dates or instants; a value inside of another needs a column of its own";
            compiler.refuse(&place.at(column.span), message, Some(help));
            return;
        }
        let message = format!("{}: there is no column `{name}`", heading.id);
        let help = nearest(name, columns.iter().map(|property| property.name.as_str()));
        let help = help.map(|near| format!("did you mean `{near}`?"));
        compiler.refuse(&place.at(column.span), message, help.as_deref());
        return;
    };
    match property.column_type() {
        Ok(ColumnType::Timestamp | ColumnType::TimestampLocal | ColumnType::Date) => {}
        Ok(other) => {
            let message = format!("{}: `{name}` is {other}, which has no age", heading.id);
            compiler.refuse(
                &place.at(column.span),
                message,
                Some("name a column of dates or instants"),
            );
            return;
        }
        // Its own place says so.
        Err(_) => return,
    }
    let text = within.scalar_text().unwrap_or_default();
    match parse_duration(text).map(|age| age.as_secs()) {
        Ok(within_seconds) if within_seconds > 0 => {
            let column = property.name.clone();
            let metric = Metric::Freshness { column, within_seconds };
            compiler.set(
                heading,
                metric,
                Operator::LessOrEqual(within_seconds.to_string()),
                false,
            );
        }
        _ => {
            let message = format!("{}: `{text}` is no age", heading.id);
            compiler.refuse(&place.at(within.span), message, Some("write it as 30m, 24h or 7d"));
        }
    }
}

/// Whether a name leads into one of the columns.
fn is_inside(name: &str, columns: &[Property]) -> bool {
    let place = name.find(['.', '[']).map(|place| &name[..place]);
    place.is_some_and(|outer| columns.iter().any(|property| property.name == outer))
}

fn volume(compiler: &mut Compiler<'_>, heading: Heading, place: &Place, node: &Node) {
    let Some(entries) = settings(compiler, &heading, place, node, &["commits", "deviation"]) else {
        return;
    };
    let mut sound = true;
    let mut wrong = |compiler: &mut Compiler<'_>, node: &Node, problem: String, help: &str| {
        sound = false;
        compiler.refuse(&place.at(node.span), format!("{}: {problem}", heading.id), Some(help));
    };
    let mut commits = COMMITS;
    if let Some(node) = setting(entries, "commits") {
        match node.scalar_text().and_then(|text| text.parse().ok()) {
            Some(count) if (LEAST_COMMITS..=MOST_COMMITS).contains(&count) => commits = count,
            _ => wrong(
                compiler,
                node,
                format!("`commits` is a number from {LEAST_COMMITS} to {MOST_COMMITS}"),
                "fewer commits give no idea of what is usual, and of more the log need not tell",
            ),
        }
    }
    let mut deviation = DEVIATION;
    if let Some(node) = setting(entries, "deviation") {
        match node.scalar_text().and_then(|text| text.parse::<f64>().ok()) {
            Some(number) if number.is_finite() && number > 0.0 => deviation = number,
            _ => wrong(
                compiler,
                node,
                "`deviation` is a number above 0".to_owned(),
                "3 standard deviations are usual",
            ),
        }
    }
    if sound {
        let metric = Metric::Volume { commits, deviation };
        compiler.set(heading, metric, Operator::LessOrEqual(deviation.to_string()), false);
    }
}

/// The settings of a rule, where it has no others than these.
fn settings<'n>(
    compiler: &mut Compiler<'_>,
    heading: &Heading,
    place: &Place,
    node: &'n Node,
    known: &[&str],
) -> Option<&'n [Entry]> {
    let Some(entries) = node.as_map() else {
        let message = format!("{}: a mapping with {} is needed", heading.id, known.join(" and "));
        compiler.refuse(place, message, None);
        return None;
    };
    let mut sound = true;
    for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
        sound = false;
        let message = format!("{}: `{}` is not known here", heading.id, entry.key);
        let help = match nearest(&entry.key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known: {}", known.join(", ")),
        };
        compiler.refuse(&place.at(entry.key_span), message, Some(&help));
    }
    sound.then_some(entries)
}

fn setting<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Node> {
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
}
