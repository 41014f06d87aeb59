//! What goes wrong when a certain request is sent: with that request, or with Lambda from then on.

use sparkjob::testing::Fault;

use crate::account::{Account, Function, Trouble};

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Mishap {
    /// With the request itself.
    Fault(Fault),
    /// So many of the calls of the submitter by the workflow that follow meet trouble of Lambda's own.
    Trouble(Trouble, usize),
    /// For so many of the calls of the submitter that follow there is no room.
    NoRoom(u32),
}

impl Mishap {
    /// Whether it may last for as long as a request that has minutes only.
    pub fn lasts(&self) -> bool {
        matches!(self, Self::Trouble(_, times) if *times > 3)
    }

    /// Has it come with the `k`-th request that is sent in this account.
    pub fn befall(self, account: &Account, k: usize) {
        let befallen = account.clone();
        match self {
            Self::Fault(fault) => account.way().fault_at(k, fault),
            Self::Trouble(trouble, times) => {
                account.way().before(k, move || befallen.trouble(Function::Submitter, trouble, times));
            }
            Self::NoRoom(times) => account.way().before(k, move || befallen.throttle(Function::Submitter, times)),
        }
    }
}

impl From<Fault> for Mishap {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
