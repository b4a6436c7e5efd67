//! The table as a commit would make it.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::prelude::SessionContext;
use polder_core::{ErrorKind, Result, ResultExt};
use polder_lake::{DataFile, Table};

/// The table as it would be.
pub(crate) struct WouldBe<'a> {
    pub(crate) table: &'a Table,
    pub(crate) add: &'a [DataFile],
    pub(crate) remove: &'a [DataFile],
}

impl WouldBe<'_> {
    /// The files that stay.
    pub(crate) fn surviving(&self) -> Result<Vec<DataFile>> {
        let gone: HashSet<_> = self.remove.iter().map(DataFile::path).collect();
        let mut files = self.table.files()?;
        files.retain(|file| !gone.contains(file.path()));
        Ok(files)
    }

    /// The rows that stay. Where nothing goes, the table may be of a kind that single files do not show.
    pub(crate) fn surviving_rows(&self) -> Result<Arc<dyn TableProvider>> {
        match self.remove.is_empty() {
            true => self.table.provider(),
            false => self.table.files_provider(&self.surviving()?),
        }
    }

    /// All rows.
    pub(crate) fn rows(&self) -> Result<Arc<dyn TableProvider>> {
        let mut files = self.surviving()?;
        files.extend_from_slice(self.add);
        match self.table.files_provider(&files) {
            // Another engine deleted rows inside of files: the table shows its own rows, and the new files theirs.
            Err(_) if self.remove.is_empty() && !self.add.is_empty() => {
                let unread = || format!("cannot read {} with the new rows", self.table.name());
                let context = SessionContext::new();
                let new = context.read_table(self.table.files_provider(self.add)?);
                let new = new.context(ErrorKind::Internal, unread)?;
                let both = context
                    .read_table(self.table.provider()?)
                    .and_then(|old| old.union_by_name(new))
                    .context(ErrorKind::Internal, unread)?;
                Ok(both.into_view())
            }
            Err(_) if self.remove.is_empty() => self.table.provider(),
            provider => provider,
        }
    }
}
