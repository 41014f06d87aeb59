//! What goes wrong between a client and a server.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::{busy, record};
use crate::http::{Lost, Transport};

/// What happens to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It takes effect at once; its answer comes this much later.
    Slow(Duration),
    /// It takes effect, and is answered, this much later, whether or not its sender still waits.
    Late(Duration),
    /// It takes no effect; this comes instead of an answer.
    Before(Instead),
    /// It takes effect; this comes instead of its answer.
    After(Instead),
}

/// What comes instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// Nothing, for a reason that shows at once.
    Lost(Lost),
    /// Nothing until the sender's time limit has run out.
    Silence,
    /// This status with a page of HTML, as a proxy would answer.
    Page(u16),
    /// This status with this body.
    Answer(u16, String),
    /// A refusal of a server that is asked too often, in its own words.
    Busy,
    /// Nothing, ever: the process that sent the request is gone. See [`Faulty::process`].
    Death,
}

impl Fault {
    /// Every way to lose an answer, with and without effect. What a client knows is never more than the fault tells: a
    /// connection that was refused, for one, had no effect. And a page of success without an effect is a connection that was
    /// reset to whoever reads it, but for the place of the answer, which has taken the answer then.
    pub fn losses() -> Vec<Self> {
        let error = || Instead::Answer(500, "\"java.io.IOException: Broken pipe\"".to_owned());
        vec![
            Self::refused(),
            Self::Before(reset()),
            Self::After(reset()),
            Self::Before(Instead::Silence),
            Self::After(Instead::Silence),
            Self::Before(error()),
            Self::After(error()),
            Self::Before(Instead::Page(502)),
            Self::After(Instead::Page(504)),
            Self::After(Instead::Page(200)),
            Self::After(Instead::Lost(Lost::TooLarge)),
        ]
    }

    /// Every way in which a request may fail while its sender lives on: its answer is lost, or the server is asked too often, which
    /// passes.
    pub fn failures() -> Vec<Self> {
        [Self::losses(), vec![Self::Before(Instead::Busy)]].concat()
    }

    /// Whether it comes at the `k`-th request where the two ways in which a server says that it has failed, in its own words and by a
    /// page of a proxy's, come by turns: to whoever reads them they are the same but for their words.
    pub fn has_its_turn(&self, k: usize) -> bool {
        match self {
            Self::Before(Instead::Page(502)) | Self::After(Instead::Page(504)) => k.is_multiple_of(2),
            Self::Before(Instead::Answer(500, _)) | Self::After(Instead::Answer(500, _)) => !k.is_multiple_of(2),
            _ => true,
        }
    }

    /// The end of the process that sent the request, just before it takes effect and just after.
    pub fn deaths() -> Vec<Self> {
        vec![Self::Before(Instead::Death), Self::After(Instead::Death)]
    }

    /// Nobody listens.
    pub fn refused() -> Self {
        Self::Before(Instead::Lost(Lost::NotSent("Connection refused (os error 111)".to_owned())))
    }
}

fn reset() -> Instead {
    Instead::Lost(Lost::Unclear("Connection reset by peer (os error 104)".to_owned()))
}

/// A transport that sends through another one, keeps a record, and makes go wrong what it is told to. Clones share all.
pub struct Faulty<T> {
    inner: Arc<T>,
    plan: Arc<Mutex<Plan>>,
    since: Instant,
    death: Death,
}

/// The end of a process, which whoever runs it waits for: it is to be dropped then.
#[derive(Clone, Debug, Default)]
pub struct Death(Arc<Notify>);

impl Death {
    /// Returns when the process died.
    pub async fn comes(&self) {
        self.0.notified().await;
    }
}

/// One request, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// When, counted from the transport's making.
    pub at: Duration,
    /// Its method.
    pub method: Method,
    /// Its path and query, and the operation where a header names that.
    pub path: String,
    /// What happened to it; none: it was sent and answered.
    pub fault: Option<Fault>,
}

#[derive(Default)]
struct Plan {
    sent: Vec<Sent>,
    at: BTreeMap<usize, Fault>,
    next: Vec<(Method, String, Fault)>,
    each: Vec<(Method, String, Fault)>,
    all: Option<Fault>,
    acts: BTreeMap<usize, Box<dyn FnOnce() + Send>>,
}

impl<T> Faulty<T> {
    /// A transport that sends through `inner`.
    pub fn new(inner: T) -> Self {
        record::start();
        Self { inner: Arc::new(inner), plan: Arc::default(), since: Instant::now(), death: Death::default() }
    }

    /// The same way as one process has it, and news of the process's death.
    pub fn process(&self) -> (Self, Death) {
        let death = Death::default();
        (Self { death: death.clone(), ..self.clone() }, death)
    }

    /// The transport that it sends through.
    pub fn inner(&self) -> &T {
        &self.inner
    }

    /// Strikes the `k`-th request with `fault`; the first is 1.
    pub fn fault_at(&self, k: usize, fault: Fault) {
        self.plan().at.insert(k, fault);
    }

    /// Strikes the next request of this method whose path and query contain `part` with `fault`. Faults for the same
    /// requests strike one after the other.
    pub fn fault_next(&self, method: Method, part: &str, fault: Fault) {
        self.plan().next.push((method, part.to_owned(), fault));
    }

    /// Strikes every request of this method whose path and query contain `part`, from now on, with `fault`, unless one of
    /// the faults above is meant for it.
    pub fn fault_each(&self, method: Method, part: &str, fault: Fault) {
        self.plan().each.push((method, part.to_owned(), fault));
    }

    /// Strikes each request, from now on, with `fault`, unless another fault is meant for it.
    pub fn fault_all(&self, fault: Fault) {
        self.plan().all = Some(fault);
    }

    /// Takes back every fault that has not struck yet.
    pub fn heal(&self) {
        let mut plan = self.plan();
        plan.at.clear();
        plan.next.clear();
        plan.each.clear();
        plan.all = None;
    }

    /// Has `act` done just before the `k`-th request is sent.
    pub fn before(&self, k: usize, act: impl FnOnce() + Send + 'static) {
        self.plan().acts.insert(k, Box::new(act));
    }

    /// How many requests there were.
    pub fn sends(&self) -> usize {
        self.plan().sent.len()
    }

    /// All requests, in the order in which they were sent.
    pub fn requests(&self) -> Vec<Sent> {
        self.plan().sent.clone()
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the request, and tells what is to happen to it.
    fn record(&self, request: &Request<Bytes>) -> Option<Fault> {
        let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
        let operation =
            request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let path = path + operation;
        let mut plan = self.plan();
        let k = plan.sent.len() + 1;
        let is_meant =
            |(method, part, _): &(Method, String, Fault)| method == request.method() && path.contains(part.as_str());
        let fault = match plan.at.remove(&k) {
            Some(fault) => Some(fault),
            None => match plan.next.iter().position(is_meant) {
                Some(index) => Some(plan.next.remove(index).2),
                None => plan.each.iter().find(|each| is_meant(each)).map(|each| each.2.clone()).or(plan.all.clone()),
            },
        };
        plan.sent.push(Sent { at: self.since.elapsed(), method: request.method().clone(), path, fault: fault.clone() });
        let act = plan.acts.remove(&k);
        drop(plan);
        // It may well ask this transport something.
        if let Some(act) = act {
            act();
        }
        fault
    }
}

#[async_trait]
impl<T: Transport + 'static> Transport for Faulty<T> {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        let inner = &self.inner;
        match self.record(&request) {
            None => inner.send(request, limit).await,
            Some(Fault::Slow(delay)) => {
                let answered = async {
                    let answer = inner.send(request, limit).await;
                    sleep(delay).await;
                    answer
                };
                timeout(limit, answered).await.unwrap_or(Err(Lost::TimedOut))
            }
            Some(Fault::Late(delay)) => {
                let inner = Arc::clone(inner);
                let on_its_way = tokio::spawn(async move {
                    sleep(delay).await;
                    inner.send(request, limit).await
                });
                let answer = timeout(limit, on_its_way).await;
                answer.map_or(Err(Lost::TimedOut), |done| done.expect("the transport below does not panic"))
            }
            Some(Fault::Before(instead)) => come(instead, &request, limit, &self.death).await,
            Some(Fault::After(instead)) => {
                let _ = inner.send(request.clone(), limit).await;
                come(instead, &request, limit, &self.death).await
            }
        }
    }
}

async fn come(
    instead: Instead,
    request: &Request<Bytes>,
    limit: Duration,
    death: &Death,
) -> Result<Response<Bytes>, Lost> {
    match instead {
        Instead::Lost(lost) => Err(lost),
        Instead::Silence => {
            sleep(limit).await;
            Err(Lost::TimedOut)
        }
        Instead::Page(status) => {
            let status = StatusCode::from_u16(status).expect("a status");
            let page = format!(
                "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n\
                 <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
            );
            Ok(answer(status, "text/html", page))
        }
        Instead::Answer(status, body) => {
            Ok(answer(StatusCode::from_u16(status).expect("a status"), "application/json", body))
        }
        Instead::Busy => Ok(busy::refusal(request)),
        Instead::Death => {
            death.0.notify_one();
            std::future::pending().await
        }
    }
}

/// An answer of this status and kind of content.
pub(super) fn answer(status: StatusCode, kind: &'static str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}

impl<T> Clone for Faulty<T> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            plan: Arc::clone(&self.plan),
            since: self.since,
            death: self.death.clone(),
        }
    }
}

impl<T> fmt::Debug for Faulty<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("sends", &self.sends()).finish_non_exhaustive()
    }
}
