//! Apicurio Registry, in memory: another maker's schema registry with Confluent's API.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::{Instance, instance::Service, wire};
use crate::{
    checkout::Cache,
    processes,
    programs::{self, Artifact, JAVA, MAVEN, Needed},
};

/// Apicurio Registry.
pub(super) struct Apicurio;

/// The version on Maven Central and of the container image.
pub(crate) const VERSION: &str = "2.6.13.Final";
/// Where it serves Confluent's API.
const API: &str = "/apis/ccompat/v7";

fn folder(cache: &Cache) -> PathBuf {
    cache.programs.join(format!("apicurio-{VERSION}"))
}

impl Service for Apicurio {
    fn name(&self) -> &'static str {
        "apicurio"
    }

    fn version(&self) -> String {
        format!("Apicurio Registry {VERSION}")
    }

    fn ports(&self) -> &'static [u16] {
        &[18081]
    }

    fn needs(&self) -> &'static [Needed] {
        &[JAVA, MAVEN]
    }

    fn is_installed(&self, cache: &Cache) -> bool {
        (JAVA.is_there)() && folder(cache).is_dir()
    }

    fn install(&self, cache: &Cache) -> Result<()> {
        let coordinates = format!("io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all");
        programs::once(&folder(cache), |folder: &Path| {
            programs::maven(
                folder,
                &[Artifact {
                    coordinates: &coordinates,
                    without: &["*:*"],
                }],
            )?;
            let archive = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
            let archive = archive
                .into_iter()
                .find(|path| path.extension().is_some_and(|e| e == "gz"));
            let archive = archive.context("Maven brought no archive")?;
            processes::output(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder))?;
            Ok(fs::remove_file(archive)?)
        })
    }

    fn prepare(&self, _cache: &Cache, instance: &Instance) -> Result<()> {
        Ok(fs::create_dir_all(instance.data())?)
    }

    fn command(&self, cache: &Cache, instance: &Instance) -> Result<Command> {
        let jar = folder(cache).join(format!("apicurio-registry-app-{VERSION}-runner.jar"));
        let mut command = programs::java();
        command.args(["-Xmx256m", "-XX:+UseSerialGC", "-Dquarkus.http.host=127.0.0.1"]);
        command
            .arg(format!("-Dquarkus.http.port={}", instance.port()))
            .arg("-jar")
            .arg(jar);
        Ok(command)
    }

    fn probe(&self, _cache: &Cache, instance: &Instance) -> Result<()> {
        match wire::http_get(instance.port(), &format!("{API}/subjects"))? {
            200 => Ok(()),
            status => bail!("HTTP status {status}"),
        }
    }

    fn location(&self, instance: &Instance) -> String {
        format!("http://127.0.0.1:{}{API}", instance.port())
    }

    fn environment(&self, instance: &Instance) -> Vec<(&'static str, String)> {
        vec![("POLDER_REGISTRY__URL", self.location(instance))]
    }
}
