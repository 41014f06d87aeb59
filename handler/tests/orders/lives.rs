//! Random lives of a stack, from its Create to its Delete: `make chaos`. The [random orders](crate::random) play what one
//! request may meet; here requests follow each other, as a template is edited again and again, and each finds what the one
//! before has left.

mod asking;
mod description;
mod jobs;

use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use handler::moment;

use crate::INVENTED;
use crate::dice::{Dice, in_virtual_time, roll};
use crate::random::millis;
use crate::world::{Driver, Engine, World};
use description::Description;

/// How many lives there are unless somebody says otherwise.
const RUNS: u64 = 3_000;

/// How a resource is called that has no job.
const NOTHING: &str = "spark-job:nothing";

/// How long everything may go on that nobody waits for.
const LONG: Duration = Duration::from_mins(20);

/// How long a template is left alone: the last is more than the week for which a job that is over is looked for.
const GAPS: [Duration; 4] =
    [Duration::from_mins(1), Duration::from_mins(30), Duration::from_hours(5), Duration::from_hours(9 * 24)];

#[test]
#[ignore = "minutes of random runs: make chaos"]
fn random_lives_of_a_stack_have_their_present_job_and_no_other_and_at_last_none() {
    roll(RUNS, "requests", |dice| in_virtual_time(Life::of(dice).play()));
}

/// A life, as far as it has come.
struct Life {
    world: World,
    dice: Dice,
    present: Present,
    /// Whether `CloudFormation` may be asked.
    may_ask: bool,
    /// The deliveries that nobody waits for any longer.
    overtaken: Vec<JoinHandle<()>>,
    requests: u64,
    /// What has happened, for whom it fails.
    story: Vec<String>,
}

/// The resource as the stack knows it.
#[derive(Clone)]
struct Present {
    description: Description,
    id: String,
    /// Whether the job is none of the description, which is to run at another `Rerun`.
    waits: bool,
    /// Whether the job may have been stopped and count as one that succeeded.
    rests: bool,
}

/// An edit of the template: its number, what is wanted then, and the properties before and after it.
struct Edit {
    round: usize,
    wanted: Description,
    old: Value,
    new: Value,
}

impl Drop for Life {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}:\n{}", self.world.name(), self.story.join("\n"));
        }
    }
}

impl Life {
    fn of(mut dice: Dice) -> Self {
        let engine = *dice.pick(&Engine::ALL);
        let driver = *dice.pick(&[Driver::OneInvocation, Driver::Workflow]);
        let description = Description::of(engine, &mut dice);
        Self {
            world: World::new(engine, driver),
            dice,
            present: Present { description, id: INVENTED.to_owned(), waits: false, rests: false },
            may_ask: true,
            overtaken: Vec::new(),
            requests: 0,
            story: Vec::new(),
        }
    }

    /// Plays it; how many requests there were.
    async fn play(mut self) -> u64 {
        self.script();
        let is_created = self.create().await;
        if is_created {
            for round in 0..=self.dice.below(4) {
                self.go_by().await;
                self.update(round).await;
            }
            self.go_by().await;
        }
        self.let_ask(true);
        self.world.stack_is(if is_created { "DELETE_IN_PROGRESS" } else { "ROLLBACK_IN_PROGRESS" });
        self.delete().await;
        self.requests
    }

    /// Creates the resource; whether that went well.
    async fn create(&mut self) -> bool {
        let description = self.present.description.clone();
        let (properties, patience) = (description.properties(&self.world), description.service_timeout());
        self.say(&format!("{description:?}"));
        let cut = self.cut();
        let answer = self.ask(patience, cut, |world| world.create("create", &properties)).await;
        let Some(answer) = answer else { return false };
        self.world.takes(&answer);
        self.present.id = answer.id;
        let is_created = answer.status == "SUCCESS";
        assert!(is_created || self.may_fail(&description), "the Create fails");
        is_created
    }

    /// The template is edited, perhaps in vain.
    async fn update(&mut self, round: usize) {
        let Some(edit) = self.edit(round) else { return };
        let may_ask = self.dice.below(5) > 0;
        self.let_ask(may_ask);
        self.world.stack_is("UPDATE_IN_PROGRESS");
        let (id, request, cut) = (self.present.id.clone(), format!("update-{round}"), self.cut());
        let ask = |world: &World| world.update(&request, &id, &edit.old, &edit.new);
        let Some(answer) = self.ask(edit.wanted.service_timeout(), cut, ask).await else {
            return self.take_back(&edit, id).await;
        };
        self.world.takes(&answer);
        if answer.status == "FAILED" {
            assert_eq!(answer.id, id, "a failed Update gives another id");
            assert!(self.may_fail(&edit.wanted), "the Update fails");
            sleep(self.up_to(&[20, 600])).await;
            return self.take_back(&edit, id).await;
        }
        let after = self.updated(&edit.wanted, answer.id);
        if self.dice.below(3) == 0 {
            sleep(self.up_to(&[20, 300, 3_000])).await;
            self.take_back(&edit, after.id).await;
        } else {
            self.complete(&edit, after).await;
        }
    }

    /// The next edit; none where `CloudFormation` sees nothing in it.
    fn edit(&mut self, round: usize) -> Option<Edit> {
        let Present { description, waits, .. } = &self.present;
        let mut wanted = description.edited(&mut self.dice);
        if *waits {
            // "An edit that was to wait for the next `Rerun` runs sooner": a limit of docs/reliability.md.
            wanted.run_on = description.run_on;
        }
        let [old, new] = [description, &wanted].map(|one| one.properties(&self.world));
        self.say(&format!("{wanted:?}"));
        (old != new).then_some(Edit { round, wanted, old, new })
    }

    /// Whether there is a reason for a job of this description not to come to what is waited for.
    fn may_fail(&self, description: &Description) -> bool {
        let is_long = description.wait_for == "Succeeded" || description.strategy == "FinishThenStart";
        is_long || self.jobs().iter().any(|job| job.file == description.file && !job.is_alive && !job.is_stopped)
    }

    /// The resource after an Update that was answered well with this id.
    fn updated(&self, wanted: &Description, id: String) -> Present {
        let before = &self.present;
        let (is_same, keeps) = (id == before.id, wanted.keeps_the_job_of(&before.description));
        assert!(is_same || !keeps || before.id == NOTHING, "nothing that defines the job changed, and it is replaced");
        assert!(is_same || id != NOTHING, "there is no job");
        let waits = is_same && (before.waits || !wanted.runs_as(&before.description));
        assert!(keeps || !waits, "what defines the job changed, and it is not replaced");
        Present { description: wanted.clone(), id, waits, rests: is_same && before.rests }
    }

    /// The stack comes to its goal, and what was replaced is cleaned up.
    async fn complete(&mut self, edit: &Edit, after: Present) {
        self.world.stack_is("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
        let before = std::mem::replace(&mut self.present, after);
        self.clean_up(edit, "old", &before.id, &edit.old).await;
        self.world.stack_is("UPDATE_COMPLETE");
    }

    /// The Update is taken back, which has `made` the job of this id or left the present one; what it leaves is cleaned up.
    async fn take_back(&mut self, edit: &Edit, made: String) {
        let before = self.present.id.clone();
        let from = if self.dice.below(2) == 0 { &before } else { &made };
        let id = self.roll_back(edit, from).await;
        self.rolled_back(&made, id);
        self.world.stack_is("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
        self.clean_up(edit, "new", &made, &edit.new).await;
        if made != before {
            self.clean_up(edit, "old", &before, &edit.old).await;
        }
        self.world.stack_is("UPDATE_ROLLBACK_COMPLETE");
    }

    /// The resource has this id after a rollback.
    fn rolled_back(&mut self, made: &str, id: String) {
        let is_same = id == self.present.id;
        // Where it is not known for a rollback, going back may be an edit that waits for another `Rerun`, too.
        let stays = !is_same && id == made;
        assert!(!stays || !self.may_ask, "the job of an Update that was taken back stays");
        let counts_as_ended = self.present.description.wait_for == "Succeeded";
        assert!(is_same || id != NOTHING || counts_as_ended, "the job that there was is lost");
        // "Where such a job ran on, on a Livy, when an update stopped it": a limit of docs/reliability.md.
        let may_rest = self.present.rests || counts_as_ended && self.world.engine == Engine::Livy;
        let (waits, rests) = (stays || is_same && self.present.waits, is_same && may_rest);
        self.present = Present { id, waits, rests, description: self.present.description.clone() };
    }

    /// Takes an Update back from the job of this id; the id that the resource has then. Where that fails, since it was not
    /// known for a rollback, it is continued.
    async fn roll_back(&mut self, Edit { round, old, new, .. }: &Edit, id: &str) -> String {
        let patience = self.present.description.service_timeout();
        for attempt in 0.. {
            self.world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
            let request = format!("rollback-{round}-{attempt}");
            let answer = self.request(patience, |world| world.update(&request, id, new, old)).await;
            self.world.takes(&answer);
            if answer.status == "SUCCESS" {
                return answer.id;
            }
            assert_eq!(answer.id, id, "a failed rollback gives another id");
            assert!(!self.may_ask, "a rollback fails");
            self.let_ask(true);
            sleep(self.up_to(&[20, 600])).await;
        }
        unreachable!("it succeeds once it is known for a rollback")
    }

    /// Deletes what had this id, unless it is the present one.
    async fn clean_up(&mut self, edit: &Edit, which: &str, id: &str, properties: &Value) {
        if id == self.present.id {
            return;
        }
        let request = format!("clean-up-{}-{which}", edit.round);
        let patience = self.present.description.service_timeout();
        let answer = self.request(patience, |world| world.clean_up(&request, id, properties)).await;
        assert_eq!(answer.status, "SUCCESS", "a clean-up fails");
    }

    /// Deletes the resource.
    async fn delete(&mut self) {
        let Present { description, id, .. } = self.present.clone();
        let properties = description.properties(&self.world);
        let answer =
            self.request(description.service_timeout(), |world| world.delete("delete", &id, &properties)).await;
        self.world.takes(&answer);
        assert_eq!(answer.status, "SUCCESS", "the Delete fails");
        // What is overtaken and goes on has what it made stopped itself, where that was not shown yet.
        if self.overtaken.iter().all(JoinHandle::is_finished) {
            self.has_only(None, "after the Delete");
        }
        sleep(LONG).await;
        self.has_only(None, "long after the Delete");
        for delivery in self.overtaken.drain(..) {
            delivery.await.expect("a delivery comes to its end");
        }
        self.has_only(None, "after the last delivery");
    }

    /// The template is left alone for a while, after which there is the present job and no other.
    async fn go_by(&mut self) {
        let gap = *self.dice.pick(&GAPS);
        sleep(gap).await;
        if gap > LONG {
            self.has_its_job();
        }
        self.script();
    }

    /// Whether `CloudFormation` may be asked from now on.
    fn let_ask(&mut self, may: bool) {
        self.may_ask = may;
        self.world.may_ask(may);
        self.say(&format!("may be asked: {may}"));
    }

    /// At random, with one of these seconds as the most.
    fn up_to(&mut self, seconds: &[usize]) -> Duration {
        let most = *self.dice.pick(seconds);
        millis(&mut self.dice, most * 1_000)
    }

    fn say(&mut self, what: &str) {
        self.story.push(format!("{} {what}", moment::text(self.world.now())));
    }
}
