//! The client of the core as a Python object, and the options that it is created with.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use wxlink::{Client, ClientRegistration, Error, Lang, LinkChoices, Options};

use crate::ending::{self, Inside};
use crate::errors;
use crate::responses::{LinkList, LinkProgress, Response, loads};

/// A client. Methods that may wait release the GIL.
#[pyclass(frozen, module = "wxlink._core")]
pub struct Handle {
    pub client: Client,
    pub lang: Lang,
    pub interrupt: Interrupt,
    /// Made and dropped while the GIL is held, so that no fork happens meanwhile.
    _registered: Option<ClientRegistration>,
}

/// An exception that a signal handler raised while a call waited, to be raised by that call. Python
/// handles signals in one thread; calls of other threads on the same handle are not affected.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<Mutex<Option<(ThreadId, PyErr)>>>);

impl Interrupt {
    /// Runs Python's signal handlers if this is their thread. Returns whether one has raised.
    fn check(&self) -> bool {
        let check = |py: Python<'_>| match py.check_signals() {
            Ok(()) => false,
            Err(raised) => {
                *self.lock() = Some((thread::current().id(), raised));
                true
            }
        };
        ending::try_attach(check).unwrap_or(false)
    }

    /// The exception that was raised in this thread.
    pub fn take(&self) -> Option<PyErr> {
        let here = thread::current().id();
        let raised = self.lock().take_if(|(thread, _)| *thread == here);
        raised.map(|(_, raised)| raised)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(ThreadId, PyErr)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle {
    fn new(client: &Client, lang: Lang) -> Result<Handle, Error> {
        let interrupt = Interrupt::default();
        let check = interrupt.clone();
        Ok(Handle {
            client: client.with_interrupt_check(move || check.check())?,
            lang,
            interrupt,
            _registered: client.register(),
        })
    }

    /// Runs a call that returns a response.
    fn run_call<T: Send>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&Client) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        let inside = Inside::enter(py);
        let outcome = inside.detach(py, || call(&self.client));
        match (self.interrupt.take(), outcome) {
            (None, Ok(done)) => Ok(done),
            (None, Err(e)) => Err(errors::raise(py, &e, self.lang, None)),
            (Some(raised), outcome) => {
                let message = outcome.err().map(|e| e.message()).unwrap_or_default();
                Err(errors::interrupted(py, raised, &message, None))
            }
        }
    }

    /// Runs a call that returns a progress. An exception that it raises has the progress too.
    fn run_with_progress(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&Client) -> wxlink::LinkProgress + Send,
    ) -> PyResult<LinkProgress> {
        let inside = Inside::enter(py);
        let progress = inside.detach(py, || call(&self.client));
        let found = LinkProgress(progress.clone());
        if let Some(raised) = self.interrupt.take() {
            let message = progress.message();
            return Err(errors::interrupted(py, raised, &message, Some(found)));
        }
        match progress.error() {
            None => Ok(found),
            Some(e) => Err(errors::raise(py, e, self.lang, Some(found))),
        }
    }
}

/// Creates options from pairs of keys and values.
fn options(pairs: &[(String, String)]) -> Result<Options, Error> {
    let mut options = Options::new();
    for (key, value) in pairs {
        options.set(key, value)?;
    }
    Ok(options)
}

fn seconds(wait: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(wait)
        .map_err(|_| PyValueError::new_err("wait must be a number of seconds, 0 or more"))
}

fn lang(pairs: &[(String, String)], default: Lang) -> Lang {
    let set = pairs.iter().find(|(key, _)| key == "lang");
    set.and_then(|(_, code)| Lang::from_code(code))
        .unwrap_or(default)
}

#[pymethods]
impl Handle {
    #[new]
    fn py_new(py: Python<'_>, pairs: Vec<(String, String)>) -> PyResult<Handle> {
        let lang = lang(&pairs, Lang::En);
        let inside = Inside::enter(py);
        inside
            .detach(py, || Client::new(&options(&pairs)?))
            .and_then(|client| Handle::new(&client, lang))
            .map_err(|e| errors::raise(py, &e, lang, None))
    }

    /// A handle that shares the connections and has its own limits and cancellation.
    fn derive(&self, py: Python<'_>, pairs: Vec<(String, String)>) -> PyResult<Handle> {
        let lang = lang(&pairs, self.lang);
        let _inside = Inside::enter(py);
        options(&pairs)
            .and_then(|options| Handle::new(&self.client.derive(&options)?, lang))
            .map_err(|e| errors::raise(py, &e, lang, None))
    }

    fn cancel(&self) {
        self.client.cancel();
    }

    fn set_ticket(&self, py: Python<'_>, ticket: &str) -> PyResult<()> {
        self.run_call(py, |c| c.set_ticket(ticket))
    }

    fn add_account(&self, py: Python<'_>, appid: &str, refresh_token: &str) -> PyResult<()> {
        self.run_call(py, |c| c.add_account(appid, refresh_token))
    }

    fn accept_push<'py>(
        &self,
        py: Python<'py>,
        query: &str,
        body: &[u8],
    ) -> PyResult<Bound<'py, PyAny>> {
        let push = self.run_call(py, |c| c.accept_push(query, body))?;
        loads(py, &push.json().to_string())
    }

    fn authorization_url<'py>(
        &self,
        py: Python<'py>,
        redirect_uri: &str,
        account: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let url = self.run_call(py, |c| c.authorization_url(redirect_uri, account))?;
        loads(py, &url.json().to_string())
    }

    fn accept_authorization<'py>(
        &self,
        py: Python<'py>,
        code: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let authorization = self.run_call(py, |c| c.accept_authorization(code))?;
        loads(py, &authorization.json().to_string())
    }

    fn account_info<'py>(&self, py: Python<'py>, account: &str) -> PyResult<Bound<'py, PyAny>> {
        let info = self.run_call(py, |c| c.account_info(account))?;
        loads(py, &info.json().to_string())
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let stats = self.run_call(py, Client::stats)?;
        loads(py, &stats.json().to_string())
    }

    fn link_miniprogram(
        &self,
        py: Python<'_>,
        access_token: Option<&str>,
        appid: &str,
        notify_users: bool,
        show_profile: bool,
    ) -> PyResult<Response> {
        let choices = LinkChoices {
            notify_users,
            show_profile,
        };
        self.run_call(py, |c| c.link_miniprogram(access_token, appid, choices))
            .map(Response)
    }

    fn get_linked(&self, py: Python<'_>, access_token: Option<&str>) -> PyResult<LinkList> {
        self.run_call(py, |c| c.get_linked(access_token))
            .map(LinkList::new)
    }

    fn unlink_miniprogram(
        &self,
        py: Python<'_>,
        access_token: Option<&str>,
        appid: &str,
    ) -> PyResult<Response> {
        self.run_call(py, |c| c.unlink_miniprogram(access_token, appid))
            .map(Response)
    }

    fn ensure_linked(
        &self,
        py: Python<'_>,
        access_token: Option<&str>,
        appid: &str,
        notify_users: bool,
        show_profile: bool,
        wait: f64,
    ) -> PyResult<LinkProgress> {
        let choices = LinkChoices {
            notify_users,
            show_profile,
        };
        let wait = seconds(wait)?;
        self.run_with_progress(py, |c| c.ensure_linked(access_token, appid, choices, wait))
    }

    fn wait_linked(
        &self,
        py: Python<'_>,
        access_token: Option<&str>,
        appid_or_gh_id: &str,
        wait: f64,
    ) -> PyResult<LinkProgress> {
        let wait = seconds(wait)?;
        self.run_with_progress(py, |c| c.wait_linked(access_token, appid_or_gh_id, wait))
    }
}

/// Checks whether an option accepts a value.
#[pyfunction]
pub fn check_option(py: Python<'_>, key: String, value: String) -> PyResult<()> {
    let _inside = Inside::enter(py);
    let checked = options(&[(key, value)]);
    checked
        .map(drop)
        .map_err(|e| errors::raise(py, &e, Lang::En, None))
}

/// An option: its key, its default, the values that it takes, and what it is for.
#[pyclass(frozen, get_all, module = "wxlink._core")]
pub struct OptionEntry {
    key: &'static str,
    default: &'static str,
    takes: &'static str,
    doc: &'static str,
}

/// Every option.
#[pyfunction]
pub fn options_table() -> Vec<OptionEntry> {
    let entry = |o: &wxlink::OptionEntry| OptionEntry {
        key: o.key,
        default: o.default,
        takes: o.takes.en,
        doc: o.doc.en,
    };
    wxlink::OPTIONS.iter().map(entry).collect()
}
