//! What `CloudFormation` tells of a stack when it is asked: a model of `DescribeStacks` and `DescribeStackResource`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode};

use handler::moment;
use sparkjob::job::Timestamp;

/// The stack.
pub const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/demo/0a1b2c3d";

/// What is known of the stack [`STACK`]. Clones share it.
#[derive(Clone, Debug)]
pub struct Stacks(Arc<Mutex<Told>>);

#[derive(Debug)]
struct Told {
    is_denied: bool,
    status: &'static str,
    created: Timestamp,
    /// When it was last updated.
    updated: Timestamp,
    resources: BTreeMap<String, Resource>,
}

#[derive(Clone, Debug)]
struct Resource {
    /// When its status was last changed.
    changed: Timestamp,
    id: Option<String>,
}

impl Stacks {
    /// A stack that is being created.
    pub fn new(now: Timestamp) -> Self {
        let status = "CREATE_IN_PROGRESS";
        let told = Told { is_denied: false, status, created: now, updated: now, resources: BTreeMap::new() };
        Self(Arc::new(Mutex::new(told)))
    }

    /// The stack goes on to something else. Whether a rollback counts as an update is published nowhere: here it does not.
    pub fn go_on(&self, status: &'static str, now: Timestamp) {
        let mut told = self.told();
        if !status.contains("ROLLBACK") && told.status != status {
            told.updated = now;
        }
        told.status = status;
    }

    /// The resource's status changes, as it does whenever something is asked of it or answered.
    pub fn change(&self, logical_id: &str, now: Timestamp) {
        let mut told = self.told();
        let resource = told.resources.entry(logical_id.to_owned()).or_insert(Resource { changed: now, id: None });
        resource.changed = now;
    }

    /// An answer is taken that gives the resource this id.
    pub fn identify(&self, logical_id: &str, id: &str, now: Timestamp) {
        self.told().resources.insert(logical_id.to_owned(), Resource { changed: now, id: Some(id.to_owned()) });
    }

    /// Nobody may ask any more.
    pub fn deny(&self) {
        self.told().is_denied = true;
    }

    /// The answer to a question.
    pub fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let told = self.told();
        let asked: BTreeMap<_, _> = url::form_urlencoded::parse(request.body()).collect();
        let asked = |name: &str| asked.get(name).map(AsRef::as_ref).unwrap_or_default();
        if told.is_denied {
            return refused(StatusCode::FORBIDDEN, "AccessDenied");
        }
        match (asked("Action"), asked("StackName"), told.resources.get(asked("LogicalResourceId"))) {
            ("DescribeStacks", STACK, _) => told.stacks(),
            ("DescribeStackResource", STACK, Some(resource)) => resource.told(asked("LogicalResourceId")),
            _ => refused(StatusCode::BAD_REQUEST, "ValidationError"),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn stacks(&self) -> Response<Bytes> {
        let (created, updated, status) = (moment::text(self.created), moment::text(self.updated), self.status);
        let updated = format!("<LastUpdatedTime>{updated}</LastUpdatedTime>");
        let updated = if self.updated == self.created { "" } else { &updated };
        answered(
            "DescribeStacks",
            &format!(
                "<Stacks><member><StackName>demo</StackName><StackId>{STACK}</StackId><CreationTime>{created}</CreationTime>\
                 {updated}<StackStatus>{status}</StackStatus></member></Stacks>"
            ),
        )
    }
}

impl Resource {
    fn told(&self, logical_id: &str) -> Response<Bytes> {
        let changed = moment::text(self.changed);
        let id = self.id.as_ref().map(|id| format!("<PhysicalResourceId>{id}</PhysicalResourceId>"));
        let id = id.unwrap_or_default();
        answered(
            "DescribeStackResource",
            &format!(
                "<StackResourceDetail><LogicalResourceId>{logical_id}</LogicalResourceId>{id}\
                 <LastUpdatedTimestamp>{changed}</LastUpdatedTimestamp></StackResourceDetail>"
            ),
        )
    }
}

fn answered(action: &str, result: &str) -> Response<Bytes> {
    let namespace = r#"xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/""#;
    let text = format!("<{action}Response {namespace}><{action}Result>{result}</{action}Result></{action}Response>");
    Response::new(text.into())
}

fn refused(status: StatusCode, code: &str) -> Response<Bytes> {
    let text = format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code></Error></ErrorResponse>");
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
}
