//! How fresh a source is to be: a service level of the contract.

use serde_json::{Map, Value, json};

use crate::loss::View;

/// The latency that a table of a source promises by one of its columns, of its own or as the source says; nothing where
/// it promises none, or where a contract could not measure it, which is left and so named.
pub(super) fn level(source: &View<'_>, table: &View<'_>, object: &Map<String, Value>) -> Option<Value> {
    // Null says that there is none, whatever the source says.
    let freshness = said(table, "freshness").unwrap_or_else(|| said(source, "freshness")?)?;
    let column = said(table, "loaded_at_field").unwrap_or_else(|| said(source, "loaded_at_field")?)?;
    if freshness.value.get("filter").is_some_and(|filter| !filter.is_null()) {
        return None;
    }
    let after = freshness.get("error_after")?;
    let count = after.value.get("count").filter(|count| count.is_u64())?;
    let unit = match after.value.get("period")?.as_str()? {
        "minute" => "min",
        "hour" => "h",
        "day" => "d",
        _ => return None,
    };
    let name = column.value.as_str()?;
    let properties = object.get("properties")?.as_array()?;
    let of_time = properties.iter().any(|property| {
        let kind = property.get("logicalType").and_then(Value::as_str);
        property.get("name").and_then(Value::as_str) == Some(name) && matches!(kind, Some("timestamp" | "date"))
    });
    if !of_time {
        return None;
    }
    after.take("count");
    after.take("period");
    column.keep();
    let element = format!("{}.{name}", object.get("name")?.as_str()?);
    Some(json!({"property": "latency", "value": count, "unit": unit, "element": element}))
}

/// What stands under a key or under that of the configuration: nothing where neither is there, and null in it.
fn said<'a>(view: &View<'a>, key: &str) -> Option<Option<View<'a>>> {
    if view.value.get(key).is_some() {
        return Some(view.get(key));
    }
    let config = view.get("config").filter(|config| config.value.get(key).is_some())?;
    Some(config.get(key))
}
