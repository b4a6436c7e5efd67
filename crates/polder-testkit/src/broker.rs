//! A Kafka broker of one test's own, which may be stopped, killed and started again.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::{binary::beside_this_test, service::Kafka, skip, skip::variable};

/// While one private broker is down, another one that starts would take its port.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A broker apart from the one that other tests share. It ends with this value; only one is there at a time.
#[derive(Debug)]
pub struct PrivateBroker {
    _only: MutexGuard<'static, ()>,
    xtask: PathBuf,
    state: TempDir,
    /// How to reach it. The address stays the same when the broker is started again.
    pub kafka: Kafka,
}

impl PrivateBroker {
    /// Starts one, or notes a skip where the shared broker is missing too.
    ///
    /// # Errors
    /// When it does not start although it is installed.
    pub fn start(suite: &str) -> Result<Option<Self>> {
        if variable(suite, "POLDER_KAFKA__BROKERS", "Kafka").is_none() {
            return Ok(None);
        }
        let xtask = env::var_os("POLDER_XTASK").map_or_else(|| beside_this_test("xtask"), PathBuf::from);
        if !xtask.is_file() {
            skip(suite, "no xtask is built that could start a broker of its own");
            return Ok(None);
        }
        // A test that failed with its broker leaves nothing that the next one could be misled by.
        let only = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let state = TempDir::new()?;
        // PostgreSQL's user must be able to enter it, should the folder ever hold that too.
        fs::set_permissions(state.path(), fs::Permissions::from_mode(0o755))?;
        let mut broker = Self {
            _only: only,
            xtask,
            state,
            kafka: Kafka { brokers: String::new() },
        };
        broker.services(["start", "kafka"])?;
        let lines = broker.services(["status", "--env"])?;
        let address = lines
            .lines()
            .find_map(|line| line.strip_prefix("POLDER_KAFKA__BROKERS="));
        address
            .context("the broker does not answer")?
            .clone_into(&mut broker.kafka.brokers);
        Ok(Some(broker))
    }

    /// Ends it with SIGKILL. What it has acknowledged stays.
    ///
    /// # Errors
    /// When it does not end.
    pub fn kill(&self) -> Result<()> {
        self.services(["kill", "kafka"]).map(drop)
    }

    /// Starts it again and waits until it answers.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn restart(&self) -> Result<()> {
        self.services(["start", "kafka"]).map(drop)
    }

    fn services<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<String> {
        let mut command = Command::new(&self.xtask);
        command
            .arg("services")
            .args(arguments)
            .env("POLDER_SERVICES_STATE", self.state.path());
        // A fixed port is meant for the shared one.
        command.env_remove("POLDER_SERVICES_KAFKA_PORT").stdin(Stdio::null());
        let done = command
            .output()
            .with_context(|| format!("cannot start {}", self.xtask.display()))?;
        if !done.status.success() {
            bail!("xtask services: {}", String::from_utf8_lossy(&done.stderr));
        }
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }
}

impl Drop for PrivateBroker {
    fn drop(&mut self) {
        // A test that fails must not leave a broker behind, and a failure here must not hide the test's own.
        drop(self.services(["down"]));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rdkafka::consumer::{BaseConsumer, Consumer};

    use super::PrivateBroker;

    #[test]
    fn a_killed_broker_is_away_and_comes_back_with_its_topics() {
        let Some(broker) = PrivateBroker::start("testkit broker").unwrap() else {
            return;
        };
        let topics = |patience: u64| {
            let consumer: BaseConsumer = broker.kafka.client().create().unwrap();
            let all = consumer.fetch_metadata(None, Duration::from_secs(patience)).ok()?;
            Some(all.topics().iter().map(|t| t.name().to_owned()).collect::<Vec<_>>())
        };
        let topic = broker.kafka.fresh_topic("lines", 1).unwrap();
        broker.kill().unwrap();
        assert_eq!(topics(1), None);
        broker.restart().unwrap();
        assert_eq!(topics(10), Some(vec![topic]));
    }
}
