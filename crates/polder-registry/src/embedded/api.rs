//! Confluent's HTTP API over the store: paths, bodies, statuses and error codes as its documentation gives them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::compatibility::Level;
use super::store::{Refusal, Store, Stored, Submitted, Version, Which};

pub(super) const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// Shared by all requests; never held across an await.
type Shared = State<Arc<Mutex<Store>>>;
type Answer = Result<Json, Refusal>;

/// A new, empty registry.
pub(super) fn routes() -> Router {
    Router::new()
        .route("/", get(async || Json(json!({}))))
        .route("/subjects", get(subjects))
        .route("/subjects/{subject}", post(look_up))
        .route("/subjects/{subject}/versions", get(versions).post(register))
        .route("/subjects/{subject}/versions/{version}", get(version))
        .route("/subjects/{subject}/versions/{version}/schema", get(version_text))
        .route("/schemas/ids/{id}", get(schema))
        .route("/schemas/ids/{id}/versions", get(uses))
        .route("/schemas/types", get(async || Json(json!(["AVRO"]))))
        .route("/compatibility/subjects/{subject}/versions/{version}", post(test))
        .route("/config", get(level).put(set_level))
        .route("/config/{subject}", get(subject_level).put(set_subject_level))
        .fallback(async || Refusal::new(404, 404, "HTTP 404 Not Found"))
        .method_not_allowed_fallback(async || Refusal::new(405, 405, "HTTP 405 Method Not Allowed"))
        .with_state(Arc::default())
}

async fn subjects(State(store): Shared) -> Json {
    Json(json!(lock(&store).subjects()))
}

async fn versions(State(store): Shared, Path(subject): Path<String>) -> Answer {
    let numbers: Vec<u32> = lock(&store)
        .versions(&subject)?
        .iter()
        .map(|version| version.version)
        .collect();
    Ok(Json(json!(numbers)))
}

async fn register(State(store): Shared, Path(subject): Path<String>, body: Bytes) -> Answer {
    let id = lock(&store).register(&subject, &read::<Submitted>(&body)?)?;
    Ok(Json(json!({ "id": id })))
}

async fn look_up(State(store): Shared, Path(subject): Path<String>, body: Bytes) -> Answer {
    let store = lock(&store);
    let version = store.look_up(&subject, &read::<Submitted>(&body)?)?;
    describe(&subject, version, store.schema(version.id)?)
}

async fn version(State(store): Shared, Path((subject, number)): Path<(String, String)>) -> Answer {
    let store = lock(&store);
    let version = store.version(&subject, which(&number)?)?;
    describe(&subject, version, store.schema(version.id)?)
}

async fn version_text(State(store): Shared, Path((subject, number)): Path<(String, String)>) -> Answer {
    let store = lock(&store);
    let version = store.version(&subject, which(&number)?)?;
    let text = &store.schema(version.id)?.text;
    // The text was JSON when it was stored.
    Ok(Json(serde_json::from_str(text).unwrap_or_default()))
}

async fn schema(State(store): Shared, Path(id): Path<String>) -> Answer {
    let store = lock(&store);
    let stored = store.schema(schema_id(&id)?)?;
    let mut answer = json!({ "schema": stored.text });
    if !stored.references.is_empty() {
        answer["references"] = json!(stored.references);
    }
    Ok(Json(answer))
}

async fn uses(State(store): Shared, Path(id): Path<String>) -> Answer {
    let uses = lock(&store).uses(schema_id(&id)?)?;
    let rows = uses
        .iter()
        .map(|(subject, version)| json!({ "subject": subject, "version": version }));
    Ok(Json(rows.collect()))
}

async fn test(State(store): Shared, Path((subject, number)): Path<(String, String)>, body: Bytes) -> Answer {
    let objection = lock(&store).test(&subject, which(&number)?, &read::<Submitted>(&body)?)?;
    Ok(Json(
        json!({ "is_compatible": objection.is_none(), "messages": Vec::from_iter(objection) }),
    ))
}

async fn level(State(store): Shared) -> Json {
    Json(json!({ "compatibilityLevel": lock(&store).level().as_str() }))
}

async fn set_level(State(store): Shared, body: Bytes) -> Answer {
    let level = read_level(&body)?;
    lock(&store).set_level(level);
    Ok(Json(json!({ "compatibility": level.as_str() })))
}

async fn subject_level(State(store): Shared, Path(subject): Path<String>, uri: Uri) -> Answer {
    let store = lock(&store);
    let or_global = uri
        .query()
        .is_some_and(|query| query.split('&').any(|pair| pair == "defaultToGlobal=true"));
    let level = if or_global {
        store.level_or_global(&subject)
    } else {
        store.subject_level(&subject)?
    };
    Ok(Json(json!({ "compatibilityLevel": level.as_str() })))
}

async fn set_subject_level(State(store): Shared, Path(subject): Path<String>, body: Bytes) -> Answer {
    let level = read_level(&body)?;
    lock(&store).set_subject_level(&subject, level);
    Ok(Json(json!({ "compatibility": level.as_str() })))
}

fn describe(subject: &str, version: Version, stored: &Stored) -> Answer {
    let mut answer = json!({ "subject": subject, "version": version.version, "id": version.id, "schema": stored.text });
    if !stored.references.is_empty() {
        answer["references"] = json!(stored.references);
    }
    Ok(Json(answer))
}

fn which(text: &str) -> Result<Which, Refusal> {
    if matches!(text, "latest" | "-1") {
        return Ok(Which::Latest);
    }
    let number = text
        .parse::<u32>()
        .ok()
        .filter(|number| (1..=i32::MAX as u32).contains(number));
    number.map(Which::Number).ok_or_else(|| {
        let allowed = "Allowed values are between [1, 2^31-1] and the string \"latest\"";
        Refusal::new(
            422,
            42_202,
            format!("The specified version '{text}' is not a valid version id. {allowed}"),
        )
    })
}

fn schema_id(text: &str) -> Result<u32, Refusal> {
    // Confluent's server answers what is no number as a path that it does not know.
    text.parse().map_err(|_| Refusal::new(404, 404, "HTTP 404 Not Found"))
}

fn read_level(body: &Bytes) -> Result<Level, Refusal> {
    let request: Value = read(body)?;
    let level = request
        .get("compatibility")
        .and_then(Value::as_str)
        .and_then(Level::parse);
    level.ok_or_else(|| {
        Refusal::new(
            422,
            42_203,
            "Invalid compatibility level. Valid values are none, backward, forward, full, \
            backward_transitive, forward_transitive, and full_transitive",
        )
    })
}

/// Reads a body whatever its content type says: clients send several.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|cause| match cause.classify() {
        // Well-formed, but e.g. without `schema`.
        serde_json::error::Category::Data => Refusal::new(422, 42_201, format!("Invalid request: {cause}")),
        _ => Refusal::new(400, 400, format!("Malformed request: {cause}")),
    })
}

fn lock(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    // A request that panicked changed the store either wholly or not at all.
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Json(Value);

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, MEDIA_TYPE)], self.0.to_string()).into_response()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (
            status,
            Json(json!({ "error_code": self.code, "message": self.message })),
        )
            .into_response()
    }
}
