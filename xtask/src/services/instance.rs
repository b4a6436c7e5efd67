//! One service's life: its ports, its folder, start, stop.

use std::{
    collections::BTreeSet,
    env, fs,
    fs::{File, OpenOptions},
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{checkout::Cache, processes, programs::Needed};

/// How one service is installed, started and asked whether it is there.
///
/// `install` is called once in a cache's life, `prepare` once in a data folder's, `command` at every start, and
/// `welcome` after every start, once the service answers.
pub(crate) trait Service: Sync {
    /// The name on the command line.
    fn name(&self) -> &'static str;
    /// What it is, with its version.
    fn version(&self) -> String;
    /// The ports it listens on, as it would like them; the first is the one that clients use.
    fn ports(&self) -> &'static [u16];
    /// What must be on the machine to install and to run it.
    fn needs(&self) -> &'static [Needed];
    /// Whether it could be started now.
    fn is_installed(&self, cache: &Cache) -> bool;
    /// Installs it into the cache.
    fn install(&self, cache: &Cache) -> Result<()>;
    /// Fills the empty data folder.
    fn prepare(&self, cache: &Cache, instance: &Instance) -> Result<()>;
    /// What to run, in the foreground.
    fn command(&self, cache: &Cache, instance: &Instance) -> Result<Command>;
    /// Asks the service for a real answer.
    fn probe(&self, cache: &Cache, instance: &Instance) -> Result<()>;
    /// Makes what clients expect to find. Must bear repetition.
    fn welcome(&self, _cache: &Cache, _instance: &Instance) -> Result<()> {
        Ok(())
    }
    /// The signal that ends it in good order.
    fn stop_signal(&self) -> &'static str {
        "TERM"
    }
    /// Where it listens, for people.
    fn location(&self, instance: &Instance) -> String;
    /// Where it listens, for Polder and its tests.
    fn environment(&self, instance: &Instance) -> Vec<(&'static str, String)>;
}

/// A service's place on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    /// The folder that it works in, data and log.
    folder: PathBuf,
    /// The ports it has or will have.
    ports: Vec<u16>,
}

impl Instance {
    /// The place as it was last noted; ports are empty when it was never started.
    pub(super) fn known(service: &dyn Service, cache: &Cache) -> Self {
        let folder = cache.state.join(service.name());
        let noted = fs::read_to_string(folder.join("ports")).unwrap_or_default();
        Self {
            folder,
            ports: noted.split_whitespace().filter_map(|port| port.parse().ok()).collect(),
        }
    }

    /// The place with ports: those of the last start if they are still free, else the nearest free ones.
    pub(super) fn plan(service: &dyn Service, cache: &Cache) -> Result<Self> {
        let mut instance = Self::known(service, cache);
        if !instance.processes().is_empty() && !instance.ports.is_empty() {
            return Ok(instance);
        }
        // A port is let go of a moment after the process that had it.
        processes::wait(Duration::from_secs(3), || {
            instance.ports.iter().all(|port| is_free(*port))
        });
        let mut wishes = if instance.ports.is_empty() {
            service.ports().to_vec()
        } else {
            instance.ports.clone()
        };
        let name = format!("POLDER_SERVICES_{}_PORT", service.name().to_uppercase());
        let fixed = match env::var(&name) {
            Ok(text) => Some(text.parse().with_context(|| format!("{name} is no port: {text}"))?),
            Err(_) => None,
        };
        if let (Some(fixed), Some(first)) = (fixed, wishes.first_mut()) {
            *first = fixed;
        }
        let mut ports = Vec::new();
        for wish in wishes {
            let must = fixed == Some(wish);
            let free = (wish..=u16::MAX).find(|port| !ports.contains(port) && is_free(*port));
            let port = free.filter(|port| !must || *port == wish);
            ports.push(port.with_context(|| format!("{}: port {wish} is taken", service.name()))?);
        }
        fs::create_dir_all(&instance.folder)?;
        fs::write(
            instance.folder.join("ports"),
            ports.iter().map(u16::to_string).collect::<Vec<_>>().join(" "),
        )?;
        instance.ports = ports;
        Ok(instance)
    }

    /// The folder for the service's data, below the one that it is started in.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The port that clients use.
    pub(super) fn port(&self) -> u16 {
        self.ports.first().copied().unwrap_or_default()
    }

    /// The second port, for services that have one.
    pub(super) fn second_port(&self) -> u16 {
        self.ports.get(1).copied().unwrap_or_default()
    }

    /// What of it runs now.
    pub(super) fn processes(&self) -> BTreeSet<u32> {
        processes::in_folder(&self.folder)
    }

    /// Starts it, unless it runs, and waits until it answers.
    pub(super) fn start(&self, cache: &Cache, service: &dyn Service) -> Result<()> {
        // What runs may be on its way out, and is then started again.
        let is_running = !self.processes().is_empty();
        if !(is_running && self.wait(cache, service, || Ok(self.processes().is_empty()))?) {
            let mut child = self.spawn(cache, service)?;
            if !self.wait(cache, service, || Ok(child.try_wait()?.is_some()))? {
                bail!("{} ended at once; {}", service.name(), self.end_of_log());
            }
        }
        service.welcome(cache, self)
    }

    fn spawn(&self, cache: &Cache, service: &dyn Service) -> Result<Child> {
        if !self.data().is_dir() {
            service
                .prepare(cache, self)
                .with_context(|| format!("cannot prepare {}", self.data().display()))?;
        }
        // `setsid` execs: a process of its own session that the end of this task or its terminal does not touch.
        let inner = service.command(cache, self)?;
        let mut command = Command::new("setsid");
        command
            .arg(inner.get_program())
            .args(inner.get_args())
            .current_dir(&self.folder);
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let log = self.log()?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command
            .spawn()
            .with_context(|| format!("cannot start {}", service.name()))
    }

    /// Waits for an answer. Gives false when the service ended instead.
    fn wait(&self, cache: &Cache, service: &dyn Service, mut ended: impl FnMut() -> Result<bool>) -> Result<bool> {
        let start = Instant::now();
        while let Err(error) = service.probe(cache, self) {
            if ended()? {
                return Ok(false);
            }
            if start.elapsed() > Duration::from_secs(90) {
                return Err(error.context(format!("{} does not answer; {}", service.name(), self.end_of_log())));
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(true)
    }

    fn end_of_log(&self) -> String {
        let log = fs::read_to_string(self.log_file()).unwrap_or_default();
        format!(
            "the end of {}:\n{}",
            self.log_file().display(),
            processes::tail(&log, 12)
        )
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn log(&self) -> Result<File> {
        let file = self.log_file();
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&file)
            .with_context(|| format!("cannot open {}", file.display()))
    }

    /// Ends it; data and ports stay.
    pub(super) fn stop(&self, service: &dyn Service, kill: bool) -> Result<()> {
        let signal = if kill { "KILL" } else { service.stop_signal() };
        processes::end(&self.folder, signal, Duration::from_secs(20))
    }

    /// Deletes what it wrote.
    pub(super) fn delete(&self) -> Result<()> {
        if !self.processes().is_empty() {
            bail!("it is still running");
        }
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).with_context(|| format!("cannot delete {}", self.folder.display()))?;
        }
        Ok(())
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
