//! The state machine against a world without I/O: every action is answered at once, waiting advances the clock.

mod deaths;
mod engines;
mod listed;
mod lost;
mod make;
mod replace;
mod restore;
mod retry;
mod rights;
mod stop;
mod time;
mod unshown;
mod withdraw;
mod world;
