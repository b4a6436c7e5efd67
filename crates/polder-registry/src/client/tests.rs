//! The client against the embedded registry, and against servers that misbehave.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;

use super::*;
use crate::Embedded;

const ORDER: &str = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}"#;

fn config(url: impl Into<String>) -> RegistryConfig {
    RegistryConfig {
        url: url.into(),
        username: None,
        password: None,
    }
}

fn client(url: impl Into<String>) -> Registry {
    Registry::connect(&config(url)).unwrap()
}

/// Serves the router on loopback until the test's runtime ends.
async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn a_registered_schema_is_found_by_its_id() {
    let server = Embedded::start().await.unwrap();
    let registry = client(server.url());
    registry.probe().await.unwrap();
    let id = registry.register("orders-value", ORDER).await.unwrap();
    assert_eq!(registry.register("orders-value", ORDER).await.unwrap(), id);
    let schema = registry.schema(id).await.unwrap();
    assert_eq!((schema.id, &schema.kind), (Some(id), &SchemaKind::Avro));
    assert_eq!(schema.text, ORDER);
}

#[tokio::test]
async fn subjects_may_hold_any_character() {
    let server = Embedded::start().await.unwrap();
    let registry = client(format!("{}/", server.url()));
    let id = registry.register("a/b c?d#e%2F-ü", ORDER).await.unwrap();
    let asked = reqwest::get(format!("{}/schemas/ids/{id}/versions", server.url()))
        .await
        .unwrap();
    assert_eq!(
        asked.text().await.unwrap(),
        r#"[{"subject":"a/b c?d#e%2F-ü","version":1}]"#
    );
}

#[tokio::test]
async fn a_schema_seen_once_outlives_the_registry() {
    let server = Embedded::start().await.unwrap();
    let registry = client(server.url());
    let id = registry.register("orders-value", ORDER).await.unwrap();
    let first = registry.schema(id).await.unwrap();
    server.stop().await;
    assert!(Arc::ptr_eq(&first, &registry.clone().schema(id).await.unwrap()));

    let error = registry.schema(id + 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.report().contains(registry.url()), "{}", error.report());
    assert_eq!(registry.probe().await.unwrap_err().kind(), ErrorKind::Unreachable);
    assert_eq!(
        registry.register("other", ORDER).await.unwrap_err().kind(),
        ErrorKind::Unreachable
    );
}

#[tokio::test]
async fn an_unknown_id_is_asked_for_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let unknown = async move || {
        counter.fetch_add(1, Ordering::SeqCst);
        (
            StatusCode::NOT_FOUND,
            r#"{"error_code":40403,"message":"Schema 7 not found"}"#,
        )
    };
    let registry = client(serve(Router::new().route("/schemas/ids/7", get(unknown))).await);
    for _ in 0..3 {
        let error = registry.schema(7).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("schema 7"), "{error}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn an_unknown_id_is_asked_for_again_after_a_while() {
    let mut cache = Cache::default();
    let start = Instant::now();
    cache.keep_missing(7.into(), start);
    assert!(
        cache
            .look_up(7.into(), start + UNKNOWN_FOR - Duration::from_millis(1))
            .is_some()
    );
    assert!(cache.look_up(7.into(), start + UNKNOWN_FOR).is_none());
}

/// As the registry's own clients write it.
const GUID: &str = "/schemas/guids/cc0e0e0e-53c1-4a1a-8f1a-000000000001";

fn guid() -> SchemaName {
    SchemaName::Guid(0xcc0e_0e0e_53c1_4a1a_8f1a_0000_0000_0001_u128.to_be_bytes())
}

/// What is answered to the first path, and to all others but the subjects; with how often the first was asked for.
async fn by_guid(answer: (StatusCode, &'static str)) -> (Registry, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let answers = async move || {
        counter.fetch_add(1, Ordering::SeqCst);
        answer
    };
    let router = Router::new()
        .route(GUID, get(answers))
        .route("/subjects", get(async || "[]"))
        .fallback(async || {
            (
                StatusCode::NOT_FOUND,
                r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#,
            )
        });
    (client(serve(router).await), asked)
}

#[tokio::test]
async fn a_schema_is_found_by_its_guid_and_kept() {
    let answer = r#"{"guid":"cc0e0e0e-53c1-4a1a-8f1a-000000000001","schema":"\"string\""}"#;
    let (registry, asked) = by_guid((StatusCode::OK, answer)).await;
    for _ in 0..2 {
        let schema = registry.schema(guid()).await.unwrap();
        assert_eq!((schema.id, schema.text.as_str()), (None, "\"string\""));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let (registry, _) = by_guid((StatusCode::OK, r#"{"id":12,"schema":"\"string\""}"#)).await;
    assert_eq!(registry.schema(guid()).await.unwrap().id, Some(12));
}

#[tokio::test]
async fn a_guid_that_is_unknown_is_told_from_a_registry_without_guids_and_from_none_at_all() {
    let unknown = r#"{"error_code":40403,"message":"Schema not found"}"#;
    let (registry, asked) = by_guid((StatusCode::NOT_FOUND, unknown)).await;
    for _ in 0..2 {
        let error = registry.schema(guid()).await.unwrap_err();
        assert_eq!((error.kind(), error.help()), (ErrorKind::NotFound, None));
        assert!(
            error.to_string().contains("cc0e0e0e-53c1-4a1a-8f1a-000000000001"),
            "{error}"
        );
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    let (registry, asked) = by_guid((StatusCode::NOT_FOUND, "<html>no such page</html>")).await;
    for name in [guid(), guid(), SchemaName::Guid([7; 16])] {
        let error = registry.schema(name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.help().unwrap().contains("no schemas by GUID"), "{error:?}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    let nothing = Router::new().fallback(async || (StatusCode::NOT_FOUND, ""));
    let error = client(serve(nothing).await).schema(guid()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{}", error.report());
}

#[tokio::test]
async fn answers_are_told_apart() {
    let cases: [(StatusCode, &str, ErrorKind); 8] = [
        (
            StatusCode::UNAUTHORIZED,
            r#"{"error_code":40101,"message":"Unauthorized"}"#,
            ErrorKind::Refused,
        ),
        (StatusCode::FORBIDDEN, "<html>no</html>", ErrorKind::Refused),
        (StatusCode::NOT_FOUND, "<html>no such page</html>", ErrorKind::Refused),
        (StatusCode::OK, "<html>a web site</html>", ErrorKind::Refused),
        (StatusCode::OK, "{}", ErrorKind::Refused),
        (StatusCode::SERVICE_UNAVAILABLE, "", ErrorKind::Unreachable),
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            r#"{"error_code":50001,"message":"store"}"#,
            ErrorKind::Unreachable,
        ),
        (
            StatusCode::TOO_MANY_REQUESTS,
            r#"{"error_code":42901,"message":"slow"}"#,
            ErrorKind::Unreachable,
        ),
    ];
    for (status, body, kind) in cases {
        let registry = client(serve(Router::new().fallback(async move || (status, body))).await);
        let error = registry.schema(1).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {body}: {}", error.report());
    }
}

#[tokio::test]
async fn a_refused_registration_carries_the_registrys_reason() {
    let server = Embedded::start().await.unwrap();
    let registry = client(server.url());
    let invalid = registry.register("a", r#"{"type":"record"}"#).await.unwrap_err();
    assert_eq!(invalid.kind(), ErrorKind::Refused);
    assert!(invalid.to_string().contains("Invalid schema"), "{invalid}");

    registry.register("a", ORDER).await.unwrap();
    let wider = ORDER.replace("]", r#",{"name":"total","type":"long"}]"#);
    let incompatible = registry.register("a", &wider).await.unwrap_err();
    assert_eq!(incompatible.kind(), ErrorKind::Refused);
    assert!(incompatible.to_string().contains("incompatible"), "{incompatible}");
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    // printf 'polder:s3cret/@' | base64
    const BASIC: &str = "Basic cG9sZGVyOnMzY3JldC9A";
    let guarded = async |headers: HeaderMap| {
        let given = headers.get("authorization").and_then(|value| value.to_str().ok());
        if given == Some(BASIC) {
            (StatusCode::OK, "[]")
        } else {
            (StatusCode::UNAUTHORIZED, "")
        }
    };
    let url = serve(Router::new().route("/subjects", get(guarded))).await;
    let host = url.trim_start_matches("http://");

    let configured = RegistryConfig {
        url: url.clone(),
        username: Some("polder".into()),
        password: Some("s3cret/@".into()),
    };
    let in_address = config(format!("http://polder:s3cret%2F%40@{host}"));
    for config in [&configured, &in_address] {
        let registry = Registry::connect(config).unwrap();
        registry.probe().await.unwrap();
        assert_eq!(registry.url(), url);
        let error = registry.schema(1).await.unwrap_err();
        for shown in [format!("{registry:?}"), error.report(), format!("{error:?}")] {
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }

    let wrong = RegistryConfig {
        password: Some("wrong-word".into()),
        ..configured
    };
    let error = Registry::connect(&wrong).unwrap().probe().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.help().unwrap().contains("registry.password"));
    assert!(!format!("{error:?}").contains("wrong-word"));
}

#[test]
fn an_address_that_is_none_is_refused_without_repeating_it() {
    for wrong in [
        "",
        "localhost:8081",
        "ftp://me:s3cret@host",
        "http://",
        "http://me:s3cret@host:99999",
    ] {
        let error = Registry::connect(&config(wrong)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Document, "{wrong}");
        assert!(!error.report().contains("s3cret"), "{}", error.report());
    }
    let no_user = RegistryConfig {
        password: Some("x".into()),
        ..config("http://localhost")
    };
    assert_eq!(Registry::connect(&no_user).unwrap_err().kind(), ErrorKind::Document);
}

#[tokio::test]
async fn a_schema_comes_with_the_types_it_refers_to() {
    let server = Embedded::start().await.unwrap();
    let registry = client(server.url());
    let money = r#"{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"cents","type":"long"}]}"#;
    registry.register("money/eur", money).await.unwrap();
    let order = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"net","type":"Money"}]}"#;
    let body = serde_json::json!({
        "schema": order,
        "references": [{ "name": "shop.Money", "subject": "money/eur", "version": 1 }],
    });
    let posted = reqwest::Client::new()
        .post(format!("{}/subjects/order/versions", server.url()))
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(posted.text().await.unwrap(), r#"{"id":2}"#);
    let text = registry.schema(2).await.unwrap().text.clone();
    assert_eq!(text, order.replace(r#""Money""#, money));
}

#[tokio::test]
async fn a_registry_of_another_maker_answers_alike() {
    let Some(url) = polder_testkit::skip::variable("polder-registry", "POLDER_REGISTRY__URL", "schema registry") else {
        return;
    };
    // The process's id keeps runs on one server apart; a schema of its own, so that its id is new to the server.
    let unique = format!("Order{}", std::process::id());
    let order = ORDER.replace("Order", &unique);
    let registry = client(url);
    registry.probe().await.unwrap();
    let subject = format!("polder test/{unique}-value");
    let id = registry.register(&subject, &order).await.unwrap();
    assert_eq!(registry.register(&subject, &order).await.unwrap(), id);
    let schema = registry.schema(id).await.unwrap();
    assert_eq!(schema.kind, SchemaKind::Avro);
    let parsed = |text: &str| apache_avro::Schema::parse_str(text).unwrap();
    assert_eq!(parsed(&schema.text), parsed(&order));
    let unknown = registry.schema(2_000_000_000).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound, "{}", unknown.report());
    // Whether it knows GUIDs or not: nobody has this one.
    let unknown = registry.schema(SchemaName::Guid([7; 16])).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound, "{}", unknown.report());
    let invalid = registry.register(&subject, r#"{"type":"record"}"#).await.unwrap_err();
    assert_eq!(invalid.kind(), ErrorKind::Refused, "{}", invalid.report());
}
