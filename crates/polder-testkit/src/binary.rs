//! The `polder` binary as users run it: a process with arguments, environment, output and an exit code.

use std::{
    env,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::signal;

/// How long a test waits for what it expects, unless it says otherwise.
const PATIENCE: Duration = Duration::from_secs(300);

/// A file that cargo built beside the running test: `target/debug/NAME` for `target/debug/deps/TEST`.
pub(crate) fn beside_this_test(name: &str) -> PathBuf {
    let test = env::current_exe().expect("a running program has a file");
    let folder = test
        .parent()
        .and_then(Path::parent)
        .expect("cargo puts tests into target/PROFILE/deps");
    folder.join(name)
}

/// Runs `polder` in a mesh's folder with an environment of its own.
#[derive(Debug, Clone)]
pub struct Polder {
    file: PathBuf,
    folder: PathBuf,
    environment: Vec<(String, String)>,
}

/// A process that ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it reported.
    pub stderr: String,
}

impl Polder {
    /// The binary that `POLDER_BIN` names, else the one that cargo built beside the test, to be run in `folder`.
    ///
    /// # Panics
    /// When it is not built.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        let file = env::var_os("POLDER_BIN").map_or_else(|| beside_this_test("polder"), PathBuf::from);
        assert!(
            file.is_file(),
            "{} is not built: `cargo build` makes it",
            file.display()
        );
        Self {
            file,
            folder: folder.to_owned(),
            environment: Vec::new(),
        }
    }

    /// The file of the binary, for programs that call it.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The same, to be run in another folder.
    #[must_use]
    pub fn in_another_folder(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.folder);
        self
    }

    /// The same with an environment variable.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The same with several environment variables.
    #[must_use]
    pub fn with_all(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(variables);
        self
    }

    /// Runs it to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).wait()
    }

    /// Runs it to its end and gives what it printed.
    ///
    /// # Panics
    /// When it fails; the message holds all that it said.
    pub fn expect(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(
            ended.code,
            Some(0),
            "polder {}\n{}\n{}",
            arguments.join(" "),
            ended.stdout,
            ended.stderr
        );
        ended.stdout
    }

    /// Starts it.
    ///
    /// Polder's own environment variables of the test are not handed on: the services that a test means to use are
    /// named by it.
    #[must_use]
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = Command::new(&self.file);
        command.args(arguments).current_dir(&self.folder);
        for (name, _) in env::vars_os() {
            if name
                .to_str()
                .is_some_and(|name| name.starts_with("POLDER_") && name != "POLDER_DATA")
            {
                command.env_remove(name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.file.display()));
        let said = Arc::new(Said::default());
        let stdout = listen(child.stdout.take().expect("piped"), Arc::clone(&said));
        let stderr = listen(child.stderr.take().expect("piped"), Arc::clone(&said));
        Running {
            child,
            said,
            stdout: Some(stdout),
            stderr: Some(stderr),
        }
    }
}

/// The lines of both outputs as they come, and a bell that rings at each.
#[derive(Debug, Default)]
struct Said {
    lines: Mutex<Vec<String>>,
    bell: Condvar,
}

fn listen(pipe: impl Read + Send + 'static, said: Arc<Said>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        for line in BufReader::new(pipe).split(b'\n') {
            let line = String::from_utf8_lossy(&line.unwrap_or_default()).into_owned();
            text.push_str(&line);
            text.push('\n');
            said.lines.lock().unwrap().push(line);
            said.bell.notify_all();
        }
        said.bell.notify_all();
        text
    })
}

/// A `polder` that runs. A test that forgets it, or fails, kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    said: Arc<Said>,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
}

impl Running {
    /// Waits until a line of its output contains `text`, and gives that line.
    ///
    /// # Panics
    /// When it ends or five minutes pass before it says so.
    pub fn wait_for(&mut self, text: &str) -> String {
        let start = Instant::now();
        let mut lines = self.said.lines.lock().unwrap();
        loop {
            if let Some(line) = lines.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            let over = [&self.stdout, &self.stderr]
                .into_iter()
                .flatten()
                .all(JoinHandle::is_finished);
            assert!(
                !over && start.elapsed() < PATIENCE,
                "never said {text:?}, but:\n{}",
                lines.join("\n")
            );
            lines = self
                .said
                .bell
                .wait_timeout(lines, Duration::from_millis(200))
                .unwrap()
                .0;
        }
    }

    /// Kills it with SIGKILL as soon as `condition` holds. Tells whether it was still running then: a test that means
    /// to kill in the middle must check that.
    ///
    /// # Panics
    /// When five minutes pass.
    pub fn kill_when(mut self, mut condition: impl FnMut() -> bool) -> (bool, Ended) {
        let start = Instant::now();
        loop {
            let ended = self.child.try_wait().expect("a child can be asked").is_some();
            if ended {
                return (false, self.wait());
            }
            if condition() {
                // It may end of itself between the question and the signal; the exit code tells.
                let ended = self.kill();
                return (ended.code.is_none(), ended);
            }
            assert!(start.elapsed() < PATIENCE, "what the test waits for never came");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends it with SIGKILL.
    pub fn kill(mut self) -> Ended {
        self.child.kill().expect("a child can be killed");
        self.wait()
    }

    /// Asks it to end, with SIGTERM, and waits until it has.
    pub fn terminate(self) -> Ended {
        signal::terminate(self.child.id());
        self.wait()
    }

    /// What it has said so far, on both outputs.
    #[must_use]
    pub fn said(&self) -> String {
        self.said.lines.lock().unwrap().join("\n")
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_none()
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it ends.
    ///
    /// # Panics
    /// When ten minutes pass; it is killed then.
    pub fn wait(mut self) -> Ended {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if start.elapsed() > 2 * PATIENCE {
                drop(self.child.kill());
                panic!(
                    "polder does not end; it said:\n{}",
                    self.said.lines.lock().unwrap().join("\n")
                );
            }
            thread::sleep(Duration::from_millis(2));
        };
        let text =
            |thread: Option<JoinHandle<String>>| thread.and_then(|thread| thread.join().ok()).unwrap_or_default();
        let (stdout, stderr) = (text(self.stdout.take()), text(self.stderr.take()));
        Ended {
            code: status.code(),
            stdout,
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Polder, Running};

    /// A shell in place of the binary.
    fn shell(script: &str) -> Running {
        let file = PathBuf::from("/bin/sh");
        let shell = Polder {
            file,
            folder: std::env::temp_dir(),
            environment: Vec::new(),
        };
        shell.with("NAME", "value").start(&["-c", script])
    }

    #[test]
    fn output_environment_and_exit_code_are_seen() {
        let ended = shell("echo $NAME; echo oops >&2; exit 3").wait();
        assert_eq!(
            (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
            (Some(3), "value\n", "oops\n")
        );
    }

    #[test]
    fn a_line_is_seen_while_the_process_runs() {
        let mut running = shell("echo one; echo two words >&2; exec sleep 600");
        assert_eq!(running.wait_for("two"), "two words");
        assert!(running.is_running());
        assert_eq!(running.kill().code, None);
    }

    #[test]
    #[should_panic(expected = "never said")]
    fn a_process_that_ends_without_the_line_fails_the_test() {
        shell("echo one").wait_for("two");
    }

    #[test]
    fn a_process_that_ended_before_its_kill_is_told_apart() {
        let mut asked = 0;
        let (killed, ended) = shell("exec sleep 600").kill_when(|| {
            asked += 1;
            asked > 3
        });
        assert_eq!((killed, ended.code), (true, None));
        let (killed, ended) = shell("exit 0").kill_when(|| false);
        assert_eq!((killed, ended.code), (false, Some(0)));
    }

    #[test]
    fn sigterm_can_be_answered() {
        let mut running = shell("trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.01; done");
        running.wait_for("ready");
        let ended = running.terminate();
        assert_eq!(ended.code, Some(5));
        assert!(ended.stdout.ends_with("bye\n"), "{}", ended.stdout);
    }

    #[test]
    fn a_forgotten_process_is_killed() {
        let mut running = shell("echo here; exec sleep 600");
        running.wait_for("here");
        let process = PathBuf::from(format!("/proc/{}", running.id()));
        assert!(process.exists());
        drop(running);
        assert!(!process.exists(), "it was killed and collected");
    }
}
