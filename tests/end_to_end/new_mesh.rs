//! What `polder new mesh` makes: a mesh that needs no service.

use std::path::PathBuf;

use polder_testkit::{Ended, Polder};
use tempfile::TempDir;

use crate::mesh::expect_refusal;

/// A new mesh in a folder of its own, and `polder` in it.
pub(crate) struct NewMesh {
    folder: TempDir,
    pub(crate) polder: Polder,
}

impl NewMesh {
    /// A new mesh without any table.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let said = Polder::in_folder(folder.path()).expect(&["new", "mesh", "mine"]);
        assert!(said.contains("polder ingest --until-end"), "{said}");
        let polder = Polder::in_folder(&folder.path().join("mine"));
        Self { folder, polder }
    }

    /// A new mesh whose orders are landed.
    pub(crate) fn landed() -> Self {
        let mesh = Self::new();
        mesh.polder.expect(&["check"]);
        mesh.polder.expect(&["ingest", "--until-end"]);
        mesh
    }

    /// A new mesh whose orders are landed and built.
    pub(crate) fn built() -> Self {
        let mesh = Self::landed();
        mesh.polder.expect(&["run"]);
        mesh
    }

    /// A file or folder of the mesh.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("mine").join(name)
    }

    /// What a query gives, as CSV.
    pub(crate) fn csv(&self, query: &str) -> String {
        self.polder.expect(&["sql", "--format", "csv", query])
    }

    /// Runs a command that must fail in a certain way.
    pub(crate) fn refused(&self, arguments: &[&str], code: i32, names: &[&str]) -> Ended {
        let ended = self.polder.run(arguments);
        expect_refusal(arguments, &ended, code, names);
        ended
    }
}
