//! What is tried with faults, and what must come of it.

use std::time::Duration;

use crate::cloudformation::{Answer, Delivery, INVENTED, Properties, Stack};
use crate::town::{Engine, Town};
use crate::{DYING, NEW, OLD, ORPHAN, REFUSED};

/// What is tried with faults.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What is asked for.
    pub ask: Ask,
    /// What must come of it, whatever goes wrong once.
    pub status: &'static str,
    /// Jobs that are alive then.
    pub alive: usize,
    /// Jobs of the requested file that there ever were.
    pub jobs: usize,
}

/// A request about a file.
#[derive(Clone, Copy, Debug)]
pub enum Ask {
    Create(&'static str, Properties),
    Update(&'static str, Properties),
    Rollback(Back),
    Retag,
    /// The Create of a job once more, whose answer never came.
    Again {
        /// Whether the job failed in the meantime.
        has_failed: bool,
    },
    Delete(By, Properties),
}

/// The id that a Delete has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum By {
    Job,
    /// The responder's, of a Create that made a job.
    Marker,
    /// `CloudFormation`'s own, of a Create that made a job and whose answer never came.
    Invention,
}

/// Back from an update, of a resource that has these properties before it, in it, and then again.
#[derive(Clone, Copy, Debug)]
pub struct Back {
    /// The file of the update. One that dies fails it; any other is taken back because another resource failed.
    from: &'static str,
    /// Whether the old job ended by itself, well, before the update.
    has_ended: bool,
    properties: Properties,
}

const USUAL: Properties = Properties::USUAL;
const BRIEF: Properties = Properties::BRIEF;
/// What never comes to what is waited for.
const LATE: Properties = Properties { wait_for: "Succeeded", service_timeout: 240, ..USUAL };
const FINISH: Properties = Properties { strategy: "FinishThenStart", ..BRIEF };
const START: Properties = Properties { strategy: "StartThenStop", ..BRIEF };
/// The job is an application on YARN, which outlives its step.
pub const IN_CLUSTER: Properties = Properties { deploy_mode: Some("cluster"), ..BRIEF };

pub const CREATE: Scenario = succeeds(Ask::Create(NEW, USUAL), 1);
pub const CREATE_SUBMITTED: Scenario = succeeds(Ask::Create(NEW, Properties { wait_for: "Submitted", ..USUAL }), 1);
pub const CREATE_REFUSED: Scenario = Scenario { ask: Ask::Create(REFUSED, USUAL), status: "FAILED", alive: 0, jobs: 0 };
pub const CREATE_DYING: Scenario = Scenario { ask: Ask::Create(DYING, USUAL), status: "FAILED", alive: 0, jobs: 1 };
pub const CREATE_LATE: Scenario = Scenario { ask: Ask::Create(NEW, LATE), status: "FAILED", alive: 0, jobs: 1 };
pub const CREATE_AGAIN: Scenario = succeeds(Ask::Again { has_failed: false }, 1);
/// What failed of an earlier try tells nothing of this one.
pub const CREATE_AGAIN_ANEW: Scenario = Scenario { jobs: 2, ..succeeds(Ask::Again { has_failed: true }, 1) };
/// Its client dies.
pub const CREATE_ORPHANED: Scenario =
    Scenario { ask: Ask::Create(ORPHAN, IN_CLUSTER), status: "FAILED", alive: 0, jobs: 1 };
pub const DELETE: Scenario = succeeds(Ask::Delete(By::Job, BRIEF), 0);
pub const DELETE_IN_CLUSTER: Scenario = succeeds(Ask::Delete(By::Job, IN_CLUSTER), 0);
pub const DELETE_BY_MARKER: Scenario = succeeds(Ask::Delete(By::Marker, BRIEF), 0);
pub const DELETE_BY_INVENTION: Scenario = succeeds(Ask::Delete(By::Invention, BRIEF), 0);
pub const UPDATE_STOPS: Scenario = succeeds(Ask::Update(NEW, BRIEF), 1);
pub const UPDATE_FINISHES: Scenario = succeeds(Ask::Update(NEW, FINISH), 1);
pub const UPDATE_STARTS: Scenario = succeeds(Ask::Update(NEW, START), 2);
pub const UPDATE_TAGS: Scenario = succeeds(Ask::Retag, 1);
pub const UPDATE_DYING: Scenario = Scenario { ask: Ask::Update(DYING, BRIEF), status: "FAILED", alive: 0, jobs: 1 };
pub const UPDATE_DYING_STARTS_FIRST: Scenario =
    Scenario { ask: Ask::Update(DYING, START), status: "FAILED", alive: 1, jobs: 1 };
pub const UPDATE_ORPHANED: Scenario =
    Scenario { ask: Ask::Update(ORPHAN, IN_CLUSTER), status: "FAILED", alive: 0, jobs: 1 };
pub const UPDATE_ORPHANED_STARTS_FIRST: Scenario = Scenario {
    ask: Ask::Update(ORPHAN, Properties { strategy: "StartThenStop", ..IN_CLUSTER }),
    alive: 1,
    ..UPDATE_ORPHANED
};
/// The new job runs, and is stopped for not having ended in time.
pub const UPDATE_LATE: Scenario = Scenario { ask: Ask::Update(NEW, LATE), status: "FAILED", alive: 0, jobs: 1 };
pub const UPDATE_LATE_STARTS: Scenario =
    Scenario { ask: Ask::Update(NEW, Properties { strategy: "StartThenStop", ..LATE }), alive: 1, ..UPDATE_LATE };

/// The old job was stopped, and is run again.
pub const ROLLBACK_RESTORES: Scenario = Scenario { jobs: 2, ..rolls_back(DYING, false, BRIEF, 1) };
/// It still runs.
pub const ROLLBACK_KEEPS: Scenario = rolls_back(DYING, false, START, 1);
/// It had ended, and is not run again.
pub const ROLLBACK_REPEATS_NOTHING: Scenario = rolls_back(DYING, true, BRIEF, 0);
/// The job that came after it goes, although an update would let it finish.
pub const ROLLBACK_STOPS_THE_NEW: Scenario = rolls_back(NEW, true, FINISH, 0);

/// The job that came after it goes, and it is run again, as it had to go for that.
pub const ROLLBACK_REPLACES_THE_NEW: Scenario = Scenario { jobs: 2, ..rolls_back(NEW, false, BRIEF, 1) };
/// The job that came beside it goes.
pub const ROLLBACK_STOPS_BESIDE: Scenario = rolls_back(NEW, false, START, 1);

pub const ALL: [Scenario; 28] = [
    CREATE,
    CREATE_SUBMITTED,
    CREATE_REFUSED,
    CREATE_DYING,
    CREATE_LATE,
    CREATE_AGAIN,
    CREATE_AGAIN_ANEW,
    CREATE_ORPHANED,
    DELETE,
    DELETE_IN_CLUSTER,
    DELETE_BY_MARKER,
    DELETE_BY_INVENTION,
    UPDATE_STOPS,
    UPDATE_FINISHES,
    UPDATE_STARTS,
    UPDATE_TAGS,
    UPDATE_DYING,
    UPDATE_DYING_STARTS_FIRST,
    UPDATE_ORPHANED,
    UPDATE_ORPHANED_STARTS_FIRST,
    UPDATE_LATE,
    UPDATE_LATE_STARTS,
    ROLLBACK_RESTORES,
    ROLLBACK_KEEPS,
    ROLLBACK_REPEATS_NOTHING,
    ROLLBACK_STOPS_THE_NEW,
    ROLLBACK_REPLACES_THE_NEW,
    ROLLBACK_STOPS_BESIDE,
];

/// It succeeds with one job, and so many are alive then.
const fn succeeds(ask: Ask, alive: usize) -> Scenario {
    Scenario { ask, status: "SUCCESS", alive, jobs: 1 }
}

const fn rolls_back(from: &'static str, has_ended: bool, properties: Properties, alive: usize) -> Scenario {
    succeeds(Ask::Rollback(Back { from, has_ended, properties }), alive)
}

impl Scenario {
    /// Where it can be played. Livy tells no times, so what failed of an earlier try is not told from what failed of this one; and
    /// only a step is over without its application.
    pub fn engines(self) -> impl Iterator<Item = Engine> {
        let is_timed = matches!(self.ask, Ask::Again { has_failed: true });
        let is_in_cluster = matches!(
            self.ask,
            Ask::Create(_, told) | Ask::Update(_, told) | Ask::Delete(_, told) if told.deploy_mode.is_some()
        );
        Engine::ALL.into_iter().filter(move |engine| match engine {
            Engine::Livy | Engine::LivyOnCluster => !is_timed && !is_in_cluster,
            Engine::EmrOnEks | Engine::EmrServerless => !is_in_cluster,
            Engine::EmrSteps => true,
        })
    }

    /// What it is about.
    pub fn file(&self) -> &'static str {
        match self.ask {
            Ask::Create(file, _) | Ask::Update(file, _) => file,
            Ask::Rollback(_) | Ask::Retag | Ask::Again { .. } | Ask::Delete(..) => OLD,
        }
    }

    /// Whether there never are two jobs at once.
    pub fn is_one_at_a_time(&self) -> bool {
        let (Ask::Update(_, properties) | Ask::Rollback(Back { properties, .. })) = self.ask else { return false };
        matches!(properties.strategy, "StopThenStart" | "FinishThenStart")
    }

    /// Whether `CloudFormation` waits for minutes only.
    pub fn is_short(&self) -> bool {
        matches!(self.ask, Ask::Create(_, told) | Ask::Update(_, told) if told.service_timeout < 1000)
    }

    /// The properties of the job that there is before; none where there is none.
    pub fn of_the_old(&self) -> Option<Properties> {
        match self.ask {
            Ask::Create(..) => None,
            Ask::Rollback(Back { properties, .. }) | Ask::Delete(_, properties) => Some(properties),
            Ask::Update(..) | Ask::Retag | Ask::Again { .. } => Some(Properties::BRIEF),
        }
    }

    /// Whether nobody hears what became of the job that there is before.
    pub fn is_of_an_unheard(&self) -> bool {
        matches!(self.ask, Ask::Again { .. } | Ask::Delete(By::Marker | By::Invention, _))
    }

    /// Whether it is about an update that is taken back.
    pub fn is_rollback(&self) -> bool {
        matches!(self.ask, Ask::Rollback(_))
    }

    /// How many jobs are alive at most when this is answered: one that is to be stopped as time runs out may be left to what follows, where
    /// the answer says so. A `DELETE` of Livy's that nobody hears of is waited for longer than there is; and where there is more amiss than
    /// one thing, all of the time may be over before Lambda has room again.
    pub fn most_alive(&self, answer: &Answer, is_worse: bool) -> usize {
        let is_left = answer.reason.contains("may still run");
        let is_named =
            is_worse && answer.reason.starts_with("Nobody finished") && answer.reason.contains("; its job is ");
        self.alive + usize::from(self.is_short() && (is_left || is_named))
    }

    /// How many jobs are alive once the update that failed has been taken back; none where that is not what follows.
    pub fn alive_again(&self) -> Option<usize> {
        let fails = self.status == "FAILED" && matches!(self.ask, Ask::Update(..));
        fails.then_some(1)
    }

    /// That a failure says why: what really came in its way, and no panic or the like. Where there is more amiss than one thing,
    /// it may have been that.
    pub fn assert_reason(&self, answer: &Answer, is_worse: bool, told: &str) {
        assert!(!answer.reason.starts_with("The Lambda function gave up"), "{told}: {}", answer.reason);
        let expected: &[&str] = match self.ask {
            _ if self.status == "SUCCESS" || is_worse => return,
            // Livy registers what it refuses.
            Ask::Create(REFUSED, _) => &["/etc/passwd", " never started on "],
            Ask::Create(DYING | ORPHAN, _) | Ask::Update(DYING | ORPHAN, _) => &[" failed on "],
            _ => &["was not done in time"],
        };
        assert!(expected.iter().any(|words| answer.reason.contains(words)), "{told}: {}", answer.reason);
    }

    /// Whether the jobs of a town are as a success says.
    pub fn is_true_of(&self, town: &Town) -> bool {
        !matches!(self.ask, Ask::Retag)
            || town.emr().runs().iter().all(|run| !town.has_tags() || run.tags["Team"] == "data")
    }

    /// The update that is taken back, as a stack sends it in a town where things went on accordingly.
    pub fn taken_back(&self, town: &Town, stack: &mut Stack) -> Option<Delivery> {
        let Ask::Rollback(Back { from, has_ended, properties }) = self.ask else { return None };
        if has_ended {
            town.end_old(true);
        }
        Some(stack.update(from, properties))
    }

    /// The request, as a stack sends it in a town where things go on accordingly; the update that it takes back was answered so.
    pub fn request(&self, town: &Town, stack: &mut Stack, taken_back: Option<&Answer>) -> Delivery {
        match (self.ask, taken_back) {
            (Ask::Create(file, properties), _) => stack.create(file, properties),
            (Ask::Update(file, properties), _) => {
                if properties.strategy == "FinishThenStart" {
                    town.finish_old_within(Duration::from_secs(30));
                }
                stack.update(file, properties)
            }
            (Ask::Rollback(Back { from, .. }), Some(updated)) => {
                assert_eq!(updated.status == "FAILED", from == DYING, "{updated:?}");
                if from == DYING { stack.roll_back() } else { stack.take_back(updated) }
            }
            (Ask::Rollback(_), None) => unreachable!("an update is taken back"),
            (Ask::Retag, _) => stack.retag(),
            (Ask::Again { has_failed }, _) => {
                if has_failed {
                    town.end_old(false);
                }
                stack.again()
            }
            (Ask::Delete(By::Job, _), _) => stack.delete(),
            (Ask::Delete(By::Marker, _), _) => stack.delete_of(&stack.marker()),
            (Ask::Delete(By::Invention, _), _) => stack.delete_of(INVENTED),
        }
    }
}

/// The tests of all scenarios, each of which `survives_on` tries on one engine.
macro_rules! each_scenario {
    () => {
        /// What is asked for is tried on every engine that it can be played on.
        async fn survives(scenario: $crate::scenario::Scenario) {
            for engine in scenario.engines() {
                survives_on(engine, scenario).await;
            }
        }

        /// What else may come of it is tried on one of each kind, and in random pairs on every one.
        async fn survives_on_each_kind(scenario: $crate::scenario::Scenario) {
            for engine in scenario.engines().filter(|engine| $crate::town::Engine::UNLIKE.contains(engine)) {
                survives_on(engine, scenario).await;
            }
        }

        #[tokio::test(start_paused = true)]
        async fn a_create_survives_any_one_fault() {
            survives($crate::scenario::CREATE).await;
        }

        #[tokio::test(start_paused = true)]
        async fn a_create_that_waits_for_no_more_than_the_submission_survives_any_one_fault() {
            survives_on_each_kind($crate::scenario::CREATE_SUBMITTED).await;
        }

        #[tokio::test(start_paused = true)]
        async fn a_create_that_is_refused_survives_any_one_fault() {
            survives_on_each_kind($crate::scenario::CREATE_REFUSED).await;
        }

        #[tokio::test(start_paused = true)]
        async fn a_create_whose_job_dies_survives_any_one_fault() {
            survives_on_each_kind($crate::scenario::CREATE_DYING).await;
        }

        #[tokio::test(start_paused = true)]
        async fn a_create_that_misses_its_deadline_survives_any_one_fault() {
            survives_on_each_kind($crate::scenario::CREATE_LATE).await;
        }

        #[tokio::test(start_paused = true)]
        async fn a_create_that_cloudformation_repeats_survives_any_one_fault() {
            survives($crate::scenario::CREATE_AGAIN).await;
        }

        #[tokio::test(start_paused = true)]
        async fn a_create_that_cloudformation_repeats_once_its_job_has_failed_survives_any_one_fault() {
            survives_on_each_kind($crate::scenario::CREATE_AGAIN_ANEW).await;
        }

        #[tokio::test(start_paused = true)]
        async fn a_delete_survives_any_one_fault() {
            survives($crate::scenario::DELETE).await;
        }

        #[tokio::test(start_paused = true)]
        async fn a_delete_that_does_not_know_its_job_survives_any_one_fault() {
            survives($crate::scenario::DELETE_BY_MARKER).await;
            survives($crate::scenario::DELETE_BY_INVENTION).await;
        }

        #[tokio::test(start_paused = true)]
        async fn an_application_that_outlives_its_step_is_stopped_whatever_fails_once() {
            survives($crate::scenario::CREATE_ORPHANED).await;
            survives($crate::scenario::UPDATE_ORPHANED).await;
            survives($crate::scenario::UPDATE_ORPHANED_STARTS_FIRST).await;
            survives($crate::scenario::DELETE_IN_CLUSTER).await;
        }

        #[tokio::test(start_paused = true)]
        async fn an_update_of_tags_survives_any_one_fault() {
            survives($crate::scenario::UPDATE_TAGS).await;
        }

        #[tokio::test(start_paused = true)]
        async fn an_update_that_stops_first_survives_any_one_fault() {
            survives($crate::scenario::UPDATE_STOPS).await;
        }

        #[tokio::test(start_paused = true)]
        async fn an_update_that_lets_finish_first_survives_any_one_fault() {
            survives($crate::scenario::UPDATE_FINISHES).await;
        }

        #[tokio::test(start_paused = true)]
        async fn an_update_that_starts_first_survives_any_one_fault() {
            survives($crate::scenario::UPDATE_STARTS).await;
        }

        #[tokio::test(start_paused = true)]
        async fn an_update_whose_job_dies_survives_any_one_fault() {
            survives_on_each_kind($crate::scenario::UPDATE_DYING).await;
            survives_on_each_kind($crate::scenario::UPDATE_DYING_STARTS_FIRST).await;
        }

        #[tokio::test(start_paused = true)]
        async fn an_update_whose_job_does_not_end_in_time_survives_any_one_fault() {
            survives_on_each_kind($crate::scenario::UPDATE_LATE).await;
            // Where most may go wrong: nothing tells a second submission from the first.
            survives_on($crate::town::Engine::EmrSteps, $crate::scenario::UPDATE_LATE_STARTS).await;
        }

        #[tokio::test(start_paused = true)]
        async fn a_rollback_survives_any_one_fault() {
            survives($crate::scenario::ROLLBACK_RESTORES).await;
            survives_on_each_kind($crate::scenario::ROLLBACK_KEEPS).await;
        }

        #[tokio::test(start_paused = true)]
        async fn a_rollback_to_a_job_that_had_ended_survives_any_one_fault() {
            survives_on_each_kind($crate::scenario::ROLLBACK_REPEATS_NOTHING).await;
            survives_on_each_kind($crate::scenario::ROLLBACK_STOPS_THE_NEW).await;
        }

        #[tokio::test(start_paused = true)]
        async fn a_rollback_of_an_update_that_had_succeeded_survives_any_one_fault() {
            survives_on_each_kind($crate::scenario::ROLLBACK_REPLACES_THE_NEW).await;
            survives_on_each_kind($crate::scenario::ROLLBACK_STOPS_BESIDE).await;
        }
    };
}

pub(crate) use each_scenario;
