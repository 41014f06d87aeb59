//! The log: JSON, and whose it is on every line.

use serde_json::{Value, json};

use crate::scene::{play, with};

#[test]
fn every_line_tells_whose_it_is() {
    play("Lines", async |scene| {
        let job = with(&scene.idle(900), json!({ "WaitFor": "Submitted" }));
        let create = scene.create(&job);
        let id = scene.ask(&create).await.succeeded().physical_id;
        scene.world.workflow.ended(&create.token).await;
        let log = scene.log();
        let lines: Vec<Value> =
            log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))).collect();
        // The end of what another invocation wrote may be among them, as the emulator reads a process's output late.
        assert!(lines.iter().all(|line| line["RequestId"].is_string()), "{log}");
        let lines: Vec<&Value> = lines.iter().filter(|line| line["RequestId"] == create.json["RequestId"]).collect();
        assert!(lines.len() > 1, "{log}");
        for line in &lines {
            assert_eq!(line["LogicalResourceId"], scene.name, "{line}");
            assert_eq!(line["action"], "Create", "{line}");
            assert!(line["message"].is_string() && line["level"].is_string(), "{line}");
        }
        assert!(lines.iter().any(|line| line["job"] == *id), "{log}");
        scene.ask(&scene.delete(&id, &job)).await.succeeded();
    });
}
