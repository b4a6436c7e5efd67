//! PostgreSQL with logical decoding, on a data folder of its own.

use std::{fs, os::unix::fs::chown, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use super::{Instance, instance::Service};
use crate::{
    checkout::{self, Cache},
    processes, programs,
    programs::Needed,
};

/// PostgreSQL.
pub(crate) struct Postgres;

/// The oldest version that Polder is tested with, and the tag of the container image.
pub(crate) const VERSION: u32 = 15;
const USER: &str = "polder";
const PASSWORD: &str = "polder";
const DATABASE: &str = "polder";

/// PostgreSQL's server.
const POSTGRES: Needed = Needed {
    is_there: || binaries().is_some(),
    package: "postgresql-15",
};

/// The folder of the newest server that is installed, at least [`VERSION`]. Debian keeps it off the path.
fn binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse::<u32>().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(version, folder)| *version >= VERSION && folder.join("postgres").is_file())
        .max();
    let elsewhere = || processes::find("initdb").and_then(|file| file.parent().map(PathBuf::from));
    debian.map(|(_, folder)| folder).or_else(elsewhere)
}

fn program(name: &str) -> Result<PathBuf> {
    Ok(binaries().context("PostgreSQL's server is not installed")?.join(name))
}

/// A command of the server. PostgreSQL refuses to run as root, so root hands it to the user that the package made.
fn server(name: &str) -> Result<Command> {
    let program = program(name)?;
    if !checkout::is_root() {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--init-groups"])
        .arg(program);
    Ok(command)
}

fn psql(instance: &Instance, database: &str, sql: &str) -> Result<String> {
    let port = instance.port().to_string();
    let mut command = Command::new(program("psql")?);
    command.args([
        "-X",
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "-U",
        USER,
        "-d",
        database,
        "-tAc",
        sql,
    ]);
    processes::output(command.env("PGPASSWORD", PASSWORD).env("PGCONNECT_TIMEOUT", "5"))
}

impl Service for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn version(&self) -> String {
        format!("PostgreSQL {VERSION} or newer")
    }

    fn ports(&self) -> &'static [u16] {
        &[15432]
    }

    fn needs(&self) -> &'static [Needed] {
        &[POSTGRES]
    }

    fn is_installed(&self, _cache: &Cache) -> bool {
        (POSTGRES.is_there)()
    }

    fn install(&self, _cache: &Cache) -> Result<()> {
        programs::provide(&[POSTGRES])
    }

    fn prepare(&self, _cache: &Cache, instance: &Instance) -> Result<()> {
        let data = instance.data();
        fs::create_dir_all(&data)?;
        let password = data.with_file_name("password");
        fs::write(&password, PASSWORD)?;
        if checkout::is_root() {
            let id =
                |flag| processes::output(Command::new("id").args([flag, "postgres"])).map(|text| text.trim().parse());
            let (user, group): (u32, u32) = (id("-u")??, id("-g")??);
            for path in [&data, &password] {
                chown(path, Some(user), Some(group))?;
            }
        }
        let mut command = server("initdb")?;
        command
            .current_dir("/")
            .arg("--pgdata")
            .arg(&data)
            .arg("--pwfile")
            .arg(&password);
        command.args([
            "--username",
            USER,
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        let made = processes::output(&mut command);
        if made.is_err() {
            fs::remove_dir_all(&data)?;
        }
        made.map(drop)
    }

    fn command(&self, _cache: &Cache, instance: &Instance) -> Result<Command> {
        let data = instance.data();
        // Left behind by a server that was killed. Nothing runs in this folder now, but where nobody collects dead
        // processes their ids look alive, and the server would refuse to start.
        fs::remove_file(data.join("postmaster.pid")).ok();
        let port = format!("port={}", instance.port());
        let mut command = server("postgres")?;
        command.arg("-D").arg(&data);
        for setting in [
            "listen_addresses=127.0.0.1",
            &port,
            "unix_socket_directories=",
            "wal_level=logical",
        ] {
            command.args(["-c", setting]);
        }
        Ok(command)
    }

    fn probe(&self, _cache: &Cache, instance: &Instance) -> Result<()> {
        psql(instance, "postgres", "select 1").map(drop)
    }

    fn welcome(&self, _cache: &Cache, instance: &Instance) -> Result<()> {
        let known = psql(
            instance,
            "postgres",
            &format!("select 1 from pg_database where datname = '{DATABASE}'"),
        )?;
        if known.trim().is_empty() {
            psql(instance, "postgres", &format!("create database {DATABASE}"))?;
        }
        Ok(())
    }

    /// "Fast shutdown": open connections are closed. On SIGTERM the server would wait for them.
    fn stop_signal(&self) -> &'static str {
        "INT"
    }

    fn location(&self, instance: &Instance) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{DATABASE}", instance.port())
    }

    fn environment(&self, instance: &Instance) -> Vec<(&'static str, String)> {
        vec![("POLDER_TEST_POSTGRES", self.location(instance))]
    }
}
