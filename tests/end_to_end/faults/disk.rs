//! A disk that fills.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use polder_testkit::{skip, unique};
use tempfile::TempDir;

use crate::{
    invoices::{Days, bronze, once, told_by},
    lake::Lake,
    mesh::{Mesh, Services},
};

/// A small file system in memory. It ends with this value.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts one, which only root may do, or notes a skip.
    fn mount(suite: &str, bytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        match mount(&["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"], folder.path()) {
            Ok(()) => Some(Self { folder }),
            Err(reason) => {
                skip(suite, &format!("cannot mount a small disk: {reason}"));
                None
            }
        }
    }

    fn resize(&self, bytes: u64) {
        mount(&["-o", &format!("remount,size={bytes}")], self.folder.path()).unwrap();
    }

    fn lake(&self) -> PathBuf {
        self.folder.path().join("lake")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.folder.path()).status());
    }
}

fn mount(arguments: &[&str], folder: &Path) -> Result<(), String> {
    let done = Command::new("mount")
        .args(arguments)
        .arg(folder)
        .output()
        .map_err(|error| error.to_string())?;
    if done.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&done.stderr).trim().to_owned())
    }
}

/// Not by the rules of other refusals: where an upload fails, the Delta library panics, catches that itself and reports
/// the cause.
fn no_space(mesh: &Mesh, arguments: &[&str]) {
    let ended = mesh.polder.run(arguments);
    assert_eq!(ended.code, Some(3), "{}{}", ended.stdout, ended.stderr);
    for part in ["sales.", "No space left on device"] {
        assert!(ended.stderr.contains(part), "{part} is missing in {}", ended.stderr);
    }
}

#[test]
fn a_disk_that_fills_ends_the_run_and_with_more_room_the_next_one_goes_on() {
    let suite = "faults disk";
    let Some(services) = Services::of(suite) else { return };
    let Some(days) = Days::of(suite, 0..10) else { return };
    let topic = unique("faults_disk");
    let mesh = Mesh::on(&services, &topic).committing_each(1_000, "10s");
    mesh.publish(&topic, days.path());
    mesh.ingest();
    let needed: u64 = mesh.lake().objects().values().sum();
    let Some(disk) = SmallDisk::mount(suite, needed / 2) else {
        return;
    };

    let small = Mesh::on(&services, &topic)
        .committing_each(1_000, "10s")
        .with("POLDER_LAKE__LOCATION", disk.lake().to_str().unwrap());
    no_space(&small, &["ingest", "--until-end"]);
    let (landed, places) = bronze(&small);
    assert_eq!(landed.lines, places, "nothing twice");
    let all = days.totals().all;
    assert!(
        landed.lines > 0 && landed.lines < all.lines,
        "the disk filled midway: {landed:?}"
    );

    disk.resize(needed * 20);
    small.ingest();
    assert_eq!(bronze(&small), once(&all));

    // The same while building.
    let built = disk.lake();
    let room: u64 = Lake::local(&built).objects().values().sum();
    disk.resize(room + needed / 4);
    let small = small.without_models();
    no_space(&small, &["run"]);
    assert_eq!(bronze(&small), once(&all));
    disk.resize(needed * 20);
    small.run();
    let totals = days.totals();
    assert_eq!(told_by(&small), totals);
}
