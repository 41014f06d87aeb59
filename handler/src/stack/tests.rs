use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::sample;
use sparkjob::engine::Engines;
use sparkjob::http::{Lost, Transport};
use sparkjob::testing::engines;

/// 2026-11-21T07:00:00Z, at which the samples are signed.
const SIGNED: Timestamp = Timestamp(1_795_244_400_000);

/// What is left of the requests.
const LEFT: Duration = Duration::from_mins(50);

/// What `CloudFormation` does with whatever it is asked.
#[derive(Clone, Copy, Debug)]
enum Says {
    /// This, in XML, with this status.
    Text(u16, &'static str),
    /// The first of `DescribeStackResource`, the second of `DescribeStacks`, which is asked too often the first time.
    Both(&'static str, &'static str),
    /// That there is no such resource; this of `DescribeStacks`.
    Of(&'static str),
    /// That it is asked too often, so many times; then this.
    After(usize, &'static str),
    Nothing,
    Refuses,
}

#[derive(Debug)]
struct CloudFormation {
    says: Says,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Transport for CloudFormation {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        assert_eq!(request.uri().host(), Some("cloudformation.eu-west-1.amazonaws.com"));
        let text = String::from_utf8(request.body().to_vec()).expect("text");
        let says = match self.says {
            Says::Both(resource, _) if text.contains("DescribeStackResource") => Says::Text(200, resource),
            Says::Of(_) if text.contains("DescribeStackResource") => UNKNOWN,
            Says::Both(..) if self.count() < 2 => THROTTLED,
            Says::Both(_, stack) | Says::Of(stack) => Says::Text(200, stack),
            Says::After(times, _) if self.count() < times => THROTTLED,
            Says::After(_, then) => Says::Text(200, then),
            says => says,
        };
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        match says {
            Says::Both(..) | Says::Of(_) | Says::After(..) => unreachable!("it is one of them"),
            Says::Text(status, text) => {
                let mut response = Response::new(Bytes::from_static(text.as_bytes()));
                *response.status_mut() = status.try_into().expect("a status");
                Ok(response)
            }
            Says::Nothing => {
                tokio::time::sleep(limit).await;
                Err(Lost::TimedOut)
            }
            Says::Refuses => Err(Lost::NotSent("Connection refused".to_owned())),
        }
    }
}

impl CloudFormation {
    /// How often it was asked.
    fn count(&self) -> usize {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn asked(says: Says) -> (Arc<CloudFormation>, Engines) {
    let cloudformation = Arc::new(CloudFormation { says, asked: Mutex::default() });
    (Arc::clone(&cloudformation), engines(cloudformation))
}

async fn stance(says: Says) -> Stance {
    let envelope = sample::envelope(&sample::event("Create", json!({})));
    let (_, engines) = asked(says);
    Stack::of(&envelope, None, engines.aws()).stance(LEFT).await
}

async fn waits(says: Says) -> bool {
    stance(says).await == Stance::Waits
}

async fn standing(request_type: &str, changes: Value, says: Says) -> Option<Standing> {
    let envelope = sample::envelope(&sample::event(request_type, changes));
    let (_, engines) = asked(says);
    Stack::of(&envelope, None, engines.aws()).standing(LEFT).await
}

macro_rules! resource {
    ($changed:literal) => {
        resource!($changed, "DELETE_IN_PROGRESS", "")
    };
    ($changed:literal, $status:literal, $more:literal) => {
        concat!(
            r#"<DescribeStackResourceResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">"#,
            "<DescribeStackResourceResult><StackResourceDetail>",
            "<LogicalResourceId>Pi</LogicalResourceId><ResourceType>Custom::SparkJob</ResourceType>",
            "<LastUpdatedTimestamp>",
            $changed,
            "</LastUpdatedTimestamp><ResourceStatus>",
            $status,
            "</ResourceStatus>",
            $more,
            "</StackResourceDetail></DescribeStackResourceResult></DescribeStackResourceResponse>"
        )
    };
}

macro_rules! stack {
    ($more:literal) => {
        concat!(
            r#"<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">"#,
            "<DescribeStacksResult><Stacks><member><StackName>demo</StackName>",
            "<StackId>arn:aws:cloudformation:eu-west-1:123456789012:stack/demo/0a1b2c3d</StackId>",
            "<CreationTime>2026-11-20T07:00:00Z</CreationTime>",
            $more,
            "</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        )
    };
}

/// That of the sample Update, whose stack was about what is `known` when it was begun.
async fn stance_of_an_update(known: Standing, says: Says) -> Stance {
    let changes =
        json!({"OldResourceProperties": sample::other_properties(), "PhysicalResourceId": "spark-job:nothing"});
    let envelope = sample::envelope(&sample::event("Update", changes));
    let (_, engines) = asked(says);
    Stack::of(&envelope, Some(known), engines.aws()).stance(LEFT).await
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_taken_back_within_seconds_is_not_awaited_any_more() {
    let changed = resource!("2026-11-21T07:00:03Z", "UPDATE_IN_PROGRESS", "");
    let (back, forth) = (
        stack!("<StackStatus>UPDATE_ROLLBACK_IN_PROGRESS</StackStatus>"),
        stack!("<StackStatus>UPDATE_IN_PROGRESS</StackStatus>"),
    );
    let known = |rolls_back| Standing { rolls_back, ..Standing::default() };
    assert_eq!(stance_of_an_update(known(false), Says::Both(changed, back)).await, Stance::WentOn(None));
    assert_eq!(stance_of_an_update(known(false), Says::Both(changed, forth)).await, Stance::Waits);
    assert_eq!(stance_of_an_update(known(true), Says::Both(changed, back)).await, Stance::Waits, "it is the rollback");
    let at_once = resource!("2026-11-21T07:00:01Z", "UPDATE_IN_PROGRESS", "");
    assert_eq!(stance_of_an_update(known(false), Says::Both(at_once, back)).await, Stance::Waits);
    assert_eq!(
        stance_of_an_update(known(false), Says::Both(changed, "<html/>")).await,
        Stance::Waits,
        "it is not told"
    );
}

const DENIED: Says = Says::Text(
    403,
    r#"<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type>
    <Code>AccessDenied</Code><Message>not authorized</Message></Error><RequestId>1</RequestId></ErrorResponse>"#,
);
const THROTTLED: Says = Says::Text(
    400,
    r#"<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type>
    <Code>Throttling</Code><Message>Rate exceeded</Message></Error><RequestId>1</RequestId></ErrorResponse>"#,
);
const UNKNOWN: Says = Says::Text(
    400,
    r#"<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type>
    <Code>ValidationError</Code><Message>Resource Pi does not exist for stack demo</Message></Error>
    <RequestId>1</RequestId></ErrorResponse>"#,
);

#[tokio::test(start_paused = true)]
async fn a_request_is_superseded_once_its_resource_was_changed_well_after_it() {
    assert!(waits(Says::Text(200, resource!("2026-11-21T06:59:59.412Z", "CREATE_IN_PROGRESS", ""))).await, "before it");
    assert!(
        waits(Says::Text(200, resource!("2026-11-21T07:00:05.000Z", "CREATE_IN_PROGRESS", ""))).await,
        "about at once"
    );
    assert!(!waits(Says::Text(200, resource!("2026-11-21T07:00:05.001Z", "CREATE_IN_PROGRESS", ""))).await, "later");
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_resource_is_updated_or_deleted_is_superseded_at_once() {
    for (told, waited_for) in [
        (resource!("2026-11-21T07:00:00.001Z"), false),
        (resource!("2026-11-21T07:00:00.001Z", "UPDATE_IN_PROGRESS", ""), false),
        (resource!("2026-11-21T07:00:00.001Z", "CREATE_COMPLETE", ""), true),
        // It is that of a resource of the same name that there was before.
        (resource!("2026-11-21T06:59:59.000Z", "DELETE_COMPLETE", ""), true),
    ] {
        assert_eq!(waits(Says::Text(200, told)).await, waited_for, "{told}");
    }
    let envelope = sample::envelope(&sample::event("Update", json!({})));
    for (told, expected) in [
        (resource!("2026-11-21T07:00:00.001Z"), Stance::WentOn(None)),
        (resource!("2026-11-21T07:00:00.001Z", "CREATE_COMPLETE", ""), Stance::Waits),
    ] {
        let (_, engines) = asked(Says::Text(200, told));
        assert_eq!(Stack::of(&envelope, None, engines.aws()).stance(LEFT).await, expected, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_superseded_as_soon_as_its_resource_is_at_an_end() {
    let at_an_end = [
        (resource!("2026-11-21T06:59:59.412Z", "UPDATE_COMPLETE", ""), false),
        // An address is signed to the second.
        (resource!("2026-11-21T07:00:01.000Z", "UPDATE_COMPLETE", ""), false),
        (resource!("2026-11-21T07:00:01.001Z", "UPDATE_COMPLETE", ""), true),
        (resource!("2026-11-21T07:00:01.001Z", "UPDATE_FAILED", ""), true),
    ];
    let under_way = [
        (resource!("2026-11-21T07:00:01.001Z", "UPDATE_IN_PROGRESS", ""), false),
        (resource!("2026-11-21T07:00:09.000Z", "UPDATE_IN_PROGRESS", ""), false),
        (resource!("2026-11-21T07:00:09.000Z"), false),
    ];
    let envelope = sample::envelope(&sample::event("Update", json!({})));
    for (told, is_settled) in at_an_end.into_iter().chain(under_way) {
        let (_, engines) = asked(Says::Text(200, told));
        assert_eq!(Stack::of(&envelope, None, engines.aws()).is_settled(LEFT).await, is_settled, "{told}");
    }
    for (told, is_superseded) in at_an_end {
        let (_, engines) = asked(Says::Text(200, told));
        let stance = Stack::of(&envelope, None, engines.aws()).stance(LEFT).await;
        assert_eq!(stance == Stance::Waits, !is_superseded, "{told}");
    }
    for says in [DENIED, UNKNOWN, Says::Nothing, Says::Refuses] {
        let (_, engines) = asked(says);
        assert!(!Stack::of(&envelope, None, engines.aws()).is_settled(LEFT).await, "{says:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_job_that_cloudformation_has_gone_on_with_is_told() {
    let job = "livy+http://emr:8998/batches/7#pi".parse().expect("a job");
    let later = resource!(
        "2026-11-21T08:00:00Z",
        "CREATE_COMPLETE",
        "<PhysicalResourceId>livy+http://emr:8998/batches/7#pi</PhysicalResourceId>"
    );
    assert_eq!(stance(Says::Text(200, later)).await, Stance::WentOn(Some(job)));
    let invented = resource!(
        "2026-11-21T08:00:00Z",
        "DELETE_IN_PROGRESS",
        "<PhysicalResourceId>demo-Pi-1ABC</PhysicalResourceId>"
    );
    assert_eq!(stance(Says::Text(200, invented)).await, Stance::WentOn(None));
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_asked_for_once_more_is_known_by_the_resource_s_status() {
    let again = Says::Text(200, resource!("2026-11-21T08:00:00Z", "CREATE_IN_PROGRESS", ""));
    assert_eq!(stance(again).await, Stance::AskedAgain);
    let empty = resource!("2026-11-21T08:00:00Z", "CREATE_IN_PROGRESS", "<PhysicalResourceId></PhysicalResourceId>");
    assert_eq!(stance(Says::Text(200, empty)).await, Stance::AskedAgain);
    // One that has an id was given up: what is being created is what takes its place.
    let given_up = resource!(
        "2026-11-21T08:00:00Z",
        "CREATE_IN_PROGRESS",
        "<PhysicalResourceId>demo-Pi-1ABC</PhysicalResourceId>"
    );
    assert_eq!(stance(Says::Text(200, given_up)).await, Stance::WentOn(None));
    let envelope = sample::envelope(&sample::event("Update", json!({})));
    let (_, engines) = asked(again);
    assert_eq!(Stack::of(&envelope, None, engines.aws()).stance(LEFT).await, Stance::WentOn(None));
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_asked_for_once_more_is_known_by_what_its_stack_is_about() {
    let envelope = sample::envelope(&sample::event("Update", json!({})));
    let changed = resource!("2026-11-21T08:00:00Z", "UPDATE_IN_PROGRESS", "");
    let same =
        stack!("<LastUpdatedTime>2026-11-21T07:00:00Z</LastUpdatedTime><StackStatus>UPDATE_IN_PROGRESS</StackStatus>");
    let next =
        stack!("<LastUpdatedTime>2026-11-21T07:50:00Z</LastUpdatedTime><StackStatus>UPDATE_IN_PROGRESS</StackStatus>");
    let back = stack!(
        "<LastUpdatedTime>2026-11-21T07:00:00Z</LastUpdatedTime><StackStatus>UPDATE_ROLLBACK_IN_PROGRESS</StackStatus>"
    );
    let known = || Some(Standing { since: Some(SIGNED), ..Standing::default() });
    for (known, stack, expected) in [
        (known(), same, Stance::AskedAgain),
        (known(), next, Stance::WentOn(None)),
        (known(), back, Stance::WentOn(None)),
        (known(), "<html/>", Stance::WentOn(None)),
        // It was not told before.
        (None, same, Stance::AskedAgain),
        (None, next, Stance::WentOn(None)),
        (None, back, Stance::WentOn(None)),
        (None, "<html/>", Stance::WentOn(None)),
    ] {
        let (_, engines) = asked(Says::Both(changed, stack));
        assert_eq!(Stack::of(&envelope, known, engines.aws()).stance(LEFT).await, expected, "{stack}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_awaited_unless_the_contrary_is_known() {
    let unreadable = [Says::Text(200, "<html/>"), Says::Text(200, resource!("")), Says::Text(503, "")];
    for says in unreadable.into_iter().chain([DENIED, UNKNOWN, Says::Nothing, Says::Refuses]) {
        let began = Instant::now();
        assert!(waits(says).await, "{says:?}");
        assert!(began.elapsed() <= LIMIT * 2 + FIRST_PAUSE, "{says:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_resource_an_update_has_deleted_is_superseded_once_the_stack_is_past_it() {
    for (told, waited_for) in [
        (stack!("<StackStatus>CREATE_IN_PROGRESS</StackStatus>"), true),
        (
            stack!(
                "<StackStatus>UPDATE_IN_PROGRESS</StackStatus><LastUpdatedTime>2026-11-21T06:59:58Z</LastUpdatedTime>"
            ),
            true,
        ),
        (
            stack!(
                "<StackStatus>UPDATE_IN_PROGRESS</StackStatus><LastUpdatedTime>2026-11-21T07:00:03Z</LastUpdatedTime>"
            ),
            false,
        ),
        (stack!("<StackStatus>UPDATE_ROLLBACK_IN_PROGRESS</StackStatus>"), false),
        (stack!("<StackStatus>UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS</StackStatus>"), false),
        (stack!("<StackStatus>UPDATE_ROLLBACK_COMPLETE</StackStatus>"), false),
        (stack!("<StackStatus>DELETE_IN_PROGRESS</StackStatus>"), false),
        (stack!(""), true),
    ] {
        assert_eq!(waits(Says::Of(told)).await, waited_for, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_for_which_there_is_no_time_is_told_of_in_the_log() {
    let envelope = sample::envelope(&sample::event("Create", json!({})));
    let (_, engines) = asked(Says::Nothing);
    for left in [Duration::from_secs(1), LIMIT * 2] {
        let awaited = Stack::of(&envelope, None, engines.aws());
        let settled = Stack::of(&envelope, None, engines.aws());
        let began = Instant::now();
        assert_eq!(awaited.stance(left).await, Stance::Waits, "{left:?}");
        assert!(began.elapsed() <= left && !settled.is_settled(left).await, "{left:?}");
        assert!([awaited, settled].iter().all(|stack| stack.has_warned.load(Ordering::Relaxed)), "{left:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_address_has_no_date_asks_nothing() {
    let envelope = sample::envelope(&sample::event("Create", json!({"ResponseURL": "https://host/"})));
    let (cloudformation, engines) = asked(Says::Text(200, resource!("2027-01-01T00:00:00Z")));
    assert_eq!(Stack::of(&envelope, None, engines.aws()).stance(LEFT).await, Stance::Waits);
    assert!(cloudformation.asked.lock().expect("no panic").is_empty());
}

#[tokio::test(start_paused = true)]
async fn its_own_resource_and_its_own_stack_are_asked_about() {
    let envelope = sample::envelope(&sample::event("Update", json!({})));
    let (cloudformation, engines) = asked(DENIED);
    let stack = Stack::of(&envelope, None, engines.aws());
    assert_eq!((stack.stance(LEFT).await, stack.standing(LEFT).await), (Stance::Waits, None));
    let asked = cloudformation.asked.lock().expect("no panic").clone();
    let id = "arn%3Aaws%3Acloudformation%3Aeu-west-1%3A123456789012%3Astack%2Fdemo%2F0a1b2c3d";
    assert_eq!(
        asked,
        [
            format!("Action=DescribeStackResource&Version=2010-05-15&StackName={id}&LogicalResourceId=Pi"),
            format!("Action=DescribeStacks&Version=2010-05-15&StackName={id}"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_known_by_the_stack_s_status() {
    let rolls_back = async |says| standing("Update", json!({}), says).await.map(|standing| standing.rolls_back);
    for (text, told) in [
        (stack!("<StackStatus>UPDATE_ROLLBACK_IN_PROGRESS</StackStatus>"), Some(true)),
        (stack!("<StackStatus>IMPORT_ROLLBACK_IN_PROGRESS</StackStatus>"), Some(true)),
        (stack!("<StackStatus>UPDATE_IN_PROGRESS</StackStatus>"), Some(false)),
        (stack!("<StackStatus>UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS</StackStatus>"), Some(false)),
        (stack!("<StackStatus>SOMETHING_NEW</StackStatus>"), Some(false)),
        ("<html/>", None),
    ] {
        assert_eq!(rolls_back(Says::Text(200, text)).await, told, "{text}");
    }
    for says in [DENIED, Says::Nothing, Says::Refuses] {
        assert_eq!(rolls_back(says).await, None, "{says:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_told_at_once_is_asked_again_while_there_is_time() {
    const TOLD: &str = stack!("<StackStatus>UPDATE_ROLLBACK_IN_PROGRESS</StackStatus>");
    let envelope = sample::envelope(&sample::event("Update", json!({})));
    for (says, left, asked_at_least, within) in [
        (THROTTLED, LEFT, 5, 20),
        (Says::Text(500, ""), LEFT, 5, 20),
        (Says::Text(200, "<html/>"), LEFT, 5, 20),
        (Says::Nothing, LEFT, 2, 25),
        (THROTTLED, Duration::from_secs(20), 2, 3),
        // It will not be told later, either.
        (DENIED, LEFT, 1, 0),
        (UNKNOWN, LEFT, 1, 0),
    ] {
        let (cloudformation, engines) = asked(says);
        let began = Instant::now();
        assert_eq!(Stack::of(&envelope, None, engines.aws()).standing(left).await, None, "{says:?}");
        let count = cloudformation.count();
        assert!(count >= asked_at_least && began.elapsed() <= Duration::from_secs(within), "{says:?}: {count}");
        assert!(within > 0 || count == 1, "{says:?}: {count}");
    }
    for times in 1..4 {
        let (_, engines) = asked(Says::After(times, TOLD));
        let standing = Stack::of(&envelope, None, engines.aws()).standing(LEFT).await;
        assert_eq!(standing.map(|standing| standing.rolls_back), Some(true), "{times}");
    }
    let gone_on = resource!("2026-11-21T08:00:00Z", "UPDATE_COMPLETE", "");
    let (_, engines) = asked(Says::After(1, gone_on));
    assert_eq!(Stack::of(&envelope, None, engines.aws()).stance(LEFT).await, Stance::WentOn(None));
}

#[tokio::test(start_paused = true)]
async fn what_a_stack_is_about_began_with_its_last_update_or_else_its_creation() {
    let since = async |text| {
        let says = Says::Text(200, text);
        standing("Delete", json!({"PhysicalResourceId": "invented"}), says).await.and_then(|standing| standing.since)
    };
    let day = Duration::from_hours(24);
    // Of one that goes back, or has, that may be when it began to.
    let an_hour = Duration::from_mins(65);
    for (told, since_when) in [
        (stack!("<StackStatus>DELETE_IN_PROGRESS</StackStatus>"), SIGNED.before(day + an_hour)),
        (
            stack!(
                "<StackStatus>UPDATE_COMPLETE_CLEANUP_IN_PROGRESS</StackStatus>
                 <LastUpdatedTime>2026-11-21T07:00:00Z</LastUpdatedTime>"
            ),
            SIGNED,
        ),
        (
            stack!(
                "<StackStatus>UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS</StackStatus>
                 <LastUpdatedTime>2026-11-21T07:00:00Z</LastUpdatedTime>"
            ),
            SIGNED.before(an_hour),
        ),
        (
            stack!(
                "<StackStatus>UPDATE_ROLLBACK_FAILED</StackStatus>
                 <LastUpdatedTime>2026-11-21T04:00:00Z</LastUpdatedTime>"
            ),
            SIGNED.before(Duration::from_hours(3) + an_hour),
        ),
    ] {
        assert_eq!(since(told).await, Some(since_when), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_with_the_id_of_no_job_is_told_the_job_that_its_resource_has_meanwhile() {
    const JOB: &str = "livy+http://emr:8998/batches/7#pi";
    let has_job = resource!(
        "2026-11-21T07:00:00Z",
        "UPDATE_COMPLETE",
        "<PhysicalResourceId>livy+http://emr:8998/batches/7#pi</PhysicalResourceId>"
    );
    let cleans_up = stack!("<StackStatus>UPDATE_COMPLETE_CLEANUP_IN_PROGRESS</StackStatus>");
    let deletes = stack!("<StackStatus>DELETE_IN_PROGRESS</StackStatus>");
    let has_none = resource!("2026-11-21T07:00:00Z");
    for (resource, stack, job) in [
        (has_job, cleans_up, Some(JOB)),
        (has_none, cleans_up, None),
        ("<html/>", cleans_up, None),
        // There it can be none but the one that is to go.
        (has_job, deletes, None),
    ] {
        let says = Says::Both(resource, stack);
        let marker = format!("spark-job:unknown:{}", "0f".repeat(32));
        for id in ["invented", &marker] {
            let told = standing("Delete", json!({ "PhysicalResourceId": id }), says).await.expect("a standing");
            assert_eq!(told.job.map(|job| job.to_string()).as_deref(), job, "{says:?}, {id}");
        }
        assert_eq!(standing("Update", json!({}), says).await.and_then(|told| told.job), None);
    }
    let says = Says::Both(has_job, "<html/>");
    assert_eq!(standing("Delete", json!({"PhysicalResourceId": "invented"}), says).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_difference_is_not_asked() {
    let text = stack!("<StackStatus>UPDATE_ROLLBACK_IN_PROGRESS</StackStatus>");
    let run = "livy+http://emr:8998/batches/3#Pi-0123456789abcdef-01234567-89abcdef";
    for (request_type, id) in [("Create", json!(null)), ("Delete", json!(run)), ("Delete", json!("spark-job:nothing"))]
    {
        let told = standing(request_type, json!({"PhysicalResourceId": id}), Says::Text(200, text)).await;
        assert_eq!(told, None, "{request_type} {id}");
    }
}
