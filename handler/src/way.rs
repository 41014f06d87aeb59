//! What the work on a request goes through to the world.

use sparkjob::drive::Clock;
use sparkjob::engine::Engines;

use crate::stack::Stack;

/// What the work on a request goes through to the world.
#[derive(Clone, Copy)]
pub struct Way<'a> {
    /// The engines.
    pub engines: &'a Engines,
    /// The time.
    pub clock: &'a Clock,
    /// Who asked.
    pub stack: &'a Stack<'a>,
}
