//! Who decides about rejected rows: it stays on record.

use std::process::{Command, Stdio};

use polder_core::{Error, ErrorKind, Result};

use crate::git;
use crate::platform::Platform;

/// Who decides: as said, else git's user of the mesh's folder, else the user of this session.
///
/// # Errors
/// `Usage`, where none of them is known, or a name is empty.
pub(super) fn who(platform: &Platform, by: Option<&str>) -> Result<String> {
    let named = |name: String| (!name.trim().is_empty()).then(|| name.trim().to_owned());
    if let Some(by) = by {
        return named(by.to_owned()).ok_or_else(|| Error::new(ErrorKind::Usage, "--by is empty").with_help(HELP));
    }
    let of_git = || {
        let asked = git::git(&platform.mesh.root, &["config", "user.name"], None);
        asked.ok().and_then(|output| git::line(&output)).and_then(named)
    };
    let of_session = || {
        let variables = ["USER", "LOGNAME", "USERNAME"].iter();
        variables.filter_map(|name| std::env::var(name).ok()).find_map(named)
    };
    of_git()
        .or_else(of_session)
        .or_else(|| of_system().and_then(named))
        .ok_or_else(|| Error::new(ErrorKind::Usage, "nothing here says who decides").with_help(HELP))
}

const HELP: &str = "say it: --by NAME; it stays on record with the rows";

/// The name that the system knows the process's user by. Where a session has no variables (in a container, under a
/// scheduler), `id` knows it still.
fn of_system() -> Option<String> {
    let output = Command::new("id").arg("-un").stdin(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
