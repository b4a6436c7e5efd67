//! `docker-compose.yml` describes the services that `cargo xtask services` runs; there is no Docker engine in tests, so
//! what can be known without one is checked here.

use std::{collections::BTreeSet, fs, path::Path};

use polder_core::document::{self, Source};
use serde_json::Value;

use crate::services::{self, apicurio, kafka, postgres, versitygw};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn compose() -> Value {
    let source = Source::read(root(), &root().join("docker-compose.yml")).unwrap();
    document::parse(&source).unwrap().to_json()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value
        .as_object()
        .map(|map| map.keys().cloned().collect())
        .unwrap_or_default()
}

#[test]
fn it_has_the_same_services_and_polder() {
    let mut expected: BTreeSet<String> = services::names().map(str::to_owned).collect();
    expected.insert("polder".to_owned());
    assert_eq!(keys(&compose()["services"]), expected);
}

#[test]
fn it_has_the_same_versions() {
    let services = &compose()["services"];
    assert_eq!(services["kafka"]["image"], format!("apache/kafka:{}", kafka::VERSION));
    assert_eq!(services["postgres"]["image"], format!("postgres:{}", postgres::VERSION));
    assert_eq!(
        services["versitygw"]["image"],
        format!("versity/versitygw:{}", versitygw::VERSION)
    );
    assert_eq!(
        services["apicurio"]["image"],
        format!("apicurio/apicurio-registry-mem:{}", apicurio::VERSION)
    );
}

#[test]
fn every_port_is_on_loopback_and_the_one_that_xtask_prefers() {
    let compose = compose();
    for (name, port) in services::preferred_ports() {
        let published = compose["services"][name]["ports"][0].as_str().unwrap();
        assert!(
            published.starts_with(&format!("127.0.0.1:{port}:")),
            "{name}: {published}"
        );
        assert_eq!(
            compose["services"][name]["ports"].as_array().unwrap().len(),
            1,
            "{name}"
        );
    }
}

/// The parts of the Compose specification (<https://github.com/compose-spec/compose-spec/blob/main/05-services.md>) that
/// the file uses: a key that is not among them is a slip of the pen, or belongs on this list.
#[test]
fn it_keeps_to_the_compose_specification() {
    let compose = compose();
    assert!(
        keys(&compose)
            .iter()
            .all(|key| ["name", "services", "volumes"].contains(&key.as_str()))
    );
    let known = [
        "build",
        "command",
        "depends_on",
        "entrypoint",
        "environment",
        "healthcheck",
        "image",
        "ports",
        "profiles",
        "volumes",
    ];
    for (name, service) in compose["services"].as_object().unwrap() {
        for key in keys(service) {
            assert!(known.contains(&key.as_str()), "{name}: {key}");
        }
        assert!(
            service["image"].is_string() != service["build"].is_object(),
            "{name}: an image or a build"
        );
        for (variable, value) in service["environment"].as_object().into_iter().flatten() {
            assert!(
                value.is_string(),
                "{name}: {variable} must be text, or YAML makes it something else"
            );
        }
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let (volume, _) = volume.as_str().unwrap().split_once(':').unwrap();
            assert!(
                keys(&compose["volumes"]).contains(volume),
                "{name}: the volume {volume} is not declared"
            );
        }
        for (other, how) in service["depends_on"].as_object().into_iter().flatten() {
            assert_eq!(how["condition"], "service_healthy", "{name}: {other}");
            assert!(
                compose["services"][other]["healthcheck"]["test"].is_array(),
                "{name}: {other} has no health check"
            );
        }
    }
}

#[test]
fn polder_is_built_from_files_that_are_there() {
    let build = &compose()["services"]["polder"]["build"];
    assert_eq!(build["context"], ".");
    let dockerfile = root().join(build["dockerfile"].as_str().unwrap());
    let text = fs::read_to_string(dockerfile).unwrap();
    let copied = text
        .lines()
        .filter_map(|line| line.strip_prefix("COPY --chown=polder ")?.split(' ').next());
    let copied: Vec<&str> = copied.collect();
    assert_eq!(copied, ["polder.yaml", "contracts", "pipelines", "catalog"]);
    for path in copied {
        assert!(root().join(path).exists(), "{path}");
    }
}

#[test]
fn polder_reaches_the_services_by_their_names() {
    let compose = compose();
    let environment = compose["services"]["polder"]["environment"].as_object().unwrap();
    for service in services::names() {
        let named = |value: &Value| value.as_str().unwrap().contains(&format!("{service}:"));
        assert!(environment.values().any(named), "nothing points to {service}");
    }
    let key = &compose["services"]["versitygw"]["environment"];
    assert_eq!(
        environment["POLDER_LAKE__OPTIONS__AWS_ACCESS_KEY_ID"],
        key["ROOT_ACCESS_KEY"]
    );
    assert_eq!(
        environment["POLDER_LAKE__OPTIONS__AWS_SECRET_ACCESS_KEY"],
        key["ROOT_SECRET_KEY"]
    );
}
