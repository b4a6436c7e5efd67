//! What was decided about rejected rows, and tried: sentences for people, lists for programs.

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use futures::StreamExt;
use polder_core::{ErrorKind, Result, ResultExt};
use polder_query::{Session, query_error};
use serde_json::Value;

use crate::output::{self, door};

/// Prints the histories of rows: a query gives them in its columns `place` and `history`.
pub(super) async fn print(session: &Session, query: &str) -> Result<()> {
    let unread = || "the history of rows cannot be read".to_owned();
    let batches = session.sql(query).await?.collect().await.map_err(query_error)?;
    for batch in &batches {
        let [places, histories] = [0, 1].map(|column| cast(batch.column(column), &DataType::Utf8));
        let (places, histories) = (
            places.context(ErrorKind::Internal, unread)?,
            histories.context(ErrorKind::Internal, unread)?,
        );
        let (places, histories) = (places.as_string::<i32>(), histories.as_string::<i32>());
        for row in (0..batch.num_rows()).filter(|row| histories.is_valid(*row)) {
            output::line(&format!("{}:", places.value(row)))?;
            for line in lines(histories.value(row)) {
                output::line(&format!("  {line}"))?;
            }
        }
    }
    Ok(())
}

/// Prints the rows of a query as JSON, with their histories as the lists that they are.
pub(super) async fn print_with_rows(session: &Session, query: &str) -> Result<()> {
    let mut batches = session.sql(query).await?.execute_stream().await.map_err(query_error)?;
    let mut before = "[";
    while let Some(batch) = batches.next().await {
        for mut row in output::rows_as_json(&batch.map_err(query_error)?)? {
            if let Some(history) = row.get_mut("history") {
                *history = as_list(history.take());
            }
            output::text(&format!("{before}{}", door::json(&Value::Object(row).to_string())))?;
            before = ",";
        }
    }
    output::line(if before == "[" { "[]" } else { "]" })
}

/// A history as a list. What is no history (others may write into the table) stays the text that it is.
fn as_list(history: Value) -> Value {
    match history.as_str().map(serde_json::from_str::<Vec<Value>>) {
        Some(Ok(entries)) => entries.into(),
        _ => history,
    }
}

/// A history, one line an entry. What is no history (others may write into the table) is shown as it is.
fn lines(history: &str) -> Vec<String> {
    match serde_json::from_str::<Vec<Value>>(history) {
        Ok(entries) => entries.iter().map(line).collect(),
        Err(_) => vec![history.to_owned()],
    }
}

fn line(entry: &Value) -> String {
    let said = |name: &str| entry.get(name).and_then(Value::as_str);
    let at = said("at").unwrap_or("at an unknown time");
    // People do not need microseconds.
    let at = at
        .split_once('.')
        .map_or(at.to_owned(), |(second, _)| format!("{second}Z"));
    let mut text = format!("{at}  {}: ", said("by").unwrap_or("somebody"));
    if let Some(how) = said("how") {
        text.push_str(&format!("{how}: "));
    }
    text.push_str(said("outcome").unwrap_or_default());
    if let Some(rule) = said("rule") {
        text.push_str(&format!(" by {rule}"));
    }
    if let Some(version) = said("contract_version") {
        // What was tried names it already, where it is not a patch.
        if said("how") != Some(&format!("contract version {version}")) {
            text.push_str(&format!(" (contract version {version})"));
        }
    }
    if let Some(times) = entry.get("times").and_then(Value::as_u64) {
        let since = said("since").map_or(String::new(), |since| format!(" since {}", second(since)));
        text.push_str(&format!(", {times} times{since}"));
    }
    if let Some(reason) = said("reason") {
        text.push_str(&format!(": {reason}"));
    }
    text
}

/// An instant without its microseconds, which people do not need.
fn second(instant: &str) -> String {
    match instant.split_once('.') {
        Some((second, _)) => format!("{second}Z"),
        None => instant.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_sentence() {
        let history = r#"[
            {"at":"2026-01-03T11:05:00.123456Z","by":"shop.orders","run":"r","outcome":"refused","rule":"n.minimum",
             "reason":"n is -1","contract_version":"1.0.0"},
            {"at":"2026-01-04T08:00:00.000000Z","by":"ada","outcome":"refused","how":"set n = 1 / 0","rule":"patch",
             "times":2,"since":"2026-01-03T12:00:00.000001Z",
             "reason":"the patch fails","contract_version":"1.0.0"},
            {"at":"2026-01-04T09:00:00.000000Z","by":"ada","outcome":"replayed","how":"contract version 2.0.0"}]"#;
        assert_eq!(
            lines(history),
            [
                "2026-01-03T11:05:00Z  shop.orders: refused by n.minimum (contract version 1.0.0): n is -1",
                "2026-01-04T08:00:00Z  ada: set n = 1 / 0: refused by patch (contract version 1.0.0), 2 times since \
                 2026-01-03T12:00:00Z: the patch fails",
                "2026-01-04T09:00:00Z  ada: contract version 2.0.0: replayed",
            ]
        );
        assert_eq!(lines("odd"), ["odd"]);
        let entries = as_list(Value::from(history));
        assert_eq!(entries[1]["times"], 2);
        for kept in [Value::Null, Value::from("odd")] {
            assert_eq!(as_list(kept.clone()), kept);
        }
    }
}
