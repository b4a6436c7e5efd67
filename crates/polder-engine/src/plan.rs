//! What a run would do now, and why.

use std::collections::BTreeSet;

use polder_core::{DatasetName, Result};

use crate::assess::{NOTHING_NEW, assess, not_settled};
use crate::engine::{Engine, RunOptions};
use crate::graph::Node;
use crate::rule_order::RunOrder;
use crate::step::{Action, PlannedStep};

impl Engine {
    /// What [`run`](Engine::run) would do now. A step behind one that will be built is shown as it will be met: with
    /// something new to build in, although that is not there yet. Writes nothing.
    ///
    /// # Errors
    /// `NotFound` for a name that is not declared; `Document` when steps cannot be ordered or the query of one does not
    /// fit its contract; what the lake reports.
    pub async fn plan(&self, options: &RunOptions) -> Result<Vec<PlannedStep>> {
        let order = RunOrder::new(self, self.graph()?);
        let mut building: BTreeSet<DatasetName> = BTreeSet::new();
        let mut steps = Vec::new();
        for node in order.graph.select(&options.select)? {
            let (mut action, mut why) = self.assessed(node, &building, options.full).await?;
            let behind: Vec<_> = node
                .reads
                .iter()
                .filter(|dataset| building.contains(*dataset))
                .collect();
            if action == Action::Skip && !behind.is_empty() {
                let names: Vec<_> = behind.iter().map(ToString::to_string).collect();
                let built_before = format!("{} is built before", names.join(", "));
                (action, why) = match self.pipeline(node) {
                    Some(pipeline) if pipeline.is_incremental() && why == NOTHING_NEW => {
                        let target = self.lake.load(&pipeline.dataset).await?;
                        match not_settled(self, pipeline, target.as_ref()).await? {
                            None => (Action::Incremental, built_before),
                            Some(why) => (Action::Full, format!("{built_before}; {why}")),
                        }
                    }
                    _ => (Action::Full, built_before),
                };
            }
            if let (Some(remark), true) = (order.remark(&node.name), action != Action::Skip) {
                why = format!("{why}; {remark}");
            }
            if action != Action::Skip {
                building.extend(node.writes());
            }
            steps.push(PlannedStep {
                name: node.name.clone(),
                kind: node.kind(),
                dataset: node.produces.clone(),
                action,
                why,
            });
        }
        Ok(steps)
    }

    async fn assessed(&self, node: &Node, building: &BTreeSet<DatasetName>, full: bool) -> Result<(Action, String)> {
        if let Some(pipeline) = self.pipeline(node) {
            self.refuse_unsound(pipeline).await?;
            let reads: Vec<_> = node.reads.iter().cloned().collect();
            let assessment = assess(self, pipeline, &reads, building, full).await?;
            return Ok((assessment.action, assessment.why));
        }
        match self.model(node) {
            Some(model) => {
                let training = self.assess_training(model, &node.reads, full).await?;
                Ok((training.action, training.why))
            }
            None => Ok((Action::Skip, "not declared".to_owned())),
        }
    }
}
