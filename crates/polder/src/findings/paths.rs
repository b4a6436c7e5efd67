//! Where files are as reports name them, wherever the command line stands and however it names them.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use polder_core::config::FILE_NAME;
use polder_core::{ErrorKind, Result, ResultExt};

use crate::options::Global;
use crate::platform;

/// The folder that paths begin at: the mesh around, or the current folder where there is none.
///
/// # Errors
/// `Usage` where the current folder cannot be read.
pub(crate) fn beginning(global: &Global) -> Result<PathBuf> {
    let mesh = platform::root(global).filter(|root| root.join(FILE_NAME).is_file());
    match mesh {
        Some(root) => std::path::absolute(root),
        None => std::env::current_dir(),
    }
    .context(ErrorKind::Usage, || "the current folder cannot be read".to_owned())
}

/// Names files from a folder on.
pub(crate) struct Paths<'r> {
    root: &'r Path,
    /// The root of the folder's repository, asked for once it is needed.
    repository: OnceCell<Option<PathBuf>>,
}

impl<'r> Paths<'r> {
    pub(crate) fn from(root: &'r Path) -> Self {
        Self {
            root,
            repository: OnceCell::new(),
        }
    }

    /// A file that the command line names, from the folder on: with `..` where it lies elsewhere. One that is named by an
    /// absolute path stays what it is outside of the folder and its repository.
    pub(crate) fn to(&self, file: &Path) -> PathBuf {
        let Ok(whole) = std::path::absolute(file) else {
            return file.to_path_buf();
        };
        let climbs = whole.components().any(|part| part == Component::ParentDir);
        if !climbs && let Ok(below) = whole.strip_prefix(self.root) {
            return below.to_path_buf();
        }
        // A folder may have several names.
        let (root, whole) = (real(self.root), in_real_folder(&whole));
        if let Ok(below) = whole.strip_prefix(&root) {
            return below.to_path_buf();
        }
        if file.is_absolute() && !self.is_in_repository(&whole) {
            return file.to_path_buf();
        }
        let shared = root.components().zip(whole.components());
        let shared = shared.take_while(|(one, other)| one == other).count();
        let up = root.components().skip(shared).map(|_| Component::ParentDir);
        up.chain(whole.components().skip(shared)).collect()
    }

    fn is_in_repository(&self, file: &Path) -> bool {
        let top = || crate::git::top(self.root).map(|top| real(&top));
        let top = self.repository.get_or_init(top).as_deref();
        top.is_some_and(|top| file.starts_with(top))
    }
}

/// Where files lie in their repositories, by their paths from a folder on.
pub(super) struct Repositories {
    root: PathBuf,
    /// The folders that were asked for, as reports name them.
    folders: HashMap<PathBuf, PathBuf>,
}

impl Repositories {
    pub(super) fn seen_from(root: &Path) -> Self {
        let root = std::path::absolute(root).unwrap_or_else(|_| std::env::current_dir().unwrap_or_default());
        Self {
            root: real(&root),
            folders: HashMap::new(),
        }
    }

    /// The path from the root of the file's repository on; outside of any the path stays what it is.
    pub(super) fn place(&mut self, file: &Path) -> PathBuf {
        let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
            return plain(file);
        };
        if let Some(known) = self.folders.get(folder) {
            return known.join(name);
        }
        let placed = self.in_repository(folder).unwrap_or_else(|| plain(folder));
        let path = placed.join(name);
        self.folders.insert(folder.to_path_buf(), placed);
        path
    }

    fn in_repository(&self, folder: &Path) -> Option<PathBuf> {
        let whole = plain(&self.root.join(folder));
        // A folder of the mesh is that, wherever it is kept.
        let whole = match whole.starts_with(&self.root) {
            true => whole,
            false => real(&whole),
        };
        let top = whole.ancestors().find(|around| is_top(around))?;
        whole.strip_prefix(top).ok().map(Path::to_path_buf)
    }
}

/// Whether a folder is the root of a repository, or of another working tree of one.
fn is_top(folder: &Path) -> bool {
    let git = folder.join(".git");
    git.is_file() || git.join("HEAD").exists()
}

/// A path without `.`, and without `..` as far as it has folders to leave.
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match (part, plain.components().next_back()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                plain.pop();
            }
            _ => plain.push(part),
        }
    }
    plain
}

/// A folder as the file system knows it; as it reads where it is not there.
fn real(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| plain(folder))
}

/// A file in the folder as the file system knows that. The file's own name stays, also that of a link.
fn in_real_folder(file: &Path) -> PathBuf {
    match (file.parent(), file.file_name()) {
        (Some(folder), Some(name)) => real(folder).join(name),
        _ => real(file),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_path_leaves_only_folders_that_it_has() {
        for (path, expected) in [
            ("mesh/../plain/./x.yaml", "plain/x.yaml"),
            ("mesh/../../x.yaml", "../x.yaml"),
            ("../../x.yaml", "../../x.yaml"),
            ("/a/../../x.yaml", "/x.yaml"),
        ] {
            assert_eq!(plain(Path::new(path)), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn files_are_named_from_the_folder_on_whatever_they_are_called() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for made in ["mesh/contracts/shop", "plain"] {
            fs::create_dir_all(at(made)).unwrap();
        }
        std::os::unix::fs::symlink(at("mesh"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("plain"), at("mesh/linked")).unwrap();
        let git = std::process::Command::new("git")
            .args(["init", "--quiet"])
            .arg(folder.path())
            .status();
        assert!(git.unwrap().success());
        for (file, expected) in [
            ("mesh/contracts/shop/x.yaml", "contracts/shop/x.yaml"),
            ("plain/../mesh/contracts/shop/x.yaml", "contracts/shop/x.yaml"),
            ("link/contracts/shop/x.yaml", "contracts/shop/x.yaml"),
            // A folder of the mesh, wherever it is kept.
            ("mesh/linked/x.yaml", "linked/x.yaml"),
            ("plain/x.yaml", "../plain/x.yaml"),
            ("nowhere/../plain/x.yaml", "../plain/x.yaml"),
        ] {
            assert_eq!(Paths::from(&at("mesh")).to(&at(file)), Path::new(expected), "{file}");
        }
        let elsewhere = tempfile::tempdir().unwrap();
        let outside = elsewhere.path().join("x.yaml");
        assert_eq!(Paths::from(&at("mesh")).to(&outside), outside);

        // In reports for code hosts the file's repository counts, not that of the folder.
        let inside = at("mesh/inside");
        fs::create_dir(&inside).unwrap();
        fs::write(inside.join(".git"), "gitdir: ../../.git/modules/inside\n").unwrap();
        let linked = at("link/contracts/x.yaml");
        for (root, file, expected) in [
            (at("mesh"), Path::new("contracts/x.yaml"), "mesh/contracts/x.yaml"),
            (at("link"), Path::new("contracts/x.yaml"), "mesh/contracts/x.yaml"),
            (at("mesh"), Path::new("linked/x.yaml"), "mesh/linked/x.yaml"),
            (at("mesh"), Path::new("../plain/x.yaml"), "plain/x.yaml"),
            (at("mesh"), Path::new("inside/x.yaml"), "x.yaml"),
            (inside, Path::new("../x.yaml"), "mesh/x.yaml"),
            (elsewhere.path().to_path_buf(), &linked, "mesh/contracts/x.yaml"),
            (elsewhere.path().to_path_buf(), Path::new("mesh/x.yaml"), "mesh/x.yaml"),
            (at("mesh"), &outside, &outside.display().to_string()),
        ] {
            let placed = Repositories::seen_from(&root).place(file);
            assert_eq!(
                placed,
                Path::new(expected),
                "{} from {}",
                file.display(),
                root.display()
            );
        }
    }
}
