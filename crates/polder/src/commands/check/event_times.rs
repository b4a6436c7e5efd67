//! The field that a stream of JSON takes for `_event_time`, held against the columns of its contract.

use polder_contract::{ColumnType, DatasetContract, Property};
use polder_core::Result;
use polder_core::document::{Diagnostic, Severity, Source, Span, nearest, parse};
use polder_ingest::{Encoding, StreamSpec};

use super::Declared;

/// Fields that no record may ever have, and fields that are no time: `_event_time` would be null, or the rows refused.
pub(super) fn check(mesh: &Declared<'_>) -> Result<Vec<Diagnostic>> {
    let streams = mesh.streams.iter();
    let streams = streams.filter(|stream| stream.format.encoding == Encoding::Json);
    let found = streams.filter_map(|stream| {
        let field = stream.format.event_time.as_deref()?;
        let contract = mesh.contracts.get(&stream.dataset)?;
        let (severity, code, message, help) = judged(field, stream, &contract)?;
        Some(Diagnostic {
            severity,
            code: code.into(),
            message,
            help: Some(help),
            file: stream.path.clone(),
            span: place(mesh, stream),
        })
    });
    Ok(found.collect())
}

/// Where the document names the field.
fn place(mesh: &Declared<'_>, stream: &StreamSpec) -> Option<Span> {
    let source = Source::read_or_tell(&mesh.platform.mesh.root, &stream.path).ok()?;
    let document = parse(&source).ok()?;
    Some(document.get("format")?.get("event_time")?.span)
}

/// What is said of the field, and what to do.
fn judged(
    field: &str,
    stream: &StreamSpec,
    contract: &DatasetContract,
) -> Option<(Severity, &'static str, String, String)> {
    let payload = stream.format.payload.as_deref();
    let inside = payload.and_then(|payload| field.strip_prefix(payload)?.strip_prefix('.'));
    let columns = &contract.object().properties;
    let column = match find(columns, inside.unwrap_or(field)) {
        Ok(column) => column,
        Err(near) => {
            // What lies beside a payload is about the record, and seldom a column.
            if near.is_none() && payload.is_some() && inside.is_none() {
                return None;
            }
            let message = format!(
                "`{field}` is to become _event_time, and is no column of {}",
                contract.dataset()
            );
            let meant = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
            let help = format!("{meant}Of records without the field _event_time is null");
            return Some((Severity::Warning, "event-time", message, help));
        }
    };
    let kind = column.column_type().ok()?;
    let text = |format: Option<&str>| {
        match format {
        Some("date-time" | "datetime") => None,
        _ => Some((
            Severity::Warning,
            "event-time",
            format!("`{field}` is to become _event_time, and its contract does not say that it is a time: it is {kind}"),
            "make it a timestamp, or say `format: date-time` under its logicalTypeOptions; rows where it is none go to \
             quarantine"
                .to_owned(),
        )),
    }
    };
    match &kind {
        ColumnType::Timestamp | ColumnType::TimestampLocal => None,
        ColumnType::String | ColumnType::Binary => {
            text(column.options.format.as_ref().map(|format| format.text.as_str()))
        }
        _ => Some((
            Severity::Error,
            "event-time",
            format!("`{field}` is to become _event_time, and is no instant: it is {kind}"),
            "name a field that is a timestamp, or leave `event_time` out: every row that has a value there would go to \
             quarantine"
                .to_owned(),
        )),
    }
}

/// The column that a path (`a.b` reaches into an object or map) leads to; else the name of the nearest one.
fn find<'p>(columns: &'p [Property], path: &str) -> Result<&'p Property, Option<String>> {
    let (name, rest) = match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    let Some(column) = columns.iter().find(|column| column.name == name) else {
        let near = nearest(name, columns.iter().map(|column| column.name.as_str()));
        return Err(near.map(str::to_owned));
    };
    let Some(rest) = rest else {
        return Ok(column);
    };
    let within = |near: Option<String>| near.map(|near| format!("{name}.{near}"));
    match &column.map {
        // Any key may be there.
        Some(sides) => match rest.split_once('.') {
            None => Ok(&sides.1),
            Some((_, rest)) => find(&sides.1.properties, rest).map_err(|_| None),
        },
        None => find(&column.properties, rest).map_err(within),
    }
}
