//! VersityGW: an S3 store on a folder, whose conditional PUT is atomic.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};

use super::{Instance, instance::Service, wire};
use crate::{
    checkout::Cache,
    processes,
    programs::{self, GO, Needed},
};

/// VersityGW.
pub(super) struct VersityGw;

/// The version of the Go module and of the container image.
pub(crate) const VERSION: &str = "v1.8.0";
const ACCESS_KEY: &str = "polder";
const SECRET_KEY: &str = "polder-secret";
const REGION: &str = "us-east-1";
const BUCKET: &str = "polder";

fn folder(cache: &Cache) -> PathBuf {
    cache.programs.join(format!("versitygw-{VERSION}"))
}

fn endpoint(instance: &Instance) -> String {
    format!("http://127.0.0.1:{}", instance.port())
}

impl Service for VersityGw {
    fn name(&self) -> &'static str {
        "versitygw"
    }

    fn version(&self) -> String {
        format!("VersityGW {VERSION}")
    }

    fn ports(&self) -> &'static [u16] {
        &[17070]
    }

    fn needs(&self) -> &'static [Needed] {
        &[GO]
    }

    fn is_installed(&self, cache: &Cache) -> bool {
        folder(cache).is_dir()
    }

    fn install(&self, cache: &Cache) -> Result<()> {
        let package = format!("github.com/versity/versitygw/cmd/versitygw@{VERSION}");
        programs::once(&folder(cache), |folder| programs::go(folder, &package)).context("it needs Go 1.25 or newer")
    }

    fn prepare(&self, _cache: &Cache, instance: &Instance) -> Result<()> {
        // A folder at the top is a bucket.
        Ok(fs::create_dir_all(instance.data().join(BUCKET))?)
    }

    fn command(&self, cache: &Cache, instance: &Instance) -> Result<Command> {
        let mut command = Command::new(folder(cache).join("versitygw"));
        command
            .env("ROOT_ACCESS_KEY", ACCESS_KEY)
            .env("ROOT_SECRET_KEY", SECRET_KEY);
        command.args(["--quiet", "--region", REGION, "--health", "/health"]);
        command
            .args(["--port", &format!("127.0.0.1:{}", instance.port()), "posix"])
            .arg(instance.data());
        Ok(command)
    }

    fn probe(&self, _cache: &Cache, instance: &Instance) -> Result<()> {
        match wire::http_get(instance.port(), "/health")? {
            200 => Ok(()),
            status => bail!("HTTP status {status}"),
        }
    }

    fn welcome(&self, cache: &Cache, instance: &Instance) -> Result<()> {
        let mut list = Command::new(folder(cache).join("versitygw"));
        list.args([
            "admin", "--access", ACCESS_KEY, "--secret", SECRET_KEY, "--region", REGION,
        ]);
        list.args(["--endpoint-url", &endpoint(instance), "list-buckets"]);
        if !processes::output(&mut list)?.contains(BUCKET) {
            bail!("the bucket {BUCKET} is not there");
        }
        Ok(())
    }

    fn location(&self, instance: &Instance) -> String {
        format!("{} (bucket {BUCKET})", endpoint(instance))
    }

    fn environment(&self, instance: &Instance) -> Vec<(&'static str, String)> {
        vec![
            (
                "POLDER_TEST_S3_ENDPOINT",
                format!("http://127.0.0.1:{}", instance.port()),
            ),
            ("POLDER_TEST_S3_BUCKET", BUCKET.to_owned()),
            ("POLDER_TEST_S3_REGION", REGION.to_owned()),
            ("POLDER_TEST_S3_ACCESS_KEY", ACCESS_KEY.to_owned()),
            ("POLDER_TEST_S3_SECRET_KEY", SECRET_KEY.to_owned()),
        ]
    }
}
