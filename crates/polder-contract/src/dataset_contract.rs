//! The contract of one dataset.

use std::sync::Arc;

use polder_core::DatasetName;

use crate::contract::Contract;
use crate::schema::SchemaObject;

/// The contract of one dataset: a contract and which of its objects is meant. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DatasetContract {
    /// The contract.
    pub contract: Arc<Contract>,
    /// The position of the object in `contract.objects`; it is bound to a dataset.
    pub object: usize,
}

impl DatasetContract {
    /// The contracts of all datasets that a contract describes.
    pub fn all(contract: &Arc<Contract>) -> Vec<Self> {
        let bound = contract
            .objects
            .iter()
            .enumerate()
            .filter(|(_, object)| object.dataset.is_some());
        bound
            .map(|(object, _)| Self {
                contract: Arc::clone(contract),
                object,
            })
            .collect()
    }

    /// What the dataset's rows look like.
    ///
    /// # Panics
    /// Where the value was built by hand with a position that the contract does not have.
    pub fn object(&self) -> &SchemaObject {
        &self.contract.objects[self.object]
    }

    /// What people call it: the dataset's name, or the object's where that is bound to none.
    pub fn title(&self) -> String {
        let object = self.object();
        object
            .dataset
            .as_ref()
            .map_or_else(|| object.name.clone(), DatasetName::to_string)
    }

    /// The contract's version.
    pub fn version(&self) -> &str {
        &self.contract.version
    }

    /// The dataset.
    ///
    /// # Panics
    /// Where the value was built by hand over an object that is bound to no dataset.
    pub fn dataset(&self) -> &DatasetName {
        match &self.object().dataset {
            Some(dataset) => dataset,
            None => panic!("`{}` is bound to no dataset", self.object().name),
        }
    }
}
