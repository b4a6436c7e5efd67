//! Names of datasets and declared objects, and the identity of a run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::{Error, ErrorKind, Result};

/// The layer of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Events as they arrived.
    Bronze,
    /// Cleaned and typed, built by the central engine.
    Silver,
    /// Data products of the domains.
    Gold,
    /// Rows that a contract refused.
    Quarantine,
}

impl Layer {
    /// Every layer, in the data's order.
    pub const ALL: [Self; 4] = [Self::Bronze, Self::Silver, Self::Gold, Self::Quarantine];

    /// The layer's word in names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bronze => "bronze",
            Self::Silver => "silver",
            Self::Gold => "gold",
            Self::Quarantine => "quarantine",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Layer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|layer| layer.as_str() == text)
            .ok_or_else(|| {
                Error::new(ErrorKind::Usage, format!("`{text}` is not a layer"))
                    .with_help("layers are bronze, silver, gold and quarantine")
            })
    }
}

/// The full name of a dataset, `<domain>.<layer>.<name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatasetName {
    domain: String,
    layer: Layer,
    name: String,
}

impl DatasetName {
    /// A name from its parts.
    ///
    /// # Errors
    /// `Usage`, when domain or name is not lower-case letters, digits and underscores, beginning with a letter.
    pub fn new(domain: impl Into<String>, layer: Layer, name: impl Into<String>) -> Result<Self> {
        Ok(Self {
            domain: word("domain", domain.into())?,
            layer,
            name: word("dataset name", name.into())?,
        })
    }

    /// The domain that owns the dataset.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The layer.
    pub fn layer(&self) -> Layer {
        self.layer
    }

    /// The name within domain and layer.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The dataset that keeps this one's refused rows, `<domain>.quarantine.<layer>_<name>`; a quarantine dataset is
    /// its own.
    #[must_use]
    pub fn quarantine(&self) -> Self {
        match self.layer {
            Layer::Quarantine => self.clone(),
            layer => Self {
                domain: self.domain.clone(),
                layer: Layer::Quarantine,
                name: format!("{layer}_{}", self.name),
            },
        }
    }

    /// The dataset whose refused rows this one keeps; none where it keeps none.
    #[must_use]
    pub fn refused(&self) -> Option<Self> {
        let (layer, name) = match self.layer {
            Layer::Quarantine => self.name.split_once('_')?,
            _ => return None,
        };
        let refused = Self::new(self.domain.clone(), layer.parse().ok()?, name).ok()?;
        (refused.quarantine() == *self).then_some(refused)
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}.{}", self.domain, self.layer, self.name))
    }
}

impl FromStr for DatasetName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split('.');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(domain), Some(layer), Some(name), None) => Self::new(domain, layer.parse()?, name),
            _ => Err(Error::new(ErrorKind::Usage, format!("`{text}` is not a dataset name"))
                .with_help("a dataset is named <domain>.<layer>.<name>, such as sales.bronze.invoice_lines")),
        }
    }
}

/// The full name of a stream, pipeline or model, `<domain>.<name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    domain: String,
    name: String,
}

impl ObjectName {
    /// A name from its parts.
    ///
    /// # Errors
    /// `Usage`, when a part is not lower-case letters, digits and underscores, beginning with a letter.
    pub fn new(domain: impl Into<String>, name: impl Into<String>) -> Result<Self> {
        Ok(Self {
            domain: word("domain", domain.into())?,
            name: word("name", name.into())?,
        })
    }

    /// The domain that owns the object.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The name within the domain.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.domain, self.name))
    }
}

impl FromStr for ObjectName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('.') {
            Some((domain, name)) if !name.contains('.') => Self::new(domain, name),
            _ => Err(Error::new(ErrorKind::Usage, format!("`{text}` is not a full name"))
                .with_help("streams, pipelines and models are named <domain>.<name>")),
        }
    }
}

/// The identity of one execution of a stream or pipeline; later runs sort after earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Uuid);

impl RunId {
    /// A fresh id (UUID version 7, which begins with the time).
    #[expect(
        clippy::new_without_default,
        reason = "each call gives another id; a default would not"
    )]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.hyphenated().to_string())
    }
}

impl FromStr for RunId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Uuid::parse_str(text)
            .map(Self)
            .map_err(|cause| Error::new(ErrorKind::Usage, format!("`{text}` is not a run id")).with_source(cause))
    }
}

/// One part of a name: it becomes a folder, a SQL identifier and part of an environment variable's name, so it is
/// what all of those take without quoting. A leading underscore is reserved for the platform.
fn word(what: &str, text: String) -> Result<String> {
    let mut characters = text.chars();
    let begins = characters.next().is_some_and(|c| c.is_ascii_lowercase());
    if begins && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        return Ok(text);
    }
    Err(Error::new(ErrorKind::Usage, format!("`{text}` is not a {what}"))
        .with_help("use lower-case letters, digits and underscores, beginning with a letter"))
}

macro_rules! serde_as_text {
    ($($name:ident),*) => { $(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )* };
}
serde_as_text!(Layer, DatasetName, ObjectName, RunId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_name_reads_back_as_written() {
        let name: DatasetName = "sales.bronze.invoice_lines".parse().unwrap();
        assert_eq!(
            (name.domain(), name.layer(), name.name()),
            ("sales", Layer::Bronze, "invoice_lines")
        );
        assert_eq!(name.to_string(), "sales.bronze.invoice_lines");
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"sales.bronze.invoice_lines\"");
        assert_eq!(
            serde_json::from_str::<DatasetName>("\"sales.bronze.invoice_lines\"").unwrap(),
            name
        );
    }

    #[test]
    fn refused_rows_of_a_dataset_have_their_own_dataset() {
        let name: DatasetName = "sales.bronze.invoice_lines".parse().unwrap();
        assert_eq!(name.quarantine().to_string(), "sales.quarantine.bronze_invoice_lines");
        assert_eq!(name.quarantine().quarantine(), name.quarantine());
        assert_eq!(
            (name.quarantine().refused(), name.refused()),
            (Some(name.clone()), None)
        );
        for keeps_none in ["sales.quarantine.lines", "sales.quarantine.quarantine_bronze_lines"] {
            assert_eq!(
                keeps_none.parse::<DatasetName>().unwrap().refused(),
                None,
                "{keeps_none}"
            );
        }
    }

    #[test]
    fn names_that_would_need_quoting_are_refused() {
        for text in [
            "",
            "a",
            "a.b",
            "a.bronze",
            "a.bronze.b.c",
            "A.bronze.b",
            "a.iron.b",
            "a.gold._b",
            "a.gold.b-c",
            "a.gold.ü",
            "1a.gold.b",
            "a.gold.b ",
            "a..b",
            "a.gold.",
        ] {
            assert!(text.parse::<DatasetName>().is_err(), "{text}");
        }
        for text in ["", "a", "a.b.c", "a._b", ".b", "a."] {
            assert!(text.parse::<ObjectName>().is_err(), "{text}");
        }
    }

    #[test]
    fn run_ids_are_distinct_ordered_and_read_back() {
        let ids: Vec<_> = (0..100).map(|_| RunId::new()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(ids[0].to_string().parse::<RunId>().unwrap(), ids[0]);
        assert!("no-id".parse::<RunId>().is_err());
    }
}
