//! Signals to processes that a test started.

use std::process::Command;

/// Sends SIGTERM.
pub(crate) fn terminate(process: u32) {
    // The shell has `kill` built in; the program of that name is not on every machine.
    let status = Command::new("sh")
        .args(["-c", &format!("kill -TERM {process}")])
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "cannot send SIGTERM to {process}"
    );
}
