//! Random orders of requests, of their deliveries and of what a stack does next: `make chaos`.

use std::time::Duration;

use serde_json::{Value, json};
use sparkjob::testing::Script;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::dice::{Dice, in_virtual_time, roll};
use crate::tries::submits_late;
use crate::world::{Answer, Asked, BAD, Driver, Engine, GOOD, World};
use crate::{INVENTED, created};

/// How many runs there are unless somebody says otherwise.
const RUNS: u64 = 5_000;

/// How long everything may go on that nobody waits for.
const LONG: Duration = Duration::from_mins(20);

#[test]
#[ignore = "minutes of random runs: make chaos"]
fn random_orders_of_requests_leave_one_job_and_at_last_none() {
    roll(RUNS, "requests", |mut dice| in_virtual_time(Order::of(&mut dice).play()));
}

/// What a run is made of.
#[derive(Debug)]
struct Order {
    engine: Engine,
    driver: Driver,
    /// Whether there is a job already, which is replaced.
    is_update: bool,
    strategy: &'static str,
    wait_for: &'static str,
    stable: u64,
    service_timeout: u64,
    /// How long a job of either file waits before it runs, and takes to stop.
    waits: Duration,
    stops: Duration,
    /// How late the submission of what is asked for takes effect.
    submitted: Option<u64>,
    /// How late the request is delivered.
    delivered: Duration,
    again: Again,
    /// How long `CloudFormation` takes to take an answer.
    taken: Duration,
    next: Next,
}

/// How the same request comes again.
#[derive(Debug)]
enum Again {
    Never,
    /// Lambda delivers it once more, so long after the first time.
    Delivered(Duration),
    /// `CloudFormation` makes it once more where it was not answered by then.
    Tried(Duration),
}

/// What the stack does next.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// It comes to its goal.
    Goes,
    /// It is taken back so long after the answer; an Update with the id of the new job or of the old one.
    Back(Duration, bool),
    /// It does not wait any longer for the answer to what was delivered so long before.
    Cut(Duration),
}

impl Order {
    fn of(dice: &mut Dice) -> Self {
        let engine = *dice.pick(&Engine::ALL);
        let driver = *dice.pick(&[Driver::OneInvocation, Driver::Workflow]);
        let delivered = *dice.pick(&[Duration::ZERO, Duration::from_secs(1), Duration::from_secs(3)]);
        // To the workflow a request is handed once.
        let is_twice = driver == Driver::OneInvocation && *dice.pick(&[true, false, false]);
        let service_timeout = *dice.pick(&[120, 300, 900, 3600]);
        let invocation = if driver == Driver::OneInvocation { 900 } else { 3600 };
        let whole = invocation.min(service_timeout);
        let give_up = whole - 120.min(whole / 4);
        // Around the deadline is where two tries may differ; two deliveries do.
        let late = if is_twice { [5; 3] } else { [give_up - 35, give_up - 5, give_up] };
        let waits = *dice.pick(&[&[0, 5, 20], &late[..]].concat());
        let most = 1_000 * usize::try_from(whole).expect("minutes");
        Self {
            engine,
            driver,
            is_update: *dice.pick(&[true, true, false]),
            strategy: *dice.pick(&["StopThenStart", "StartThenStop"]),
            wait_for: *dice.pick(&["Submitted", "Running", "Running"]),
            stable: *dice.pick(&[0, 30]),
            service_timeout,
            waits: Duration::from_secs(waits) + millis(dice, 5_000),
            stops: *dice.pick(&[Duration::from_secs(1), Duration::from_secs(8), Duration::from_secs(19)]),
            submitted: *dice.pick(&[None, None, Some(10), Some(40)]),
            delivered,
            again: match dice.below(2) {
                _ if is_twice => Again::Delivered(millis(dice, most)),
                0 => Again::Never,
                _ => Again::Tried(Duration::from_secs(7) + millis(dice, most)),
            },
            taken: millis(dice, 2_000),
            next: match dice.below(3) {
                0 => Next::Goes,
                1 => Next::Back(millis(dice, 300_000), *dice.pick(&[true, false])),
                _ => Next::Cut(Duration::from_secs(2) + millis(dice, most / 2)),
            },
        }
    }

    /// Plays it; how many requests there were.
    async fn play(&self) -> u64 {
        let world = World::new(self.engine, self.driver);
        let mut scene = Scene { world, order: self, running: JoinSet::new(), requests: 0 };
        if self.is_update {
            scene.update().await;
        } else {
            scene.create().await;
        }
        while let Some(delivered) = scene.running.join_next().await {
            delivered.unwrap_or_else(|failed| panic!("{self:?}: {failed}"));
        }
        scene.has_only(&[], "once the last delivery has ended");
        scene.requests
    }

    fn more(&self) -> Value {
        json!({
            "UpdateStrategy": self.strategy, "WaitFor": self.wait_for, "StableSeconds": self.stable,
            "ServiceTimeout": self.service_timeout,
        })
    }

    /// Whether a delivery may submit, or what it submitted may take effect, after the answer: it stops that itself.
    fn has_late_ones(&self) -> bool {
        self.submitted.is_some() || matches!(self.again, Again::Delivered(_))
    }

    /// How long the answer is waited for at most to what is asked for now. A request that is told of its stack only when that rolls
    /// back takes itself for the rollback.
    fn patience(&self) -> Duration {
        let service_timeout = Duration::from_secs(self.service_timeout);
        if let Next::Cut(after) = self.next { service_timeout.min(self.delivered + after) } else { service_timeout }
    }
}

/// The stack that plays an order.
struct Scene<'a> {
    world: World,
    order: &'a Order,
    /// The deliveries.
    running: JoinSet<()>,
    requests: u64,
}

impl Scene<'_> {
    async fn create(&mut self) {
        let properties = self.world.properties(GOOD, &self.order.more());
        self.script();
        let world = self.world.clone();
        let answer = self.ask(|| world.create("create", &properties)).await;
        if answer.as_ref().is_some_and(|answer| answer.status == "SUCCESS") {
            self.wait().await;
            self.has(&[GOOD], "after the Create");
        }
        let id = answer.map_or(INVENTED.to_owned(), |answer| answer.id);
        self.end(&id, &properties).await;
    }

    async fn update(&mut self) {
        let more = self.order.more();
        let (good, id) = created(&self.world, &more).await;
        let bad = self.world.properties(BAD, &more);
        self.script();
        let world = self.world.clone();
        let answer = self.ask(|| world.update("update", &id, &good, &bad)).await;
        let new = answer.as_ref().filter(|answer| answer.status == "SUCCESS").map(|answer| answer.id.clone());
        let is_done = new.is_some() && !matches!(self.order.next, Next::Back(..));
        match (new, self.order.next) {
            (Some(new), _) if is_done => {
                self.world.stack_is("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
                self.request(self.world.delete("clean-up", &id, &good)).await;
                self.has(&[BAD], "after the Update");
                self.end(&new, &bad).await;
            }
            (new, next) => {
                self.wait().await;
                let takes_new = matches!(next, Next::Back(_, true));
                let back = self.back(new.as_ref().filter(|_| takes_new).unwrap_or(&id), &bad, &good).await;
                let new = new.map(|new| ("clean-up-of-new", new, &bad));
                let old = ("clean-up-of-old", id, &good);
                for (request, id, properties) in new.into_iter().chain([old]).filter(|(_, id, _)| *id != back) {
                    self.world.stack_is("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
                    self.request(self.world.delete(request, &id, properties)).await;
                }
                sleep(LONG).await;
                self.has_only(&[GOOD], "long after the rollback");
                self.end(&back, &good).await;
            }
        }
    }

    /// Takes an Update back; the id of the job that there is then.
    async fn back(&mut self, id: &str, bad: &Value, good: &Value) -> String {
        self.world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
        self.request(self.world.update("rollback", id, bad, good)).await
    }

    /// Deletes the resource.
    async fn end(&mut self, id: &str, properties: &Value) {
        self.world.stack_is("DELETE_IN_PROGRESS");
        self.request(self.world.delete("delete", id, properties)).await;
        self.has(&[], "after the Delete");
        sleep(LONG).await;
        self.has_only(&[], "long after the Delete");
    }

    /// From now on jobs go as the order says.
    fn script(&self) {
        let Order { waits, stops, .. } = *self.order;
        let script = Script { waits, stops, ..Script::endless() };
        for file in [GOOD, BAD] {
            self.world.livy.script(file, script.clone());
            self.world.emr.script(file, script.clone());
        }
        if let Some(seconds) = self.order.submitted {
            submits_late(&self.world, seconds);
        }
    }

    /// What the order is about: asked for, delivered and asked for again as it says. The answer, once it is taken; none where nobody
    /// waits for it any longer.
    async fn ask(&mut self, ask: impl Fn() -> Asked) -> Option<Answer> {
        let order = self.order;
        let first = ask();
        self.deliver(&first, order.delivered);
        let mut awaited = first.clone();
        match order.again {
            Again::Delivered(after) => self.deliver(&first, order.delivered + after),
            Again::Tried(after) if after < order.patience() => {
                if let Some(answer) = self.answer(&first, after).await {
                    return Some(answer);
                }
                awaited = ask();
                self.deliver(&awaited, order.delivered);
            }
            Again::Never | Again::Tried(_) => {}
        }
        let answer = self.answer(&awaited, order.patience()).await;
        assert!(matches!(order.next, Next::Cut(_)) || answer.is_some(), "{order:?}: nobody answered");
        answer
    }

    /// Asks for something, and takes its answer, which must be a good one; its id.
    async fn request(&mut self, asked: Asked) -> String {
        self.deliver(&asked, Duration::ZERO);
        let service_timeout = Duration::from_secs(self.order.service_timeout);
        let answer = self.answer(&asked, service_timeout).await;
        let answer = answer.unwrap_or_else(|| panic!("{:?}: no answer to {}", self.order, asked.key()));
        assert_eq!(answer.status, "SUCCESS", "{:?}: {}", self.order, answer.reason);
        answer.id
    }

    /// Has a request delivered so long from now.
    fn deliver(&mut self, asked: &Asked, after: Duration) {
        let (world, asked) = (self.world.clone(), asked.clone());
        self.requests += 1;
        self.running.spawn(async move {
            sleep(after).await;
            world.deliver(&asked).await;
        });
    }

    /// The first answer to a request, once it is taken; none where there is none within so long.
    async fn answer(&self, asked: &Asked, within: Duration) -> Option<Answer> {
        let comes = async {
            while self.world.answers(asked).is_empty() {
                sleep(Duration::from_millis(100)).await;
            }
            self.world.answers(asked).swap_remove(0)
        };
        let answer = timeout(within, comes).await.ok()?;
        sleep(self.order.taken).await;
        self.world.takes(&answer);
        Some(answer)
    }

    /// Waits as long as the order says before the stack goes on.
    async fn wait(&self) {
        if let Next::Back(after, _) = self.order.next {
            sleep(after).await;
        }
    }

    /// Jobs of these files are alive, and no others unless they are to be stopped soon.
    fn has(&self, files: &[&str], when: &str) {
        if !self.order.has_late_ones() {
            return self.has_only(files, when);
        }
        let alive = self.world.alive();
        assert!(
            files.iter().all(|file| alive.iter().any(|alive| alive == file)),
            "{when}: {alive:?}: {:?}",
            self.order
        );
    }

    fn has_only(&self, files: &[&str], when: &str) {
        assert_eq!(self.world.alive(), files, "{when}: {:?}", self.order);
    }
}

pub fn millis(dice: &mut Dice, below: usize) -> Duration {
    Duration::from_millis(u64::try_from(dice.below(below)).expect("a small number"))
}
