//! To which contracts a policy applies.

use polder_core::document::{MapReader, Reader, nearest};
use polder_core::{DatasetName, Layer};

/// What a policy is asked about, once each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The contract as a whole.
    Contract,
    /// Each object of its schema: a dataset.
    Object,
    /// Each column, and each value inside one.
    Property,
}

impl Scope {
    /// Every scope, from the widest.
    pub const ALL: [Self; 3] = [Self::Contract, Self::Object, Self::Property];

    /// The scope's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Object => "object",
            Self::Property => "property",
        }
    }
}

/// Which contracts a policy is about: those that every given list names. An empty list is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applies {
    /// Layers of the datasets.
    pub layers: Vec<Layer>,
    /// Domains of the datasets.
    pub domains: Vec<String>,
    /// Names of datasets; a `*` stands for any characters.
    pub datasets: Vec<String>,
    /// States of the contract, such as `active`.
    pub statuses: Vec<String>,
}

impl Applies {
    /// Reads the mapping `applies`, and the scope beside, where it is given.
    pub(crate) fn read(reader: &Reader<'_>, map: &MapReader<'_, '_, '_>) -> (Self, Option<Scope>) {
        let mut layers = Vec::new();
        for node in map.list("layers") {
            match node.as_str().map(str::parse::<Layer>) {
                Some(Ok(layer)) => layers.push(layer),
                _ => reader.error(
                    node.span,
                    "wrong-value",
                    "this is no layer",
                    Some("layers are bronze, silver, gold and quarantine".to_owned()),
                ),
            }
        }
        let applies = Self {
            layers,
            domains: map.string_list("domains"),
            datasets: map.string_list("datasets"),
            statuses: map.string_list("statuses"),
        };
        let scope = map.optional_string("scope").and_then(|word| {
            let scope = Scope::ALL.into_iter().find(|scope| scope.as_str() == word);
            if scope.is_none() {
                let help = nearest(&word, Scope::ALL.map(Scope::as_str)).map_or_else(
                    || "a scope is contract, object or property".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("`{word}` is not a scope");
                reader.error(map.span_of("scope"), "wrong-value", message, Some(help));
            }
            scope
        });
        (applies, scope)
    }

    /// Whether contracts in this state are meant.
    pub(crate) fn status(&self, status: &str) -> bool {
        self.statuses.is_empty() || self.statuses.iter().any(|known| known.eq_ignore_ascii_case(status))
    }

    /// Whether this dataset is meant.
    pub(crate) fn dataset(&self, dataset: &DatasetName) -> bool {
        (self.layers.is_empty() || self.layers.contains(&dataset.layer()))
            && (self.domains.is_empty() || self.domains.iter().any(|domain| domain == dataset.domain()))
            && (self.datasets.is_empty() || {
                let name = dataset.to_string();
                self.datasets.iter().any(|glob| matches(glob, &name))
            })
    }

    /// In words, for lists.
    pub fn says(&self) -> String {
        let mut parts = Vec::new();
        if !self.layers.is_empty() {
            parts.push(
                self.layers
                    .iter()
                    .map(|layer| layer.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            );
        }
        for (what, list) in [
            ("domain", &self.domains),
            ("dataset", &self.datasets),
            ("status", &self.statuses),
        ] {
            if !list.is_empty() {
                parts.push(format!("{what} {}", list.join(", ")));
            }
        }
        if parts.is_empty() {
            "all".to_owned()
        } else {
            parts.join("; ")
        }
    }
}

/// Whether a name fits a glob, in which `*` stands for any characters.
pub(crate) fn matches(glob: &str, name: &str) -> bool {
    let mut parts = glob.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (glob, name) in [
            ("sales.gold.orders", "sales.gold.orders"),
            ("sales.*", "sales.gold.orders"),
            ("*.gold.*", "sales.gold.orders"),
            ("*", "sales.gold.orders"),
            ("sales.*.o*s", "sales.gold.orders"),
        ] {
            assert!(matches(glob, name), "{glob}");
        }
        for glob in [
            "sales.gold",
            "gold.*",
            "*.silver.*",
            "sales.gold.orders.*",
            "*orders*orders",
            "",
        ] {
            assert!(!matches(glob, "sales.gold.orders"), "{glob}");
        }
    }
}
