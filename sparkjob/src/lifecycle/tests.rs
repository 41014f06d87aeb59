//! The state machine against a world without I/O: every action is answered at once, waiting advances the clock.

mod engines;
mod make;
mod replace;
mod restore;
mod retry;
mod stop;
mod time;
mod withdraw;
mod world;
