//! Rows that told each other apart: where they come by more than one step to a dataset in which they must, and where
//! they meet others by what told them apart.

use std::collections::BTreeSet;

use polder_contract::diff::demanded_key;
use polder_engine::{ColumnEdge, DatasetColumn, Dependency, Pipeline, Target};

use super::super::{Handed, Loosened, Refusing};
use super::way::{Arrived, Step};

impl Handed<'_> {
    /// Whether rows are told apart in the target by what comes, or the query gives one row of several.
    pub(super) fn tells_apart(&self, step: &Step<'_>) -> bool {
        let from = BTreeSet::from([(&step.edge.from.dataset, step.edge.from.column.as_str())]);
        let key = [step.path.to_owned()];
        let pipeline = self.pipeline(step.edge);
        let gives_one = pipeline.is_some_and(|pipeline| {
            let (source, column) = (&step.edge.from.dataset, step.edge.from.column.as_str());
            let lineage = &self.mesh.analysis.lineage;
            lineage.leaves_one(&pipeline.name, source, &BTreeSet::from([column]))
                || self.gives_one(pipeline, &key, &from)
        });
        gives_one || step.target.tell_apart(&BTreeSet::from([step.path]))
    }

    /// Keys of what a query makes of rows that meet by what told them apart: one may meet several now. Gives where rows
    /// come twice then, and are not refused.
    pub(super) fn by_join(
        &self,
        loosened: &Loosened<'_>,
        here: &Arrived,
        edge: &ColumnEdge,
        refusing: &mut Refusing,
    ) -> Vec<DatasetColumn> {
        let lineage = &self.mesh.analysis.lineage;
        let Some(pipeline) = self.pipeline(edge) else {
            return Vec::new();
        };
        let Some(target) = self.now(&pipeline.dataset).filter(|_| here.apart) else {
            return Vec::new();
        };
        let source = &edge.from.dataset;
        let meet_by = |column: &str| {
            let column = DatasetColumn {
                dataset: source.clone(),
                column: column.to_owned(),
            };
            lineage.meet_by(&pipeline.name, &column)
        };
        let own = loosened.own().and_then(demanded_key).unwrap_or_default();
        let by_all = match here.is_first {
            true => own.iter().all(|column| meet_by(column)),
            false => own.len() == 1 && meet_by(&edge.from.column),
        };
        let is_apart = |columns: &BTreeSet<&str>| self.now(source).is_some_and(|kept| kept.tell_apart(columns));
        let leaving = lineage.leaving(source).filter(|other| other.via == edge.via);
        let joined: BTreeSet<_> = leaving.map(|other| other.from.column.as_str()).collect();
        let joined: BTreeSet<_> = joined.into_iter().filter(|column| meet_by(column)).collect();
        if !by_all || is_apart(&joined) {
            return Vec::new();
        }
        let mut keys = target.rules().iter().filter_map(demanded_key);
        let broken = keys.any(|key| {
            let handed = self.handed_by_all(pipeline, key);
            let apart = handed
                .iter()
                .any(|(from, handed)| *from == source && is_apart(&handed.columns()));
            // Its own rows come no more often than before; those of others do.
            let of_others = handed.len() == 1
                || handed.iter().all(|(_, handed)| handed.from.is_empty())
                || handed
                    .iter()
                    .any(|(from, handed)| *from != source && !handed.from.is_empty());
            of_others && !apart && !self.gives_one_of_all(pipeline, key, &handed)
        });
        if broken {
            refusing.perhaps.insert(edge.via.to_string());
        }
        let entering = lineage
            .entering(&pipeline.dataset)
            .filter(|other| other.via == edge.via);
        let twice = entering.filter_map(|other| match &other.to {
            Target::Column(to) if other.how == Dependency::Identity && other.from.dataset != *source => Some(to),
            _ => None,
        });
        let twice = twice.filter(|to| !target.tell_apart(&BTreeSet::from([to.column.as_str()])));
        twice.cloned().collect()
    }

    /// The pipeline whose query reads so.
    pub(super) fn pipeline(&self, edge: &ColumnEdge) -> Option<&Pipeline> {
        let mut pipelines = self.mesh.engine.pipelines().iter();
        pipelines.find(|pipeline| pipeline.name == edge.via.name)
    }

    /// Keys that are made of what told rows apart, by more than one step.
    pub(super) fn by_keys(&self, loosened: &Loosened<'_>, next: &Arrived, step: &Step<'_>, refusing: &mut Refusing) {
        let Some(pipeline) = self.pipeline(step.edge) else {
            return;
        };
        let source = &step.edge.from.dataset;
        let lost = loosened.own().and_then(demanded_key).map_or(1, <[String]>::len);
        let keys = step.target.rules().iter().filter_map(demanded_key);
        let broken = keys
            .filter(|key| key.iter().any(|column| column == step.path))
            .any(|key| {
                let handed = self.made_key(pipeline, source, key);
                let mine = handed.from.iter().map(|column| (source, column.as_str())).collect();
                let kept = self.now(source).is_some_and(|kept| kept.tell_apart(&handed.columns()));
                let lineage = &self.mesh.analysis.lineage;
                let leaves_one = lineage.leaves_one(&pipeline.name, source, &handed.columns());
                (next.twice || key.len() >= lost) && !kept && !leaves_one && !self.gives_one(pipeline, key, &mine)
            });
        if broken && next.apart {
            refusing.perhaps.insert(step.edge.via.to_string());
        }
    }
}
