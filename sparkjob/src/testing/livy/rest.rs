//! What the model answers: [Livy's REST API](https://livy.apache.org/docs/latest/rest-api.html) in Livy's own words.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::world::{Batch, Version, World};

/// An answer, and how long the server takes over it.
pub struct Answer {
    pub response: Response<Bytes>,
    pub takes: Duration,
}

/// What a submission may hold.
const FIELDS: [&str; 16] = [
    "className",
    "pyFiles",
    "args",
    "archives",
    "numExecutors",
    "executorCores",
    "queue",
    "conf",
    "driverMemory",
    "name",
    "driverCores",
    "executorMemory",
    "files",
    "jars",
    "proxyUser",
    "file",
];

/// Does what `request` asks for.
pub fn answer(world: &mut World, request: &Request<Bytes>) -> Answer {
    if let Some(status) = world.denied {
        return denied(status, request);
    }
    if !world.is_let_in(request) {
        return denied(401, request);
    }
    let writes = matches!(*request.method(), Method::POST | Method::DELETE);
    if writes && !request.headers().contains_key("x-requested-by") {
        return page(400, request, "Missing Required Header for CSRF protection.");
    }
    // A Livy behind a gateway has a path before its own.
    let path = request.uri().path();
    let Some((_, path)) = path.split_once("/batches") else {
        return nothing(404);
    };
    let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (request.method().as_str(), path.as_slice()) {
        ("GET", []) => list(world, request),
        ("POST", []) => submit(world, request.body()),
        ("GET", [batch]) => with(world, batch, |world, batch| ok(&view(world, batch))),
        ("GET", [batch, "state"]) => {
            with(world, batch, |_, batch| ok(&json!({"id": batch.id, "state": batch.state()})))
        }
        ("GET", [batch, "log"]) => with(world, batch, |_, batch| log(batch, request)),
        ("DELETE", [batch]) => delete(world, batch),
        ("GET", _) => nothing(404),
        _ => nothing(405),
    }
}

fn list(world: &World, request: &Request<Bytes>) -> Answer {
    let from = number(request, "from").unwrap_or(0);
    let size = number(request, "size").unwrap_or(100);
    let total = world.known().count();
    let sessions: Vec<Value> = world.known().skip(from).take(size).map(|batch| view(world, batch)).collect();
    ok(&json!({"from": from, "total": total, "sessions": sessions}))
}

fn submit(world: &mut World, body: &[u8]) -> Answer {
    if world.busy > 0 {
        world.busy -= 1;
        return refused(world, "Rejected, too many sessions are being created!");
    }
    let Ok(Value::Object(told)) = serde_json::from_slice(body) else {
        return bare(400, "Unexpected end-of-input: expected close marker for Object");
    };
    if let Some(field) = told.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        let class = "org.apache.livy.server.batch.CreateBatchRequest";
        return bare(400, &format!("Unrecognized field \"{field}\" (class {class}), not marked as ignorable"));
    }
    let text = |field: &str| told.get(field).and_then(Value::as_str);
    let (name, file) = (text("name"), text("file"));
    let registers = world.version > Version::V0_5;
    if let Some(name) = name.filter(|_| registers) {
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            world.next_id();
            return refused_for(world, &format!("Invalid session name: {name}"));
        }
        if world.find(name).is_some() {
            let id = world.next_id();
            return refused_for(world, &format!("Duplicate session name: Some({name}) for session {id}"));
        }
    }
    if let Some(reason) = fault_of(world, file) {
        // The batch is on the books before its job is begun, and from 0.6 on nobody takes it off them.
        if registers {
            world.make(name, file.unwrap_or_default(), false);
        } else {
            world.next_id();
        }
        return refused_for(world, &format!("requirement failed: {reason}"));
    }
    let id = world.make(name, file.unwrap_or_default(), true);
    let batch = world.find(&id.to_string()).expect("it was just made");
    let mut answer = json(201, &view(world, batch));
    let location = HeaderValue::from_str(&format!("/batches/{id}")).expect("digits");
    answer.response.headers_mut().insert(header::LOCATION, location);
    answer
}

/// Why the job cannot be begun.
fn fault_of(world: &World, file: Option<&str>) -> Option<String> {
    let Some(file) = file else {
        return Some("File is required.".to_owned());
    };
    let path = file.strip_prefix("file:").unwrap_or(file);
    let allowed = world.allowed.as_ref()?;
    (path.starts_with('/') && !allowed.iter().any(|folder| path.starts_with(folder.as_str())))
        .then(|| format!("Local path {path} cannot be added to user sessions."))
}

fn delete(world: &mut World, batch: &str) -> Answer {
    match world.find(batch).map(|batch| batch.id) {
        Some(id) => {
            let takes = world.delete(id);
            Answer { takes, ..ok(&json!({"msg": "deleted"})) }
        }
        None => with(world, batch, |_, _| unreachable!("it is not there")),
    }
}

fn log(batch: &Batch, request: &Request<Bytes>) -> Answer {
    let lines = batch.log();
    let size = number(request, "size").unwrap_or(100);
    let from = number(request, "from").unwrap_or(lines.len().saturating_sub(size));
    let shown: Vec<&String> = lines.iter().skip(from).take(size).collect();
    ok(&json!({"id": batch.id, "from": from, "total": lines.len(), "log": shown}))
}

fn view(world: &World, batch: &Batch) -> Value {
    let log = batch.log();
    let application = batch.application();
    let mut view = json!({
        "id": batch.id,
        "name": batch.name,
        "owner": null,
        "proxyUser": null,
        "state": batch.state(),
        "appId": application,
        "appInfo": {"driverLogUrl": null, "sparkUiUrl": null},
        "log": log[log.len().saturating_sub(10)..],
    });
    if world.version == Version::V0_5 {
        let view = view.as_object_mut().expect("an object");
        view.retain(|field, _| !["name", "owner", "proxyUser"].contains(&field.as_str()));
    }
    view
}

fn with(world: &World, batch: &str, tell: impl FnOnce(&World, &Batch) -> Answer) -> Answer {
    let is_number = batch.bytes().all(|byte| byte.is_ascii_digit());
    if (world.version == Version::V0_5 || is_number) && batch.parse::<i32>().is_err() {
        return refused(world, &format!("For input string: \"{batch}\""));
    }
    match world.find(batch) {
        Some(found) => tell(world, found),
        None => said(world, 404, &format!("Session '{batch}' not found.")),
    }
}

/// A number of the query's.
fn number(request: &Request<Bytes>, name: &str) -> Option<usize> {
    let parameters = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    parameters.filter(|(key, _)| key == name).find_map(|(_, value)| value.parse().ok())
}

/// A refusal of what was submitted.
fn refused_for(world: &World, reason: &str) -> Answer {
    let before = if world.version >= Version::V0_8 { "Rejected, Reason: " } else { "" };
    refused(world, &format!("{before}{reason}"))
}

fn refused(world: &World, words: &str) -> Answer {
    said(world, 400, words)
}

fn said(world: &World, status: u16, words: &str) -> Answer {
    if world.version == Version::V0_5 { bare(status, words) } else { json(status, &json!({"msg": words})) }
}

fn bare(status: u16, words: &str) -> Answer {
    json(status, &Value::from(words))
}

fn ok(body: &Value) -> Answer {
    json(200, body)
}

fn json(status: u16, body: &Value) -> Answer {
    respond(status, "application/json;charset=utf-8", body.to_string())
}

fn denied(status: u16, request: &Request<Bytes>) -> Answer {
    if status != 401 {
        return json(status, &json!({"msg": "User 'nobody' not allowed to access this."}));
    }
    let mut answer = page(401, request, "Authentication required");
    let challenge = HeaderValue::from_static("Negotiate");
    answer.response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    answer
}

/// A page of Jetty, in which Livy lives.
fn page(status: u16, request: &Request<Bytes>, reason: &str) -> Answer {
    let path = request.uri().path();
    let page = format!(
        "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n\
         <title>Error {status} </title>\n</head>\n<body>\n<h2>HTTP ERROR: {status}</h2>\n\
         <p>Problem accessing {path}. Reason:\n<pre>    {reason}</pre></p>\n\
         <hr /><a href=\"http://eclipse.org/jetty\">Powered by Jetty:// 9.3.24.v20180605</a><hr/>\n</body>\n</html>\n"
    );
    respond(status, "text/html;charset=iso-8859-1", page)
}

/// What there is nothing at or to do with: Livy's servlets have no words for it.
fn nothing(status: u16) -> Answer {
    respond(status, "application/json;charset=utf-8", String::new())
}

fn respond(status: u16, kind: &'static str, body: String) -> Answer {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Answer { response, takes: Duration::ZERO }
}
