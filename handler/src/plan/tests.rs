use super::*;
use crate::sample;
use proptest::prelude::*;
use serde_json::json;
use sparkjob::job::{Place, Timestamp};
use std::time::Duration;

const FOREIGN: &str = "demo-Pi-1ABCDEFGHIJKL";

/// What comes of a request that has just come to a function that may run for 900 s.
fn planned(request_type: &str, changes: Value) -> Result<Plan, Refused> {
    plan_of(&sample::event(request_type, changes))
}

fn plan_of(event: &Event) -> Result<Plan, Refused> {
    let envelope = sample::envelope(event);
    let now = envelope.response_url.signed().unwrap_or_default();
    let times = Times::of(&envelope, event, now, now + Duration::from_mins(15));
    plan(&Request::of(envelope, event.clone()), &times, None)
}

/// The same, where `CloudFormation` tells this of the stack.
fn goal_of_stack(standing: Standing, request_type: &str, changes: Value) -> Goal {
    let event = sample::event(request_type, changes);
    let envelope = sample::envelope(&event);
    let now = envelope.response_url.signed().unwrap_or_default();
    let times = Times::of(&envelope, &event, now, now + Duration::from_mins(15));
    plan(&Request::of(envelope, event), &times, Some(standing)).expect("a plan").goal
}

/// An Update of the job that `run` had made.
fn rolled_back(run: &Value, old: &Value, new: &Value) -> Goal {
    let changes = json!({
        "PhysicalResourceId": created(run).to_string(), "OldResourceProperties": old, "ResourceProperties": new,
    });
    goal_of_stack(Standing { rolls_back: true, ..Standing::default() }, "Update", changes)
}

fn goal(request_type: &str, changes: Value) -> Goal {
    planned(request_type, changes).expect("a plan").goal
}

fn told(refused: Result<Plan, Refused>) -> String {
    match refused.expect_err("refused") {
        Refused::Request(fault) => fault,
        Refused::Properties(faults) => faults.to_string(),
    }
}

/// The job of the properties given, as a Create of this resource would make it.
fn created(properties: &Value) -> RunRef {
    let Goal::Run(wanted) = goal("Create", json!({"ResourceProperties": properties})) else { panic!("a job") };
    RunRef { place: wanted.job.place.clone(), id: "1".to_owned(), realm: None, name: Some(wanted.identity.name()) }
}

/// The job of the properties given stays as it is.
fn kept(properties: &Value) -> Goal {
    Goal::Keep { run: created(properties), retag: None, is_back: false }
}

/// The same where an update is taken back by that.
fn kept_back(properties: &Value) -> Goal {
    Goal::Keep { run: created(properties), retag: None, is_back: true }
}

fn with(mut properties: Value, name: &str, value: &str) -> Value {
    properties[name] = value.into();
    properties
}

/// An Update of the job that `old` had made.
fn updated(old: &Value, new: &Value) -> Goal {
    let id = created(old).to_string();
    goal("Update", json!({"PhysicalResourceId": id, "OldResourceProperties": old, "ResourceProperties": new}))
}

#[test]
fn a_create_runs_the_job_under_a_name_of_its_own() {
    let plan = planned("Create", json!({})).expect("a plan");
    let Goal::Run(Wanted { job, identity }) = plan.goal else { panic!("a job") };
    assert_eq!(job.parameters.expect("parameters").file, "s3://bucket/pi.py");
    assert_eq!(identity.label, "Pi");
    let again = planned("Create", json!({})).expect("a plan");
    assert!(matches!(again.goal, Goal::Run(wanted) if wanted.identity == identity));
    let event = sample::event("Create", json!({}));
    assert_eq!(identity.token, token(&sample::envelope(&event)));
}

#[test]
fn an_update_that_changes_nothing_of_the_job_keeps_it() {
    let old = sample::properties();
    let new = with(with(old.clone(), "ServiceTimeout", "600"), "ServiceToken", "another");
    assert_eq!(updated(&old, &new), kept(&old));
    assert_eq!(updated(&old, &with(old.clone(), "WaitFor", "Submitted")), kept(&old));
}

#[test]
fn an_update_of_the_job_replaces_it() {
    let (old, new) = (sample::properties(), sample::other_properties());
    let Goal::Replace { wanted, old: Some(replaced), present, stays_as: None } = updated(&old, &new) else {
        panic!("a replacement")
    };
    assert_ne!(wanted.identity.spec, replaced.identity.spec);
    assert_eq!((wanted.identity.owner, wanted.identity.token), (replaced.identity.owner, replaced.identity.token));
    assert_eq!(present, Some(created(&old)));
}

#[test]
fn edits_wait_for_the_next_rerun_where_that_is_wanted() {
    let rerun = |properties, text| with(with(properties, "RunOn", "Rerun"), "Rerun", text);
    let old = rerun(sample::properties(), "1");
    let mut edited = rerun(sample::other_properties(), "1");
    edited["LivyHost"] = json!("another");
    assert_eq!(updated(&old, &edited), kept(&old));
    assert!(matches!(updated(&old, &rerun(sample::properties(), "2")), Goal::Replace { .. }));
}

#[test]
fn where_nothing_is_known_to_have_been_made_an_update_starts_a_job() {
    let unknown = format!("spark-job:unknown:{}", "0f".repeat(32));
    for id in [json!("spark-job:nothing"), json!(unknown), json!(FOREIGN), json!(null)] {
        let changes = json!({"PhysicalResourceId": id, "OldResourceProperties": sample::properties()});
        assert!(matches!(goal("Update", changes), Goal::Replace { present: None, old: Some(_), .. }), "{id}");
    }
}

#[test]
fn a_job_that_has_succeeded_and_is_known_no_more_runs_again_only_if_it_is_changed() {
    let unknown = format!("spark-job:unknown:{}", "0f".repeat(32));
    for id in ["spark-job:nothing", &unknown] {
        let of_nothing = |old: &Value, new: &Value| {
            let changes = json!({"PhysicalResourceId": id, "OldResourceProperties": old, "ResourceProperties": new});
            goal("Update", changes)
        };
        let old = with(sample::properties(), "WaitFor", "Succeeded");
        assert_eq!(of_nothing(&old, &with(old.clone(), "OnDeleteError", "Ignore")), Goal::Stop(Target::Nothing));
        let changed = with(sample::other_properties(), "WaitFor", "Succeeded");
        assert!(matches!(of_nothing(&old, &changed), Goal::Replace { present: None, .. }));
        // One that succeeded is what there is to wait for, whatever that is; and what has not is to run.
        assert_eq!(of_nothing(&old, &sample::properties()), Goal::Stop(Target::Nothing));
        assert!(matches!(of_nothing(&sample::properties(), &old), Goal::Replace { present: None, .. }));
        // What is there in a rollback is looked for.
        let back = json!({"PhysicalResourceId": id, "OldResourceProperties": old, "ResourceProperties": old});
        let back = goal_of_stack(Standing { rolls_back: true, ..Standing::default() }, "Update", back);
        assert!(matches!(back, Goal::Restore { present: None, .. }), "{back:?}");
        let waiting = with(changed, "RunOn", "Rerun");
        assert_eq!(of_nothing(&old, &waiting), Goal::Stop(Target::Nothing));
        let rerun = with(waiting, "Rerun", "2");
        assert!(matches!(of_nothing(&old, &rerun), Goal::Replace { present: None, .. }));
    }
}

#[test]
fn an_update_back_from_properties_that_were_refused_keeps_the_job() {
    let good = with(sample::properties(), "Rerun", "1");
    let bad = json!({"LivyHost": ["x"], "Rerun": "1"});
    let back = |good: &Value, new: &Value, bad: &Value| {
        let id = created(good).to_string();
        goal("Update", json!({"PhysicalResourceId": id, "OldResourceProperties": bad, "ResourceProperties": new}))
    };
    assert_eq!(back(&good, &good, &bad), kept(&good));
    assert_eq!(back(&good, &good, &Value::Null), kept(&good));
    assert!(matches!(back(&good, &sample::other_properties(), &bad), Goal::Replace { old: None, .. }));
    // What waited for the next rerun goes on waiting.
    let waiting = with(with(sample::other_properties(), "RunOn", "Rerun"), "Rerun", "1");
    assert_eq!(back(&good, &waiting, &bad), kept(&good));
}

#[test]
fn an_update_in_a_rollback_takes_back_the_one_that_failed_whichever_job_it_names() {
    let (good, bad) = (sample::properties(), sample::other_properties());
    for run in [&good, &bad] {
        let Goal::Restore { wanted, old: Some(old), present, stays_as: None } = rolled_back(run, &bad, &good) else {
            panic!("a restoration")
        };
        assert!(wanted.identity.describes(&created(&good).name.expect("a name")));
        assert!(old.identity.describes(&created(&bad).name.expect("a name")));
        assert_eq!(present, Some(created(run)));
    }
    // What does not roll back, and what is not known to, is an Update like any other.
    let standing = Standing::default();
    let id = created(&good).to_string();
    let changes = json!({"PhysicalResourceId": id, "OldResourceProperties": bad, "ResourceProperties": good});
    assert!(matches!(goal_of_stack(standing, "Update", changes), Goal::Replace { .. }));
}

#[test]
fn a_rollback_with_a_marker_or_a_foreign_id_knows_no_job() {
    for id in ["spark-job:nothing", FOREIGN] {
        let changes = json!({
            "PhysicalResourceId": id, "OldResourceProperties": sample::other_properties(),
        });
        let goal = goal_of_stack(Standing { rolls_back: true, ..Standing::default() }, "Update", changes);
        assert!(matches!(goal, Goal::Restore { present: None, old: Some(_), .. }), "{id}");
    }
}

#[test]
fn a_rollback_of_what_defines_no_job_keeps_it() {
    let good = sample::properties();
    assert_eq!(rolled_back(&good, &with(good.clone(), "WaitFor", "Succeeded"), &good), kept_back(&good));
    // The failed Update was refused, so it has touched nothing.
    let bad = json!({"LivyHost": ["x"]});
    assert_eq!(rolled_back(&good, &bad, &good), kept_back(&good));
    // Both waited for the same rerun.
    let by_rerun = |properties| with(with(properties, "RunOn", "Rerun"), "Rerun", "1");
    let (good, bad) = (by_rerun(sample::properties()), by_rerun(sample::other_properties()));
    assert_eq!(rolled_back(&good, &bad, &good), kept_back(&good));
}

#[test]
fn a_rollback_of_an_update_that_ran_on_changes_takes_its_job_back_although_edits_wait() {
    let good = with(with(sample::properties(), "RunOn", "Rerun"), "Rerun", "1");
    let bad = with(sample::other_properties(), "Rerun", "1");
    for run in [&good, &bad] {
        assert!(matches!(rolled_back(run, &bad, &good), Goal::Restore { stays_as: None, .. }), "{run}");
    }
}

#[test]
fn a_delete_with_an_id_that_is_not_ours_looks_back_as_far_as_the_stack_is_about_it() {
    let began = Timestamp(1_795_244_000_000);
    for since in [None, Some(began)] {
        let standing = Standing { since, ..Standing::default() };
        let goal = goal_of_stack(standing, "Delete", json!({"PhysicalResourceId": FOREIGN}));
        let Goal::Stop(Target::Search { made_since, by: Lookup::Owner, .. }) = goal else { panic!("a search") };
        assert_eq!(made_since, since);
    }
    // A token is that of one request, whenever that was.
    let marker = format!("spark-job:unknown:{}", "0f".repeat(32));
    let standing = Standing { since: Some(began), ..Standing::default() };
    let goal = goal_of_stack(standing, "Delete", json!({"PhysicalResourceId": marker}));
    assert!(matches!(goal, Goal::Stop(Target::Search { made_since: None, .. })));
}

#[test]
fn an_update_with_faults_is_refused() {
    let run = created(&sample::properties()).to_string();
    let fault = told(planned("Update", json!({"PhysicalResourceId": run, "ResourceProperties": {"LivyHost": "emr"}})));
    assert!(fault.contains("Parameters"), "{fault}");
}

#[test]
fn a_delete_stops_the_job_of_its_id_whatever_its_properties() {
    let run = created(&sample::properties());
    let changes = json!({"PhysicalResourceId": run.to_string(), "ResourceProperties": {"LivyHost": 1, "File": []}});
    assert_eq!(goal("Delete", changes), Goal::Stop(Target::Run(run)));
}

#[test]
fn another_try_of_a_request_has_a_token_of_its_own_besides() {
    let tokens = |date: &str| {
        let changes = json!({"ResponseURL": format!("https://host/?X-Amz-Date={date}")});
        let Goal::Run(Wanted { identity, .. }) = goal("Create", changes) else { panic!("a job") };
        (identity.token, identity.dated)
    };
    let (first, second) = (tokens("20261121T070000Z"), tokens("20261121T080000Z"));
    assert_eq!(first.0, second.0);
    assert!(first.1.is_some() && second.1.is_some() && first.1 != second.1);
    assert_eq!(tokens("").1, None);
    // Names that exist may not change.
    let event = sample::event("Create", json!({}));
    let dated = dated_token(&sample::envelope(&event)).map(|token| token.to_string());
    assert_eq!(dated.as_deref(), Some("266cdab7290a6172be9db5e42e0f1a8c44f868250be997a31856801a5a82cf51"));
}

#[test]
fn a_delete_with_a_marker_looks_for_every_try_that_it_names() {
    let (token, dated) = ("0f".repeat(32), "1e".repeat(32));
    for (id, expected) in [
        (format!("spark-job:unknown:{token}"), None),
        (format!("spark-job:unknown:{token}:{dated}"), Some(dated.clone())),
    ] {
        let Goal::Stop(Target::Search { identity, by: Lookup::Token, .. }) =
            goal("Delete", json!({"PhysicalResourceId": id}))
        else {
            panic!("a search")
        };
        assert_eq!(
            (identity.token.to_string(), identity.dated.map(|dated| dated.to_string())),
            (token.clone(), expected)
        );
    }
}

#[test]
fn a_delete_without_a_known_job_searches_as_narrowly_as_it_can() {
    let search = |id: Value| match goal("Delete", json!({"PhysicalResourceId": id})) {
        Goal::Stop(Target::Search { place, identity, by, .. }) => (place, identity, by),
        other => panic!("{other:?}"),
    };
    let unknown = "0f".repeat(32);
    let (place, identity, by) = search(json!(format!("spark-job:unknown:{unknown}")));
    assert_eq!((identity.token.to_string(), by), (unknown, Lookup::Token));
    assert!(matches!(place, Place::Livy(url) if url.to_string() == "http://emr:8998"));
    // The owner is the one whose name a Create's job has.
    let name = created(&sample::properties()).name.expect("a name");
    for id in [json!(FOREIGN), json!(null)] {
        let (_, identity, by) = search(id);
        assert!(identity.owns(&name) && by == Lookup::Owner);
    }
}

#[test]
fn a_delete_of_nothing_and_one_without_a_place_have_nothing_to_stop() {
    let nothing = Goal::Stop(Target::Nothing);
    assert_eq!(goal("Delete", json!({"PhysicalResourceId": "spark-job:nothing"})), nothing);
    for properties in [json!(null), json!({}), json!([]), json!("x"), json!({"LivyHost": {}})] {
        let changes = json!({"PhysicalResourceId": FOREIGN, "ResourceProperties": properties});
        assert_eq!(goal("Delete", changes), nothing);
    }
}

#[test]
fn an_unknown_request_is_refused() {
    assert_eq!(told(planned("Upsert", json!({}))), "RequestType must be Create, Update or Delete, got \"Upsert\"");
    assert!(told(planned("Create", json!({"RequestType": null}))).ends_with("got null"));
}

#[test]
fn properties_that_are_missing_or_cannot_be_read_are_refused() {
    for properties in [json!(null), json!([]), json!("x"), json!({})] {
        assert!(planned("Create", json!({"ResourceProperties": properties})).is_err());
    }
    let event = serde_json::to_string(&json!({"RequestType": "Create", "StackId": "s", "RequestId": "r",
        "LogicalResourceId": "l", "ResponseURL": "https://host/"}))
    .expect("JSON");
    let deep = format!(",\"ResourceProperties\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let event: Event = serde_json::from_str(&event.replace('}', &deep)).expect("JSON");
    let fault = told(plan_of(&event));
    assert!(fault.starts_with("ResourceProperties cannot be read: recursion limit exceeded"), "{fault}");
}

#[test]
fn properties_that_are_no_object_are_told_by_their_name() {
    let fault = |properties: Value| told(planned("Create", json!({ "ResourceProperties": properties })));
    assert_eq!(fault(json!(["x"])), "1 fault: ResourceProperties: must be an object, got a list");
    assert_eq!(fault(json!("hunter2")), "1 fault: ResourceProperties: must be an object, got a string of 7 characters");
    assert!(fault(json!(null)).starts_with("2 faults: no target: "));
}

#[test]
fn more_stability_than_anybody_waits_for_is_refused() {
    let stable = |seconds: &str, timeout: &str| {
        let properties = with(sample::properties(), "StableSeconds", seconds);
        let properties = with(properties, "ServiceTimeout", timeout);
        planned("Create", json!({"ResourceProperties": properties})).map(|_| ()).map_err(|refused| told(Err(refused)))
    };
    // Also in one invocation, which has less: what the workflow takes is not refused where there is none.
    assert_eq!((stable("900", ""), stable("165", "300"), stable("0", "1")), (Ok(()), Ok(()), Ok(())));
    let fault = |fault: &str| Err(format!("1 fault: StableSeconds: must be at most {fault}"));
    assert_eq!(
        stable("166", "300"),
        fault("165: ServiceTimeout is 300 s, so a job is given up after 225 s, and it needs 60 s to come up, got 166")
    );
}

#[test]
fn an_update_back_from_more_stability_than_there_is_keeps_the_job() {
    let good = with(sample::properties(), "WaitFor", "Succeeded");
    let other = with(with(sample::other_properties(), "StableSeconds", "850"), "ServiceTimeout", "600");
    let back = |old: &Value| {
        let id = created(&good).to_string();
        goal("Update", json!({"PhysicalResourceId": id, "OldResourceProperties": old, "ResourceProperties": good}))
    };
    assert_eq!(back(&other), kept(&good));
    // What was not refused may have stopped the job before it failed.
    for accepted in [with(other.clone(), "WaitFor", "Submitted"), with(other, "ServiceTimeout", "3600")] {
        assert!(matches!(back(&accepted), Goal::Replace { old: Some(_), .. }), "{accepted}");
    }
}

#[test]
fn an_update_from_properties_that_were_refused_looks_for_what_a_lost_one_left() {
    let (good, bad) = (sample::properties(), with(sample::other_properties(), "OnTimeout", "Retry"));
    let next = with(good.clone(), "Rerun", "2");
    let id = created(&good).to_string();
    let changes =
        |new: &Value| json!({"PhysicalResourceId": id, "OldResourceProperties": bad, "ResourceProperties": new});
    let Goal::Replace { old: Some(old), .. } = goal("Update", changes(&next)) else { panic!("a replacement") };
    let left = created(&sample::other_properties()).name.expect("a name");
    assert!(old.identity.describes(&left));
    // The refused description, mended: its job was never made.
    assert!(matches!(goal("Update", changes(&sample::other_properties())), Goal::Replace { .. }));
}

#[test]
fn an_update_that_begins_to_wait_for_reruns_waits_unless_it_takes_back_one_that_failed() {
    let by_rerun = |properties| with(with(properties, "RunOn", "Rerun"), "Rerun", "1");
    let on_change = |properties| with(properties, "Rerun", "1");
    let (one, other) = (sample::properties(), sample::other_properties());
    let from = |run: &Value, old: &Value, new: &Value| {
        let id = created(run).to_string();
        goal("Update", json!({"PhysicalResourceId": id, "OldResourceProperties": old, "ResourceProperties": new}))
    };
    let (before, edited) = (on_change(one.clone()), by_rerun(other.clone()));
    assert_eq!(from(&before, &before, &edited), kept(&before));
    // Back from an Update that began to run on changes, and whose own job is not the present one.
    let (before, failed) = (by_rerun(one), on_change(other));
    assert!(matches!(from(&before, &failed, &before), Goal::Replace { old: Some(_), .. }));
}

proptest! {
    #[test]
    fn any_request_has_a_plan_or_faults(
        action in "(Create|Update|Delete|Upsert)",
        fields in proptest::collection::btree_map(
            "(PhysicalResourceId|ResourceProperties|OldResourceProperties|ServiceTimeout)", sample::json(), 0..4),
    ) {
        let planned = planned(&action, json!(fields));
        prop_assert!(action != "Delete" || planned.is_ok());
    }

    #[test]
    fn any_properties_have_a_plan_or_faults(properties in sample::json(), old in sample::json()) {
        let changes = json!({"PhysicalResourceId": FOREIGN, "ResourceProperties": properties,
            "OldResourceProperties": old});
        _ = planned("Update", changes);
    }
}

/// A job on EMR Serverless, whose reference does not hold its name.
fn serverless() -> Value {
    json!({
        "ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:submitter",
        "ApplicationId": "00f1", "ExecutionRoleArn": "arn:aws:iam::123456789012:role/job",
        "Parameters": {"File": "s3://bucket/pi.py"}, "Tags": {"Team": "data"},
    })
}

const OTHER_ROLE: &str = "arn:aws:iam::123456789012:role/other";

const ARN: &str = "arn:aws:emr-serverless:eu-west-1:123456789012:/applications/00f1/jobruns/00f2";

fn updated_there(old: &Value, new: &Value) -> Goal {
    goal("Update", json!({"PhysicalResourceId": ARN, "OldResourceProperties": old, "ResourceProperties": new}))
}

#[test]
fn other_tags_are_all_that_changes() {
    let mut new = serverless();
    new["Tags"] = json!([{"Key": "Stage", "Value": "prod"}]);
    let Goal::Keep { run, retag: Some(retag), .. } = updated_there(&serverless(), &new) else { panic!("other tags") };
    assert_eq!(run.to_string(), ARN);
    assert_eq!((retag.wanted["Stage"].as_str(), retag.old["Team"].as_str()), ("prod", "data"));
    assert!(matches!(updated_there(&serverless(), &serverless()), Goal::Keep { retag: None, .. }));
}

#[test]
fn whether_a_job_without_a_name_in_its_reference_stays_is_left_to_a_look() {
    let refused = with(serverless(), "ExecutionRoleArn", "no role");
    let Goal::Replace { wanted, stays_as: Some(stays), .. } = updated_there(&refused, &serverless()) else {
        panic!("a look")
    };
    assert_eq!(stays, StaysAs { identity: wanted.identity, retag: None });

    let waiting = with(serverless(), "RunOn", "Rerun");
    let Goal::Replace { old: Some(old), stays_as: Some(stays), .. } =
        updated_there(&with(serverless(), "ExecutionRoleArn", OTHER_ROLE), &waiting)
    else {
        panic!("a look")
    };
    assert_eq!(stays, StaysAs { identity: old.identity, retag: None });
}

#[test]
fn tags_of_which_not_all_are_kept_change_only_if_they_do() {
    let tags = |value: &str| {
        let many: serde_json::Map<String, Value> =
            (0..49).map(|n| (format!("{n:0>128}"), "v".repeat(256).into())).collect();
        let mut properties = serverless();
        properties["Tags"] = Value::Object(many);
        properties["Tags"]["Team"] = value.into();
        properties
    };
    for (team, changes) in [("data", false), ("web", true)] {
        let new = with(tags(team), "OnTimeout", "Accept");
        let Goal::Keep { retag, .. } = updated_there(&tags("data"), &new) else { panic!("it stays") };
        assert_eq!(retag.is_some(), changes, "{team}");
    }
}

#[test]
fn a_job_that_may_stay_gets_its_other_tags_if_it_does() {
    let mut waiting = with(with(serverless(), "RunOn", "Rerun"), "ExecutionRoleArn", OTHER_ROLE);
    waiting["Tags"] = json!({"Stage": "prod"});
    let Goal::Replace { stays_as: Some(stays), .. } = updated_there(&serverless(), &waiting) else { panic!("a look") };
    let retag = stays.retag.expect("other tags");
    assert_eq!((retag.wanted["Stage"].as_str(), retag.old["Team"].as_str()), ("prod", "data"));
}

#[test]
fn a_job_moves_from_one_engine_to_another() {
    let moved = goal(
        "Update",
        json!({
            "PhysicalResourceId": created(&sample::properties()).to_string(),
            "OldResourceProperties": sample::properties(), "ResourceProperties": serverless(),
        }),
    );
    let Goal::Replace { wanted, old: Some(old), present: Some(present), stays_as: None } = moved else {
        panic!("a replacement")
    };
    let engines = [&wanted.job.place, &old.place, &present.place].map(Place::engine);
    assert_eq!(engines, ["emr-serverless", "livy", "livy"]);
}

#[test]
fn a_delete_by_arn_needs_no_properties() {
    let changes = json!({"PhysicalResourceId": ARN, "ResourceProperties": null});
    assert_eq!(goal("Delete", changes), Goal::Stop(Target::Run(ARN.parse().expect("a reference"))));
}

#[test]
fn each_place_is_entered_with_the_secret_beside_it() {
    let secret = |name: &str| format!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}");
    let description = |host: &str, name: &str| {
        let properties = with(sample::properties(), "LivyHost", host);
        with(properties, "LivySecretArn", &secret(name))
    };
    let place = |host: &str| Place::Livy(format!("http://{host}:8998").parse().expect("an address"));
    let secret_of = |plan: &Plan, host: &str| plan.access.secret(&place(host)).map(ToString::to_string);

    let create = planned("Create", json!({"ResourceProperties": description("new", "b")})).expect("a plan");
    assert_eq!((secret_of(&create, "new"), secret_of(&create, "old")), (Some(secret("b")), None));

    let (old, new) = (description("old", "a"), description("new", "b"));
    let id = created(&old).to_string();
    let update = json!({"PhysicalResourceId": id, "OldResourceProperties": old, "ResourceProperties": new});
    let update = planned("Update", update).expect("a plan");
    assert_eq!((secret_of(&update, "new"), secret_of(&update, "old")), (Some(secret("b")), Some(secret("a"))));

    // What a Delete is reduced to still says it, and a description that is faulty otherwise does, too.
    for properties in [old.clone(), with(old.clone(), "Parameters", "faulty")] {
        let delete = json!({"PhysicalResourceId": id, "ResourceProperties": properties});
        assert_eq!(secret_of(&planned("Delete", delete).expect("a plan"), "old"), Some(secret("a")));
    }
}

#[test]
fn another_secret_alone_is_no_change() {
    let old = with(sample::properties(), "LivySecretArn", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a");
    let new = with(sample::properties(), "LivySecretArn", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:b");
    for (old, new) in [(&old, &new), (&sample::properties(), &new), (&old, &sample::properties())] {
        assert_eq!(updated(old, new), kept(old));
    }
}

#[test]
fn what_looks_like_a_secret_is_hidden_whatever_else_is_wrong() {
    let mut properties = sample::properties();
    properties["Parameters"]["Environment"] = json!({"DB_PASSWORD": "hunter2"});
    properties["Zzz"] = json!({"token": "hunter3"});
    let event = sample::event("Create", json!({"ResourceProperties": properties}));
    let envelope = sample::envelope(&event);
    let request = Request::of(envelope, event);
    assert_eq!(request.hidden().mask("hunter2 and hunter3"), "*** and ***");
}
