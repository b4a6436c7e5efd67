//! Whether the services that a mesh uses answer.

use polder_core::Result;
use polder_ingest::{SourceSpec, StreamSpec, probe_kafka};

use crate::output;
use crate::platform::Platform;

/// Tries every service that the mesh uses; gives the highest exit code.
pub(super) async fn connect(platform: &Platform, streams: &[StreamSpec]) -> Result<u8> {
    let mut code = 0;
    let mut tell = |what: &str, place: &str, result: Result<String>| match result {
        Ok(detail) => output::line(&format!("ok      {what:9} {place}{detail}")),
        Err(error) => {
            code = code.max(error.exit_code());
            let help = error
                .help()
                .map_or_else(String::new, |help| format!("\n        {:9} {help}", ""));
            output::line(&format!("failed  {what:9} {place}: {}{help}", error.report()))
        }
    };
    let config = &platform.mesh.config;
    let lake = match platform.lake() {
        Ok(lake) => lake
            .probe()
            .await
            .map(|()| ": writes, reads and commits once".to_owned()),
        Err(error) => Err(error),
    };
    tell("lake", &config.lake.location, lake)?;
    match platform.catalog().await {
        Ok(catalog) => {
            let answer = catalog.probe().await.map(|()| String::new());
            tell("catalog", catalog.location(), answer)?;
        }
        Err(error) => tell("catalog", "database", Err(error))?,
    }
    let uses_kafka = streams
        .iter()
        .any(|stream| matches!(stream.source, SourceSpec::Kafka { .. }));
    if !uses_kafka {
        return Ok(code);
    }
    let kafka = probe_kafka(&config.kafka)
        .await
        .map(|probe| format!(": brokers {}", probe.brokers.join(", ")));
    tell("kafka", &config.kafka.brokers, kafka)?;
    match platform.registry() {
        Ok(registry) => tell(
            "registry",
            registry.url(),
            registry.probe().await.map(|()| String::new()),
        )?,
        Err(error) => tell("registry", "registry.url", Err(error))?,
    }
    Ok(code)
}
