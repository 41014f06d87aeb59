//! The Updates of rollbacks, most of which `MiniStack` never sends: as events, about a stack that is being rolled back.

use serde_json::{Value, json};

use crate::answers::Answer;
use crate::conformance::Stack;
use crate::conformance::stacks::{ID, clear, is};
use crate::conforms::RealStack;
use crate::emr::Way;
use crate::event::Event;
use crate::scene::{Scene, play, with};
use crate::update::{live, pair, spec};

#[test]
fn a_rollback_with_the_old_id_keeps_the_old_job_and_stops_the_new_one() {
    play("RollbackOldId", async |scene| {
        let [old, new] = start_then_stop(scene);
        let update = Update::begun(scene).await;
        let id = update.ask(scene.create(&old)).await.physical_id;
        // Its answer gets lost, as far as `CloudFormation` is concerned.
        update.ask(scene.update(&id, &old, &new)).await;
        assert_eq!(live(scene).await.len(), 2);

        update.fails().await;
        let answer = update.ask(scene.update(&id, &new, &old)).await;
        assert_eq!(answer.physical_id, id);
        assert_eq!(live(scene).await, [pair(scene)[0].id]);
        update.ask(scene.delete(&id, &old)).await;
        update.ends().await;
    });
}

#[test]
fn a_rollback_with_the_new_id_ends_with_a_job_of_the_old_description() {
    play("RollbackNewId", async |scene| {
        let submitted = json!({ "WaitFor": "Submitted" });
        let [old, new] = [901, 902].map(|seconds| with(&scene.idle(seconds), submitted.clone()));
        let update = Update::begun(scene).await;
        let first = update.ask(scene.create(&old)).await.physical_id;
        let second = update.ask(scene.update(&first, &old, &new)).await.physical_id;

        update.fails().await;
        let third = update.ask(scene.update(&second, &new, &old)).await.physical_id;
        let made = scene.livy.made();
        assert_eq!(made.len(), 3, "{made:?}");
        assert_eq!(spec(&made[0]), spec(&made[2]));
        assert_eq!(live(scene).await, [made[2].id]);
        // The clean-up.
        update.ask(scene.delete(&second, &new)).await;
        assert_eq!(live(scene).await, [made[2].id]);
        update.ask(scene.delete(&third, &old)).await;
        update.ends().await;
    });
}

#[test]
fn a_rollback_with_the_new_id_keeps_an_old_job_that_still_runs() {
    play("RollbackNewIdKept", async |scene| {
        let [old, new] = start_then_stop(scene);
        let update = Update::begun(scene).await;
        let first = update.ask(scene.create(&old)).await.physical_id;
        let second = update.ask(scene.update(&first, &old, &new)).await.physical_id;

        update.fails().await;
        let answer = update.ask(scene.update(&second, &new, &old)).await;
        assert_eq!(answer.physical_id, first);
        update.ask(scene.delete(&second, &new)).await;
        assert_eq!(live(scene).await, [pair(scene)[0].id]);
        update.ask(scene.delete(&first, &old)).await;
        update.ends().await;
    });
}

/// The answer has the id that the rollback came with, so no clean-up follows.
#[test]
fn the_job_that_a_rollback_may_not_look_at_stays_and_goes_with_its_stack() {
    play("Unseen", async |scene| {
        let place = scene.on(Way::Serverless).await;
        let idle = async |seconds| with(&scene.idle_on(&place, seconds).await, json!({ "WaitFor": "Submitted" }));
        let (old, new) = (idle(900).await, idle(901).await);
        let update = Update::begun(scene).await;
        let first = update.ask(scene.create(&old)).await.physical_id;
        let second = update.ask(scene.update(&first, &old, &new)).await.physical_id;

        update.fails().await;
        place.fault(json!({ "fault": "deny", "operation": Way::Serverless.look(), "times": null })).await;
        let answer = update.ask(scene.update(&second, &new, &old)).await;
        assert_eq!(answer.physical_id, second);
        place.heal().await;
        let live = place.live().await;
        assert_eq!(live.len(), 1, "{live:?}");
        assert!(second.ends_with(&live[0].id), "{live:?}");
        update.ask(scene.delete(&second, &new)).await;
        assert_eq!(place.live().await, []);
        update.ends().await;
    });
}

/// An update of a stack that the scene's requests are about, and that holds a resource of its own alone: what the stack is about is
/// told by `CloudFormation`, nothing of the scene's resource.
struct Update<'s> {
    scene: &'s Scene,
    stack: RealStack,
}

impl<'s> Update<'s> {
    async fn begun(scene: &'s Scene) -> Self {
        let stack = RealStack::make(scene.world).await;
        stack.answer(ID).await;
        is(&stack, "CREATE_COMPLETE").await;
        stack.update().await;
        is(&stack, "UPDATE_IN_PROGRESS").await;
        Self { scene, stack }
    }

    /// The answer to a request about the scene's resource in that stack, which succeeds.
    async fn ask(&self, event: Event) -> Answer {
        self.scene.ask(&event.with("StackId", self.stack.id())).await.succeeded()
    }

    /// Another resource fails, so that from now on the stack is being rolled back.
    async fn fails(&self) {
        self.stack.refuse(ID).await;
        is(&self.stack, "UPDATE_ROLLBACK_IN_PROGRESS").await;
    }

    /// The rollback is over, and the stack goes.
    async fn ends(self) {
        let log = self.scene.log();
        assert!(!log.contains("an Update outside a rollback"), "it was not told that the stack rolls back: {log}");
        self.stack.answer(ID).await;
        is(&self.stack, "UPDATE_ROLLBACK_COMPLETE").await;
        clear(self.stack).await;
    }
}

fn start_then_stop(scene: &Scene) -> [Value; 2] {
    let management = json!({ "WaitFor": "Submitted", "UpdateStrategy": "StartThenStop" });
    [901, 902].map(|seconds| with(&scene.idle(seconds), management.clone()))
}
