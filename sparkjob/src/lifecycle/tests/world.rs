//! A world in which an engine's runs move with the clock, and calls fail as a test says.

use std::time::Duration;

use crate::engine::{Kind, Lookup, Report, Trouble};
use crate::hidden::Hidden;
use crate::job::{Access, Identity, Job, Phase, Place, Realm, Run, RunRef, Status, Timestamp};
use crate::lifecycle::{Action, Deadlines, Goal, Plan, Seen, Stage, State, Wanted, horizon, learn, next};
use crate::outcome::Outcome;
use crate::properties::Management;

/// When every test begins.
pub const BEGIN: Timestamp = Timestamp(1_000_000_000_000);

/// Makes one call fail; none where it goes through.
type Weather = Box<dyn Fn(&Action, Timestamp) -> Option<Kind>>;

/// An engine's runs, and what happened.
pub struct World {
    pub now: Timestamp,
    /// Where all of them run.
    pub place: Place,
    /// How many listings from the first one on show nothing: they are behind.
    pub stale: usize,
    /// For how long after its submission a run can be neither seen nor stopped.
    pub hidden: Duration,
    /// How those runs have ended that are `Ending` and were not cancelled.
    pub ended: Option<Phase>,
    /// The run that no listing ever shows.
    pub unlisted: Option<usize>,
    /// Whether the place itself is gone.
    pub place_gone: bool,
    /// Whether nobody tells when a run was made.
    pub untimed: bool,
    /// Whether listings are the other way round.
    pub oldest_first: bool,
    pub runs: Vec<Fate>,
    pub actions: Vec<Action>,
    pub weather: Weather,
    /// What a call takes that fails, unless its stage is over before.
    pub takes: Duration,
    /// How long after its time a step comes that waited.
    pub late: Duration,
    /// What becomes of the next submissions, the first first; then [`World::fate`].
    pub fate: Vec<(u64, Phase)>,
}

/// One run: its name, and the phases that it goes through, each with the second at which it begins.
pub struct Fate {
    pub name: String,
    pub phases: Vec<(Timestamp, Phase)>,
    pub silent: bool,
    /// Whether it goes on `Ending` when it is cancelled.
    pub deaf: bool,
}

impl World {
    pub fn new() -> Self {
        Self::at(place())
    }

    pub fn at(place: Place) -> Self {
        Self {
            now: BEGIN,
            place,
            stale: 0,
            hidden: Duration::ZERO,
            ended: None,
            unlisted: None,
            place_gone: false,
            untimed: false,
            oldest_first: false,
            runs: Vec::new(),
            actions: Vec::new(),
            weather: Box::new(|_, _| None),
            takes: Duration::ZERO,
            late: Duration::ZERO,
            fate: running(),
        }
    }

    /// Adds a run that is there already.
    pub fn with(mut self, identity: &Identity, phase: Phase) -> Self {
        self.runs.push(Fate { name: identity.name(), phases: vec![(BEGIN, phase)], silent: false, deaf: false });
        self
    }

    pub fn weather(mut self, weather: impl Fn(&Action, Timestamp) -> Option<Kind> + 'static) -> Self {
        self.weather = Box::new(weather);
        self
    }

    /// Lets new runs go through these phases, each a number of seconds after the submission.
    pub fn fate(mut self, fate: &[(u64, Phase)]) -> Self {
        self.fate = fate.to_vec();
        self
    }

    /// Carries `plan` out, and checks that the state survives being stored after each step.
    pub fn run(&mut self, plan: &Plan) -> Outcome {
        let state = State::begin(plan, self.now);
        self.go_on(plan, state, self.now)
    }

    /// Goes on from `state`, at `now`.
    pub fn go_on(&mut self, plan: &Plan, mut state: State, now: Timestamp) -> Outcome {
        self.now = now;
        state = state.resumed(plan, now);
        for _ in 0..10_000 {
            let stored = serde_json::to_string(&state).expect("a state serialises");
            assert!(stored.len() < 16_384, "a state stays small: {} bytes", stored.len());
            state = serde_json::from_str(&stored).expect("a state reads back");
            state = state.taken_up(plan, self.now);
            match next(plan, &state, self.now) {
                Action::Done(outcome) => {
                    let failure = outcome.failure.as_ref().map(|failure| &failure.what);
                    let told = outcome.notes.iter().chain(failure);
                    assert!(told.clone().all(|told| !told.contains("..")), "{outcome:?}");
                    return *outcome;
                }
                Action::Wait(until) => {
                    assert!(until > self.now, "waits for a moment that has passed, at {:?}", state.stage);
                    self.now = until + self.late;
                    state = state.resumed(plan, self.now);
                }
                action => {
                    let seen = self.answer(&action);
                    if (self.weather)(&action, self.now).is_some() {
                        self.now = self.now + self.takes.min(horizon(plan, &state).since(self.now));
                    }
                    self.actions.push(action);
                    state = learn(plan, state, self.now, seen);
                }
            }
        }
        panic!("no outcome after 10,000 steps: {:?}", state.stage);
    }

    /// Carries `plan` out until `is_there`.
    pub fn run_until(&mut self, plan: &Plan, is_there: impl Fn(&State) -> bool) -> State {
        let begun = State::begin(plan, self.now);
        let state = self.run_until_or_done(plan, begun, &is_there);
        assert!(is_there(&state), "it never was there: {state:?}");
        state
    }

    /// Goes on from `state` until `is_there`, or to the end.
    pub fn run_until_or_done(
        &mut self,
        plan: &Plan,
        mut state: State,
        mut is_there: impl FnMut(&State) -> bool,
    ) -> State {
        while !is_there(&state) {
            state = state.taken_up(plan, self.now);
            match next(plan, &state, self.now) {
                Action::Done(_) => return state,
                Action::Wait(until) => self.now = until,
                action => {
                    let seen = self.answer(&action);
                    self.actions.push(action);
                    state = learn(plan, state, self.now, seen);
                }
            }
        }
        state
    }

    /// Goes on from `state` to the end: the outcome, and how much was gone on without.
    pub fn run_to_the_end(&mut self, plan: &Plan, state: State) -> (Outcome, u32) {
        let end = self.run_until_or_done(plan, state, |_| false);
        let Stage::Done(outcome) = end.stage else { unreachable!("nothing is left to do") };
        (*outcome, end.passed_over)
    }

    /// The words of what was done, in order, repeats of one left out.
    pub fn story(&self) -> Vec<&'static str> {
        let mut words: Vec<_> = self.actions.iter().map(word).collect();
        words.dedup();
        words
    }

    pub fn submissions(&self) -> usize {
        self.actions.iter().filter(|action| matches!(action, Action::Start(_))).count()
    }

    pub fn cancels(&self) -> usize {
        self.actions.iter().filter(|action| matches!(action, Action::Cancel(..))).count()
    }

    pub fn phase(&self, name: &str) -> Phase {
        self.runs.iter().find(|run| run.name == name).map_or(Phase::Gone, |run| run.phase(self.now))
    }

    pub fn alive(&self) -> Vec<&str> {
        self.runs.iter().filter(|run| !run.phase(self.now).is_over()).map(|run| run.name.as_str()).collect()
    }

    fn answer(&mut self, action: &Action) -> Seen {
        let trouble = (self.weather)(action, self.now)
            .map(|kind| Trouble::new(kind, "speak to the engine", format!("{kind:?}.")));
        // What is unclear was done, and its answer was lost; anything else was not done.
        let done = trouble.as_ref().is_none_or(|trouble| trouble.kind == Kind::Unclear);
        match (action, trouble) {
            (Action::Find(..), Some(trouble)) => Seen::Found(Err(trouble)),
            (Action::Find(_, identity, by, since), None) => Seen::Found(Ok(self.find(identity, *by, *since))),
            (Action::Start(wanted), trouble) => {
                let started = if done { Some(self.start(wanted)) } else { None };
                Seen::Started(trouble.map_or_else(|| started.expect("it was done"), Err))
            }
            (Action::Describe(_), Some(trouble)) => Seen::Described(Err(trouble)),
            (Action::Describe(runs), None) => Seen::Described(Ok(runs.iter().map(|run| self.describe(run)).collect())),
            (Action::Cancel(run, _), trouble) => {
                if done {
                    self.cancel(run);
                }
                Seen::Cancelled(run.clone(), trouble.map_or(Ok(()), Err))
            }
            (Action::Tag(..), trouble) => Seen::Tagged(trouble.map_or(Ok(()), Err)),
            (Action::Report(_), _) => Seen::Reported(Report::default()),
            (Action::Late | Action::Wait(_) | Action::Done(_), _) => Seen::Late,
        }
    }

    fn find(&mut self, identity: &Identity, by: Lookup, since: Timestamp) -> Vec<Run> {
        if self.stale > 0 {
            self.stale -= 1;
            return Vec::new();
        }
        let run =
            |(id, fate): (usize, &Fate)| Run { run: self.reference(id, &fate.name), status: self.status(id, fate) };
        let mut runs: Vec<Run> = self
            .runs
            .iter()
            .enumerate()
            .filter(|(id, _)| self.unlisted != Some(*id))
            .filter(|(_, fate)| by.selects(identity, &fate.name) && fate.phase(self.now) != Phase::Gone)
            .map(run)
            // What is over is told of only if it is young enough, or nobody tells.
            .filter(|run| !run.status.phase.is_over() || run.status.created.is_none_or(|created| created >= since))
            .collect();
        if !self.oldest_first {
            runs.reverse();
        }
        runs
    }

    fn start(&mut self, wanted: &Wanted) -> Result<RunRef, Trouble> {
        let name = wanted.identity.name();
        let there = self.runs.iter().position(|fate| fate.name == name && fate.phase(self.now) != Phase::Gone);
        if let (Some(id), true) = (there, self.place.starts_once()) {
            return Ok(self.reference(id, &name));
        }
        if there.is_some() && !self.place.takes_twins() {
            return Err(Trouble::new(Kind::Taken, "submit", "duplicate"));
        }
        let phases = self.fate.iter().map(|(after, phase)| (self.now + Duration::from_secs(*after), *phase)).collect();
        self.runs.push(Fate { name: name.clone(), phases, silent: false, deaf: false });
        Ok(self.reference(self.runs.len() - 1, &name))
    }

    /// The run as its place refers to it.
    pub fn reference(&self, id: usize, name: &str) -> RunRef {
        let name = (!self.place.starts_once()).then(|| name.to_owned());
        let realm = self.place.starts_once().then(|| Realm {
            partition: "aws".to_owned(),
            region: "eu-west-1".to_owned(),
            account: "123456789012".to_owned(),
        });
        let id = if matches!(self.place, Place::EmrSteps(_)) { format!("s-{id}") } else { id.to_string() };
        RunRef { place: self.place.clone(), id, realm, name }
    }

    fn fate_of(&self, run: &RunRef) -> Option<usize> {
        let id = run.id.trim_start_matches("s-").parse().ok()?;
        (id < self.runs.len()).then_some(id)
    }

    fn is_hidden(&self, id: usize) -> bool {
        let made = self.runs[id].phases.first().map(|(begins, _)| *begins);
        made.is_some_and(|made| self.now.since(made) < self.hidden)
    }

    fn status(&self, id: usize, fate: &Fate) -> Status {
        let name = self.place.starts_once().then(|| fate.name.clone());
        // Those made first are the first.
        let begins = fate.phases.first().map_or(BEGIN, |(begins, _)| *begins);
        let created = begins + Duration::from_millis(id as u64);
        let created = (!self.place.is_livy() && !self.untimed).then_some(created);
        let phase = fate.phase(self.now);
        let ended = self.ended.filter(|_| phase == Phase::Ending && !fate.deaf);
        Status { name, created, ended, ..status(phase, fate.silent) }
    }

    fn describe(&self, run: &RunRef) -> Status {
        if self.place_gone {
            return Status::gone_with_place();
        }
        let shown = self.fate_of(run).filter(|id| !self.is_hidden(*id));
        shown.map_or_else(Status::gone, |id| self.status(id, &self.runs[id]))
    }

    fn cancel(&mut self, run: &RunRef) {
        let at = self.now + Duration::from_secs(2);
        // Only Livy forgets what it has stopped.
        let stopped = if self.place.is_livy() { Phase::Gone } else { Phase::Cancelled };
        let is_there = |id: &usize| !self.is_hidden(*id) && !self.runs[*id].phase(self.now).is_over();
        if let Some(id) = self.fate_of(run).filter(is_there) {
            let fate = &mut self.runs[id];
            fate.phases.retain(|(begins, _)| *begins <= at);
            fate.phases.push((at, if fate.deaf { Phase::Ending } else { stopped }));
        }
    }
}

impl Fate {
    fn phase(&self, now: Timestamp) -> Phase {
        self.phases.iter().rev().find(|(begins, _)| *begins <= now).map_or(Phase::Waiting, |(_, phase)| *phase)
    }
}

/// A run that starts after five seconds and goes on.
fn running() -> Vec<(u64, Phase)> {
    vec![(0, Phase::Waiting), (5, Phase::Running)]
}

fn status(phase: Phase, silent: bool) -> Status {
    let word = format!("{phase:?}").to_lowercase();
    Status { phase, word, silent, ..Status::gone() }
}

fn word(action: &Action) -> &'static str {
    match action {
        Action::Find(_, _, Lookup::Name, _) => "find own",
        Action::Find(_, _, Lookup::Token, _) => "find token",
        Action::Find(_, _, Lookup::Owner, _) => "find owner",
        Action::Find(_, _, Lookup::Spec, _) => "find spec",
        Action::Find(_, _, Lookup::History, _) => "find history",
        Action::Start(_) => "start",
        Action::Describe(_) => "look",
        Action::Cancel(..) => "cancel",
        Action::Tag(..) => "tag",
        Action::Report(_) => "report",
        Action::Late => "late",
        Action::Wait(_) | Action::Done(_) => "",
    }
}

pub fn place() -> Place {
    Place::Livy("http://livy:8998".parse().expect("an address"))
}

pub fn reference(id: usize, name: &str) -> RunRef {
    RunRef { place: place(), id: id.to_string(), realm: None, name: Some(name.to_owned()) }
}

/// The job that runs `file`, asked for by `request`.
pub fn wanted(file: &str, request: &str) -> Wanted {
    wanted_at(&place(), file, request)
}

/// The same there.
pub fn wanted_at(place: &Place, file: &str, request: &str) -> Wanted {
    let parameters = crate::job::Parameters { file: file.to_owned(), ..Default::default() };
    let job = Job::of(place.clone(), parameters);
    let identity = Identity::derive(&["stack", "Pi"], request, "Pi", &job);
    Wanted { job, identity }
}

/// A plan with an hour's time.
pub fn plan(goal: Goal, management: Management) -> Plan {
    let deadlines = Deadlines::between(BEGIN, BEGIN + Duration::from_hours(1));
    Plan { goal, management, deadlines, access: Access::default(), hidden: Hidden::default() }
}
