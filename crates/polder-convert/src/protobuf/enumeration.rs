//! Allowed values of a column as an enumeration of proto3.
//!
//! Protobuf's JSON carries a value by its name as it is declared, so the names are the contract's values, unchanged.

use std::collections::HashSet;
use std::fmt::Write;

use super::is_identifier;
use crate::element::Allowed;
use crate::names::screaming_snake_case;

/// Words that begin a statement of their own where the name of a value stands.
const STATEMENTS: [&str; 2] = ["option", "reserved"];

/// An enumeration that a message has.
pub(super) struct Enumeration {
    pub(super) name: String,
    /// The value of number 0, where the contract has none that stands for what was not sent.
    added: Option<String>,
    /// The contract's values.
    listed: Vec<String>,
}

impl Enumeration {
    /// An enumeration of this name with exactly these values, where there is one: identifiers, which differ by more than
    /// case and underscores (proto3 refuses others), and which nothing else in the scope is called.
    pub(super) fn of(name: &str, listed: &[&str], taken: &HashSet<String>) -> Option<Self> {
        let first = listed.first()?;
        // Number 0 is what a field has that nothing was sent for.
        let is_zero = ["UNSPECIFIED", "UNKNOWN"].iter().any(|word| {
            let rest = first.strip_suffix(word);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
        });
        let made = Self {
            name: name.to_owned(),
            added: (!is_zero).then(|| format!("{}_UNSPECIFIED", screaming_snake_case(name))),
            listed: listed.iter().map(|value| (*value).to_owned()).collect(),
        };
        let folded = |text: &str| text.replace('_', "").to_lowercase();
        let own = folded(name);
        let mut seen = HashSet::new();
        let fit = made.values().all(|value| {
            let whole = folded(value);
            // Two values are one to proto3 with the enumeration's name before the one, too.
            let short = whole.strip_prefix(&own).unwrap_or(&whole).to_owned();
            is_identifier(value) && !STATEMENTS.contains(&value) && !taken.contains(value) && seen.insert(short)
        });
        fit.then_some(made)
    }

    /// Whether it has these values.
    pub(super) fn is_of(&self, listed: &[&str]) -> bool {
        self.listed == listed
    }

    /// Its values by number, from 0.
    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.added.iter().chain(&self.listed).map(String::as_str)
    }

    /// Takes the values of a column that is of this enumeration; the one that the contract does not allow is named.
    pub(super) fn keep(&self, allowed: &Allowed<'_>) {
        match &self.added {
            None => allowed.keep(),
            Some(added) => {
                let why = "enumerations of proto3 have a value 0 for what was not sent, which the contract refuses";
                allowed.lose(format!("{added} is added"), why);
            }
        }
    }

    pub(super) fn write(&self, indent: usize, out: &mut String) {
        let width = indent + 2;
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{:indent$}enum {} {{", "", self.name);
        for (number, value) in self.values().enumerate() {
            let _ = writeln!(out, "{:width$}{value} = {number};", "");
        }
        let _ = writeln!(out, "{:indent$}}}\n", "");
    }
}
