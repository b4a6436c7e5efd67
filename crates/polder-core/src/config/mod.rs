//! The mesh: its root folder, its configuration `polder.yaml`, and the declared files below it.

mod files;
mod model;
mod references;
mod settings;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use model::{CatalogConfig, EngineConfig, KafkaConfig, LakeConfig, MeshConfig, RegistryConfig};
pub use references::References;

use crate::document::{Diagnostic, Source};
use crate::{Error, ErrorKind, Result, ResultExt};

/// The configuration's file name, which marks the root of a mesh.
pub const FILE_NAME: &str = "polder.yaml";

/// A mesh on disk.
#[derive(Debug, Clone)]
pub struct Mesh {
    /// The folder that holds `polder.yaml`, as an absolute path.
    pub root: PathBuf,
    /// What `polder.yaml` and the environment say.
    pub config: MeshConfig,
}

impl Mesh {
    /// Loads the mesh that `start` lies in: the nearest folder, from `start` upwards, with a `polder.yaml`.
    ///
    /// # Errors
    /// `NotFound` when there is none; otherwise as [`Mesh::load`].
    pub fn find(start: &Path) -> Result<Self> {
        let start = absolute(start)?;
        match start.ancestors().find(|folder| folder.join(FILE_NAME).is_file()) {
            Some(root) => Self::load(root),
            None => Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no {FILE_NAME} in {} or above it", start.display()),
            )
            .with_help("go to the folder of a mesh, or begin one with `polder new mesh DIR`")),
        }
    }

    /// Loads the mesh at `root`; variables of the process override the file (`POLDER_<SECTION>__<KEY>`).
    ///
    /// # Errors
    /// `Document`, with everything that is wrong in file and environment; `NotFound` or `Refused` when the file
    /// cannot be read.
    pub fn load(root: &Path) -> Result<Self> {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        Self::load_with(root, |name| std::env::var(name).ok(), names)
    }

    /// As [`Mesh::load`], with an environment at hand: `env` looks a variable up, `names` lists all of them.
    ///
    /// # Errors
    /// As [`Mesh::load`].
    pub fn load_with(
        root: &Path,
        env: impl Fn(&str) -> Option<String>,
        names: impl IntoIterator<Item = String>,
    ) -> Result<Self> {
        let root = absolute(root)?;
        let source = Source::read(&root, Path::new(FILE_NAME))?;
        let config = model::read(&root, &source, &env, names)?;
        Ok(Self { root, config })
    }

    /// The declared files `<folder>/<domain>/*<suffix>`, each with its domain, sorted by domain and file name. A mesh
    /// without the folder has none.
    ///
    /// # Errors
    /// `Document`, with everything that is wrong: such a file lies outside of a domain's folder, a folder's name is no
    /// domain, a file cannot be read. `Refused` where a folder cannot be listed.
    pub fn sources(&self, folder: &str, suffix: &str) -> Result<Vec<(String, Source)>> {
        let (found, wrong) = files::sources(&self.root, folder, suffix)?;
        match wrong.is_empty() {
            true => Ok(found),
            false => Err(Error::document(wrong)),
        }
    }

    /// As [`Mesh::sources`], for those who look at everything: the files that can be read, and what is wrong with others.
    pub fn readable(&self, folder: &str, suffix: &str) -> (Vec<(String, Source)>, Vec<Diagnostic>) {
        files::sources(&self.root, folder, suffix)
            .unwrap_or_else(|error| (Vec::new(), vec![files::of_folder(folder, &error)]))
    }

    /// Where files `<folder>/<domain>/*` lie, whatever they are; nothing is read. `wanted` hears their names. A folder that
    /// cannot be listed has none.
    pub fn files(&self, folder: &str, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let (files, misplaced) = files::files(&self.root, folder, wanted).unwrap_or_default();
        let files = files.into_iter().map(|(_, path)| path);
        let misplaced = misplaced.into_iter().map(|found| found.file);
        let mut all: Vec<_> = files.chain(misplaced).collect();
        all.sort();
        all.dedup();
        all
    }

    /// A path of the configuration or of a declared file: relative ones begin at the mesh's root.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).context(ErrorKind::Usage, || format!("`{}` is not a folder", path.display()))
}
