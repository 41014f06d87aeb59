//! The state machine against a world without I/O: every action is answered at once, waiting advances the clock.

mod engines;
mod make;
mod replace;
mod rights;
mod stop;
mod time;
mod unshown;
mod world;
