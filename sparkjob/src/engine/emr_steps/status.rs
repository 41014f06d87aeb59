//! What a step's state means, and what becomes of an application that outlives its step.

use super::step::Step;
use crate::engine::text::{clip, line};
use crate::engine::{MAX_REASON, phase_or_still_going, tells_of_trust};
use crate::job::{Phase, Status};
use crate::spark_submit::{command, yarn_tag};

/// What there is of the application that a step left behind.
#[derive(Clone, Copy)]
#[cfg_attr(test, derive(Debug))]
pub enum Remains<'a> {
    /// Nothing: the step has left none.
    Nothing,
    /// Nothing any more: the cluster has ended.
    GoneWithCluster,
    /// Perhaps a living application, which no step was made to kill.
    Left,
    /// This is the latest step that was made to kill it.
    Hunted(&'a Step),
}

/// The status of the run that `step` is.
pub fn status(step: &Step, remains: Remains) -> Status {
    let own = phase(step);
    let (phase, more) = match remains {
        Remains::Nothing => (own, None),
        Remains::GoneWithCluster => {
            (stopped(own), Some("its application ended with the cluster, if not before".to_owned()))
        }
        Remains::Hunted(killer) if kills(killer, step) => {
            (stopped(own), Some(format!("step {} left nothing of its application alive", killer.id)))
        }
        Remains::Hunted(killer) if !self::phase(killer).is_over() => {
            (Phase::Ending, Some(format!("step {} is to kill its application and is {}", killer.id, killer.word)))
        }
        Remains::Hunted(Step { word, id, .. }) if word != "COMPLETED" => {
            (still(own), Some(format!("its application may be alive: step {id}, which was to kill it, is {word}")))
        }
        Remains::Hunted(_) | Remains::Left => {
            (still(own), Some("the step is over, but its application may be alive".to_owned()))
        }
    };
    let ended = matches!(own, Phase::Failed | Phase::Cancelled) && !phase.is_over();
    // What EMR says, it may have cut; so that stands at the end.
    let reasons = [more.unwrap_or_default(), reason(step)];
    let reasons: Vec<&str> = reasons.iter().map(String::as_str).filter(|reason| !reason.is_empty()).collect();
    Status {
        phase,
        word: step.word.clone(),
        reason: line(&reasons.join("; "), MAX_REASON),
        name: Some(step.name.clone()).filter(|name| !name.is_empty()),
        application: None,
        created: step.created,
        silent: false,
        ended: ended.then_some(own),
        place_gone: false,
    }
}

/// What a run is whose step has come to this phase, once its application is over, too: one that was only submitted ran on
/// until it was killed.
fn stopped(phase: Phase) -> Phase {
    if phase == Phase::Succeeded { Phase::Cancelled } else { phase }
}

/// Where an application is whose step has come to this phase without it: one that was only submitted runs, as far as
/// anybody knows.
fn still(phase: Phase) -> Phase {
    if phase == Phase::Succeeded { Phase::Running } else { Phase::Ending }
}

/// Where the step itself stands.
pub fn phase(step: &Step) -> Phase {
    match phase_or_still_going(known(&step.word), "EMR", &step.id, &step.word) {
        // The step that was made to kill it may have been quicker than the cancellation.
        Phase::Failed if was_killed(step) => Phase::Cancelled,
        phase => phase,
    }
}

/// Every word of [`StepState`](https://docs.aws.amazon.com/emr/latest/APIReference/API_StepStatus.html); none for any other.
fn known(word: &str) -> Option<Phase> {
    Some(match word {
        "PENDING" => Phase::Waiting,
        "RUNNING" => Phase::Running,
        "CANCEL_PENDING" => Phase::Ending,
        "COMPLETED" => Phase::Succeeded,
        "FAILED" => Phase::Failed,
        // What is interrupted did not end by itself: its cluster did.
        "CANCELLED" | "INTERRUPTED" => Phase::Cancelled,
        _ => return None,
    })
}

/// Whether the job runs in an application of its own, which goes on when the step is stopped: EMR says that asynchronous
/// processes [are not affected](https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-cancel-steps.html), and Spark
/// [leaves it so](https://issues.apache.org/jira/browse/SPARK-6692).
pub fn outlives(step: &Step) -> bool {
    application_tag(step).is_some()
}

/// The tag that the application of `step` carries and no other one does, where it outlives the step.
pub fn application_tag(step: &Step) -> Option<&str> {
    command::own_tag(&step.args, &yarn_tag(&step.name))
}

/// Whether the step may have left an application behind that is alive: when it had begun, it was cancelled or failed, or it
/// ended as soon as it had submitted the application.
///
/// A step fails with its application, but also alone, where only its `spark-submit` was killed or lost sight of YARN, and
/// Spark's words do not tell the one from the other: `finished with failed status` is what `monitorApplication` comes to
/// where it [cannot ask YARN any more](https://github.com/apache/spark/blob/master/resource-managers/yarn/src/main/scala/org/apache/spark/deploy/yarn/Client.scala),
/// too. `is killed` is what YARN itself says.
pub fn leaves(step: &Step) -> bool {
    let detached = match step.word.as_str() {
        "CANCELLED" => true,
        "FAILED" => !was_killed(step),
        "COMPLETED" => !command::waits(&step.args),
        _ => false,
    };
    detached && step.started.is_some() && outlives(step)
}

/// Whether the step failed since its application was killed from outside, as YARN says.
fn was_killed(step: &Step) -> bool {
    step.message.contains("Application application_") && step.message.contains(" is killed")
}

/// Whether `killer` is done and has killed all that `step` has left behind: what it found while that still ran is not all
/// that there may be, as the application may have been submitted a moment later.
pub fn kills(killer: &Step, step: &Step) -> bool {
    killer.word == "COMPLETED" && killer.started.zip(step.ended).is_some_and(|(started, ended)| started >= ended)
}

fn reason(step: &Step) -> String {
    let reason = match (step.reason.as_str(), step.message.as_str()) {
        ("", message) => message.to_owned(),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    };
    if step.word != "FAILED" || step.role.is_none() || !tells_of_trust(&reason) {
        return reason;
    }
    format!("{}. {TRUST}", clip(reason.trim_end_matches('.'), MAX_UNTRUSTED))
}

/// What to do where the cluster may not take on a step's
/// [runtime role](https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-steps-runtime-roles.html): the instances do that.
const TRUST: &str = "If that is the runtime role (ExecutionRoleArn), its trust policy must allow sts:AssumeRole and \
                     sts:TagSession to the role of the cluster's EC2 instance profile, and that role must be allowed both on \
                     it";

/// The most that is kept of what EMR tells where what to do about it needs room, in characters.
const MAX_UNTRUSTED: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Timestamp;

    fn step(word: &str) -> Step {
        let args = ["spark-submit", "--deploy-mode", "cluster", "--conf", "spark.yarn.tags=pi-0abcdef1", "pi.py"];
        Step {
            id: "s-1".to_owned(),
            name: "Pi".to_owned(),
            word: word.to_owned(),
            args: args.map(str::to_owned).to_vec(),
            created: Some(Timestamp(1000)),
            started: Some(Timestamp(2000)),
            ended: Some(Timestamp(3000)),
            ..Step::default()
        }
    }

    fn detached(word: &str) -> Step {
        let mut step = step(word);
        let conf = ["--conf", "spark.yarn.submit.waitAppCompletion=false"].map(str::to_owned);
        step.args.splice(1..1, conf);
        step
    }

    #[test]
    fn every_word_has_its_phase() {
        let phases = [
            ("PENDING", Phase::Waiting),
            ("CANCEL_PENDING", Phase::Ending),
            ("RUNNING", Phase::Running),
            ("COMPLETED", Phase::Succeeded),
            ("CANCELLED", Phase::Cancelled),
            ("FAILED", Phase::Failed),
            ("INTERRUPTED", Phase::Cancelled),
            ("Completed", Phase::Waiting),
            ("PONDERING", Phase::Waiting),
            ("", Phase::Waiting),
        ];
        for (word, phase) in phases {
            let status = status(&step(word), Remains::Nothing);
            assert_eq!((status.phase, status.word.as_str(), status.silent), (phase, word, false));
        }
    }

    #[test]
    fn only_what_was_begun_and_may_have_ended_alone_leaves_an_application() {
        let words = ["PENDING", "CANCEL_PENDING", "RUNNING", "COMPLETED", "CANCELLED", "FAILED", "INTERRUPTED"];
        let leaving =
            |made: &dyn Fn(&str) -> Step| words.into_iter().filter(|word| leaves(&made(word))).collect::<Vec<_>>();
        assert_eq!(leaving(&step), ["CANCELLED", "FAILED"]);
        assert_eq!(leaving(&detached), ["COMPLETED", "CANCELLED", "FAILED"]);
        assert!(leaving(&|word| Step { started: None, ..step(word) }).is_empty());
        assert!(leaving(&|word| Step { name: "Other".to_owned(), ..step(word) }).is_empty());
    }

    #[test]
    fn only_yarns_own_word_for_the_end_of_an_application_is_taken_for_it() {
        let said = |said: &str| {
            let message = format!("Exception in thread \"main\" org.apache.spark.SparkException: {said}");
            let step = Step { message, ..step("FAILED") };
            assert_eq!(phase(&step), if leaves(&step) { Phase::Failed } else { Phase::Cancelled }, "{said}");
            leaves(&step)
        };
        assert!(!said("Application application_1795244400000_0001 is killed"));
        assert!(said("Application application_1795244400000_0001 finished with failed status"));
        assert!(said("The final status of application application_1795244400000_0001 is undefined"));
        assert!(said("the daemon is killed"));
    }

    #[test]
    fn an_application_is_over_once_a_step_has_killed_it_that_began_after_the_end_of_its_own() {
        let killer =
            |word: &str, started| Step { id: "s-2".to_owned(), started: Some(Timestamp(started)), ..step(word) };
        for (word, started, stopped, submitted) in [
            ("PENDING", 3000, Phase::Ending, Phase::Ending),
            ("RUNNING", 3000, Phase::Ending, Phase::Ending),
            ("COMPLETED", 2999, Phase::Ending, Phase::Running),
            ("COMPLETED", 3000, Phase::Cancelled, Phase::Cancelled),
            ("FAILED", 3000, Phase::Ending, Phase::Running),
            ("CANCELLED", 3000, Phase::Ending, Phase::Running),
        ] {
            let killer = killer(word, started);
            for (own, over) in [("CANCELLED", Phase::Cancelled), ("FAILED", Phase::Failed)] {
                let status = status(&step(own), Remains::Hunted(&killer));
                let phase = if stopped.is_over() { over } else { stopped };
                let ended = (!stopped.is_over()).then_some(over);
                assert_eq!((status.phase, status.ended), (phase, ended), "{own}, {word}");
            }
            assert_eq!(status(&detached("COMPLETED"), Remains::Hunted(&killer)).ended, None, "{word}");
            assert_eq!(status(&detached("COMPLETED"), Remains::Hunted(&killer)).phase, submitted, "{word}");
        }
        for step in [step("CANCELLED"), detached("COMPLETED")] {
            assert_eq!(status(&step, Remains::GoneWithCluster).phase, Phase::Cancelled);
        }
        assert_eq!(status(&step("FAILED"), Remains::GoneWithCluster).phase, Phase::Failed);
        for (word, ended) in [("CANCELLED", Phase::Cancelled), ("FAILED", Phase::Failed)] {
            let status = status(&step(word), Remains::Left);
            assert_eq!((status.phase, status.ended), (Phase::Ending, Some(ended)));
        }
        assert_eq!(status(&detached("COMPLETED"), Remains::Left).phase, Phase::Running);
    }

    #[test]
    fn a_runtime_role_that_the_cluster_may_not_take_on_is_told_with_what_to_do() {
        let told = |word: &str, message: &str| {
            let role = Some("arn:aws:iam::1:role/job".to_owned());
            let step = Step { message: message.to_owned(), args: Vec::new(), role, ..step(word) };
            status(&step, Remains::Nothing).reason
        };
        let denied =
            "User: arn:aws:sts::1:assumed-role/EMR_EC2_DefaultRole/i-1 is not authorized to perform: sts:AssumeRole";
        for message in [denied, &format!("{denied} {}", "on resource ".repeat(50))] {
            let reason = told("FAILED", message);
            assert!(reason.starts_with(denied) && reason.ends_with(TRUST), "{reason}");
            assert!(reason.chars().count() <= MAX_REASON, "{reason}");
        }
        assert_eq!(told("RUNNING", denied), denied);
        let other = "User: arn:aws:sts::1:assumed-role/job/i-1 is not authorized to perform: s3:GetObject";
        assert_eq!(told("FAILED", other), other);
    }

    #[test]
    fn why_a_step_failed_is_told_once() {
        let told = |reason: &str, message: &str| {
            let step = Step { reason: reason.to_owned(), message: message.to_owned(), ..step("FAILED") };
            status(&step, Remains::Nothing).reason
        };
        assert_eq!(told("Unknown Error", "exit 1"), "Unknown Error: exit 1");
        assert_eq!(told("Unknown Error", ""), "Unknown Error");
        assert_eq!(told("", "exit 1"), "exit 1");
        assert_eq!(told("", ""), "");
    }
}
