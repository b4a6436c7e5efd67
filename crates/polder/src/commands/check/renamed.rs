//! Streams that go on under another name. Progress is kept by the name, so a run would read everything a second time, and
//! refuses to.

use std::collections::BTreeSet;

use polder_core::document::{Diagnostic, Severity, Source};
use polder_core::{Error, Result};
use polder_ingest::{Feed, StreamSpec, refused_as_renamed};
use polder_lake::Table;

use super::Declared;
use super::builders::builds;
use super::revision::Revision;
use super::tables::Tables;

/// What runs of these streams would be refused with by their table as it is.
///
/// # Errors
/// As [`refused_as_renamed`].
pub(super) async fn of_table(mesh: &Declared<'_>, streams: &[&StreamSpec], table: &Table) -> Result<Vec<Diagnostic>> {
    let mesh_of = &mesh.platform.mesh;
    let mut found = Vec::new();
    for stream in streams {
        let refused = refused_as_renamed(stream, table, &mesh_of.root, &mesh_of.config.kafka).await?;
        let help = |error: &Error| error.help().unwrap_or_default().to_owned();
        found.extend(refused.map(|error| diagnostic(mesh, stream, error.to_string(), help(&error))));
    }
    Ok(found)
}

/// Streams that read what one read in the base, into the same dataset, whose name no stream has any more. It is taken that
/// it had rows; of tables that were looked at (`known`) that is known better. Beside a stream that stays another one may
/// read files of its own, whatever the patterns could both fit: what really is read twice the table says, and the run.
pub(super) fn since(mesh: &Declared<'_>, base: &Revision, known: Option<&Tables>) -> Vec<Diagnostic> {
    let root = &mesh.platform.mesh.root;
    let before = base.sources("pipelines", polder_ingest::SUFFIX).into_iter();
    let before: Vec<_> = before
        .filter_map(|(domain, source)| Feed::declared(&domain, &source, root))
        .collect();
    let names: BTreeSet<_> = mesh.streams.iter().map(|stream| &stream.name).collect();
    let unknown = mesh
        .streams
        .iter()
        .filter(|stream| known.is_none_or(|known| !known.looked_at.contains(&stream.dataset)));
    let found = unknown.filter_map(|stream| {
        let feed = Feed::of(stream, root);
        let same: Vec<_> = before.iter().filter(|before| feed.is_as(before)).collect();
        // It has read what is there under its own name.
        if same.iter().any(|before| before.name == feed.name) {
            return None;
        }
        let other = &same.iter().find(|before| !names.contains(&before.name))?.name;
        let message = format!(
            "stream {} reads what stream {other} read in {} into {}: a run refuses to read it a second time",
            feed.name, base.says, feed.dataset
        );
        let help = format!(
            "name the document after {other} again: progress is kept by that name, and no other stream can take it over\n\
             {} is taken to hold rows of {other}: check --connect looks at it",
            feed.dataset
        );
        Some(diagnostic(mesh, stream, message, help))
    });
    found.collect()
}

/// An error at the dataset of a stream's document.
fn diagnostic(mesh: &Declared<'_>, stream: &StreamSpec, message: String, help: String) -> Diagnostic {
    let source = Source::read_or_tell(&mesh.platform.mesh.root, &stream.path).ok();
    Diagnostic {
        severity: Severity::Error,
        code: "renamed-stream".into(),
        message,
        help: Some(help),
        file: stream.path.clone(),
        span: source.as_ref().and_then(builds).map(|(_, span)| span),
    }
}
