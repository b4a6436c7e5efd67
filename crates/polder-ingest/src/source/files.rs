//! JSON lines in files.
//!
//! Files are read in the lexical order of their names, lines by number from 1; a lane's progress is the next line.
//! Lines may be appended at any time, and files may come; what is in a file must stay as it is. A file that is read may
//! go (to an archive), and go on growing should it come back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use polder_gate::reading::without_mark;
use serde_json::Value;

use super::{Event, Halt, Port};
use crate::chunk::{Bounds, Chunk, Head, Lane};
use crate::observer::Mode;
use crate::stream::Trigger;

/// How often a continuous reader looks for more.
const LOOK: Duration = Duration::from_secs(1);
/// A longer line is no record any more.
const MAX_LINE: u64 = 16 << 20;

/// Files to read.
pub(crate) struct FilesSource {
    folder: PathBuf,
    /// The folder from the mesh's root, with a slash at its end; lanes are named by this and the file's name.
    prefix: String,
    /// A file's name, or a pattern with `*` and `?`.
    pattern: String,
    /// The path as declared, for messages.
    shown: String,
    /// Progress ids are this and the file's path from the mesh's root.
    progress: String,
    mode: Mode,
    bounds: Bounds,
}

/// How far a file is read.
struct Place {
    lane: Arc<Lane>,
    /// Bytes that are read.
    at: u64,
    /// The number of the line that comes next.
    next: i64,
    /// Everything that the file held when it was last looked at is read.
    whole: bool,
    /// The last line was read although its end was not there yet.
    unended: bool,
    /// People know that the last line is left.
    told: bool,
}

impl FilesSource {
    /// `path` is relative to `root`; progress ids begin with `progress`.
    pub(crate) fn new(root: &Path, path: &str, progress: String, mode: Mode, bounds: Bounds) -> Self {
        let (folder, pattern) = parts(path);
        Self {
            folder: root.join(folder),
            prefix: prefix(root, folder),
            pattern: pattern.to_owned(),
            shown: path.to_owned(),
            progress,
            mode,
            bounds,
        }
    }

    /// Reads to the end of all files, or until it is stopped.
    pub(crate) fn read(self, port: &Port) -> Result<(), Halt> {
        let mut places: BTreeMap<String, Place> = BTreeMap::new();
        loop {
            let names = self.names(!places.is_empty())?;
            if names.is_empty() && self.mode == Mode::UntilEnd {
                port.notice(format!("no file matches {}", self.shown))?;
            }
            self.find_places(&names, &mut places, port)?;
            let mut chunk = Chunk::default();
            for (name, place) in &mut places {
                if names.contains(name) {
                    self.read_file(&self.folder.join(name), place, &mut chunk, port)?;
                } else if !place.whole {
                    return Err(went_away(&self.folder.join(name)).into());
                }
            }
            if !chunk.is_empty() {
                port.send(Event::Chunk(chunk))?;
            }
            if self.mode == Mode::UntilEnd {
                return Ok(());
            }
            port.pause(LOOK)?;
        }
    }

    /// Names of the files that are there; a single one must be there until it was `seen`.
    fn names(&self, seen: bool) -> Result<BTreeSet<String>> {
        let unreadable = || format!("cannot read the folder {}", self.folder.display());
        let entries = match std::fs::read_dir(&self.folder) {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                let message = format!("there is no folder {}", self.folder.display());
                return Err(
                    Error::new(ErrorKind::NotFound, message).with_help(format!("the stream reads {}", self.shown))
                );
            }
            other => other.context(ErrorKind::Refused, unreadable)?,
        };
        let mut names = BTreeSet::new();
        for entry in entries {
            let entry = entry.context(ErrorKind::Refused, unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if matches(self.pattern.as_bytes(), name.as_bytes()) && entry.path().is_file() {
                names.insert(name);
            }
        }
        if names.is_empty() && !seen && !self.pattern.contains(['*', '?']) {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no file {}", self.shown),
            ));
        }
        Ok(names)
    }

    /// Asks where files that are new to this reader go on, and goes there.
    fn find_places(
        &self,
        names: &BTreeSet<String>,
        places: &mut BTreeMap<String, Place>,
        port: &Port,
    ) -> Result<(), Halt> {
        let fresh: Vec<&String> = names.iter().filter(|name| !places.contains_key(*name)).collect();
        let lane = |name: &&String| {
            let path = format!("{}{name}", self.prefix);
            let progress = format!("{}{path}", self.progress);
            Arc::new(Lane {
                topic: path.into(),
                partition: 0,
                progress,
            })
        };
        let lanes: Vec<Arc<Lane>> = fresh.iter().map(lane).collect();
        let positions = port.positions(&lanes)?;
        for ((name, lane), position) in fresh.into_iter().zip(lanes).zip(positions) {
            let mut place = Place {
                lane,
                at: 0,
                next: 1,
                whole: false,
                unended: false,
                told: false,
            };
            if let Some(next) = position.filter(|next| *next > 1) {
                skip(&self.folder.join(name), next, &mut place, port)?;
            }
            places.insert(name.clone(), place);
        }
        Ok(())
    }

    fn read_file(&self, path: &Path, place: &mut Place, chunk: &mut Chunk, port: &Port) -> Result<(), Halt> {
        let Some(mut reader) = open_behind(path, place)? else {
            place.whole = true;
            return Ok(());
        };
        place.whole = false;
        while let Some((line, ended)) = next_line(&mut reader, path, place.next)? {
            port.check()?;
            let length = line.len() as u64;
            if place.unended {
                if !line.trim_ascii().is_empty() {
                    let message = format!("line {} of {} grew after it was read", place.next - 1, path.display());
                    return Err(changed(message).into());
                }
                place.at += length;
                place.unended = !ended;
                continue;
            }
            let record = match place.at {
                0 => without_mark(&line),
                _ => line.trim_ascii(),
            };
            if !ended && !has_its_end(record) {
                if self.mode == Mode::UntilEnd && !place.told {
                    place.told = true;
                    port.notice(format!(
                        "line {} of {} has no end yet: it is left, and read once a line break ends it",
                        place.next,
                        path.display()
                    ))?;
                }
                return Ok(());
            }
            let head = Head {
                lane: &place.lane,
                offset: place.next,
                timestamp: None,
                schema_header: None,
            };
            if record.is_empty() {
                chunk.pass(&place.lane, place.next);
            } else {
                chunk.push(head, None, Some(record));
            }
            place.at += length;
            place.next += 1;
            place.unended = !ended;
            if chunk.is_full(self.bounds) {
                port.send(Event::Chunk(std::mem::take(chunk)))?;
            }
        }
        place.whole = true;
        Ok(())
    }
}

/// Whether a file's last line is whole although no line break ends it: whoever writes the file may be in the middle of it. A
/// JSON value has its end in itself, but for a number, whose digits may go on.
fn has_its_end(line: &[u8]) -> bool {
    serde_json::from_slice::<Value>(line).is_ok_and(|value| !value.is_number())
}

/// The files that are there of those that a stream reads (`path`, relative to `root`), as its progress names them.
///
/// # Errors
/// `NotFound` where there is no such folder, `Refused` where it cannot be read.
pub(crate) fn present(root: &Path, path: &str) -> Result<Vec<String>> {
    let unbounded = Bounds::of(&Trigger::default());
    let source = FilesSource::new(root, path, String::new(), Mode::UntilEnd, unbounded);
    let names = source.names(true)?;
    Ok(names
        .into_iter()
        .map(|name| format!("{}{name}", source.prefix))
        .collect())
}

/// The folder of a declared path, as progress names it, and the pattern of the files in it.
pub(crate) fn folder_and_pattern(root: &Path, path: &str) -> (String, String) {
    let (folder, pattern) = parts(path);
    (prefix(root, folder), pattern.to_owned())
}

fn parts(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some(("", pattern)) => ("/", pattern),
        Some(parts) => parts,
        None => (".", path),
    }
}

/// A declared folder as its files are named: from the mesh's root where it lies in it, with a slash at its end.
fn prefix(root: &Path, folder: &str) -> String {
    let path = Path::new(folder);
    let path = path.strip_prefix(root).unwrap_or(path);
    let mut prefix = String::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::RootDir => prefix.push('/'),
            part => {
                prefix.push_str(&part.as_os_str().to_string_lossy());
                prefix.push('/');
            }
        }
    }
    prefix
}

/// Goes to the line `next` of a file.
fn skip(path: &Path, next: i64, place: &mut Place, port: &Port) -> Result<(), Halt> {
    let mut reader = open_behind(path, place)?;
    while place.next < next {
        let line = match &mut reader {
            Some(reader) => next_line(reader, path, place.next)?,
            None => None,
        };
        port.check()?;
        match line {
            Some((line, ended)) if ended || place.next + 1 == next => {
                place.at += line.len() as u64;
                place.next += 1;
                place.unended = !ended;
            }
            _ => {
                let (there, before) = (place.next - 1, next - 1);
                let message = format!(
                    "{} has only {}, but {before} were read before",
                    path.display(),
                    counted(there, "line")
                );
                return Err(changed(message).into());
            }
        }
    }
    Ok(())
}

/// The file behind what is read of it; nothing where there is no more.
fn open_behind(path: &Path, place: &Place) -> Result<Option<BufReader<File>>> {
    let unreadable = || format!("cannot read {}", path.display());
    let mut file = match File::open(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            return if place.whole { Ok(None) } else { Err(went_away(path)) };
        }
        other => other.context(ErrorKind::Refused, unreadable)?,
    };
    let length = file.metadata().context(ErrorKind::Refused, unreadable)?.len();
    if length < place.at {
        return Err(changed(format!(
            "{} became shorter: it had {} when it was read, and has {length} now",
            path.display(),
            counted(place.at, "byte")
        )));
    }
    if length == place.at {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(place.at))
        .context(ErrorKind::Refused, unreadable)?;
    Ok(Some(BufReader::with_capacity(1 << 16, file)))
}

/// The next line with its end, and whether it has one.
fn next_line(reader: &mut BufReader<File>, path: &Path, number: i64) -> Result<Option<(Vec<u8>, bool)>> {
    let mut line = Vec::new();
    let mut limited = reader.take(MAX_LINE);
    let read = limited
        .read_until(b'\n', &mut line)
        .context(ErrorKind::Refused, || format!("cannot read {}", path.display()))?;
    if read == 0 {
        return Ok(None);
    }
    let ended = line.ends_with(b"\n");
    if !ended && read as u64 == MAX_LINE {
        let message = format!(
            "line {number} of {} is longer than {} MiB",
            path.display(),
            MAX_LINE >> 20
        );
        return Err(Error::new(ErrorKind::Data, message).with_help("a JSON lines file has one record in each line"));
    }
    Ok(Some((line, ended)))
}

fn went_away(path: &Path) -> Error {
    changed(format!("{} went away before all of it was read", path.display()))
}

fn changed(message: String) -> Error {
    Error::new(ErrorKind::Conflict, message)
        .with_help("a stream's file may grow, but what is in it must stay: give new content a new name")
}

/// Whether a name fits a pattern of `*` (any characters) and `?` (one character).
fn matches(mut pattern: &[u8], mut name: &[u8]) -> bool {
    // What follows the last `*`, and what it was held against: where that fails, the `*` takes one more character.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), name.split_first()) {
            (Some((b'*', rest)), _) => {
                retry = Some((rest, name));
                pattern = rest;
            }
            (None, None) => return true,
            (Some((byte, rest)), Some((first, left))) if byte == first || *byte == b'?' => {
                (pattern, name) = (rest, left);
            }
            _ => match retry {
                Some((rest, [_, left @ ..])) => {
                    retry = Some((rest, left));
                    (pattern, name) = (rest, left);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_mesh_s_root() {
        let root = Path::new("/mesh");
        for (folder, named) in [
            (".", ""),
            ("data", "data/"),
            ("./data/./new", "data/new/"),
            ("../data", "../data/"),
            ("/mesh/data", "data/"),
            ("/landing", "/landing/"),
            ("/", "/"),
        ] {
            assert_eq!(prefix(root, folder), named, "{folder}");
        }
    }

    #[test]
    fn patterns_fit_names() {
        let (stars, long) = ("a*".repeat(30), "a".repeat(200));
        for (pattern, name, fits) in [
            // Each `*` anew for each of those before it would take for ever.
            (format!("{stars}b").as_str(), long.as_str(), false),
            (&stars, &long, true),
            ("a*", "", false),
            ("**", "", true),
            ("*?", "", false),
            ("*?c", "abc", true),
            ("*.jsonl", "a.jsonl", true),
            ("*.jsonl", ".jsonl", true),
            ("*.jsonl", "a.json", false),
            ("day-??.jsonl", "day-01.jsonl", true),
            ("day-??.jsonl", "day-1.jsonl", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "acb", false),
            ("x.jsonl", "x.jsonl", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), fits, "{pattern} {name}");
        }
    }
}
