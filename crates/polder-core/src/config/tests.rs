use std::collections::BTreeMap;
use std::fs;

use super::*;

const FULL: &str = "\
name: shop
lake:
  location: s3://shop/lake
  options: {aws_endpoint: \"http://localhost:7070\", aws_access_key_id: \"${env:KEY}\"}
catalog:
  database: postgres://polder:${file:password}@localhost/catalog
kafka:
  brokers: broker:9092
  properties: {security.protocol: ssl, linger.ms: 5}
registry:
  url: https://registry:8081
  username: shop
  password: \"${file:password}\"
engine:
  memory: 2GiB
";

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Mesh> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE_NAME), text).unwrap();
    fs::write(folder.path().join("password"), "s3cret\n").unwrap();
    let variables: BTreeMap<_, _> = variables
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let names: Vec<_> = variables.keys().cloned().collect();
    Mesh::load_with(folder.path(), |name| variables.get(name).cloned(), names)
}

fn refusals(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let error = load(text, variables).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Document);
    let line = |d: &Diagnostic| match &d.help {
        Some(help) => format!("{d} ({help})"),
        None => d.to_string(),
    };
    error.diagnostics().iter().map(line).collect()
}

#[test]
fn a_full_configuration_is_read() {
    let config = load(FULL, &[("KEY", "id")]).unwrap().config;
    assert_eq!(config.name, "shop");
    assert_eq!(config.lake.location, "s3://shop/lake");
    assert_eq!(config.lake.options["aws_access_key_id"].expose(), "id");
    assert_eq!(
        config.catalog.database.expose(),
        "postgres://polder:s3cret@localhost/catalog"
    );
    assert_eq!(config.kafka.properties["linger.ms"].expose(), "5");
    assert_eq!(config.registry.password.as_ref().unwrap().expose(), "s3cret");
    assert_eq!(config.engine.memory_bytes, 2 << 30);
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn what_has_a_usual_value_need_not_be_written() {
    let config = load("name: shop\nlake: {location: .polder/lake}\n", &[])
        .unwrap()
        .config;
    assert_eq!(config.catalog.database.expose(), "sqlite:.polder/catalog.db");
    assert_eq!(config.kafka.brokers, "localhost:9092");
    assert_eq!(config.registry.url, "http://localhost:8081");
    assert_eq!(config.engine.memory_bytes, 1 << 30);
}

#[test]
fn the_environment_overrides_every_value() {
    let variables = [
        ("POLDER_NAME", "other"),
        ("POLDER_LAKE__LOCATION", "elsewhere"),
        ("POLDER_LAKE__OPTIONS__AWS_REGION", "eu-west-1"),
        ("POLDER_LAKE__OPTIONS__AWS_ACCESS_KEY_ID", "from-env"),
        ("POLDER_CATALOG__DATABASE", "sqlite:x.db"),
        ("POLDER_KAFKA__BROKERS", "a:1,b:2"),
        ("POLDER_KAFKA__PROPERTIES__SECURITY_PROTOCOL", "sasl_ssl"),
        ("POLDER_REGISTRY__URL", "http://r:1"),
        ("POLDER_REGISTRY__USERNAME", "${env:WHO}"),
        ("POLDER_REGISTRY__PASSWORD", "p"),
        ("POLDER_ENGINE__MEMORY", "64MiB"),
        ("WHO", "me"),
        ("POLDER_DATA", "not a setting of the mesh"),
    ];
    // The reference ${env:KEY} in the file is not looked at, since its value is overridden.
    let config = load(FULL, &variables).unwrap().config;
    assert_eq!(
        (config.name.as_str(), config.lake.location.as_str()),
        ("other", "elsewhere")
    );
    assert_eq!(config.lake.options["aws_region"].expose(), "eu-west-1");
    assert_eq!(config.lake.options["aws_access_key_id"].expose(), "from-env");
    assert_eq!(config.lake.options["aws_endpoint"].expose(), "http://localhost:7070");
    assert_eq!(config.catalog.database.expose(), "sqlite:x.db");
    assert_eq!(config.kafka.brokers, "a:1,b:2");
    assert_eq!(config.kafka.properties["security.protocol"].expose(), "sasl_ssl");
    assert_eq!(config.registry.url, "http://r:1");
    assert_eq!(config.registry.username.unwrap().expose(), "me");
    assert_eq!(config.registry.password.unwrap().expose(), "p");
    assert_eq!(config.engine.memory_bytes, 64 << 20);
}

#[test]
fn everything_wrong_in_the_file_is_told_with_its_place() {
    let text = "nam: shop\nlake:\n  lokation: x\nengine:\n  memory: lots\nkafka: [a]\nregistry:\n  url: {}\n";
    assert_eq!(
        refusals(text, &[]),
        [
            "polder.yaml:1:1: `nam` is not known (did you mean `name`?)",
            "polder.yaml:1:1: `name` is missing (add it, or set POLDER_NAME)",
            "polder.yaml:3:3: `lake.lokation` is not known (did you mean `location`?)",
            "polder.yaml:3:3: `lake.location` is missing (add it, or set POLDER_LAKE__LOCATION)",
            "polder.yaml:5:11: `engine.memory`: `lots` is not a size (write a size as 512KiB, 64MiB or 1GiB)",
            "polder.yaml:6:8: `kafka` must be a mapping, but is a list",
            "polder.yaml:8:8: `registry.url` must be text, but is a mapping",
        ]
    );
}

#[test]
fn a_wrong_value_of_the_environment_names_its_variable() {
    let minimal = "name: shop\nlake: {location: x}\n";
    assert_eq!(
        refusals(
            minimal,
            &[("POLDER_ENGINE__MEMORY", "lots"), ("POLDER_REGISTRY__URL", "nowhere")]
        ),
        [
            "environment: the variable POLDER_REGISTRY__URL: not an address (write http://host:port or https://host:port)",
            "environment: the variable POLDER_ENGINE__MEMORY: `lots` is not a size (write a size as 512KiB, 64MiB or 1GiB)",
        ]
    );
    assert_eq!(
        refusals(minimal, &[("POLDER_KAFKA__BROKER", "x")]),
        [
            "environment: the variable POLDER_KAFKA__BROKER sets nothing that there is (did you mean POLDER_KAFKA__BROKERS?)"
        ]
    );
}

#[test]
fn a_reference_that_leads_nowhere_is_refused() {
    let text = "name: shop\nlake: {location: x}\nregistry: {password: \"${file:none}\", username: \"${env:NONE}\", url: \"${x}\"}\n";
    let refusals = refusals(text, &[]);
    assert_eq!(refusals.len(), 3, "{refusals:?}");
    assert!(
        refusals[0].starts_with("polder.yaml:3:22: cannot read the file none"),
        "{refusals:?}"
    );
    assert!(
        refusals[1].starts_with("polder.yaml:3:48: the variable NONE is not set"),
        "{refusals:?}"
    );
    let escaped = load("name: $${shop}\nlake: {location: x}\n", &[]).unwrap();
    assert_eq!(escaped.config.name, "${shop}");
}

#[test]
fn stores_and_databases_that_nobody_knows_are_refused() {
    let refusals = refusals(
        "name: s\nlake: {location: \"ftp://x/y\"}\ncatalog: {database: \"mysql://u:hidden@h/d\"}\n",
        &[],
    );
    assert_eq!(refusals.len(), 2);
    assert!(refusals[0].contains("`ftp://` is no store"), "{refusals:?}");
    assert!(!refusals[1].contains("hidden"), "{refusals:?}");
}

#[test]
fn a_mesh_is_found_from_any_folder_below_its_root() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    assert_eq!(Mesh::find(&below).unwrap_err().kind(), ErrorKind::NotFound);
    fs::write(folder.path().join(FILE_NAME), "name: shop\nlake: {location: x}\n").unwrap();
    assert_eq!(Mesh::find(&below).unwrap().root, folder.path());
}

#[test]
fn declared_files_come_sorted_with_their_domain() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "a: 1\n").unwrap();
    };
    fs::write(folder.path().join(FILE_NAME), "name: shop\nlake: {location: x}\n").unwrap();
    for path in [
        "contracts/sales/b.odcs.yaml",
        "contracts/sales/a.odcs.yaml",
        "contracts/finance/z.odcs.yaml",
        "contracts/sales/x.md",
    ] {
        write(path);
    }
    let mesh = Mesh::load_with(folder.path(), |_| None, []).unwrap();
    let found = mesh.sources("contracts", ".odcs.yaml").unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|(domain, source)| (domain.as_str(), source.path.to_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            ("finance", "contracts/finance/z.odcs.yaml"),
            ("sales", "contracts/sales/a.odcs.yaml"),
            ("sales", "contracts/sales/b.odcs.yaml"),
        ]
    );
    assert!(mesh.sources("pipelines", ".yaml").unwrap().is_empty());
    write("contracts/stray.odcs.yaml");
    write("contracts/Bad-Name/x.odcs.yaml");
    write("contracts/sales/old/deeper/x.odcs.yaml");
    let error = mesh.sources("contracts", ".odcs.yaml").unwrap_err();
    let files: Vec<_> = error.diagnostics().iter().map(|wrong| wrong.file.as_path()).collect();
    let expected = [
        "contracts/Bad-Name/x.odcs.yaml",
        "contracts/sales/old/deeper/x.odcs.yaml",
        "contracts/stray.odcs.yaml",
    ];
    assert_eq!(files, expected.map(Path::new));
}

#[test]
fn a_file_that_cannot_be_read_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path().join("contracts/shop");
    fs::create_dir_all(shop.join("d.odcs.yaml")).unwrap();
    fs::write(folder.path().join(FILE_NAME), "name: shop\nlake: {location: x}\n").unwrap();
    fs::write(shop.join("good.odcs.yaml"), "a: 1\n").unwrap();
    fs::write(shop.join("latin.odcs.yaml"), b"a: caf\xe9\n").unwrap();
    fs::write(shop.join("wide.odcs.yaml"), b"\xff\xfea\0").unwrap();
    fs::write(folder.path().join("contracts/stray.odcs.yaml"), "a: 1\n").unwrap();
    let mesh = Mesh::load_with(folder.path(), |_| None, []).unwrap();
    let (found, wrong) = mesh.readable("contracts", ".odcs.yaml");
    let names = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let found: Vec<_> = found.iter().map(|(_, source)| names(&source.path)).collect();
    assert_eq!(found, ["good.odcs.yaml"]);
    let wrong: Vec<_> = wrong
        .iter()
        .map(|found| (names(&found.file), found.code.as_ref()))
        .collect();
    let expected = [
        ("stray.odcs.yaml", "misplaced-file"),
        ("d.odcs.yaml", "unreadable"),
        ("latin.odcs.yaml", "encoding"),
        ("wide.odcs.yaml", "encoding"),
    ];
    assert_eq!(wrong, expected.map(|(name, code)| (name.to_owned(), code)));
    let error = mesh.sources("contracts", ".odcs.yaml").unwrap_err();
    assert_eq!((error.kind(), error.diagnostics().len()), (ErrorKind::Document, 4));
    let all = mesh.files("contracts", |name| name.contains("odcs"));
    assert_eq!(all.len(), 5, "{all:?}");
}
