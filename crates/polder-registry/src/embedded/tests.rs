//! The embedded registry's answers on the wire. Expected bodies and codes are those of Confluent's API reference.

use reqwest::Method;
use serde_json::{Value, json};

use super::*;

const ORDER: &str = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}"#;

struct Wire {
    server: Embedded,
    http: reqwest::Client,
}

impl Wire {
    async fn start() -> Self {
        Self {
            server: Embedded::start().await.unwrap(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.server.url()));
        if let Some(body) = body {
            request = request.header("content-type", api::MEDIA_TYPE).body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], api::MEDIA_TYPE, "{path}");
        (
            answer.status().as_u16(),
            serde_json::from_str(&answer.text().await.unwrap()).unwrap(),
        )
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, None).await
    }

    async fn refusal(&self, method: Method, path: &str, body: Option<Value>) -> (u16, u64) {
        let (status, answer) = self.call(method, path, body).await;
        assert!(answer["message"].is_string(), "{path}: {answer}");
        (status, answer["error_code"].as_u64().unwrap())
    }
}

#[tokio::test]
async fn a_subject_lists_its_versions_and_describes_them() {
    let wire = Wire::start().await;
    assert_eq!(wire.get("/subjects").await, (200, json!([])));
    let optional = ORDER.replace("]", r#",{"name":"note","type":"string","default":""}]"#);
    for (schema, id) in [(ORDER, 1), (ORDER, 1), (optional.as_str(), 2)] {
        let posted = wire
            .call(Method::POST, "/subjects/a/versions", Some(json!({ "schema": schema })))
            .await;
        assert_eq!(posted, (200, json!({ "id": id })));
    }
    assert_eq!(wire.get("/subjects").await, (200, json!(["a"])));
    assert_eq!(wire.get("/subjects/a/versions").await, (200, json!([1, 2])));
    let first = json!({ "subject": "a", "version": 1, "id": 1, "schema": ORDER });
    assert_eq!(wire.get("/subjects/a/versions/1").await, (200, first.clone()));
    assert_eq!(wire.get("/subjects/a/versions/latest").await.1["version"], 2);
    assert_eq!(
        wire.get("/schemas/ids/1?deleted=true").await,
        (200, json!({ "schema": ORDER }))
    );
    let looked_up = wire
        .call(
            Method::POST,
            "/subjects/a?deleted=false",
            Some(json!({ "schema": ORDER })),
        )
        .await;
    assert_eq!(looked_up, (200, first));
}

#[tokio::test]
async fn what_is_missing_has_confluents_error_codes() {
    let wire = Wire::start().await;
    wire.call(Method::POST, "/subjects/a/versions", Some(json!({ "schema": ORDER })))
        .await;
    let cases = [
        (Method::GET, "/subjects/b/versions", None, (404, 40_401)),
        (Method::GET, "/subjects/b/versions/latest", None, (404, 40_401)),
        (Method::GET, "/subjects/a/versions/2", None, (404, 40_402)),
        (Method::GET, "/subjects/a/versions/0", None, (422, 42_202)),
        (Method::GET, "/subjects/a/versions/newest", None, (422, 42_202)),
        (Method::GET, "/schemas/ids/9", None, (404, 40_403)),
        (
            Method::POST,
            "/subjects/b",
            Some(json!({ "schema": ORDER })),
            (404, 40_401),
        ),
        (
            Method::POST,
            "/subjects/a",
            Some(json!({ "schema": "\"long\"" })),
            (404, 40_403),
        ),
        (
            Method::POST,
            "/subjects/a/versions",
            Some(json!({ "schema": "{\"type\":\"x\"}" })),
            (422, 42_201),
        ),
        (
            Method::POST,
            "/subjects/a/versions",
            Some(json!({ "schema": ORDER, "schemaType": "JSON" })),
            (422, 42_201),
        ),
        (Method::POST, "/subjects/a/versions", Some(json!({})), (422, 42_201)),
        (Method::GET, "/config/a", None, (404, 40_408)),
        (
            Method::PUT,
            "/config",
            Some(json!({ "compatibility": "SIDEWAYS" })),
            (422, 42_203),
        ),
        (Method::GET, "/nothing", None, (404, 404)),
        (Method::DELETE, "/subjects", None, (405, 405)),
    ];
    for (method, path, body, expected) in cases {
        assert_eq!(
            wire.refusal(method.clone(), path, body).await,
            expected,
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn compatibility_levels_are_stored_and_obeyed() {
    let wire = Wire::start().await;
    assert_eq!(
        wire.get("/config").await,
        (200, json!({ "compatibilityLevel": "BACKWARD" }))
    );
    wire.call(Method::POST, "/subjects/a/versions", Some(json!({ "schema": ORDER })))
        .await;
    let wider = json!({ "schema": ORDER.replace("]", r#",{"name":"total","type":"long"}]"#) });
    let tested = wire
        .call(
            Method::POST,
            "/compatibility/subjects/a/versions/latest",
            Some(wider.clone()),
        )
        .await;
    assert_eq!((tested.0, &tested.1["is_compatible"]), (200, &json!(false)));
    assert_eq!(
        wire.refusal(Method::POST, "/subjects/a/versions", Some(wider.clone()))
            .await,
        (409, 409)
    );

    let set = wire
        .call(Method::PUT, "/config/a", Some(json!({ "compatibility": "FORWARD" })))
        .await;
    assert_eq!(set, (200, json!({ "compatibility": "FORWARD" })));
    assert_eq!(
        wire.get("/config/a").await,
        (200, json!({ "compatibilityLevel": "FORWARD" }))
    );
    assert_eq!(
        wire.call(Method::POST, "/subjects/a/versions", Some(wider)).await,
        (200, json!({ "id": 2 }))
    );

    wire.call(Method::PUT, "/config", Some(json!({ "compatibility": "NONE" })))
        .await;
    assert_eq!(
        wire.get("/config/b?defaultToGlobal=true").await,
        (200, json!({ "compatibilityLevel": "NONE" }))
    );
}
