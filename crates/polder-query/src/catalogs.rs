//! The session's tables as the query engine wants to see them: catalog, schema, table.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProviderList, SchemaProvider, TableProvider,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::TableType;
use polder_core::{DatasetName, ErrorKind, Layer};

use crate::statement::{Reference, reference};
use crate::tables::Tables;

/// Every domain as a catalog, beside those that were registered.
#[derive(Debug, Clone)]
pub(crate) struct Domains {
    tables: Arc<Tables>,
    /// Catalogs that somebody registered with the context.
    registered: Arc<MemoryCatalogProviderList>,
    /// Tables that were looked up already.
    found: Arc<BTreeMap<Reference, Arc<dyn TableProvider>>>,
    /// Names for those who ask for a list.
    listed: Arc<BTreeSet<DatasetName>>,
}

impl Domains {
    /// The domains without a list: each name is looked up when it is asked for.
    pub(crate) fn new(tables: Arc<Tables>, registered: Arc<MemoryCatalogProviderList>) -> Self {
        Self {
            tables,
            registered,
            found: Arc::default(),
            listed: Arc::default(),
        }
    }

    /// The same with tables that were looked up, and names to list.
    pub(crate) fn with(
        &self,
        found: BTreeMap<Reference, Arc<dyn TableProvider>>,
        listed: impl IntoIterator<Item = DatasetName>,
    ) -> Self {
        Self {
            found: Arc::new(found),
            listed: Arc::new(listed.into_iter().collect()),
            ..self.clone()
        }
    }
}

impl CatalogProviderList for Domains {
    fn register_catalog(&self, name: String, catalog: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        self.registered.register_catalog(name, catalog)
    }

    fn catalog_names(&self) -> Vec<String> {
        let mut names: BTreeSet<_> = self.registered.catalog_names().into_iter().collect();
        names.extend(self.listed.iter().map(|dataset| dataset.domain().to_owned()));
        names.into_iter().collect()
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        self.registered.catalog(name).or_else(|| {
            Some(Arc::new(Domain {
                all: self.clone(),
                name: name.to_owned(),
            }))
        })
    }
}

#[derive(Debug)]
struct Domain {
    all: Domains,
    name: String,
}

impl CatalogProvider for Domain {
    fn schema_names(&self) -> Vec<String> {
        let of_domain = self.all.listed.iter().filter(|dataset| dataset.domain() == self.name);
        let layers: BTreeSet<_> = of_domain.map(DatasetName::layer).collect();
        layers.into_iter().map(|layer| layer.to_string()).collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let layer = name.parse().ok()?;
        Some(Arc::new(DomainLayer {
            all: self.all.clone(),
            domain: self.name.clone(),
            layer,
        }))
    }
}

#[derive(Debug)]
struct DomainLayer {
    all: Domains,
    domain: String,
    layer: Layer,
}

impl DomainLayer {
    fn reference(&self, name: &str) -> Option<Reference> {
        reference(&[self.domain.clone(), self.layer.to_string(), name.to_owned()])
    }
}

#[async_trait]
impl SchemaProvider for DomainLayer {
    fn table_names(&self) -> Vec<String> {
        let of_layer = self
            .all
            .listed
            .iter()
            .filter(|dataset| dataset.domain() == self.domain && dataset.layer() == self.layer);
        of_layer.map(|dataset| dataset.name().to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(reference) = self.reference(name) else {
            return Ok(None);
        };
        if let Some(found) = self.all.found.get(&reference) {
            return Ok(Some(Arc::clone(found)));
        }
        match self.all.tables.find(&reference).await {
            // Those that a statement names were looked up before; of a list, one that cannot be read has no columns to show.
            Err(error) if error.kind() == ErrorKind::Data && self.all.listed.contains(&reference.dataset) => Ok(None),
            found => found.map_err(|error| DataFusionError::External(Box::new(error))),
        }
    }

    /// For lists of tables, which say that a table is there whether or not it can be read.
    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        match self.reference(name) {
            Some(reference) if self.all.listed.contains(&reference.dataset) => Ok(Some(TableType::Base)),
            _ => Ok(self.table(name).await?.map(|table| table.table_type())),
        }
    }

    /// Whether the table is at hand without looking into the lake.
    fn table_exist(&self, name: &str) -> bool {
        self.reference(name).is_some_and(|reference| {
            self.all.found.contains_key(&reference)
                || self.all.listed.contains(&reference.dataset)
                || self.all.tables.given.contains_key(&reference.dataset)
        })
    }
}
