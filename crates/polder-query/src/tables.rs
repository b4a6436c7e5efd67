//! Where a session's tables come from: those it was given, then the lake.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::catalog::TableProvider;
use polder_contract::DatasetContract;
use polder_core::{DatasetName, Error, ErrorKind, Result};
use polder_gate::arrow_schema;
use polder_lake::{Lake, Version};

use crate::arranged::{Otherwise, arranged};
use crate::statement::Reference;

/// How alike a name must be to be proposed, 0 to 1.
const ALIKE: f64 = 0.7;

/// The tables of a session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables {
    pub(crate) lake: Option<Lake>,
    /// Tables that stand for datasets of the lake.
    pub(crate) given: BTreeMap<DatasetName, Arc<dyn TableProvider>>,
    /// The columns of datasets under contract, in the contract's order, and how those of other types are read. What may not be
    /// null must be in the table.
    pub(crate) columns: BTreeMap<DatasetName, (Vec<FieldRef>, Otherwise)>,
}

impl Tables {
    /// The table of a reference, or nothing where there is none.
    ///
    /// A table that was given stands for the dataset as it is now; of another time is always the lake's, where there
    /// is a lake.
    pub(crate) async fn find(&self, reference: &Reference) -> Result<Option<Arc<dyn TableProvider>>> {
        let given = self.given.get(&reference.dataset);
        match (&self.lake, given) {
            (None, given) => Ok(given.cloned()),
            (Some(_), Some(given)) if reference.moment.is_none() => Ok(Some(Arc::clone(given))),
            (Some(lake), _) => {
                let version = reference.moment.map_or(Version::Latest, Version::from);
                match lake.load_at(&reference.dataset, version).await? {
                    Some(table) => Ok(Some(self.arranged(&reference.dataset, table.provider()?))),
                    None => Ok(None),
                }
            }
        }
    }

    /// Presents datasets in the columns of these contracts. A column that a table does not have yet is of nulls; where a
    /// value is required, only to rules. These read columns in the contract's types, too; see [`Otherwise::Judged`].
    pub(crate) fn arrange<'c>(&mut self, contracts: impl IntoIterator<Item = &'c DatasetContract>, to_rules: bool) {
        self.columns.extend(contracts.into_iter().map(|contract| {
            let (mut fields, mut otherwise) = (promised(contract), Otherwise::Shown);
            if to_rules {
                // That there is no value, or none of the type, is another rule's to say.
                otherwise = Otherwise::Judged;
                for field in &mut fields {
                    *field = Arc::new(field.as_ref().clone().with_nullable(true));
                }
            }
            (contract.dataset().clone(), (fields, otherwise))
        }));
    }

    /// A dataset's table in the columns of its contract, where there is one; what the contract does not name follows.
    pub(crate) fn arranged(&self, dataset: &DatasetName, table: Arc<dyn TableProvider>) -> Arc<dyn TableProvider> {
        let Some((own, otherwise)) = self.columns.get(dataset) else {
            return table;
        };
        let schema = table.schema();
        let named = |field: &&FieldRef| own.iter().any(|promised| promised.name() == field.name());
        let unnamed = schema.fields().iter().filter(|field| !named(field));
        arranged(table, own.iter().chain(unnamed), otherwise)
    }

    /// All datasets, in order.
    pub(crate) async fn names(&self) -> Result<Vec<DatasetName>> {
        let mut names: Vec<_> = self.given.keys().cloned().collect();
        if let Some(lake) = &self.lake {
            names.extend(lake.datasets().await?);
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The error for a name that is not known, with the nearest one that is.
    pub(crate) async fn unknown(&self, name: &str) -> Error {
        let error = Error::new(ErrorKind::NotFound, format!("there is no dataset `{name}`"));
        // The list is only for the help: where the lake cannot be listed, what was given is.
        let known = match self.names().await {
            Ok(known) => known,
            Err(_) => self.given.keys().cloned().collect(),
        };
        match nearest(name, &known) {
            Some(near) => error.with_help(format!("did you mean {near}?")),
            None if known.is_empty() => {
                error.with_help("the lake holds no dataset yet; `polder ingest` brings the first")
            }
            None => error.with_help("datasets are named domain.layer.name; `polder catalog list` shows them all"),
        }
    }
}

/// The columns that a contract promises. Where one has a type that no table can hold, only their order is known.
fn promised(contract: &DatasetContract) -> Vec<FieldRef> {
    if let Ok(schema) = arrow_schema(contract.object()) {
        return schema.fields().to_vec();
    }
    let properties = contract.object().properties.iter();
    properties
        .map(|property| Arc::new(Field::new(&property.name, DataType::Null, false)))
        .collect()
}

/// The known name that is most alike; a name of fewer parts is held against as many of the last ones, and of more parts
/// only the last three are (`catalog.sales.gold.orders`).
fn nearest<'a>(name: &str, known: &'a [DatasetName]) -> Option<&'a DatasetName> {
    let name = last_parts(name, 3);
    let parts = name.split('.').count();
    let likeness = |dataset: &DatasetName| strsim::jaro_winkler(name, last_parts(&dataset.to_string(), parts));
    let rated = known.iter().map(|dataset| (likeness(dataset), dataset));
    let best = rated.max_by(|(left, _), (right, _)| left.total_cmp(right))?;
    (best.0 >= ALIKE).then_some(best.1)
}

/// The end of a name, in so many parts.
fn last_parts(name: &str, parts: usize) -> &str {
    let before = name.rmatch_indices('.').nth(parts.saturating_sub(1));
    before.map_or(name, |(dot, _)| &name[dot + 1..])
}
