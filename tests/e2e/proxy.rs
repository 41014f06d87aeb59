//! In front of the emulator of AWS: kills whoever asks, as often as a scene wants it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sparkjob::http::Transport;

use crate::process::kill_lambda_behind;
use crate::server::{Peer, serve};
use crate::world::World;

/// Longer than the emulator ever takes.
const LIMIT: Duration = Duration::from_mins(1);

/// Stands in front of the emulator of AWS. The first requests, so many of them, are not passed on, and the functions that
/// sent them die.
pub async fn deadly(world: &'static World, times: u32) -> String {
    let left = Arc::new(AtomicU32::new(times));
    let port = serve(move |mut request| {
        let left = Arc::clone(&left);
        async move {
            if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                kill_lambda_behind(request.extensions().get::<Peer>()?.0);
                return None;
            }
            let path = request.uri().path_and_query()?.as_str().to_owned();
            *request.uri_mut() = format!("{}{path}", world.instance.env["AWS_ENDPOINT_URL"]).parse().ok()?;
            request.headers_mut().remove("host");
            world.net.send(request, LIMIT).await.ok()
        }
    });
    format!("http://127.0.0.1:{}", port.await)
}
