//! The events of `events/` as they stand, but for where Livy and the job are: a resource's whole life.

use crate::event::Event;
use crate::scene::{Scene, path, play, play_light};

#[test]
fn the_events_tell_a_resources_life() {
    play("Events", async |scene| {
        let first = scene.ask(&fit(scene, "create", None)).await.succeeded().physical_id;
        let same = scene.ask(&fit(scene, "update-management-only", Some(&first))).await.succeeded().physical_id;
        assert_eq!(first, same);
        let second = scene.ask(&fit(scene, "update-replacement", Some(&first))).await.succeeded().physical_id;
        assert_ne!(first, second);
        let third = scene.ask(&fit(scene, "rollback-update-new-id", Some(&second))).await.succeeded().physical_id;
        assert!(![&first, &second].contains(&&third));
        let again = scene.ask(&fit(scene, "rollback-update-old-id", Some(&third))).await.succeeded().physical_id;
        assert_eq!(third, again);
        scene.ask(&fit(scene, "delete", Some(&second))).await.succeeded();
        scene.ask(&fit(scene, "delete", Some(&third))).await.succeeded();
        assert_eq!(scene.livy.made().len(), 3);
    });
}

#[test]
fn the_event_with_bad_properties_is_told_all_of_them() {
    play_light("BadEvent", async |scene| {
        // Nothing in it is real, so there is nothing to fit.
        let event = scene.event("bad-properties");
        let answer = scene.ask(&event).await.failed();
        for name in event.json["ResourceProperties"].as_object().expect("an object").keys() {
            if !["ServiceToken", "LivyUrl", "Parameters"].contains(&name.as_str()) {
                answer.tells(&[name]);
            }
        }
        assert_eq!(scene.livy.calls().len(), 0);
    });
}

/// An event about this scene's own job: one that does nothing, for a hundred times as long as Pi has partitions.
fn fit(scene: &Scene, file: &str, id: Option<&str>) -> Event {
    let mut event = scene.event(file);
    for properties in event.properties() {
        let parameters = properties["Parameters"].as_object_mut().expect("an object");
        let seconds = format!("{}00", parameters["Args"][0].as_str().expect("a number"));
        parameters.insert("File".to_owned(), path("tests/jobs/idle.py").into());
        parameters.insert("Args".to_owned(), [seconds].as_slice().into());
        properties.entry("StableSeconds").or_insert_with(|| "2".into());
    }
    match id {
        Some(id) => event.with("PhysicalResourceId", id),
        None => event,
    }
}
