//! The jobs of a life: how they go, and which of them there are.

use std::time::Duration;

use sparkjob::job::{Phase, RunRef};
use sparkjob::testing::Script;

use super::description::{DIES, FILES};
use super::{Life, NOTHING, Present};

/// After so long EMR Serverless stops a run by itself.
const LONGEST: Duration = Duration::from_hours(12);

/// A job as its engine knows it.
pub(super) struct Job {
    id: String,
    pub file: String,
    pub is_alive: bool,
    /// Whether somebody stopped it.
    pub is_stopped: bool,
}

impl Life {
    /// How jobs go that are made from now on, and how late they are shown.
    pub(super) fn script(&mut self) {
        for file in FILES {
            let script = self.rolled(file);
            self.world.livy.script(file, script.clone());
            self.world.emr.script(file, script);
        }
        let seconds = *self.dice.pick(&[0, 4, 25]);
        self.world.emr.show_after(Duration::from_secs(seconds));
    }

    fn rolled(&mut self, file: &str) -> Script {
        let [waits, stops] = [[0, 5, 40], [1, 8, 20]].map(|seconds| *self.dice.pick(&seconds));
        let runs = self.up_to(&[100, 1_000, 10_000]);
        let how = match self.dice.below(5) {
            _ if file == DIES => Script::dying(Duration::from_secs(3)),
            0 => Script::dying(runs),
            1 => Script::running(runs),
            _ => Script::endless(),
        };
        let deaf = self.dice.below(3) == 0;
        Script { waits: Duration::from_secs(waits), stops: Duration::from_secs(stops), deaf, ..how }
    }

    /// There is the present job, unless it ended by itself, and there is no other.
    pub(super) fn has_its_job(&self) {
        let Present { description, id, waits, rests } = &self.present;
        if id == NOTHING {
            // What has succeeded and is forgotten is not run again.
            return self.has_only(None, "long after");
        }
        let run: RunRef = id.parse().expect("the id of a job");
        self.has_only(Some(&run.id), "long after");
        let job = self.jobs().into_iter().find(|job| job.id == run.id).expect("its job was made");
        assert!(!job.is_stopped || *rests, "long after: the present job was stopped");
        assert!(job.file == description.file || *waits, "long after: the present job runs {}", job.file);
    }

    /// No job is alive but this one.
    pub(super) fn has_only(&self, id: Option<&str>, when: &str) {
        let alive = self.jobs().into_iter().filter(|job| job.is_alive).map(|job| job.id);
        let others: Vec<String> = alive.filter(|one| Some(one.as_str()) != id).collect();
        assert!(others.is_empty(), "{when}: {others:?} beside {id:?}");
    }

    /// All jobs that were ever made.
    pub(super) fn jobs(&self) -> Vec<Job> {
        let batches = self.world.livy.batches().into_iter().map(|batch| Job {
            id: batch.id.to_string(),
            is_alive: batch.is_alive(),
            is_stopped: batch.state == "killed",
            file: batch.file,
        });
        let runs = self.world.emr.runs().into_iter().map(|run| Job {
            is_alive: run.is_alive(),
            is_stopped: matches!(run.phase, Phase::Ending | Phase::Cancelled)
                && run.over.is_none_or(|over| over.duration_since(run.at) < LONGEST),
            id: run.id,
            file: run.file,
        });
        batches.chain(runs).collect()
    }
}
