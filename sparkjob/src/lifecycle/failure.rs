//! What a failure says: what was tried, what came of it, what to do.

use std::time::Duration;

use super::plan::Plan;
use super::state::{Own, Stage, State, Stopping};
use crate::engine::{Kind, Trouble};
use crate::job::{Job, Phase, Place, RunRef, Status, Timestamp};
use crate::outcome::{Failure, FailureKind, sentence};
use crate::properties::WaitFor;

/// A call that failed for good, at `place`.
pub fn of(place: Option<&Place>, trouble: &Trouble) -> Failure {
    let is_livy = place.is_some_and(Place::is_livy);
    let (kind, advice) = match trouble.kind {
        Kind::Rejected => (FailureKind::Rejected, "Correct what is said above and deploy again."),
        Kind::Absent => (FailureKind::Rejected, "Name a place that is there, and deploy again."),
        Kind::Futile => (FailureKind::Unavailable, "Do it by hand, and try again."),
        Kind::Denied if is_livy => {
            (FailureKind::Denied, "Check who may use this Livy, and how: it, or a proxy before it, denied the call.")
        }
        Kind::Denied => (FailureKind::Denied, "Check what the role of the submitter is allowed to do there."),
        Kind::Busy | Kind::Taken | Kind::Unavailable | Kind::Unclear if is_livy => (
            FailureKind::Unavailable,
            "Check that Livy runs and that the network lets the submitter reach it (subnets, security groups, name).",
        ),
        Kind::Busy | Kind::Taken | Kind::Unavailable | Kind::Unclear => (
            FailureKind::Unavailable,
            "Try again when the service answers; where the submitter is in a VPC, see that it has a way there (a VPC \
             endpoint or NAT).",
        ),
    };
    let advice = if trouble.advice.is_empty() { advice } else { &trouble.advice };
    Failure {
        kind,
        what: format!("Could not {}: {}", trouble.doing, sentence(&trouble.said)),
        advice: advice.to_owned(),
    }
}

/// A job that can no longer be followed.
pub fn of_following(run: &RunRef, trouble: &Trouble) -> Failure {
    let mut failure = of(Some(&run.place), trouble);
    failure.what = format!("{} was submitted and cannot be followed any longer. {}", told(run), failure.what);
    failure
}

/// Old jobs that could not be stopped or looked for, so that the new one was not submitted, or is not to stay.
pub fn of_old(place: Option<&Place>, trouble: &Trouble) -> Failure {
    let mut failure = of(place, trouble);
    failure.advise("To go on without stopping the old job, set OnDeleteError to Ignore.");
    failure
}

/// A second job of one request that could not be stopped, so that the first is not to stay either.
pub fn of_twin(place: Option<&Place>, trouble: &Trouble) -> Failure {
    let mut failure = of(place, trouble);
    failure.advise(
        "The request was worked on twice at the same time, and each submitted its job. Stop this one by hand: no Delete will. \
         To go on beside it, set OnDeleteError to Ignore.",
    );
    failure
}

/// A job that ended otherwise than it should, as was seen at `now`; `job` is what was to run, where that is known.
pub fn of_job(run: &RunRef, status: &Status, job: Option<&Job>, now: Timestamp) -> Failure {
    let timed_out = time_out(run, status, job, now);
    let (kind, happened, advice) = match status.ended.unwrap_or(status.phase) {
        Phase::Gone if status.place_gone => (
            FailureKind::Cancelled,
            "disappeared from",
            "What it ran on was terminated or deleted. Name a place that is there, and deploy again.",
        ),
        Phase::Gone if run.place.is_livy() => (
            FailureKind::Cancelled,
            "disappeared from",
            "Somebody deleted it, the server was restarted and forgot it, or it had ended for ten minutes, for as long as Livy keeps \
             it, before it could be looked at. Look whether it has run, and deploy again if not.",
        ),
        Phase::Gone => (
            FailureKind::Cancelled,
            "disappeared from",
            "The service took it and does not show it. Deploy again to run it again.",
        ),
        Phase::Cancelled => match &timed_out {
            Some(advice) => (FailureKind::Cancelled, "was cancelled on", advice.as_str()),
            None => (FailureKind::Cancelled, "was cancelled from outside on", "Deploy again to run it again."),
        },
        _ => (FailureKind::Failed, "failed on", "Correct the job and deploy again."),
    };
    let said = if status.reason.is_empty() { String::new() } else { format!(" {}", sentence(&status.reason)) };
    let word = if status.word.is_empty() { String::new() } else { format!(": it is {}", status.word) };
    let what = format!("{} {happened} {}{word}.{said}", told(run), run.place);
    Failure { kind, what, advice: advice.to_owned() }
}

/// What to do where EMR Serverless itself may have cancelled a run, as it does
/// [when a run has timed out](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/job-states.html): in which words
/// it says so is not published, so a job that is as old as the time that it was given may have run out of it, whatever they are.
fn time_out(run: &RunRef, status: &Status, job: Option<&Job>, now: Timestamp) -> Option<String> {
    if !matches!(run.place, Place::EmrServerless(_)) {
        return None;
    }
    let said = status.reason.to_lowercase();
    let is_told = ["timeout", "time-out", "timed out", "time out"].iter().any(|words| said.contains(words));
    if is_told && said.contains("queue") {
        return Some(QUEUED_FOR_TOO_LONG.to_owned());
    }
    let is_as_old = |minutes: u32| {
        let whole = Duration::from_secs(60 * u64::from(minutes));
        status.created.is_some_and(|created| now.since(created) >= whole)
    };
    let limit = match job.and_then(|job| job.timeout_minutes).filter(|minutes| *minutes > 0) {
        Some(minutes) if is_told || is_as_old(minutes) => format!("TimeoutMinutes, here {minutes}"),
        None if is_told => "TimeoutMinutes, 12 hours unless it is given".to_owned(),
        _ => return None,
    };
    Some(format!(
        "EMR Serverless cancels what runs for longer than {limit}: give it more where the job needs more, and deploy again to \
         run it again."
    ))
}

/// What to do where EMR Serverless has given up a run that [waited for room](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/applications-concurrency-queuing.html).
const QUEUED_FOR_TOO_LONG: &str = "An application runs no more jobs at a time than maxConcurrentRuns of its scheduler configuration, 15 unless \
                                   it is given, and gives up what waits for longer than queueTimeoutMinutes: have fewer jobs at a \
                                   time, or raise these, and deploy again to run it again.";

/// A run that was registered and never started.
pub fn of_silence(run: &RunRef) -> Failure {
    Failure {
        kind: FailureKind::Rejected,
        what: format!("{} never started on {}: it has shown no sign of life for a minute.", told(run), run.place),
        advice: "Livy's own log tells why it could not run spark-submit. Then deploy again.".to_owned(),
    }
}

/// Nobody waits any more.
pub fn of_withdrawal() -> Failure {
    Failure {
        kind: FailureKind::Withdrawn,
        what: "Whoever asked for the job has gone on and waits for no answer.".to_owned(),
        advice: String::new(),
    }
}

/// The goal was not reached: nobody waits any more, or the time ran out.
pub fn of_giving_up(plan: &Plan, state: &State) -> Failure {
    if state.superseded.is_some() { of_withdrawal() } else { of_time(plan, state) }
}

/// The time ran out.
fn of_time(plan: &Plan, state: &State) -> Failure {
    let (what, advice) = match (&state.stage, &state.own) {
        (Stage::Finish { .. }, _) => (
            format!(
                "The present job had not ended after half of the time, so nothing was stopped{}.",
                if state.unseen.may_be_one() { "" } else { " and nothing submitted" }
            ),
            "Update when it has ended, give it more time (ServiceTimeout), or choose another UpdateStrategy.",
        ),
        (Stage::Stop { runs, .. }, _) => (not_stopped(runs), "Stop it by hand, or try again."),
        (Stage::Tag, Some(own)) => {
            (format!("The tags of {} on {} were not changed in time.", told(&own.run), own.run.place), "Try again.")
        }
        (Stage::FindOwn, Some(own)) => {
            let word = word(own.status.as_ref());
            (
                format!("{} on {} was found only when the time was over: it is {word}.", told(&own.run), own.run.place),
                "Try again when the engine answers, or give it more time (ServiceTimeout).",
            )
        }
        (Stage::FindOld, Some(_)) => {
            let place = plan.old().map(|old| format!(" on {}", old.place)).unwrap_or_default();
            (
                format!("What an earlier request may have left{place} could not be looked for in time."),
                "Try again when the engine answers, or give it more time (ServiceTimeout).",
            )
        }
        (_, Some(own)) => not_at_goal(plan, own),
        (_, None) => {
            let place = plan.wanted().map(|wanted| format!(" to {}", wanted.job.place)).unwrap_or_default();
            (
                format!("The job could not be submitted{place} in time."),
                "Try again when the engine answers, and has room.",
            )
        }
    };
    let whole = plan.deadlines.whole().as_secs();
    let when = if state.weather.is_some() { "Last of all" } else { "When it was last asked to stop" };
    let said = state.last_said().map(|said| format!(" {when}: {}", sentence(said))).unwrap_or_default();
    let kind = FailureKind::Unavailable;
    Failure { kind, what: format!("{what} The time was {whole} s in all.{said}"), advice: advice.to_owned() }
}

/// What is told of runs that were to be stopped in time.
pub fn not_stopped(runs: &[Stopping]) -> String {
    let each = runs.iter().map(|Stopping { run, status, .. }| {
        // What it left goes on, or it never waited for that.
        let has_left = status.as_ref().is_some_and(|status| status.ended.is_some() || status.word == "COMPLETED");
        let left = if has_left { ", but its application may be alive" } else { "" };
        format!("{} on {} is {}{left}", told(run), run.place, word(status.as_ref()))
    });
    format!("Not stopped in time: {}.", each.collect::<Vec<_>>().join(", "))
}

/// What is told of a job that was not what is waited for in time, and what to do.
fn not_at_goal(plan: &Plan, own: &Own) -> (String, &'static str) {
    let job = format!("{} on {}", told(&own.run), own.run.place);
    if !own.was_looked_at() {
        let (listed, advice) = match &own.status {
            Some(status) => (
                format!(", which a list has shown as {},", status.word),
                "Try again when the engine answers, let it go on (OnTimeout: Accept), or give it more time (ServiceTimeout).",
            ),
            None => (String::new(), "Try again when the engine answers, or give it more time (ServiceTimeout)."),
        };
        return (format!("{job}{listed} could not be looked at in time."), advice);
    }
    let less = "Wait for less (WaitFor), let it go on (OnTimeout: Accept), or give it more time (ServiceTimeout).";
    let (met, advice) = match plan.wait_for() {
        WaitFor::Submitted => {
            ("seen alive for long enough", "Let it go on (OnTimeout: Accept), or give it more time (ServiceTimeout).")
        }
        WaitFor::Running if own.running_since.is_some() => ("running for long enough (StableSeconds)", less),
        WaitFor::Running => ("running", less),
        WaitFor::Succeeded => ("done", less),
    };
    (format!("{job} was not {met} in time: it is {}.", word(own.status.as_ref())), advice)
}

/// What is noted of a job that goes on although it has not met `WaitFor`.
pub fn accepted(plan: &Plan) -> String {
    format!("WaitFor was not met within {} s; OnTimeout is Accept.", plan.deadlines.whole().as_secs())
}

/// What is noted of runs that were to be stopped and were not over when the answer was due.
pub fn not_over(runs: &[Stopping], weather: Option<&str>) -> String {
    let asked = runs.iter().all(|stopping| stopping.asked.is_some());
    let asked = if asked { "It was asked to stop" } else { "It could not be asked to stop" };
    let weather = weather.map(|said| format!(" ({said})")).unwrap_or_default();
    format!("{asked} and may still run{weather}.")
}

/// A request that comes again, or looks for what it submitted, so late that nobody can tell any more what became of its job.
pub fn of_oblivion(plan: &Plan) -> Failure {
    let place = plan.wanted().map(|wanted| format!(" {}", wanted.job.place)).unwrap_or_default();
    Failure {
        kind: FailureKind::Unavailable,
        what: format!(
            "It is too late to ask{place} whether this request's job has run: what ended ten minutes ago is forgotten."
        ),
        advice: "Nothing was submitted now. Look whether the job has run, and deploy again if not.".to_owned(),
    }
}

/// A state that does not fit its plan: an internal error, told rather than hidden.
pub fn of_state() -> Failure {
    Failure {
        kind: FailureKind::Unavailable,
        what: "The saved state does not fit the request that it belongs to.".to_owned(),
        advice: "This is a defect of the submitter: please report it.".to_owned(),
    }
}

/// The state of a job as its engine calls it, as far as it was seen.
fn word(status: Option<&Status>) -> &str {
    status.map_or("unknown", |status| status.word.as_str())
}

/// The run as people call it.
fn told(run: &RunRef) -> String {
    let name = run.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    format!("{} {}{name}", run.place.noun(), run.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Parameters;

    fn cancelled(place: &Place, reason: &str, minutes: Option<u32>) -> Failure {
        let run = RunRef { place: place.clone(), id: "00f2".to_owned(), realm: None, name: None };
        let reason = reason.to_owned();
        let created = Some(Timestamp(1000));
        let status =
            Status { phase: Phase::Cancelled, word: "CANCELLED".to_owned(), reason, created, ..Status::gone() };
        let job = Job { timeout_minutes: minutes, ..Job::of(place.clone(), Parameters::default()) };
        of_job(&run, &status, Some(&job), Timestamp(1000) + Duration::from_mins(90))
    }

    #[test]
    fn what_may_have_run_out_of_its_time_is_not_said_to_be_cancelled_from_outside() {
        let serverless = Place::EmrServerless("00f1".to_owned());
        for (reason, minutes, limit) in [
            ("", Some(90), "TimeoutMinutes, here 90:"),
            ("The job run has timed out", Some(90), "TimeoutMinutes, here 90:"),
            ("Job run exceeded its execution timeout", None, "TimeoutMinutes, 12 hours unless it is given:"),
            ("Job run timed out in the queue", Some(90), "maxConcurrentRuns of its scheduler configuration"),
        ] {
            let failure = cancelled(&serverless, reason, minutes);
            assert_eq!(failure.kind, FailureKind::Cancelled);
            assert!(failure.what.contains(" was cancelled on ") && failure.what.contains(reason), "{failure:?}");
            assert!(failure.advice.contains(limit), "{failure:?}");
        }
        for (place, reason, minutes) in [
            (&serverless, "", None),
            (&serverless, "", Some(0)),
            (&serverless, "", Some(91)),
            (&Place::EmrSteps("j-1".to_owned()), "timeout", None),
        ] {
            let failure = cancelled(place, reason, minutes);
            assert!(failure.what.contains(" was cancelled from outside on "), "{failure:?}");
            assert_eq!(failure.advice, "Deploy again to run it again.");
        }
    }
}
