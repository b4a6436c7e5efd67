//! What each change breaks, and whether its version says so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use polder_contract::diff::{Change, Comparison};
use polder_contract::lifecycle::transition_problems;
use polder_contract::{Contract, Read};
use polder_core::document::{Diagnostic, Severity, Span};
use polder_core::{DatasetName, Result};
use polder_engine::{Altered, Broken, ColumnLineage, Reach, Reached};

use super::builders::{Lost, NOBODY_BUILDS};
use super::compatibility::{Compared, Port, STRUCK};
use super::meaning::Alterations;
use super::pairs::{Pairs, is_structural};
use super::past::transitive_problems;
use super::refusing::Handed;
use super::revision::Revision;
use super::summary::{Concerned, Summary};
use super::tables::Refusals;
use super::telling::{
    BREAKING, ToWriters, breaking, classes, head, listed, may_lose, named, nobody, perhaps_lost, perhaps_refused,
    start, to_writers, untouched, versions, word,
};
use super::{Declared, order};
use crate::commands::contract::diff::Side;

/// Says what changes break.
pub(super) struct Judge<'m> {
    pub(super) mesh: &'m Declared<'m>,
    pub(super) base: &'m Revision,
    /// What each consumer reads, in the order of the readers.
    pub(super) reads: &'m [(String, &'m Read)],
    /// The output ports of products, each with its dataset.
    pub(super) ports: &'m [Port],
    pub(super) reach: Reach<'m>,
    /// What the queries of the base read.
    pub(super) before: &'m ColumnLineage,
    /// Queries that are as they were and ask something else.
    pub(super) altered: &'m [Altered],
    /// How many contracts cannot be compared, because they cannot be read.
    pub(super) uncompared: usize,
}

impl Judge<'_> {
    /// Everything that changed, with what it breaks.
    pub(super) fn all(&self, pairs: &Pairs, lost: &[Lost], refusals: Refusals) -> Result<Compared> {
        let promised = lost.iter().filter(|lost| lost.promised);
        let mut compared = Compared {
            diagnostics: Vec::new(),
            notes: Vec::new(),
            lines: Vec::new(),
            summary: Summary::of(&pairs.added, self.reach.waiting()),
            base: self.base.path(Path::new("")).display().to_string(),
            refusals,
            unbuilt: promised.map(|lost| lost.dataset.clone()).collect(),
        };
        for (old, new, comparison) in &pairs.changed {
            self.contract(old, new, comparison, &mut compared)?;
        }
        for (old, dataset) in &pairs.removed {
            self.removed(old, dataset, &mut compared);
        }
        for lost in lost {
            self.unbuilt(lost, &mut compared);
        }
        self.products(&mut compared);
        let refused = match compared.refusals.count() {
            0 => String::new(),
            refused => format!("; that tables do not take: {refused}"),
        };
        let uncompared = match self.uncompared {
            0 => String::new(),
            uncompared => format!(", could not be read: {uncompared}"),
        };
        let rest = std::mem::take(&mut compared.refusals).rest();
        compared.diagnostics.extend(rest);
        let found = compared.diagnostics.iter();
        let breaking = found.filter(|found| found.code == BREAKING).count();
        let summary = format!(
            "compared with {}: contracts changed: {}, added: {}, removed: {}{uncompared}; changes that break somebody: \
             {breaking}{refused}",
            self.base.says,
            pairs.changed.len(),
            pairs.added.len(),
            pairs.removed.len()
        );
        compared.lines.insert(0, summary);
        compared.summary.breaking = breaking;
        // A query that no longer plans without a change of any contract breaks others all the same.
        let mut waiting = self.reach.waiting().clone();
        waiting.retain(|name| !name.ends_with(STRUCK));
        if breaking == 0 && !waiting.is_empty() {
            let waiting = listed("not built until mended: ", &waiting);
            compared.lines.push(format!("  {waiting}"));
        }
        Ok(compared)
    }

    fn contract(&self, old: &Contract, new: &Contract, comparison: &Comparison, compared: &mut Compared) -> Result<()> {
        let version = versions(&old.version, &new.version);
        let head = format!("  {} {version}: {}", new.id, classes(comparison));
        compared.lines.push(head);
        let handed = Handed::new(self.mesh, self.before, old);
        let mut concerned = Vec::new();
        for change in &comparison.changes {
            concerned.push(self.change((old, new), comparison, &handed, change, compared));
            compared.diagnostics.extend(self.departed(old, change));
        }
        let old_file = self.base.path(&old.source_path);
        let sides = [Side::contract(old, &old_file), Side::contract(new, &new.source_path)];
        compared.summary.contract(self.base, &sides, comparison, concerned);
        for dataset in order::moved(old, new) {
            self.moved(new, comparison, dataset, compared);
        }
        compared.diagnostics.extend(comparison.version_problem(old, new));
        compared
            .diagnostics
            .extend(transition_problems(old, new, self.mesh.now));
        let moved = old.id != new.id && self.mesh.contracts.find(&old.id).is_some();
        compared
            .diagnostics
            .extend(transitive_problems(self.base, old, new, moved)?);
        Ok(())
    }

    fn change(
        &self,
        (old, new): (&Contract, &Contract),
        comparison: &Comparison,
        handed: &Handed<'_>,
        change: &Change,
        compared: &mut Compared,
    ) -> Concerned {
        let (file, span) = self.place(change, &new.source_path);
        let mut concerned = Concerned::default();
        let altered = Alterations::of(self.altered, new, change);
        if change.class.breaks_readers() || change.class.weakens_guarantee() || !altered.is_empty() {
            let refusing = handed.refusing(change);
            let mut broken = Broken {
                rows: refusing.surely,
                ..Broken::default()
            };
            altered.stop(&mut broken);
            let mut reached = self.reached(old, new, comparison, change, &broken);
            if let Some(dataset) = &change.dataset {
                altered.reach(dataset, change.column.as_deref(), &mut reached);
            }
            for name in refusing.perhaps.iter().chain(refusing.unsure.keys()) {
                reached.unaffected.remove(name);
            }
            let mut perhaps = refusing.perhaps;
            perhaps.retain(|name| !reached.broken.contains(name));
            let offered = change
                .dataset
                .iter()
                .flat_map(|dataset| self.offering(dataset))
                .collect();
            concerned = Concerned::of(&reached).with_offering(&offered);
            concerned
                .may_lose
                .extend(perhaps.iter().chain(refusing.unsure.keys()).cloned());
            let may_lose = [
                perhaps_refused(change, &refusing.unsure),
                perhaps_lost(change, &perhaps),
            ];
            compared
                .diagnostics
                .extend(may_lose.into_iter().flatten().map(|found| Diagnostic {
                    file: file.clone(),
                    span,
                    ..found
                }));
            if reached.broken.is_empty() {
                if change.class.breaks_readers() || !perhaps.is_empty() {
                    let but = match compared.refusals.by(change) {
                        Some(_) => " who reads it, but its table does not take it",
                        None => "",
                    };
                    let what = format!("{}: breaks nobody{but}", change.what);
                    let with_it = listed("; changes with it: ", &offered);
                    let untouched = untouched(&reached);
                    compared.lines.push(format!("    {what}{with_it}{untouched}"));
                    if concerned.may_lose.is_empty() {
                        compared.notes.push(Diagnostic {
                            file,
                            span,
                            ..nobody(what, &offered, &reached)
                        });
                    }
                }
            } else {
                let start = change
                    .dataset
                    .as_ref()
                    .map(|dataset| start(dataset, change.column.as_deref()));
                let mut found = breaking(&change.what, start.as_deref(), word(change.code), reached);
                let mut more = refusing.reasons;
                more.extend(altered.reasons());
                more.extend(Some(listed("changes with it: ", &offered)).filter(|text| !text.is_empty()));
                if comparison.draft {
                    // A draft promises nothing yet. The table that it made is there all the same.
                    found.severity = Severity::Warning;
                } else if let Some(refused) = compared.refusals.by(change) {
                    more.push(format!("the table does not take it either: {}", refused.message));
                    more.extend(refused.help.clone());
                    compared.refusals.tell(change);
                }
                let removed = change.code.ends_with("-removed");
                if let Some(stood) = change.old.as_ref().filter(|_| removed) {
                    let (line, column) = (stood.span.line, stood.span.column);
                    more.push(format!(
                        "it stood at {}:{line}:{column}",
                        self.base.path(&stood.file).display()
                    ));
                }
                for reason in more {
                    found.help = found.help.map(|help| format!("{help}\n{reason}"));
                }
                compared.diagnostics.push(Diagnostic { file, span, ..found });
            }
        }
        // Where the table refuses it, no row comes so far.
        if change.class.breaks_writers() && compared.refusals.by(change).is_none() {
            compared
                .diagnostics
                .extend(self.refused_streams(change, &mut concerned));
        }
        if compared.refusals.by(change).is_none() {
            let losing = self.losing_pipelines(handed, change, &mut concerned);
            compared.diagnostics.extend(losing);
        }
        concerned
    }

    /// Where a change is told: in the document of now, or in that of the base where it stands in none now.
    pub(super) fn place(&self, change: &Change, document: &Path) -> (PathBuf, Option<Span>) {
        let removed = change.code.ends_with("-removed");
        match (&change.new, &change.old) {
            // What is gone would stand somewhere around this.
            (Some(place), _) if removed && !named(change) => (place.file.to_path_buf(), Some(head(place.span))),
            (Some(place), _) => (place.file.to_path_buf(), Some(place.span)),
            (None, Some(place)) => (self.base.path(&place.file), Some(place.span)),
            (None, None) => (document.to_path_buf(), None),
        }
    }

    /// Pipelines whose rows may be refused after a change of what they build.
    fn losing_pipelines(&self, handed: &Handed<'_>, change: &Change, concerned: &mut Concerned) -> Vec<Diagnostic> {
        let (Some(dataset), Some(place)) = (&change.dataset, &change.new) else {
            return Vec::new();
        };
        let now = self.mesh.contracts.get(dataset);
        let losing = handed.losing(change, now.as_ref());
        if !losing.is_empty() {
            let builders = self.mesh.engine.pipelines().iter();
            let builders = builders.filter(|pipeline| pipeline.dataset == *dataset);
            concerned
                .may_lose
                .extend(builders.map(|pipeline| format!("pipeline {}", pipeline.name)));
        }
        let told = losing.into_iter().map(|losing| {
            let reached = self.reach.of(dataset, None, &BTreeSet::new());
            let mut readers = reached.unaffected;
            readers.extend(reached.waiting);
            readers.retain(|name| !name.ends_with(STRUCK));
            may_lose(&change.what, place, &losing, &readers)
        });
        told.collect()
    }

    /// Streams whose events may be refused after a change, or mean something else.
    fn refused_streams(&self, change: &Change, concerned: &mut Concerned) -> Option<Diagnostic> {
        let dataset = change.dataset.as_ref()?;
        let streams = self.mesh.streams.iter().filter(|stream| stream.dataset == *dataset);
        let names: Vec<_> = streams.map(|stream| format!("stream {}", stream.name)).collect();
        let place = change.new.as_ref()?;
        let contract = self.mesh.contracts.get(dataset);
        let ToWriters { what, help, refuses } = to_writers(change, &names.join(", "), contract.as_ref());
        if refuses {
            concerned.may_lose.extend(names.iter().cloned());
        }
        (!names.is_empty()).then(|| Diagnostic {
            severity: Severity::Warning,
            code: "breaks-writers".into(),
            message: format!("{}: {what}", change.what),
            help: Some(help.to_owned()),
            file: place.file.to_path_buf(),
            span: Some(place.span),
        })
    }

    fn reached(
        &self,
        old: &Contract,
        new: &Contract,
        comparison: &Comparison,
        change: &Change,
        broken: &Broken,
    ) -> Reached {
        let concerned: Vec<_> = match &change.dataset {
            Some(dataset) => vec![dataset],
            None => old.datasets().collect(),
        };
        // Within a major version nobody gives up what was promised; a step to another one is expected by who is made for it.
        let raised = new.major().filter(|new| old.major().is_some_and(|old| old < *new));
        let mut all = Reached::default();
        for dataset in concerned.iter().copied() {
            let mine = comparison.of_dataset(dataset);
            let reads = self.reads.iter().enumerate();
            let direct = reads.filter(|(_, (_, read))| {
                let knows = read
                    .version
                    .is_some_and(|version| raised.is_some_and(|raised| version >= raised));
                read.dataset == *dataset && !knows && mine.breaks(&read.reliance()).contains(&change)
            });
            let direct = direct.map(|(i, _)| i).collect();
            let column = change.column.as_deref();
            let reached = match is_structural(change) {
                true => self.reach.with_broken(dataset, column, &direct, broken),
                // A promise that got weaker stops no query: only those who rely on it are broken.
                false => self.reach.by_promise(dataset, column, &direct, broken),
            };
            all.chains.extend(reached.chains);
            all.broken.extend(reached.broken);
            all.unaffected.extend(self.elsewhere(dataset, reached.unaffected));
            all.waiting.extend(self.elsewhere(dataset, reached.waiting));
        }
        // Of a product that breaks in part the other ports are told too.
        let is_broken = |port: &&Port| all.broken.contains(&port.reader.name);
        let products: BTreeSet<_> = self.ports.iter().filter(is_broken).map(|port| &port.product).collect();
        let elsewhere = self
            .ports
            .iter()
            .filter(|port| !concerned.contains(&&port.reader.dataset));
        let others = elsewhere.filter(|port| products.contains(&port.product));
        let others = others.map(|port| port.reader.name.clone());
        let (waiting, unaffected): (Vec<_>, Vec<_>) = others.partition(|name| self.reach.is_waiting(name));
        all.waiting.extend(waiting);
        all.unaffected.extend(unaffected);
        all.waiting.retain(|name| !all.broken.contains(name));
        all.unaffected
            .retain(|name| !all.broken.contains(name) && !all.waiting.contains(name));
        all
    }

    /// The ports that offer a dataset itself: what changes there changes in them.
    fn offering(&self, dataset: &DatasetName) -> impl Iterator<Item = String> {
        let ports = self.ports.iter().filter(move |port| port.reader.dataset == *dataset);
        ports.map(|port| port.reader.name.clone())
    }

    /// Without the ports that offer the dataset itself: they announce its changes, and are not untouched by them.
    pub(super) fn elsewhere(&self, dataset: &DatasetName, mut names: BTreeSet<String>) -> BTreeSet<String> {
        for name in self.offering(dataset) {
            names.remove(&name);
        }
        // Who is no longer registered and not broken either is of no interest.
        names.retain(|name| !name.ends_with(STRUCK));
        names
    }

    /// A dataset that nobody builds any more, although its contract goes on.
    fn unbuilt(&self, lost: &Lost, compared: &mut Compared) {
        let reached = self.reach.unbuilt(&lost.dataset);
        let concerned = Concerned::of(&reached);
        compared
            .summary
            .dataset(&lost.dataset, NOBODY_BUILDS, &lost.what, concerned);
        let help = "let a stream or pipeline build it, or end its contract first: deprecated with notice, then retired";
        let mut found = if !reached.broken.is_empty() {
            breaking(&lost.what, Some(&lost.dataset.to_string()), "not built", reached)
        } else if lost.promised {
            Diagnostic {
                severity: Severity::Error,
                code: NOBODY_BUILDS.into(),
                message: lost.what.clone(),
                help: None,
                file: Default::default(),
                span: None,
            }
        } else {
            compared.lines.push(format!("  {}: breaks nobody", lost.what));
            return;
        };
        if !lost.promised {
            // A draft promises nothing yet.
            found.severity = Severity::Warning;
        }
        found.help = Some(
            found
                .help
                .map_or_else(|| help.to_owned(), |more| format!("{more}\n{help}")),
        );
        (found.file, found.span) = (lost.file.clone(), lost.span);
        compared.diagnostics.push(found);
    }
}
