//! To which contracts a policy applies.

use polder_contract::ContractSet;
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

/// The statuses of the standard.
const STATUSES: [&str; 5] = ["proposed", "draft", "active", "deprecated", "retired"];

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
        for status in map.list("statuses") {
            // A contract may have a status of its own; one that is nearly the standard's is not meant to be one.
            let Some(word) = status.as_str() else { continue };
            if !STATUSES.iter().any(|known| known.eq_ignore_ascii_case(word))
                && let Some(near) = nearest(word, STATUSES)
            {
                let message = format!("`{word}` is not a status of the standard");
                let help = format!("did you mean `{near}`?");
                reader.warning(status.span, "unknown-word", message, Some(help));
            }
        }
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

    /// Names of domains and datasets that no contract has and that are nearly one that there is, each with that.
    pub(crate) fn slips(&self, contracts: &ContractSet) -> Vec<(String, String)> {
        let datasets: Vec<String> = contracts.datasets().map(ToString::to_string).collect();
        let domains: Vec<&str> = contracts.datasets().map(DatasetName::domain).collect();
        let of_domains = self.domains.iter().filter(|name| !domains.contains(&name.as_str()));
        let of_domains =
            of_domains.filter_map(|name| Some((name.clone(), nearest(name, domains.iter().copied())?.to_owned())));
        let named = self.datasets.iter().filter(|name| !name.contains('*'));
        let lost = named.filter(|name| !datasets.contains(name) && !contracts.is_unreadable(name));
        let of_datasets = lost.filter_map(|name| {
            let near = nearest(name, datasets.iter().map(String::as_str))?;
            Some((name.clone(), near.to_owned()))
        });
        let globs = self.datasets.iter().filter(|name| name.contains('*'));
        let idle = globs.filter(|glob| !datasets.iter().any(|name| matches(glob, name)));
        let of_globs = idle.filter_map(|glob| Some((glob.clone(), meant(glob, contracts)?)));
        of_domains.chain(of_datasets).chain(of_globs).collect()
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

/// The glob that one which fits no dataset was probably meant to be: with the nearest domain, layer or name in the place
/// of the first that is not there.
fn meant(glob: &str, contracts: &ContractSet) -> Option<String> {
    let parts: Vec<&str> = glob.split('.').collect();
    parts.iter().enumerate().find_map(|(at, part)| {
        let known: Vec<&str> = match at {
            0 => contracts.datasets().map(DatasetName::domain).collect(),
            1 => Layer::ALL.iter().map(|layer| layer.as_str()).collect(),
            2 => contracts.datasets().map(DatasetName::name).collect(),
            _ => return None,
        };
        if part.contains('*') || known.contains(part) {
            return None;
        }
        let near = nearest(part, known)?;
        let mut mended = parts.clone();
        mended[at] = near;
        Some(mended.join("."))
    })
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
