//! What became of a row, entry by entry, in its column `history`: a JSON array, in the order of time.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value};

/// What was decided about a row, or tried.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry<'a> {
    /// Microseconds since 1970 in UTC.
    pub(super) at: i64,
    /// The stream or pipeline that it came from, or who decided.
    pub(super) by: Option<&'a str>,
    pub(super) run: Option<&'a str>,
    /// `refused`, `replayed` or `discarded`.
    pub(super) outcome: &'a str,
    /// What was tried, or why it was decided.
    pub(super) how: Option<&'a str>,
    pub(super) rule: Option<&'a str>,
    pub(super) reason: Option<&'a str>,
    pub(super) contract_version: Option<&'a str>,
}

/// A history with one more entry. Where there is none yet, it begins with `first`: how the row came. What is tried again
/// and ends as it did the last time is no further entry: the last one counts the `times` and says since when.
pub(super) fn extended(history: Option<&str>, first: &Entry<'_>, entry: &Entry<'_>) -> String {
    let told = history.and_then(|history| serde_json::from_str::<Vec<Map<String, Value>>>(history).ok());
    let mut entries = told
        .filter(|entries| !entries.is_empty())
        .unwrap_or_else(|| vec![first.object()]);
    let mut news = entry.object();
    match entries.pop() {
        Some(last) if entries.is_empty() || !same(&last, &news) => entries.extend([last, news]),
        Some(last) => {
            let times = last.get("times").and_then(Value::as_u64).unwrap_or(1).saturating_add(1);
            news.insert("times".to_owned(), Value::from(times));
            if let Some(since) = last.get("since").or(last.get("at")) {
                news.insert("since".to_owned(), since.clone());
            }
            entries.push(news);
        }
        None => entries.push(news),
    }
    let entries = entries.into_iter().map(Value::Object).collect();
    Value::Array(entries).to_string()
}

/// Whether two entries say the same, of different times.
fn same(last: &Map<String, Value>, news: &Map<String, Value>) -> bool {
    let said = ["by", "outcome", "how", "rule", "reason", "contract_version"];
    said.iter().all(|name| last.get(*name) == news.get(*name))
}

impl Entry<'_> {
    fn object(&self) -> Map<String, Value> {
        let at = DateTime::from_timestamp_micros(self.at).map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true));
        let values = [
            ("at", at.as_deref()),
            ("by", self.by),
            ("run", self.run),
            ("outcome", Some(self.outcome)),
            ("how", self.how),
            ("rule", self.rule),
            ("reason", self.reason),
            ("contract_version", self.contract_version),
        ];
        let said = values
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
        said.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_begins_with_how_the_row_came_and_grows_at_its_end() {
        let first = Entry {
            by: Some("shop.orders"),
            outcome: "refused",
            rule: Some("n.minimum"),
            reason: Some("n is \"-1\""),
            ..Entry::default()
        };
        let tried = Entry {
            at: 1_000_001,
            by: Some("ada"),
            outcome: "refused",
            how: Some("set n = 'x'"),
            ..Entry::default()
        };
        let once = extended(None, &first, &tried);
        let came = r#"{"at":"1970-01-01T00:00:00.000000Z","by":"shop.orders","outcome":"refused","rule":"n.minimum","reason":"n is \"-1\""}"#;
        let attempt = r#"{"at":"1970-01-01T00:00:01.000001Z","by":"ada","outcome":"refused","how":"set n = 'x'"}"#;
        assert_eq!(once, format!("[{came},{attempt}]"));
        // The same again is counted, not told again.
        let again = Entry { at: 2_000_001, ..tried };
        let counted = r#"{"at":"1970-01-01T00:00:02.000001Z","by":"ada","outcome":"refused","how":"set n = 'x'","times":2,"since":"1970-01-01T00:00:01.000001Z"}"#;
        let twice = extended(Some(&once), &Entry::default(), &again);
        assert_eq!(twice, format!("[{came},{counted}]"));
        let thrice = extended(Some(&twice), &Entry::default(), &again);
        assert!(
            thrice.contains(r#""times":3,"since":"1970-01-01T00:00:01.000001Z""#),
            "{thrice}"
        );
        let other = Entry {
            by: Some("bob"),
            ..tried
        };
        let told = extended(Some(&once), &Entry::default(), &other);
        assert_eq!(told, format!("[{came},{attempt},{}]", attempt.replace("ada", "bob")));
    }
}
