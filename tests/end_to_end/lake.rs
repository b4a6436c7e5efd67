//! What lies in a lake, read through the store and without any Delta library.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use futures::TryStreamExt;
use object_store::{ObjectStore, local::LocalFileSystem};

/// A lake's store, rooted at the lake.
pub(crate) struct Lake {
    store: Arc<dyn ObjectStore>,
}

impl Lake {
    /// A lake in a folder.
    pub(crate) fn local(folder: &Path) -> Self {
        Self::of(Arc::new(LocalFileSystem::new_with_prefix(folder).unwrap()))
    }

    /// A lake in a store.
    pub(crate) fn of(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    /// Every object, with its size.
    pub(crate) fn objects(&self) -> BTreeMap<String, u64> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let list = self.store.list(None);
        let objects = list.map_ok(|object| (object.location.to_string(), object.size));
        runtime.block_on(objects.try_collect()).unwrap()
    }

    /// The newest version of each table, by dataset.
    pub(crate) fn versions(&self) -> BTreeMap<String, u64> {
        let mut versions = BTreeMap::new();
        for object in self.objects().into_keys() {
            let Some((table, commit)) = object.split_once("/_delta_log/") else {
                continue;
            };
            let Some(version) = commit
                .strip_suffix(".json")
                .and_then(|digits| digits.parse::<u64>().ok())
            else {
                continue;
            };
            let newest = versions.entry(table.replace('/', ".")).or_insert(version);
            *newest = version.max(*newest);
        }
        versions
    }
}
