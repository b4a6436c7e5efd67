//! Getting programs: Debian packages, Maven artefacts, Go modules.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use anyhow::{Context, Result, bail};

use crate::{checkout, processes};

/// A program and the Debian package that brings it.
#[derive(Clone, Copy)]
pub(crate) struct Needed {
    /// Tells whether it is there already.
    pub(crate) is_there: fn() -> bool,
    /// The Debian package.
    pub(crate) package: &'static str,
}

/// Java, for Kafka, Apicurio and Spark.
pub(crate) const JAVA: Needed = Needed {
    is_there: || processes::find("java").is_some(),
    package: "default-jre-headless",
};
/// Maven, which brings Java programs.
pub(crate) const MAVEN: Needed = Needed {
    is_there: || processes::find("mvn").is_some(),
    package: "maven",
};
/// Go, which builds VersityGW.
pub(crate) const GO: Needed = Needed {
    is_there: || processes::find("go").is_some(),
    package: "golang-go",
};
/// Python with virtual environments.
pub(crate) const PYTHON: Needed = Needed {
    is_there: || {
        Command::new("python3")
            .args(["-c", "import venv, ensurepip"])
            .output()
            .is_ok_and(|o| o.status.success())
    },
    package: "python3-venv",
};

/// Sees to it that all of these are there: as root by apt-get, otherwise the error says what to install.
pub(crate) fn provide(needed: &[Needed]) -> Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut packages: Vec<&str> = needed.iter().filter(|n| !(n.is_there)()).map(|n| n.package).collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    let wanted = packages.join(" ");
    if !checkout::is_root() || processes::find("apt-get").is_none() {
        bail!("not installed: {wanted} (Debian's names; as root this task installs them)");
    }
    println!("installing Debian packages: {wanted}");
    apt(&["update"]).context("apt-get update")?;
    if packages.iter().any(|package| package.starts_with("postgresql-")) {
        // Otherwise the package starts a server of its own on the usual port.
        apt(&["install", "postgresql-common"])?;
        let file = "/etc/postgresql-common/createcluster.conf";
        let text = fs::read_to_string(file).unwrap_or_default();
        fs::write(file, format!("{text}\ncreate_main_cluster = false\n"))
            .with_context(|| format!("cannot write {file}"))?;
    }
    let arguments: Vec<&str> = ["install"].into_iter().chain(packages).collect();
    apt(&arguments).with_context(|| format!("apt-get cannot install {wanted}"))?;
    Ok(())
}

fn apt(arguments: &[&str]) -> Result<String> {
    let (verb, rest) = arguments.split_first().context("apt-get needs a verb")?;
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-q", "-o", "DPkg::Lock::Timeout=300", verb]);
    if *verb == "install" {
        command.args(["--yes", "--no-install-recommends"]);
    }
    processes::output(command.args(rest))
}

/// Fills `folder` once: `fill` writes into a folder beside it, which takes the name when it is complete.
///
/// Safe against a second task that does the same, and against one that was killed half way.
pub(crate) fn once(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut name = folder
        .file_name()
        .context("a program's folder needs a name")?
        .to_owned();
    name.push(".partial");
    let partial = folder.with_file_name(name);
    let _lock = lock(&partial.with_extension("lock"))?;
    if folder.is_dir() {
        return Ok(());
    }
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    fs::create_dir_all(&partial)?;
    fill(&partial)?;
    fs::rename(&partial, folder)?;
    Ok(())
}

/// Holds a lock file until the value is dropped; waits while another process holds it.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = file.with_context(|| format!("cannot open {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// An artefact on Maven Central, as a dependency's XML elements.
pub(crate) struct Artifact<'a> {
    /// `group:artifact:version[:type:classifier]`.
    pub(crate) coordinates: &'a str,
    /// `group:artifact` pairs that are not wanted with it; `*:*` for the artefact alone.
    pub(crate) without: &'a [&'a str],
}

/// Copies artefacts and all that they depend on into `folder`.
pub(crate) fn maven(folder: &Path, artifacts: &[Artifact<'_>]) -> Result<()> {
    // Maven's own cache is not made for two writers.
    let _lock = lock(&folder.with_file_name("maven.lock"))?;
    let mut dependencies = String::new();
    for artifact in artifacts {
        let names = ["groupId", "artifactId", "version", "type", "classifier"];
        let mut xml = String::new();
        for (name, value) in names.iter().zip(artifact.coordinates.split(':')) {
            xml.push_str(&format!("<{name}>{value}</{name}>"));
        }
        let mut exclusions = String::new();
        for (group, name) in artifact.without.iter().filter_map(|pair| pair.split_once(':')) {
            exclusions.push_str(&format!(
                "<exclusion><groupId>{group}</groupId><artifactId>{name}</artifactId></exclusion>"
            ));
        }
        dependencies.push_str(&format!(
            "<dependency>{xml}<exclusions>{exclusions}</exclusions></dependency>\n"
        ));
    }
    let pom = folder.join("pom.xml");
    let text = format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>polder</groupId><artifactId>programs</artifactId><version>1</version><packaging>pom</packaging>\n\
         <dependencies>\n{dependencies}</dependencies></project>\n"
    );
    fs::write(&pom, text)?;
    let mut command = Command::new("mvn");
    command.args(["--batch-mode", "--quiet", "--file"]).arg(&pom);
    command.args(["dependency:copy-dependencies", "-DincludeScope=runtime"]);
    command.arg(format!("-DoutputDirectory={}", folder.display()));
    processes::output(&mut command)?;
    fs::remove_file(pom)?;
    Ok(())
}

/// Builds a Go program into `folder`.
pub(crate) fn go(folder: &Path, package: &str) -> Result<()> {
    processes::output(Command::new("go").arg("install").arg(package).env("GOBIN", folder))?;
    Ok(())
}

/// Java for a service.
///
/// Without performance data: to map its file the virtual machine leaves its working folder for a moment, and that
/// folder is how its process is found.
pub(crate) fn java() -> Command {
    let mut command = Command::new("java");
    command.arg("-XX:-UsePerfData");
    command
}

/// The jars in a folder, sorted.
pub(crate) fn jars(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut jars: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    jars.retain(|path| path.extension().is_some_and(|e| e == "jar"));
    jars.sort();
    Ok(jars)
}
