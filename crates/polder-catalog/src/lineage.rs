//! Lineage: which dataset, model or outside source feeds which, and through what step.

use std::collections::{BTreeSet, VecDeque};

use polder_core::{DatasetName, Error, ErrorKind, ObjectName, Result};
use serde::Serialize;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection};

use crate::database::Catalog;
use crate::row::Reader;
use crate::run::Step;

/// What data comes from or goes to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "kind", content = "name", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Node {
    /// Something outside the mesh, e.g. `kafka:retail.invoice_line` or `files:data/*.jsonl`.
    Source(String),
    /// A dataset.
    Dataset(DatasetName),
    /// A model, all of its versions.
    Model(ObjectName),
}

impl Node {
    fn kind(&self) -> &'static str {
        match self {
            Self::Source(_) => "source",
            Self::Dataset(_) => "dataset",
            Self::Model(_) => "model",
        }
    }

    fn parse(kind: &str, name: String) -> Result<Self> {
        match kind {
            "source" => Ok(Self::Source(name)),
            "dataset" => name.parse().map(Self::Dataset),
            "model" => name.parse().map(Self::Model),
            _ => Err(Error::new(
                ErrorKind::Data,
                format!("the catalog's lineage has a {kind}, which is not known"),
            )),
        }
    }
}

impl std::fmt::Display for Node {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Source(name) => formatter.pad(name),
            Self::Dataset(name) => name.fmt(formatter),
            Self::Model(name) => name.fmt(formatter),
        }
    }
}

impl From<DatasetName> for Node {
    fn from(name: DatasetName) -> Self {
        Self::Dataset(name)
    }
}

/// Data goes from one node to another through a step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Edge {
    /// Where it comes from.
    pub from: Node,
    /// Where it goes to.
    pub to: Node,
    /// The step that takes it there.
    pub via: Step,
}

/// An edge that was met on the way from a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Traced {
    /// Steps between the node and this edge's far end; 1 is next to it.
    pub distance: u32,
    /// The edge.
    pub edge: Edge,
}

/// Which way to follow the edges.
#[derive(Clone, Copy)]
enum Direction {
    Up,
    Down,
}

const INSERT: &str = "INSERT INTO polder_lineage (via_kind, via_name, source_kind, source_name, target_kind,
        target_name)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
const DELETE: &str = "DELETE FROM polder_lineage WHERE via_kind = $1 AND via_name = $2";

impl Catalog {
    /// Writes what a step reads and writes, in place of all that was known of the step: what it reads no more is gone.
    ///
    /// # Errors
    /// `Unreachable`, `Refused` or `Conflict` from the database.
    pub async fn record_lineage(&self, step: &Step, inputs: &[Node], output: &Node) -> Result<()> {
        let failed = |cause: sqlx::Error| self.failure(&format!("record the lineage of {step}"), &cause);
        let mut transaction = self.begin().await?;
        let delete = sqlx::query(DELETE).bind(step.kind.as_str()).bind(step.name.to_string());
        delete.execute(&mut *transaction).await.map_err(failed)?;
        for input in inputs {
            let edge = Edge {
                from: input.clone(),
                to: output.clone(),
                via: step.clone(),
            };
            insert(&mut transaction, &edge).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    /// All edges, sorted.
    ///
    /// # Errors
    /// `Unreachable` or `Refused` from the database; `Data` if its rows are not the catalog's.
    pub async fn lineage(&self) -> Result<Vec<Edge>> {
        let columns = "SELECT via_kind, via_name, source_kind, source_name, target_kind, target_name
            FROM polder_lineage";
        let rows = sqlx::query(columns).fetch_all(self.pool()).await;
        let rows = rows.map_err(|cause| self.failure("read the lineage", &cause))?;
        let mut edges = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        edges.sort();
        Ok(edges)
    }

    /// Everything that the node is made from, directly or not, nearest first. A node that is not known has nothing.
    ///
    /// # Errors
    /// As [`Catalog::lineage`].
    pub async fn upstream(&self, node: &Node) -> Result<Vec<Traced>> {
        Ok(trace(&self.lineage().await?, node, Direction::Up))
    }

    /// Everything that is made from the node, directly or not, nearest first.
    ///
    /// # Errors
    /// As [`Catalog::lineage`].
    pub async fn downstream(&self, node: &Node) -> Result<Vec<Traced>> {
        Ok(trace(&self.lineage().await?, node, Direction::Down))
    }
}

pub(crate) async fn insert(connection: &mut AnyConnection, edge: &Edge) -> Result<(), sqlx::Error> {
    with_edge(sqlx::query(INSERT), edge).execute(connection).await.map(drop)
}

pub(crate) async fn delete(connection: &mut AnyConnection, edge: &Edge) -> Result<(), sqlx::Error> {
    let sql = "DELETE FROM polder_lineage WHERE via_kind = $1 AND via_name = $2 AND source_kind = $3
        AND source_name = $4 AND target_kind = $5 AND target_name = $6";
    with_edge(sqlx::query(sql), edge).execute(connection).await.map(drop)
}

fn with_edge<'q>(query: Query<'q, Any, AnyArguments>, edge: &Edge) -> Query<'q, Any, AnyArguments> {
    query
        .bind(edge.via.kind.as_str())
        .bind(edge.via.name.to_string())
        .bind(edge.from.kind())
        .bind(edge.from.to_string())
        .bind(edge.to.kind())
        .bind(edge.to.to_string())
}

fn read(row: &AnyRow) -> Result<Edge> {
    let row = Reader(row);
    Ok(Edge {
        from: Node::parse(&row.text("source_kind")?, row.text("source_name")?)?,
        to: Node::parse(&row.text("target_kind")?, row.text("target_name")?)?,
        via: Step {
            kind: row.parsed("via_kind")?,
            name: row.parsed("via_name")?,
        },
    })
}

/// What comes to refused rows that something reads or that are asked for: a step that writes a dataset writes the rows that
/// are refused of it, too.
fn of_refused(edges: &[Edge], start: &Node) -> Vec<Edge> {
    let asked: BTreeSet<&Node> = edges.iter().map(|edge| &edge.from).chain([start]).collect();
    let refused = edges.iter().filter_map(|edge| match &edge.to {
        Node::Dataset(dataset) if dataset.refused().is_none() => Some(Edge {
            to: Node::Dataset(dataset.quarantine()),
            ..edge.clone()
        }),
        _ => None,
    });
    refused.filter(|edge| asked.contains(&edge.to)).collect()
}

/// Walks breadth first; each edge is met once, also where edges run in a circle.
fn trace(edges: &[Edge], start: &Node, direction: Direction) -> Vec<Traced> {
    let refused = of_refused(edges, start);
    let ends = |edge: &'_ Edge| match direction {
        Direction::Up => (edge.to.clone(), edge.from.clone()),
        Direction::Down => (edge.from.clone(), edge.to.clone()),
    };
    let mut reached = BTreeSet::from([start.clone()]);
    let mut open = VecDeque::from([(start.clone(), 1)]);
    let mut traced = Vec::new();
    while let Some((node, distance)) = open.pop_front() {
        for edge in edges.iter().chain(&refused) {
            let (near, far) = ends(edge);
            if near != node {
                continue;
            }
            traced.push(Traced {
                distance,
                edge: edge.clone(),
            });
            if reached.insert(far.clone()) {
                open.push_back((far, distance + 1));
            }
        }
    }
    traced
}
