//! The repository itself is a mesh, and it is clean.

use std::time::Instant;

use polder_testkit::Polder;

use crate::mesh::repository;

#[test]
fn the_repositorys_mesh_is_clean() {
    let polder = Polder::in_folder(&repository());
    let start = Instant::now();
    let said = polder.expect(&["check"]);
    assert!(said.contains("0 errors, 0 warnings"), "{said}");
    // One second is promised of a release build; this build is slower, and others run beside it.
    assert!(start.elapsed().as_secs() < 10, "the check took {:?}", start.elapsed());
}

#[test]
fn the_version_is_told_without_a_mesh() {
    let folder = tempfile::tempdir().unwrap();
    let said = Polder::in_folder(folder.path()).expect(&["--version"]);
    assert_eq!(said.trim(), format!("polder {}", env!("CARGO_PKG_VERSION")));
}
