//! The description of this listener, put together from what each handler says of itself and what holds for all of them: who may
//! ask, the parameters of a path, and the refusals that every route of a form can answer. Decides nothing about requests.

use super::routes::{Described, Entry, TABLE};
use crate::error::Problem;
use actix_web::{HttpResponse, http::header::ContentType};
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, sync::OnceLock};
use utoipa::{OpenApi, PartialSchema};

/// What an id in a path looks like, by its name; the others are numbers.
const TEXTS: [&str; 4] = ["connector_id", "name", "raw_event_id", "key"];
const NUMBERS: [&str; 5] = [
    "mapping_id",
    "session_token_id",
    "audit_id",
    "quarantine_id",
    "reconciliation_id",
];

/// What a refusal means wherever it is answered: status, name and description.
const REFUSALS: [(&str, &str, &str); 9] = [
    (
        "400",
        "Invalid",
        "The request does not have the form it must have.",
    ),
    (
        "401",
        "Unauthorized",
        "The admin token is missing or another.",
    ),
    (
        "403",
        "Forbidden",
        "A page of another origin may change nothing, and without an admin token the host must be an address or localhost.",
    ),
    ("404", "NotFound", "There is no such thing."),
    (
        "409",
        "Conflict",
        "It was changed meanwhile, or stands otherwise than the request supposes.",
    ),
    ("413", "BodyTooLarge", "The body is too large."),
    ("422", "Refused", "Understood, and against a rule."),
    ("429", "TooMany", "Too many; try again later."),
    (
        "503",
        "Unavailable",
        "The database is unavailable, or the server stops; try again later.",
    ),
];

/// The description of the API of this listener, in the form of OpenAPI 3.1.
#[utoipa::path(get, path = "/api/openapi.json", responses((status = 200, body = Value)))]
pub(super) async fn show() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(text())
}

/// The document as `docs/openapi.json` has it.
pub fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| format!("{:#}\n", document()))
}

fn document() -> Value {
    let mut document = json!(Described::openapi());
    document["info"] = json!({
        "title": "Heliograph, admin listener",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Administration and operation. Ids of Discord are decimal strings; names of times end in `_ms`: milliseconds \
            since 1970. Lists take `limit` and `after`. See docs/PROTOCOL.md.",
        "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
    });
    document["security"] = json!([{ "bearer": [] }, { "cookie": [] }]);
    let components = &mut document["components"];
    components["securitySchemes"] = json!({
        "bearer": { "type": "http", "scheme": "bearer", "description": "The admin token." },
        "cookie": { "type": "apiKey", "in": "cookie", "name": "heliograph_admin", "description": "Set by POST /api/session." },
    });
    components["schemas"]["Problem"] = json!(Problem::schema());
    let schemas = components["schemas"].clone();
    let asked = closure(&schemas, refs_below(&document["paths"], "requestBody"));
    let answers = document["components"]["schemas"].as_object_mut();
    for (name, schema) in answers.into_iter().flatten() {
        if !asked.contains(name) {
            always_there(schema);
        }
    }
    for (name, schema) in document["components"]["schemas"]
        .as_object_mut()
        .into_iter()
        .flatten()
    {
        if let Some(item) = name.strip_prefix("Listed_") {
            schema["properties"]["items"]["items"] =
                json!({ "$ref": format!("#/components/schemas/{item}") });
        }
    }
    document["components"]["responses"] = REFUSALS
        .iter()
        .map(|(status, name, description)| (*name, refusal(status, description)))
        .map(|(name, response)| (name.to_owned(), response))
        .collect::<Map<_, _>>()
        .into();
    for entry in TABLE {
        let path = entry.plain_path();
        complete(entry, &path, &mut document["paths"][&path][entry.method]);
    }
    let tags: BTreeSet<&str> = TABLE.iter().map(|entry| entry.module).collect();
    document["tags"] = tags.into_iter().map(|tag| json!({ "name": tag })).collect();
    document
}

impl Entry {
    /// The path without the patterns of its parameters.
    pub(super) fn plain_path(&self) -> String {
        self.path.replace(":.*}", "}")
    }
}

/// Adds to one operation what follows from its form.
fn complete(entry: &Entry, path: &str, operation: &mut Value) {
    operation["operationId"] = json!(format!("{}_{}", entry.module, entry.handler));
    operation["tags"] = json!([entry.module]);
    let in_path: Vec<&str> = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .collect();
    let mut parameters: Vec<Value> = in_path.iter().map(|name| path_parameter(name)).collect();
    if let Some(Value::Array(in_query)) = operation.get_mut("parameters").map(Value::take) {
        parameters.extend(in_query.into_iter().filter(|it| it["in"] != "path"));
    }
    let asks_by_query = parameters.len() > in_path.len();
    for parameter in &mut parameters {
        never_null(&mut parameter["schema"]);
    }
    let has_body = operation.get("requestBody").is_some();
    let is_open = operation["security"] == json!([{}]);
    let mut refusals = Vec::new();
    if asks_by_query || has_body {
        refusals.push("400");
    }
    if !is_open {
        refusals.extend(["401", "403", "503"]);
    }
    if !in_path.is_empty() {
        refusals.push("404");
    }
    if has_body {
        refusals.push("413");
    }
    if let Some(fields) = operation.as_object_mut() {
        fields.remove("parameters");
        if !parameters.is_empty() {
            fields.insert("parameters".to_owned(), Value::Array(parameters));
        }
    }
    let responses = &mut operation["responses"];
    for status in refusals {
        if responses.get(status).is_none() {
            responses[status] = json!({});
        }
    }
    for (status, response) in responses.as_object_mut().into_iter().flatten() {
        let says_nothing = response["description"].as_str().is_none_or(str::is_empty)
            && response.get("content").is_none();
        match REFUSALS.iter().find(|(refusal, ..)| refusal == status) {
            Some((_, name, _)) if says_nothing => {
                *response = json!({ "$ref": format!("#/components/responses/{name}") });
            }
            _ if response["description"].as_str().is_none_or(str::is_empty) => {
                response["description"] = json!(meaning(status));
            }
            _ => {}
        }
    }
}

fn refusal(status: &str, description: &str) -> Value {
    let mut response = json!({
        "description": description,
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    if matches!(status, "429" | "503") {
        response["headers"] = json!({ "Retry-After": { "schema": { "type": "integer" }, "description": "Seconds." } });
    }
    response
}

fn path_parameter(name: &str) -> Value {
    let schema = if TEXTS.contains(&name) {
        json!({ "type": "string", "minLength": 1 })
    } else if NUMBERS.contains(&name) {
        json!({ "type": "integer", "format": "int64" })
    } else {
        json!(heliograph_schema::ids::ChannelId::schema())
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

fn meaning(status: &str) -> &'static str {
    match status {
        "201" => "Made.",
        "202" => "Asked for.",
        "204" => "Done; there is nothing to say.",
        _ => "Done.",
    }
}

/// In an answer a field that may be `null` is there all the same; one that may be absent is marked as never `null`. Fields may be
/// added.
fn always_there(schema: &mut Value) {
    for part in schema
        .get_mut("allOf")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        always_there(part);
    }
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("additionalProperties");
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    let nullable: Vec<String> = properties
        .iter()
        .filter(|(_, it)| may_be_null(it))
        .map(|(name, _)| name.clone())
        .collect();
    let mut required: BTreeSet<String> = nullable.into_iter().collect();
    for name in schema["required"].as_array().into_iter().flatten() {
        required.extend(name.as_str().map(str::to_owned));
    }
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
}

fn may_be_null(schema: &Value) -> bool {
    let null = json!("null");
    match (&schema["type"], &schema["oneOf"]) {
        (Value::Array(types), _) => types.contains(&null),
        (_, Value::Array(of)) => of.iter().any(|it| it["type"] == null),
        (Value::Null, Value::Null) => schema.get("$ref").is_none() && schema.get("allOf").is_none(),
        _ => false,
    }
}

/// A parameter is there or is not.
fn never_null(schema: &mut Value) {
    if let Value::Array(types) = &mut schema["type"] {
        types.retain(|it| it != "null");
        if let [one] = &types[..] {
            schema["type"] = one.clone();
        }
    } else if let Value::Array(of) = &mut schema["oneOf"] {
        of.retain(|it| it["type"] != "null");
        if let [one] = &of[..] {
            *schema = one.clone();
        }
    }
    if let Some(fields) = schema.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
}

/// The schemas that are named anywhere below a field of this name.
fn refs_below(value: &Value, field: &str) -> BTreeSet<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| {
                if name == field {
                    refs(value)
                } else {
                    refs_below(value, field)
                }
            })
            .collect(),
        Value::Array(items) => items
            .iter()
            .flat_map(|value| refs_below(value, field))
            .collect(),
        _ => BTreeSet::new(),
    }
}

fn refs(value: &Value) -> BTreeSet<String> {
    let of_fields = |fields: &Map<String, Value>| fields.values().flat_map(refs).collect();
    match value {
        Value::Object(fields) => match fields.get("$ref").and_then(Value::as_str) {
            Some(name) => [name.rsplit('/').next().unwrap_or(name).to_owned()].into(),
            None => of_fields(fields),
        },
        Value::Array(items) => items.iter().flat_map(refs).collect(),
        _ => BTreeSet::new(),
    }
}

/// These schemas and all that they name.
fn closure(schemas: &Value, mut open: BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop_first() {
        open.extend(refs(&schemas[&name]));
        found.insert(name);
        open.retain(|name| !found.contains(name));
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::{env, fs, path::Path};

    /// The routes of the pages, which are no API.
    const PAGES: &str = "src/http/pages.rs";

    #[test]
    fn every_route_is_described_as_it_is_registered() {
        let described = json!(Described::openapi());
        let mut paths = BTreeSet::new();
        for (path, item) in described["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                paths.insert((method.clone(), path.clone()));
                let summary = operation["summary"].as_str().unwrap_or_default();
                assert!(
                    !summary.is_empty(),
                    "{method} {path} says nothing of itself"
                );
            }
        }
        let registered = TABLE
            .iter()
            .map(|entry| (entry.method.to_owned(), entry.plain_path()))
            .collect();
        assert_eq!(paths, registered);
        assert_eq!(registered.len(), TABLE.len(), "a route is there twice");
    }

    #[test]
    fn no_route_is_registered_beside_the_table() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let admin = fs::read_dir(here.join("src/http/admin")).unwrap();
        let mut files: Vec<_> = admin.map(|entry| entry.unwrap().path()).collect();
        files.push(here.join("src/http/operators.rs"));
        files.push(here.join("src/http/listeners.rs"));
        files.retain(|path| {
            path.is_file() && !path.ends_with("routes.rs") && !path.ends_with("tests.rs")
        });
        assert!(files.len() > 10 && here.join(PAGES).is_file());
        for path in files {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            let probes = code.matches(".route(\"/healthz\"").count()
                + code.matches(".route(\"/readyz\"").count();
            let beside =
                code.matches(".route(").count() + code.matches("web::resource(").count() - probes;
            assert_eq!(
                beside,
                0,
                "{} registers a route that is not in the table",
                path.display()
            );
        }
    }

    #[test]
    fn the_snapshot_is_what_is_served() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
        if env::var_os("HELIOGRAPH_WRITE_OPENAPI").is_some() {
            fs::write(&path, text()).unwrap();
        }
        let snapshot = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            snapshot == text(),
            "docs/openapi.json is stale: run make openapi"
        );
    }

    #[test]
    fn names_lead_somewhere_and_operations_are_told_apart() {
        let document = document();
        let (schemas, responses) = (
            &document["components"]["schemas"],
            &document["components"]["responses"],
        );
        for name in refs(&document) {
            let is_there = schemas.get(&name).is_some() || responses.get(&name).is_some();
            assert!(is_there, "{name} is not described");
        }
        // utoipa takes the last of one name without a word.
        let mut types = BTreeSet::new();
        for name in described_types() {
            assert!(
                types.insert(name.clone()),
                "two types are described as {name}: give one `#[schema(as = …)]`"
            );
        }
        let ids: BTreeSet<String> = TABLE
            .iter()
            .map(|entry| format!("{}_{}", entry.module, entry.handler))
            .collect();
        assert_eq!(ids.len(), TABLE.len());
    }

    /// The names under which types are described, over all crates.
    fn described_types() -> Vec<String> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut open = ["src", "schema/src", "actors/src"]
            .map(|folder| here.join(folder))
            .to_vec();
        let mut names = Vec::new();
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(
                    fs::read_dir(path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            let mut lines = text.lines();
            while let Some(line) = lines.next() {
                let derives = line.contains("derive(") || line.starts_with("    Debug");
                if !derives || !line.contains("ToSchema") {
                    continue;
                }
                let mut told = None;
                for line in lines.by_ref() {
                    let named = ["#[schema(as = ", "struct ", "enum "]
                        .iter()
                        .find_map(|start| line.split_once(start));
                    if let Some((before, named)) = named {
                        let end = named
                            .find(|c: char| !c.is_alphanumeric() && c != '_')
                            .unwrap_or(named.len());
                        told.get_or_insert_with(|| named[..end].to_owned());
                        if !before.is_empty() || !line.starts_with('#') {
                            break;
                        }
                    }
                }
                names.extend(told);
            }
        }
        assert!(names.len() > 30, "{names:?}");
        names
    }
}
