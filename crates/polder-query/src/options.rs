//! What a session may take: memory, threads, disk.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::SessionConfig;
use polder_core::{ErrorKind, Result, ResultExt};

/// The largest consumers of memory that an error names.
const NAMED_CONSUMERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

/// The limits of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOptions {
    /// Bytes of memory that all running queries of the session share.
    pub memory_bytes: u64,
    /// How many parts of a query run at the same time.
    pub partitions: usize,
    /// Where queries put what does not fit into memory; the system's folder for temporary files where it is not set.
    pub spill_folder: Option<PathBuf>,
    /// Bytes of disk that queries may take for it.
    pub spill_bytes: u64,
}

impl Default for SessionOptions {
    /// 1 GiB of memory, a partition a core, 32 GiB of disk.
    fn default() -> Self {
        Self {
            memory_bytes: 1 << 30,
            partitions: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            spill_folder: None,
            spill_bytes: 32 << 30,
        }
    }
}

impl SessionOptions {
    /// The environment that all statements of a session share.
    pub(crate) fn runtime(&self) -> Result<Arc<RuntimeEnv>> {
        let memory = usize::try_from(self.memory_bytes).unwrap_or(usize::MAX);
        let pool = TrackConsumersPool::new(FairSpillPool::new(memory), NAMED_CONSUMERS);
        let mut builder = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .with_max_temp_directory_size(self.spill_bytes);
        if let Some(folder) = &self.spill_folder {
            builder = builder.with_temp_file_path(folder);
        }
        builder
            .build_arc()
            .context(ErrorKind::Refused, || "cannot start the query engine".to_owned())
    }

    pub(crate) fn config(&self) -> SessionConfig {
        let mut config = SessionConfig::new()
            .with_target_partitions(self.partitions.max(1))
            .with_create_default_catalog_and_schema(false)
            .with_information_schema(true);
        let options = config.options_mut();
        polder_gate::read_as_everywhere(&mut options.sql_parser);
        // As the SQL parser does with types.
        options.execution.parquet.schema_force_view_types = false;
        // What files tell of bounds passes over NaN: with these filters, whether max(x) or ORDER BY … LIMIT finds one would
        // hang on which file is read first.
        options.optimizer.enable_dynamic_filter_pushdown = false;
        options.optimizer.enable_topk_dynamic_filter_pushdown = false;
        options.optimizer.enable_join_dynamic_filter_pushdown = false;
        options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
        // Pulled to the scans, the fields of objects and maps (`o.a`, `m['k']`) go past projections that name their columns
        // anew, and the engine then finds a column of one name twice: increments, which read new rows so, could not be built.
        options.optimizer.enable_leaf_expression_pushdown = false;
        // The engine compares what may be null before and after it computes a common expression once, and is mistaken:
        // `b IS NOT FALSE` twice in a sum makes a query fail that has an answer.
        options.execution.skip_physical_aggregate_schema_check = true;
        config
    }
}
