//! What a conversion loses: every value of the source that nobody took over is named.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt;

use serde_json::Value;

/// Something that the target of a conversion does not say.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Loss {
    /// Where it stands in the source, such as `schema[orders].properties[amount].quality`.
    pub path: String,
    /// What it is: the value, or how many there are.
    pub what: String,
    /// Why it is lost, or what became of it.
    pub why: String,
}

/// Why a rule that stands in the contract is named all the same.
pub(crate) const NOT_RUN: &str = "a rule of dbt's own; Polder runs those that it can say itself";

impl Loss {
    /// Whether it stands in the result and only nobody here runs it: a rule of another tool's.
    pub fn is_kept(&self) -> bool {
        self.why == NOT_RUN
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.path, self.what, self.why)
    }
}

/// What a conversion gives: the value, and what of the source is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted<T> {
    /// The converted value.
    pub value: T,
    /// What was lost, in the order of the source.
    pub losses: Vec<Loss>,
}

/// Remembers which values of one document were taken over. A value that was neither taken nor named as lost is named
/// by [`Tracker::finish`]: so nothing is lost in silence, whatever a conversion forgets.
#[derive(Default)]
pub(crate) struct Tracker {
    kept: RefCell<HashSet<*const Value>>,
    losses: RefCell<Vec<Loss>>,
    /// The same losses, so that one that is met twice is named once.
    named: RefCell<HashSet<Loss>>,
    /// Where rules in SQL stand in the source, by their text.
    places: RefCell<HashMap<String, String>>,
}

impl Tracker {
    /// The document's root.
    pub(crate) fn root<'a>(&'a self, value: &'a Value) -> View<'a> {
        View {
            tracker: self,
            value,
            path: String::new(),
        }
    }

    /// Names a loss.
    pub(crate) fn lose(&self, path: impl Into<String>, what: impl Into<String>, why: impl Into<String>) {
        let loss = Loss {
            path: path.into(),
            what: what.into(),
            why: why.into(),
        };
        if self.named.borrow_mut().insert(loss.clone()) {
            self.losses.borrow_mut().push(loss);
        }
    }

    /// Remembers where a rule in SQL stands in the source.
    pub(crate) fn stands(&self, rule: Option<String>, path: impl Into<String>) {
        if let Some(rule) = rule {
            self.places.borrow_mut().entry(rule).or_insert_with(|| path.into());
        }
    }

    /// Where a rule in SQL stands in the source.
    pub(crate) fn place(&self, rule: &str) -> Option<String> {
        self.places.borrow().get(rule).cloned()
    }

    /// All losses: those that were named, and whatever of `root` was not taken, with the reason that `why` gives for
    /// its path.
    pub(crate) fn finish(self, root: &Value, why: impl Fn(&str) -> String) -> Vec<Loss> {
        let mut rest = Vec::new();
        if !self.visit(root, "", &mut rest) && is_something(root) {
            rest.push((String::new(), describe(root)));
        }
        let mut losses = self.losses.into_inner();
        losses.extend(rest.into_iter().map(|(path, what)| Loss {
            why: why(&path),
            path,
            what,
        }));
        losses
    }

    /// Whether anything of the value was taken; what was not, beside something that was, is put out.
    fn visit(&self, value: &Value, path: &str, out: &mut Vec<(String, String)>) -> bool {
        if self.kept.borrow().contains(&std::ptr::from_ref(value)) {
            return true;
        }
        let children: Vec<(String, &Value)> = match value {
            Value::Object(map) => map.iter().map(|(key, child)| (join(path, key), child)).collect(),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, child)| (item_path(path, index, child), child))
                .collect(),
            _ => return false,
        };
        let mut below = Vec::new();
        let mut untouched = Vec::new();
        let mut touched = false;
        for (child_path, child) in children {
            let before = below.len();
            if self.visit(child, &child_path, &mut below) {
                touched = true;
            } else if is_something(child) || is_default(&child_path) {
                below.truncate(before);
                untouched.push((child_path, describe(child)));
            }
        }
        if touched {
            out.extend(below);
            out.extend(untouched);
        }
        touched
    }
}

/// A value of the source with its path.
#[derive(Clone)]
pub(crate) struct View<'a> {
    tracker: &'a Tracker,
    pub(crate) value: &'a Value,
    pub(crate) path: String,
}

impl<'a> View<'a> {
    /// The value under a key, not yet taken. Null is as good as absent.
    pub(crate) fn get(&self, key: &str) -> Option<View<'a>> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(View {
            tracker: self.tracker,
            value,
            path: join(&self.path, key),
        })
    }

    /// The value under a key, taken whole.
    pub(crate) fn take(&self, key: &str) -> Option<&'a Value> {
        let view = self.get(key)?;
        view.keep();
        Some(view.value)
    }

    /// Takes a null under a key, which is there and says nothing.
    pub(crate) fn take_null(&self, key: &str) {
        if let Some(null) = self.value.get(key).filter(|value| value.is_null()) {
            self.tracker.kept.borrow_mut().insert(std::ptr::from_ref(null));
        }
    }

    /// The text under a key, taken; anything but text stays.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        let view = self.get(key)?;
        let text = view.value.as_str()?;
        view.keep();
        Some(text)
    }

    /// Text, number or boolean under a key as text, taken.
    pub(crate) fn scalar(&self, key: &str) -> Option<String> {
        let view = self.get(key)?;
        let text = scalar_text(view.value)?;
        view.keep();
        Some(text)
    }

    /// Whether the value under a key is true; a boolean is taken.
    pub(crate) fn flag(&self, key: &str) -> bool {
        let Some(view) = self.get(key) else { return false };
        match view.value.as_bool() {
            Some(flag) => {
                view.keep();
                flag
            }
            None => false,
        }
    }

    /// The items of the list under a key.
    pub(crate) fn items(&self, key: &str) -> Vec<View<'a>> {
        self.get(key).map(|list| list.list()).unwrap_or_default()
    }

    /// The items, where this is a list.
    pub(crate) fn list(&self) -> Vec<View<'a>> {
        let Some(items) = self.value.as_array() else {
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .map(|(index, value)| View {
                tracker: self.tracker,
                value,
                path: item_path(&self.path, index, value),
            })
            .collect()
    }

    /// Keys and values, where this is a mapping.
    pub(crate) fn entries(&self) -> Vec<(&'a str, View<'a>)> {
        let Some(map) = self.value.as_object() else {
            return Vec::new();
        };
        map.iter()
            .map(|(key, value)| {
                let view = View {
                    tracker: self.tracker,
                    value,
                    path: join(&self.path, key),
                };
                (key.as_str(), view)
            })
            .collect()
    }

    /// Takes the value and everything in it.
    pub(crate) fn keep(&self) {
        self.tracker.kept.borrow_mut().insert(std::ptr::from_ref(self.value));
    }

    /// Names the value as lost (or changed), and takes it.
    pub(crate) fn lose(&self, why: impl Into<String>) {
        self.tracker.lose(self.path.clone(), describe(self.value), why);
        self.keep();
    }

    /// Names something about this value as lost; the value itself is not touched.
    pub(crate) fn lose_part(&self, key: &str, what: impl Into<String>, why: impl Into<String>) {
        let path = if key.is_empty() {
            self.path.clone()
        } else {
            join(&self.path, key)
        };
        self.tracker.lose(path, what, why);
    }
}

/// The path of a key.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn item_path(path: &str, index: usize, item: &Value) -> String {
    match item.get("name").and_then(Value::as_str) {
        Some(name) => format!("{path}[{name}]"),
        None => format!("{path}[{index}]"),
    }
}

/// A default says something even where it is null or empty.
fn is_default(path: &str) -> bool {
    path == "default" || path.ends_with(".default")
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => items.iter().any(is_something),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}

/// Text, number or boolean as text.
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A value in few words.
pub(crate) fn describe(value: &Value) -> String {
    const LONGEST: usize = 60;
    let count = |n: usize, one: &str, many: &str| {
        if n == 1 {
            format!("1 {one}")
        } else {
            format!("{n} {many}")
        }
    };
    match value {
        Value::Null => "null".to_owned(),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Array(items) if items.iter().all(|item| scalar_text(item).is_some()) && items.len() < 6 => shorten(
            &items.iter().filter_map(scalar_text).collect::<Vec<_>>().join(", "),
            LONGEST,
        ),
        Value::Array(items) => count(items.len(), "item", "items"),
        Value::Object(map) => shorten(&map.keys().cloned().collect::<Vec<_>>().join(", "), LONGEST),
        scalar => shorten(&scalar_text(scalar).unwrap_or_default(), LONGEST),
    }
}

fn shorten(text: &str, longest: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= longest && line.len() == text.trim_end().len() {
        return line.to_owned();
    }
    line.chars().take(longest).chain("…".chars()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_nobody_took_is_named_at_the_highest_place() {
        let document = json!({
            "id": "x", "team": {"name": "a", "members": [1, 2]},
            "schema": [{"name": "t", "tags": ["a", "b"], "properties": [{"name": "c", "quality": [{"metric": "x"}]}]}],
            "nothing": null, "empty": [],
        });
        let tracker = Tracker::default();
        let root = tracker.root(&document);
        root.text("id");
        let object = &root.items("schema")[0];
        object.text("name");
        object.items("properties")[0].text("name");
        let paths: Vec<_> = tracker
            .finish(&document, |_| String::new())
            .into_iter()
            .map(|loss| format!("{}: {}", loss.path, loss.what))
            .collect();
        assert_eq!(
            paths,
            [
                "schema[t].properties[c].quality: 1 item",
                "schema[t].tags: a, b",
                "team: name, members"
            ]
        );
    }
}
