//! The function of the [conformance suite](crate::conformance::Machine::function), as `tests/functions/scripted` is on the
//! local default.

use std::time::Duration;

use lambda_runtime::Diagnostic;
use serde_json::Value;
use tokio::time::sleep;

/// One call.
pub async fn serve(event: &Value) -> Result<Value, Diagnostic> {
    let tries = event["Tries"].as_u64().and_then(|tries| usize::try_from(tries).ok()).unwrap_or_default();
    match event["Turn"]["Script"][tries].as_str() {
        None => Ok(event.clone()),
        Some("Sleeps") => {
            sleep(Duration::from_secs(6)).await;
            Ok(event.clone())
        }
        Some("Dies") => Err(failed("Runtime.ExitError", "Runtime exited with error: exit status 1")),
        Some(error_type) => Err(failed(error_type, "as told")),
    }
}

fn failed(error_type: &str, error_message: &str) -> Diagnostic {
    Diagnostic { error_type: error_type.to_owned(), error_message: error_message.to_owned() }
}
