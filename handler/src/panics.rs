//! Panics are failures like any other. What one says may quote whatever was at hand, and `lambda_runtime` would tell it as it is.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use crate::{Failed, logs};

/// What comes of an invocation; of one that panics without what is [hidden](logs::hide).
///
/// # Errors
/// Its own, and [`Failed::Panicked`].
pub fn told<T>(invocation: impl Future<Output = Result<T, Failed>>) -> impl Future<Output = Result<T, Failed>> {
    let panicked = |said: String| Err(Failed::Panicked(format!("the function panicked: {}", logs::shown(&said))));
    caught(invocation).map(move |came| came.unwrap_or_else(panicked))
}

/// What comes of `work`.
///
/// # Errors
/// What it says as it panics, as it is.
pub fn caught<T>(work: impl Future<Output = T>) -> impl Future<Output = Result<T, String>> {
    // Nothing of what a panic may have left half done is looked at afterwards.
    AssertUnwindSafe(work).catch_unwind().map(|came| came.map_err(|panic| message(&*panic).to_owned()))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_runtime::Diagnostic;
    use sparkjob::hidden::Hidden;

    #[tokio::test]
    async fn what_a_panic_says_is_told_without_what_is_hidden() {
        logs::hide(Hidden::of(["hunter2"]));
        let failed = told::<()>(async { panic!("cannot put hunter2 to https://host/?X-Amz-Signature=5ec2e7") }).await;
        logs::hide(Hidden::default());
        let Diagnostic { error_type, error_message } = failed.expect_err("a failure").into();
        assert_eq!(error_type, "Panicked");
        assert_eq!(error_message, "the function panicked: cannot put *** to (a signed address)");
        assert_eq!(told(async { Ok(7) }).await, Ok(7));
    }
}
