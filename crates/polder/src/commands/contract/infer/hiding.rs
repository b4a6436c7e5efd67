//! Whose values an inferred contract shows to nobody: it is a document that many read, made of rows that few may see.

use arrow::datatypes::Schema;
use polder_contract::{ContractSet, DatasetContract, Property};
use polder_convert::{Binding, ImportOptions};
use polder_core::{DatasetName, Layer, Result};
use polder_policy::Policies;

use crate::platform::Platform;

/// The key of quarantine's rows, by which a copy of such a table is known, whatever it is called.
const QUARANTINE_KEY: &str = "_quarantine_id";
/// What quarantine says of refused rows without repeating anything of them, or of who decided.
const TOLD_OF_REFUSED: [&str; 7] = [
    "rule",
    "contract_version",
    "state",
    "attempts",
    "resolved_at",
    "resolved_by_run",
    "replay",
];

/// What the mesh around says of the datasets that rows are of.
#[derive(Default)]
pub(super) struct Hiding {
    declared: Option<Declared>,
    /// Whether the rows are those that a contract refused.
    refused: bool,
}

struct Declared {
    policies: Policies,
    contracts: Vec<DatasetContract>,
    /// Whether the contract of one of the datasets cannot be read: what it classifies nobody knows.
    unreadable: bool,
}

impl Hiding {
    /// For rows of the table of a dataset, of one that the command line names (`options`), or of both.
    ///
    /// # Errors
    /// `Document` where policies are wrong, which say what may be shown.
    pub(super) fn of(
        platform: Option<&Platform>,
        table: Option<&DatasetName>,
        options: &ImportOptions,
    ) -> Result<Self> {
        let named = match &options.dataset {
            Some(Binding::Dataset(dataset)) => Some(dataset),
            _ => None,
        };
        let layer = match &options.dataset {
            Some(Binding::Layer { domain, layer }) => Some((domain.as_str(), *layer)),
            _ => None,
        };
        let datasets: Vec<&DatasetName> = table.into_iter().chain(named).collect();
        let layers = datasets.iter().map(|dataset| dataset.layer());
        let mut layers = layers.chain(layer.map(|(_, layer)| layer));
        let refused = layers.any(|layer| layer == Layer::Quarantine);
        let Some(platform) = platform.filter(|_| !datasets.is_empty() || layer.is_some()) else {
            return Ok(Self {
                declared: None,
                refused,
            });
        };
        let (policies, diagnostics) = Policies::of_mesh(&platform.mesh)?;
        platform.refuse_errors(diagnostics)?;
        // A contract with mistakes is no reason not to infer another.
        let (set, _) = ContractSet::load(platform.mesh.sources("contracts", ".odcs.yaml")?);
        let name = options.name.as_deref().unwrap_or_default();
        let mut contracts: Vec<_> = datasets.iter().filter_map(|dataset| set.get(dataset)).collect();
        let mut unreadable = datasets.iter().any(|dataset| set.is_unreadable(&dataset.to_string()));
        if let Some((domain, layer)) = layer {
            let is_meant = |dataset: &DatasetName| {
                dataset.domain() == domain && dataset.layer() == layer && is_same(dataset.name(), name)
            };
            contracts.extend(set.iter().filter(|contract| is_meant(contract.dataset())).cloned());
            unreadable |= set.is_unreadable(&format!("{domain}.{layer}.{name}"));
        }
        Ok(Self {
            declared: Some(Declared {
                policies,
                contracts,
                unreadable,
            }),
            refused,
        })
    }

    /// The same of rows with these columns, which may be a copy of a quarantine table.
    #[must_use]
    pub(super) fn seeing(self, schema: &Schema) -> Self {
        Self {
            refused: self.refused || schema.index_of(QUARANTINE_KEY).is_ok(),
            ..self
        }
    }

    /// Whether the values of a column are shown to nobody.
    pub(super) fn hides(&self, column: &str) -> bool {
        if self.refused && !TOLD_OF_REFUSED.contains(&column) {
            return true;
        }
        let Some(declared) = &self.declared else { return false };
        let properties = declared
            .contracts
            .iter()
            .flat_map(|contract| &contract.object().properties);
        let mut named = properties.filter(|property| is_of(property, column));
        declared.unreadable || named.any(|property| is_classified(property) || declared.policies.hides(property))
    }
}

/// Whether a property is the one of a column. A file that is not landed yet may spell its columns in its own way.
fn is_of(property: &Property, column: &str) -> bool {
    let declared = property.declared_name.as_deref();
    is_same(&property.name, column) || declared.is_some_and(|name| is_same(name, column))
}

/// Whether two names are one but for case and signs: `Order id` is `order_id`.
fn is_same(one: &str, other: &str) -> bool {
    let letters = |name: &str| -> String {
        let kept = name.chars().filter(|c| c.is_alphanumeric());
        kept.flat_map(char::to_lowercase).collect()
    };
    one == other || letters(one) == letters(other)
}

/// Whether a column is classified as anything but public: its values are not for a document that everybody reads.
fn is_classified(property: &Property) -> bool {
    let class = property.classification.as_deref();
    class.is_some_and(|class| !class.eq_ignore_ascii_case("public"))
}
