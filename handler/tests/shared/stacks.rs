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
    /// When its last update began.
    updated: Option<Timestamp>,
    resources: BTreeMap<String, Resource>,
}

#[derive(Clone, Debug)]
struct Resource {
    /// `CREATE_IN_PROGRESS`, say.
    status: String,
    /// When its status was last changed.
    changed: Timestamp,
    id: Option<String>,
}

impl Stacks {
    /// A stack that is being created.
    pub fn new(now: Timestamp) -> Self {
        let status = "CREATE_IN_PROGRESS";
        let told = Told { is_denied: false, status, created: now, updated: None, resources: BTreeMap::new() };
        Self(Arc::new(Mutex::new(told)))
    }

    /// The stack goes on to something else. It is
    /// [updated](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html) when an update begins.
    /// Whether a rollback counts as another one is published nowhere: here it does not, but for [`Stacks::go_back`].
    pub fn go_on(&self, status: &'static str, now: Timestamp) {
        let mut told = self.told();
        if status == "UPDATE_IN_PROGRESS" {
            told.updated = Some(now);
        }
        told.status = status;
    }

    /// The stack takes its update back, which counts as another one.
    pub fn go_back(&self, now: Timestamp) {
        self.told().updated = Some(now);
        self.go_on("UPDATE_ROLLBACK_IN_PROGRESS", now);
    }

    /// A request of this type is made of the resource.
    pub fn ask(&self, logical_id: &str, request_type: &str, now: Timestamp) {
        let mut told = self.told();
        let id = told.resources.get(logical_id).and_then(|resource| resource.id.clone());
        let status = format!("{}_IN_PROGRESS", request_type.to_uppercase());
        let asked = Resource { status, changed: now, id };
        told.resources.insert(logical_id.to_owned(), asked);
    }

    /// An answer is taken that gives the resource this id, and tells whether it went well.
    pub fn identify(&self, logical_id: &str, id: &str, is_well: bool, now: Timestamp) {
        let mut told = self.told();
        let status = told.resources.get(logical_id).map_or("CREATE", |resource| resource.status.as_str());
        let (action, _) = status.split_once('_').unwrap_or((status, ""));
        let status = format!("{action}_{}", if is_well { "COMPLETE" } else { "FAILED" });
        let answered = Resource { status, changed: now, id: Some(id.to_owned()) };
        told.resources.insert(logical_id.to_owned(), answered);
    }

    /// An update has deleted the resource, or its rollback has: nothing is
    /// [told of it](https://github.com/localstack/localstack/blob/main/tests/aws/services/cloudformation/api/test_resources.py)
    /// any more.
    pub fn forget(&self, logical_id: &str) {
        self.told().resources.remove(logical_id);
    }

    /// Whether anybody may ask from now on.
    pub fn may_be_asked(&self, may: bool) {
        self.told().is_denied = !may;
    }

    /// The answer to a question.
    pub fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let told = self.told();
        let asked: BTreeMap<_, _> = url::form_urlencoded::parse(request.body()).collect();
        let asked = |name: &str| asked.get(name).map(AsRef::as_ref).unwrap_or_default();
        if told.is_denied {
            return refused(StatusCode::FORBIDDEN, "AccessDenied", "User: role is not authorized to perform this");
        }
        let (stack, logical_id) = (asked("StackName"), asked("LogicalResourceId"));
        match (asked("Action"), told.resources.get(logical_id)) {
            ("DescribeStacks", _) if stack == STACK => told.stacks(),
            ("DescribeStackResource", Some(resource)) if stack == STACK => resource.told(logical_id),
            ("DescribeStackResource", None) if stack == STACK => {
                invalid(&format!("Resource {logical_id} does not exist for stack demo"))
            }
            _ => invalid(&format!("Stack with id {stack} does not exist")),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn stacks(&self) -> Response<Bytes> {
        let (created, status) = (moment::text(self.created), self.status);
        let updated = self.updated.map(|at| format!("<LastUpdatedTime>{}</LastUpdatedTime>", moment::text(at)));
        let updated = updated.unwrap_or_default();
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
        let status = &self.status;
        answered(
            "DescribeStackResource",
            &format!(
                "<StackResourceDetail><LogicalResourceId>{logical_id}</LogicalResourceId>{id}\
                 <LastUpdatedTimestamp>{changed}</LastUpdatedTimestamp><ResourceStatus>{status}</ResourceStatus>\
                 </StackResourceDetail>"
            ),
        )
    }
}

fn answered(action: &str, result: &str) -> Response<Bytes> {
    let namespace = r#"xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/""#;
    let text = format!("<{action}Response {namespace}><{action}Result>{result}</{action}Result></{action}Response>");
    Response::new(text.into())
}

/// [What](https://github.com/boto/boto3/issues/2807) comes back for what is not there.
fn invalid(message: &str) -> Response<Bytes> {
    refused(StatusCode::BAD_REQUEST, "ValidationError", message)
}

fn refused(status: StatusCode, code: &str, message: &str) -> Response<Bytes> {
    let error = format!("<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>");
    let text = format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>");
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
}
