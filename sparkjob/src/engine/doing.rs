//! What an engine is asked for, to go on after `could not`.

use crate::job::{Place, RunRef};

pub fn submit(place: &Place) -> String {
    format!("submit the job to {place}")
}

pub fn find(place: &Place) -> String {
    format!("look for the job at {place}")
}

pub fn describe(place: &Place, runs: &[RunRef]) -> String {
    match runs {
        [run] => format!("ask {place} for the state of {} {}", noun(place), run.id),
        _ => format!("ask {place} how its jobs are"),
    }
}

pub fn cancel(run: &RunRef) -> String {
    format!("stop {} {} at {}", noun(&run.place), run.id, run.place)
}

pub fn tag(run: &RunRef) -> String {
    format!("tag {} {} at {}", noun(&run.place), run.id, run.place)
}

fn noun(place: &Place) -> String {
    place.noun().to_lowercase()
}
