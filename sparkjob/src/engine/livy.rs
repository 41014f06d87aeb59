//! [Apache Livy](https://livy.apache.org/docs/latest/rest-api.html)'s batches, from 0.6 on.
//!
//! Livy has no token that would make a submission happen once. It has names, though, and never two batches of one name at a
//! time: so a job is submitted under a name that belongs to one request, and after a lost answer it is looked for under it.

mod answer;
mod credentials;
mod log;
mod login;
mod status;
mod submission;
mod wire;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde::de::{DeserializeOwned, IgnoredAny};
use tracing::warn;

use super::answer::{Asked, Failed};
use super::text::clip;
use super::{Engine, How, Kind, Links, Lookup, Report, SUBMISSION_LIMIT, Trouble, doing};
use crate::hidden::Hidden;
use crate::http::{Lost, Transport};
use crate::job::{Identity, Job, LivyUrl, Place, Run, RunRef, Status, Tags, Timestamp};
use credentials::Credentials;
pub use login::Login;
use wire::{Batch, LOG_LINES, Listing, Log, Name};

/// How long a look is waited for.
const LOOK_LIMIT: Duration = Duration::from_secs(30);
/// How long a deletion is waited for: Livy waits up to 120 s for the id of the YARN application that it is to kill.
const DELETION_LIMIT: Duration = Duration::from_secs(130);
/// Batches in one page of the listing.
const PAGE: usize = 100;
/// Pages that are read at most; each has `PAGE - 1` batches that the one before has not.
const MAX_PAGES: usize = 100;
/// How often a listing is begun anew that shifted while it was read.
const LISTING_TRIES: usize = 5;
/// Livy reads ids as Java's `int`; it answers a longer number as if it were no id at all.
const MAX_ID: u64 = i32::MAX as u64;
/// Why a Livy before 0.6 is refused.
const NAMELESS: &str = "this Livy does not keep the names of batches, so it cannot be told whether a job was submitted \
                        already; Livy 0.6 or later is needed, which EMR 5.30 and later have";
/// What to do about a Livy that asks for credentials.
const LOCKED: &str =
    "Name the secret that lets into this Livy (LivySecretArn), and try again; Kerberos is not supported.";
/// As much as is quoted of a name that is not ours, in characters.
const MAX_OTHER: usize = 100;
/// The longest address that is told of a batch, in bytes.
const MAX_ADDRESS: usize = 1_100;
/// A 404 that Livy has no reason for.
const ASTRAY: &str = "Livy answered as if it had been asked for a batch that it does not know";
/// A 404 that the listing contradicts.
const DENIED: &str = "Livy answered that it does not know this batch, and lists it";

/// What a request came to.
type Came = Result<Response<Bytes>, Lost>;

/// A Livy server.
#[derive(Debug)]
pub struct Livy {
    place: Place,
    url: LivyUrl,
    transport: Arc<dyn Transport>,
    /// What lets into it; none where it asks for nothing.
    login: Option<Arc<Login>>,
}

impl Livy {
    pub fn new(url: LivyUrl, transport: Arc<dyn Transport>, login: Option<Arc<Login>>) -> Self {
        Self::at(Place::Livy(url.clone()), url, transport, login)
    }

    /// The server at `url` that the template names as `place`, and that its runs and texts are to name so.
    pub fn at(place: Place, url: LivyUrl, transport: Arc<dyn Transport>, login: Option<Arc<Login>>) -> Self {
        Self { place, url, transport, login }
    }
}

#[async_trait]
impl Engine for Livy {
    async fn start(&self, job: &Job, identity: &Identity) -> Result<RunRef, Trouble> {
        let doing = || doing::submit(&self.place);
        let Some(parameters) = &job.parameters else {
            return Err(Trouble::new(Kind::Rejected, doing(), "Livy runs Parameters only"));
        };
        let submission = submission::submission(parameters, identity);
        let body = serde_json::to_vec(&submission).expect("plain data with text keys always serialises");
        let unclear = |said: String| Failed::new(Kind::Unclear, said).while_doing(doing());
        let made = self.call(Asked::Submission, "/batches", body.into()).await;
        let made: Option<Batch> = made.map_err(|failed| failed.while_doing(doing()))?;
        let batch = made.ok_or_else(|| unclear(ASTRAY.to_owned()))?;
        match status::name(&batch) {
            Some(other) if other != submission.name => {
                Err(unclear(format!("Livy answered with a batch of another name, {}", clip(other, MAX_OTHER))))
            }
            None => Err(unclear("Livy answered with a batch without a name".to_owned())),
            Some(name) => Ok(self.reference(batch.id, Some(name))),
        }
    }

    /// Livy tells no times, and forgets what is over soon enough by itself.
    async fn find(&self, identity: &Identity, by: Lookup, _since: Timestamp) -> Result<Vec<Run>, Trouble> {
        let found = match by {
            Lookup::Name => {
                self.named(&identity.name()).await.map(|batch| batch.as_ref().map(Found::from).into_iter().collect())
            }
            Lookup::Token | Lookup::Owner | Lookup::Spec | Lookup::History => {
                self.select(|name| by.selects(identity, name)).await
            }
        };
        let mut found: Vec<Found> = found.map_err(|failed| failed.while_doing(doing::find(&self.place)))?;
        found.sort_by_key(|found| std::cmp::Reverse(found.id));
        let run = |Found { id, name, status }: Found| Run { run: self.reference(id, name.as_deref()), status };
        Ok(found.into_iter().map(run).collect())
    }

    async fn describe(&self, runs: &[RunRef]) -> Result<Vec<Status>, Trouble> {
        let found = match runs {
            [] => Ok(Vec::new()),
            [run] => self.batch(run).await.map(|batch| batch.as_ref().map(Found::from).into_iter().collect()),
            _ => self.select(|name| runs.iter().any(|run| run.name.as_deref() == Some(name))).await,
        };
        let found = found.map_err(|failed| failed.while_doing(doing::describe(&self.place, runs)))?;
        let status = |run: &RunRef| {
            let shown = found.iter().find(|found| is(found.id, found.name.as_deref(), run));
            shown.map_or_else(Status::gone, |found| found.status.clone())
        };
        Ok(runs.iter().map(status).collect())
    }

    /// Livy knows one way to stop a batch, so `how` makes no difference.
    async fn cancel(&self, run: &RunRef, _how: How) -> Result<(), Trouble> {
        let doing = || doing::cancel(run);
        let Some(batch) = self.batch(run).await.map_err(|failed| failed.while_doing(doing()))? else {
            return Ok(());
        };
        // A deletion would do nothing to a batch that is over but take its log away.
        if status::status(&batch).phase.is_over() {
            return Ok(());
        }
        // Livy may restart between the look and the deletion and give the id to a stranger's batch, but not the name.
        let path = format!("/batches/{}", run.name.as_deref().unwrap_or(&run.id));
        let deleted = self.call::<IgnoredAny>(Asked::Deed, &path, Bytes::new()).await;
        deleted.map(|_| ()).map_err(|failed| failed.while_doing(doing()))
    }

    /// Livy has no tags, so no description has any.
    async fn tag(&self, _run: &RunRef, _wanted: &Tags, _old: &Tags) -> Result<(), Trouble> {
        Ok(())
    }

    async fn report(&self, run: &RunRef) -> Report {
        match self.batch(run).await {
            Ok(Some(batch)) => self.report_of(batch).await,
            Ok(None) => Report {
                full_log: "no longer there: Livy forgets a batch, by default 10 minutes after its end".to_owned(),
                ..Report::default()
            },
            Err(failed) => Report {
                full_log: format!("{} (not read: {})", self.full_log(&run.id), failed.said),
                ..Report::default()
            },
        }
    }

    fn hidden(&self) -> Hidden {
        self.login.as_ref().map(|login| login.hidden()).unwrap_or_default()
    }
}

impl Livy {
    async fn report_of(&self, batch: Batch) -> Report {
        let mut full_log = self.full_log(&batch.id.to_string());
        let path = format!("/batches/{}/log?size={LOG_LINES}", batch.id);
        let log: Vec<String> = match self.call(Asked::Look, &path, Bytes::new()).await {
            Ok(Some(Log { log })) => log.0,
            not_read => {
                let said = not_read.err().map_or_else(|| ASTRAY.to_owned(), |failed| failed.said);
                full_log = format!("{full_log} (not read: {said})");
                status::lines(&batch).map(str::to_owned).collect()
            }
        };
        // What Livy keeps is the log of spark-submit; in cluster mode the driver's own is YARN's.
        if let Some(application) = status::application(&batch) {
            full_log = format!("{full_log}; on the cluster: yarn logs -applicationId {application}");
        }
        let told = log::told(&log, status::status(&batch).phase);
        let shown = batch.app_info.unwrap_or_default();
        // An address that was cut would be none.
        let address = |told: Option<String>| told.filter(|address| address.len() <= MAX_ADDRESS).unwrap_or_default();
        let addresses = Links {
            spark_ui: address(shown.spark_ui_url),
            driver_log: address(shown.driver_log_url),
            ..Links::default()
        };
        Report { exception: told.exception, tail: told.tail, full_log, links: addresses }
    }

    fn full_log(&self, id: &str) -> String {
        let address = self.url.join(&format!("/batches/{id}/log"));
        format!("GET {address}, until Livy forgets the batch, by default 10 minutes after its end")
    }

    fn reference(&self, id: u64, name: Option<&str>) -> RunRef {
        RunRef { place: self.place.clone(), id: id.to_string(), realm: None, name: name.map(str::to_owned) }
    }

    /// The batch of this name.
    async fn named(&self, name: &str) -> Result<Option<Batch>, Failed> {
        let nameless = || Failed::new(Kind::Rejected, NAMELESS);
        match self.look_up(name, name).await {
            // Before 0.6 Livy takes what stands there for a number.
            Err(failed) if failed.kind == Kind::Rejected && failed.said.contains("For input string") => Err(nameless()),
            Ok(Some(Batch { name: Name::NotKept, .. })) => Err(nameless()),
            Ok(Some(batch)) if status::name(&batch) != Some(name) => {
                Err(Failed::unavailable("Livy answered with a batch of another name"))
            }
            answer => answer,
        }
    }

    /// The batch that `run` names; none where Livy does not know it, or knows another by its id.
    async fn batch(&self, run: &RunRef) -> Result<Option<Batch>, Failed> {
        let (true, Some(name)) = (run.id.parse().is_ok_and(|id: u64| id <= MAX_ID), &run.name) else {
            return Ok(None);
        };
        let batch = self.look_up(&run.id, name).await?;
        Ok(batch.filter(|batch| is(batch.id, status::name(batch), run)))
    }

    /// The batch that is found by its id, or by its name; none only where Livy does not list it either.
    ///
    /// Livy [looks both up][SessionManager] without a lock in tables that grow with what is submitted, and while one grows it
    /// denies batches that it has. Its listing does not go by those tables.
    ///
    /// [SessionManager]: https://github.com/apache/incubator-livy/blob/v0.8.0-incubating/server/src/main/scala/org/apache/livy/sessions/SessionManager.scala
    async fn look_up(&self, by: &str, name: &str) -> Result<Option<Batch>, Failed> {
        let batch: Option<Batch> = self.call(Asked::Look, &format!("/batches/{by}"), Bytes::new()).await?;
        let is_it = |listed: &Found| by == name || by == listed.id.to_string();
        if batch.is_none() && self.select(|listed| listed == name).await?.iter().any(is_it) {
            return Err(Failed::unavailable(DENIED));
        }
        Ok(batch)
    }

    /// The batches whose names are `wanted`: none on a Livy before 0.6, to which nothing is ever submitted.
    async fn select(&self, wanted: impl Fn(&str) -> bool + Send + Sync) -> Result<Vec<Found>, Failed> {
        for _ in 0..LISTING_TRIES {
            if let Some(found) = self.list(&wanted).await? {
                return Ok(found);
            }
        }
        Err(Failed::unavailable("its batches came and went while they were listed"))
    }

    /// Those of all batches that are wanted, page by page; none where the list shifted so that one may have been missed. No more
    /// than one page is held at a time.
    ///
    /// Batches are added at the end and removed anywhere, so each page begins with the last batch of the one before: as
    /// long as that stands where it stood, no batch before it has gone and none behind it has moved up.
    async fn list(&self, wanted: &(impl Fn(&str) -> bool + Sync)) -> Result<Option<Vec<Found>>, Failed> {
        let (mut found, mut count, mut last): (_, usize, Option<u64>) = (Vec::new(), 0, None);
        for _ in 0..MAX_PAGES {
            let from = count.saturating_sub(1);
            let path = format!("/batches?from={from}&size={PAGE}");
            let page: Option<Listing> = self.call(Asked::Look, &path, Bytes::new()).await?;
            let Listing { total, sessions } = page.ok_or_else(|| Failed::unavailable(ASTRAY))?;
            let known = usize::from(last.is_some());
            if last.is_some() && sessions.first().map(|first| first.id) != last {
                return Ok(None);
            }
            let news = sessions.get(known..).unwrap_or_default();
            found.extend(news.iter().filter(|batch| status::name(batch).is_some_and(wanted)).map(Found::from));
            count += news.len();
            if count >= total {
                return Ok(Some(found));
            }
            let Some(newest) = news.last() else { return Ok(None) };
            last = Some(newest.id);
        }
        Err(Failed::unavailable("it has more batches than can be listed"))
    }

    /// One request and what its answer means.
    async fn call<T: DeserializeOwned>(&self, asked: Asked, path: &str, body: Bytes) -> Result<Option<T>, Failed> {
        let (method, limit) = match asked {
            Asked::Look => (Method::GET, LOOK_LIMIT),
            Asked::Submission => (Method::POST, SUBMISSION_LIMIT),
            Asked::Deed => (Method::DELETE, DELETION_LIMIT),
        };
        let request = Request::builder()
            .method(method)
            .uri(self.url.join(path))
            // Livy's protection against forged requests asks for it on every write; what it holds does not matter.
            .header("x-requested-by", "sparkjob")
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| Failed::new(Kind::Rejected, format!("not an address: {error}")))?;
        let came = match &self.login {
            Some(login) => self.send_logged_in(login, request, limit).await?,
            None => self.transport.send(request, limit).await,
        };
        let is_locked = is_unauthorized(&came);
        answer::read(asked, came).map_err(|failed| match &self.login {
            Some(login) if is_locked => login.refused(failed),
            None if is_locked => Failed { advice: LOCKED.to_owned(), ..failed },
            _ => failed,
        })
    }

    /// Sends `request` with what lets in, and once more where that has changed since it was fetched: what did not get through
    /// has done nothing.
    async fn send_logged_in(&self, login: &Login, request: Request<Bytes>, limit: Duration) -> Result<Came, Failed> {
        let Some(known) = login.known() else {
            let credentials = self.log_in(login).await?;
            return self.send_with(&credentials, login, request, limit).await;
        };
        let came = self.send_with(&known, login, request.clone(), limit).await;
        if !self.is_outdated(&came) {
            return came;
        }
        match self.log_in(login).await {
            Ok(anew) if anew != known => self.send_with(&anew, login, request, limit).await,
            Err(failed) if came.as_ref().is_ok_and(is_unauthorized) => Err(failed),
            // Where Livy cannot be reached, that is what is told, also where the secret cannot be had either.
            Ok(_) | Err(_) => came,
        }
    }

    /// Whether something newer than what is kept may get through: the credentials were refused, nothing came of the connection
    /// in which the authority has a say, or they are of no use for this Livy.
    fn is_outdated(&self, came: &Result<Came, Failed>) -> bool {
        match came {
            Ok(Err(Lost::NotSent(_))) => self.url.is_encrypted(),
            Ok(came) => is_unauthorized(came),
            Err(_) => true,
        }
    }

    async fn log_in(&self, login: &Login) -> Result<Arc<Credentials>, Failed> {
        let credentials = login.fetch().await?;
        if self.url.is_open() {
            warn!("{} is spoken to over http: whoever is on the way can read its credentials", self.place);
        }
        Ok(credentials)
    }

    /// Sends `request` with what lets in. It goes to this Livy and nowhere else, as no redirect is followed.
    async fn send_with(
        &self,
        credentials: &Credentials,
        login: &Login,
        mut request: Request<Bytes>,
        limit: Duration,
    ) -> Result<Came, Failed> {
        request.headers_mut().extend(credentials.headers.clone());
        if let Some(trust) = &credentials.trust {
            if !self.url.is_encrypted() {
                return Err(login.unfit("it has a ca, and this Livy is spoken to over http, where that proves nothing"));
            }
            request.extensions_mut().insert(trust.clone());
        }
        Ok(self.transport.send(request, limit).await)
    }
}

/// Whether it was not let in. A 403 is something else: the server knows who asks.
fn is_unauthorized(came: &Came) -> bool {
    came.as_ref().is_ok_and(|response| response.status() == StatusCode::UNAUTHORIZED)
}

/// What is kept of a batch that was looked for: of one that is listed among thousands Livy tells its last lines, too.
struct Found {
    id: u64,
    name: Option<String>,
    status: Status,
}

impl From<&Batch> for Found {
    fn from(batch: &Batch) -> Self {
        Self { id: batch.id, name: status::name(batch).map(str::to_owned), status: status::status(batch) }
    }
}

/// Whether a batch is the one that `run` means. After a restart Livy counts from 0 again, so the id alone does not tell.
fn is(id: u64, name: Option<&str>, run: &RunRef) -> bool {
    id.to_string() == run.id && run.name.is_some() && run.name.as_deref() == name
}
