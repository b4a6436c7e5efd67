//! Service levels.

use serde_json::{Map, Value, json};

use crate::draft::push;
use crate::loss::{View, scalar_text};

pub(super) fn service_levels(root: &View<'_>, out: &mut Map<String, Value>) {
    let Some(levels) = root.get("servicelevels").or_else(|| root.get("serviceLevels")) else {
        return;
    };
    let figures = [
        ("availability", "percentage"),
        ("retention", "period"),
        ("latency", "threshold"),
        ("freshness", "threshold"),
        ("support", "responseTime"),
        ("support", "time"),
        ("backup", "recoveryTime"),
        ("backup", "recoveryPoint"),
        ("backup", "interval"),
    ];
    for (property, key) in figures {
        let Some(level) = levels.get(property) else { continue };
        let Some(text) = level.scalar(key) else { continue };
        let name = match (property, key) {
            ("support", "responseTime") => "supportResponseTime",
            ("backup", "recoveryTime") => "timeToRecover",
            ("backup", "recoveryPoint") => "recoveryPoint",
            ("support", "time") => "supportTime",
            _ => property,
        };
        let mut entry = Map::from_iter([("property".to_owned(), json!(name))]);
        match measured(&text) {
            Some((value, unit)) => {
                entry.insert("value".to_owned(), value);
                entry.insert("unit".to_owned(), json!(unit));
            }
            None => {
                entry.insert("value".to_owned(), json!(text));
            }
        }
        if let Some(text) = level.text("description") {
            entry.insert("description".to_owned(), json!(text));
        }
        let element = level
            .text("timestampField")
            .or_else(|| level.text("processedTimestampField"));
        if let Some(element) = element {
            entry.insert("element".to_owned(), json!(element));
        }
        push(out, "slaProperties", Value::Object(entry));
    }
    if let Some(frequency) = levels.get("frequency").and_then(|level| frequency(&level)) {
        push(out, "slaProperties", frequency);
    }
}

/// How often data comes, and by which schedule: one promise.
fn frequency(level: &View<'_>) -> Option<Value> {
    let mut entry = Map::from_iter([("property".to_owned(), json!("frequency"))]);
    let interval = level
        .get("interval")
        .and_then(|view| Some((scalar_text(view.value)?, view)));
    let cron = level
        .get("cron")
        .filter(|view| view.value.as_str().is_some_and(is_cron));
    let said = interval
        .as_ref()
        .and_then(|(text, _)| often(text).or_else(|| measured(text)));
    let by_cron = || cron.as_ref().and_then(|view| every(view.value.as_str()?));
    if let Some((_, view)) = interval.as_ref().filter(|_| said.is_none() && by_cron().is_some()) {
        view.lose("it is no length of time: the schedule says how often");
    }
    match (said.or_else(by_cron), &interval) {
        (Some((value, unit)), _) => {
            entry.insert("value".to_owned(), value);
            entry.insert("unit".to_owned(), json!(unit));
        }
        (None, Some((text, _))) => {
            entry.insert("value".to_owned(), json!(text));
        }
        (None, None) => return None,
    }
    if let Some((_, view)) = interval {
        view.keep();
    }
    if let Some(cron) = cron {
        cron.keep();
        entry.insert("scheduler".to_owned(), json!("cron"));
        entry.insert("schedule".to_owned(), cron.value.clone());
    }
    if let Some(text) = level.text("description") {
        entry.insert("description".to_owned(), json!(text));
    }
    Some(Value::Object(entry))
}

/// Words for how often.
const OFTEN: [(&str, u32, &str); 9] = [
    ("hourly", 1, "h"),
    ("daily", 1, "d"),
    ("weekly", 1, "w"),
    ("biweekly", 2, "w"),
    ("monthly", 1, "mo"),
    ("quarterly", 3, "mo"),
    ("yearly", 1, "y"),
    ("annually", 1, "y"),
    ("annual", 1, "y"),
];

fn often(text: &str) -> Option<(Value, &'static str)> {
    let word = text.trim().to_lowercase();
    let (_, count, unit) = OFTEN.iter().find(|(known, ..)| *known == word)?;
    Some((json!(count), *unit))
}

/// How often a schedule of cron comes round, where every hour, day, week, month or year has one time of it.
fn every(cron: &str) -> Option<(Value, &'static str)> {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else {
        return None;
    };
    let once = |field: &str| !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let all = |field: &str| field == "*";
    let unit = match () {
        () if !once(minute) => return None,
        () if [hour, day, month, weekday].into_iter().all(|field| all(field)) => "h",
        () if !once(hour) => return None,
        () if all(day) && all(month) && all(weekday) => "d",
        () if all(day) && all(month) && once(weekday) => "w",
        () if once(day) && all(month) && all(weekday) => "mo",
        () if once(day) && once(month) && all(weekday) => "y",
        () => return None,
    };
    Some((json!(1), unit))
}

/// Whether a contract with this schedule passes the lint.
fn is_cron(schedule: &str) -> bool {
    let level = json!({"property": "frequency", "value": 1, "unit": "d", "scheduler": "cron", "schedule": schedule});
    let probe = json!({
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "probe", "version": "1.0.0", "status": "draft",
        "slaProperties": [level],
    });
    let source = polder_core::document::Source::new("probe", probe.to_string());
    polder_contract::parse(&source).contract.is_some()
}

/// An ISO 8601 period of one unit, or `99.9%`, as value and unit.
pub(super) fn measured(text: &str) -> Option<(Value, &'static str)> {
    let number = |text: &str| serde_json::from_str::<serde_json::Number>(text).ok().map(Value::Number);
    if let Some(percent) = text.trim().strip_suffix('%') {
        return Some((number(percent.trim())?, "percent"));
    }
    let (body, time) = match text.strip_prefix("PT") {
        Some(body) => (body, true),
        None => match text.strip_prefix('P') {
            Some(body) => (body, false),
            None => {
                let (amount, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
                let unit = match unit {
                    "d" => "d",
                    "h" => "h",
                    "m" => "m",
                    "s" => "s",
                    "y" => "y",
                    _ => return None,
                };
                return Some((number(amount.trim())?, unit));
            }
        },
    };
    let unit = match (body.chars().last()?, time) {
        ('Y', false) => "y",
        ('M', false) => "mo",
        ('W', false) => "w",
        ('D', false) => "d",
        ('H', true) => "h",
        ('M', true) => "m",
        ('S', true) => "s",
        _ => return None,
    };
    Some((number(&body[..body.len() - 1])?, unit))
}
