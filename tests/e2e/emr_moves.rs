//! One stack whose job moves from engine to engine by updates: nothing but its target changes.

use serde_json::{Value, json};

use crate::emr::Way;
use crate::scene::{play, with};
use crate::stack::Stack;

#[test]
fn a_job_moves_from_engine_to_engine_and_back() {
    play("Journey", async |scene| {
        let places = [scene.on(Way::Serverless).await, scene.on(Way::OnEks).await, scene.on(Way::Steps).await];
        // It reads nothing from S3, so that the same description is good for Livy, too.
        let parameters = &scene.idle(900)["Parameters"];
        let job = |target: Value| {
            let all = json!({ "ServiceToken": scene.world.submitter, "StableSeconds": "2", "Parameters": parameters });
            with(&all, target)
        };
        let livy = || job(json!({ "LivyUrl": scene.livy.url() }));
        let stack = Stack::with_job(scene, &livy()).await;
        let mut last = stack.settled().await.is("CREATE_COMPLETE");
        assert_eq!(last.outputs["Engine"], "livy");
        for (index, place) in places.iter().enumerate() {
            let moved = stack.update_job(&job(place.target())).await.is("UPDATE_COMPLETE");
            assert_eq!((&*moved.outputs["Engine"], &*moved.outputs["State"]), (place.way.engine(), "RUNNING"));
            assert_ne!(moved.outputs["Ref"], last.outputs["Ref"]);
            let mut counts = vec![scene.livy.live().await.len()];
            for place in &places {
                counts.push(place.live().await.len());
            }
            let only: Vec<_> = (0..=places.len()).map(|engine| usize::from(engine == index + 1)).collect();
            assert_eq!(counts, only, "how many run on each engine");
            last = moved;
        }
        let home = stack.update_job(&livy()).await.is("UPDATE_COMPLETE");
        assert_eq!((&*home.outputs["Engine"], scene.livy.live().await.len()), ("livy", 1));
        stack.delete().await.is("DELETE_COMPLETE");
        assert_eq!(scene.livy.made().len(), 2);
        for place in places {
            assert_eq!(place.only_run().await.state, "CANCELLED");
        }
    });
}

#[test]
fn a_job_whose_new_place_does_not_exist_is_left_alone() {
    play("Left", async |scene| {
        let place = scene.on(Way::Serverless).await;
        let stack = Stack::with_job(scene, &scene.idle_on(&place, 900).await).await;
        stack.settled().await.is("CREATE_COMPLETE");
        let before = stack.physical_id(scene.name).await;
        let mut there = scene.idle_on(&place, 900).await;
        there.as_object_mut().expect("an object").remove("ApplicationId");
        there["VirtualClusterId"] = "0000000000000000000000000".into();
        there["ReleaseLabel"] = "emr-7.5.0-latest".into();
        stack.update_job(&there).await.is("UPDATE_ROLLBACK_COMPLETE");
        assert!(stack.reason(scene.name).await.contains("0000000000000000000000000"));
        let [live]: [_; 1] = place.live().await.try_into().unwrap_or_else(|live| panic!("not one: {live:?}"));
        assert!(before.ends_with(&live.id));
        assert_eq!(stack.physical_id(scene.name).await, before);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}
