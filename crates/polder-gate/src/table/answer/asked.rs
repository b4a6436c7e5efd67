//! What no scan of the table itself answers: others are asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::catalog::TableProvider;
use polder_contract::rule::Figure;
use polder_core::{Error, ErrorKind, Result};

use super::Answers;
use crate::table::orphans;
use crate::table::plan::{Measure, Plan};
use crate::table::queries::Queries;
use crate::table::state::TableState;

/// What came of a question to somebody else.
pub(crate) enum Asked {
    Figure(Figure),
    /// The rule failed to run.
    Failed {
        why: String,
        /// Whether that may quote values of rows.
        quotes: bool,
    },
    /// Nobody was there to ask.
    NotRun(String),
}

/// Whether an error may quote values of rows: what is wrong with a query or a store was known without them.
fn may_quote(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Data | ErrorKind::Internal)
}

/// Who is asked, and what for.
pub(crate) struct Others<'a> {
    /// The contract's own table, for queries.
    pub(crate) table: Option<&'a Arc<dyn TableProvider>>,
    pub(crate) queries: &'a dyn Queries,
    /// What fingerprints of another dataset's keys may take, bytes.
    pub(crate) memory: usize,
    /// How long all queries may take together.
    pub(crate) time: Duration,
}

/// Asks others what no scan of the table itself answers, for the rules with these ids.
pub(crate) async fn ask(
    plan: &Plan,
    answers: &mut Answers,
    state: &TableState,
    others: Others<'_>,
    wanted: &(dyn Fn(&str) -> bool + Send + Sync),
) -> Result<()> {
    let Others {
        table,
        queries,
        memory,
        time,
    } = others;
    let mut time = Time::new(time);
    for (place, (rule, measure)) in plan.rules.iter().enumerate() {
        if !wanted(&rule.id) || answers.refusal(plan, measure).is_some() {
            continue;
        }
        let asked = match (measure, table) {
            (Measure::Query(_) | Measure::Orphans { .. }, _) if !queries.answers() => {
                Asked::NotRun("no query engine is at hand".to_owned())
            }
            (Measure::Query(sql), Some(table)) => match queries.query_out_of_reach(sql, rule.column.as_deref()) {
                Some(why) => Asked::NotRun(why),
                None => {
                    let figure = queries.figure(sql, rule.column.as_deref(), Arc::clone(table));
                    match time.take(figure).await {
                        Ok(figure) => Asked::Figure(figure),
                        Err(error) => Asked::Failed {
                            why: match error.help() {
                                Some(help) => format!("{error}; {help}"),
                                None => error.to_string(),
                            },
                            quotes: may_quote(&error),
                        },
                    }
                }
            },
            (Measure::Query(_), None) => Asked::NotRun("the table's rows are not at hand for a query".to_owned()),
            // Whoever else has the table has it without the rows that are judged.
            (Measure::Orphans { dataset, .. }, None) if dataset == plan.contract.dataset() => {
                Asked::NotRun("the table's rows are not at hand for a reference to them".to_owned())
            }
            (Measure::Orphans { dataset, .. }, _)
                if dataset != plan.contract.dataset() && queries.out_of_reach(dataset).is_some() =>
            {
                Asked::NotRun(queries.out_of_reach(dataset).unwrap_or_default())
            }
            (Measure::Orphans { key, dataset, to }, _) => {
                let own = table.filter(|_| dataset == plan.contract.dataset());
                let other = match own {
                    Some(own) => Ok(Some(Arc::clone(own))),
                    None => queries.provider(dataset).await,
                };
                let types = orphans::types(plan, *key);
                let counted = match other {
                    Ok(other) => orphans::count(&state.keys[*key], &types, other.as_ref(), to, memory).await,
                    Err(error) => Err(error),
                };
                match counted {
                    Ok(orphans) => Asked::Figure(Figure::Whole(orphans.into())),
                    Err(error) => Asked::Failed {
                        why: format!("{dataset}: {error}"),
                        quotes: may_quote(&error),
                    },
                }
            }
            _ => continue,
        };
        answers.asked.insert(place, asked);
    }
    Ok(())
}

/// What is left of the time of all queries: however many of them do not end, the judgement does.
struct Time {
    all: Duration,
    left: Duration,
}

impl Time {
    fn new(all: Duration) -> Self {
        Self { all, left: all }
    }

    /// The figure of a query that takes no more than what is left.
    async fn take(&mut self, figure: impl Future<Output = Result<Figure>>) -> Result<Figure> {
        let what = match self.left.is_zero() {
            true => "was not begun",
            false => {
                let began = Instant::now();
                let answered = tokio::time::timeout(self.left, figure).await;
                self.left = self.left.saturating_sub(began.elapsed());
                match answered {
                    Ok(answer) => return answer,
                    Err(_) => {
                        self.left = Duration::ZERO;
                        "was stopped"
                    }
                }
            }
        };
        let message = format!(
            "the dataset's queries took longer than {} s together, and this one {what}",
            self.all.as_secs_f64()
        );
        Err(Error::new(ErrorKind::Refused, message))
    }
}
