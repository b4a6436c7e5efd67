//! Service levels.

use serde_json::{Map, Value, json};

use crate::draft::push;
use crate::loss::View;

pub(super) fn service_levels(root: &View<'_>, out: &mut Map<String, Value>) {
    let Some(levels) = root.get("servicelevels").or_else(|| root.get("serviceLevels")) else {
        return;
    };
    let figures = [
        ("availability", "percentage"),
        ("retention", "period"),
        ("latency", "threshold"),
        ("freshness", "threshold"),
        ("frequency", "interval"),
        ("frequency", "cron"),
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
}

/// An ISO 8601 period of one unit, or `99.9%`, as value and unit.
fn measured(text: &str) -> Option<(Value, &'static str)> {
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
