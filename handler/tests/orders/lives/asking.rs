//! How the requests of a life are made: once, once more, in time or not.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Life;
use crate::world::{Answer, Asked, World};

/// After so long `CloudFormation` may go on without an answer, or ask once more. What comes "within five seconds" is not
/// known for something else: a limit of docs/reliability.md.
const SOON: Duration = Duration::from_secs(7);

impl Life {
    /// How long after a request another resource fails, if one does. "An Update that is rolled back while it works learns of
    /// that where it asks `CloudFormation`": a limit of docs/reliability.md.
    pub(super) fn cut(&mut self) -> Option<Duration> {
        let after = SOON + self.up_to(&[20, 100, 1_500]);
        (self.may_ask && self.dice.below(4) == 0).then_some(after)
    }

    /// Asks for something that is waited for.
    pub(super) async fn request(&mut self, patience: Duration, ask: impl Fn(&World) -> Asked) -> Answer {
        self.ask(patience, None, ask).await.expect("nothing cuts it off")
    }

    /// Asks for something, perhaps once more; the answer, once it has arrived. None where it is cut off before.
    pub(super) async fn ask(
        &mut self,
        patience: Duration,
        cut: Option<Duration>,
        ask: impl Fn(&World) -> Asked,
    ) -> Option<Answer> {
        let within = cut.map_or(patience, |cut| cut.min(patience));
        let again = self.again().filter(|after| *after < within);
        if let Some(after) = again {
            let first = ask(&self.world);
            if let Some(answer) = self.deliver(first, after).await {
                return Some(answer);
            }
        }
        let asked = ask(&self.world);
        let answer = self.deliver(asked, within).await;
        assert!(answer.is_some() || cut.is_some(), "nobody answered");
        answer
    }

    /// How long after a request `CloudFormation` makes it once more, if it does.
    fn again(&mut self) -> Option<Duration> {
        let after = SOON + self.up_to(&[20, 100, 600]);
        (self.dice.below(2) == 0).then_some(after)
    }

    /// Delivers a request; the answer, if it comes within so long.
    async fn deliver(&mut self, asked: Asked, within: Duration) -> Option<Answer> {
        self.say(asked.key());
        self.requests += 1;
        let late = Duration::from_secs(*self.dice.pick(&[0, 0, 1, 3]));
        let (world, delivered) = (self.world.clone(), asked.clone());
        let mut delivery = tokio::spawn(async move {
            sleep(late).await;
            world.deliver(&delivered).await;
        });
        let Ok(ended) = timeout(within, &mut delivery).await else {
            self.say("is waited for no longer");
            self.overtaken.push(delivery);
            return None;
        };
        ended.expect("a delivery comes to its end");
        let answer = self.world.answers(&asked).into_iter().next().expect("an answer to what is waited for");
        sleep(self.up_to(&[2])).await;
        self.say(&format!("{} {} {}", answer.status, answer.id, answer.reason));
        Some(answer)
    }
}
