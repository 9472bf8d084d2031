//! Responses as immutable Python objects. The items of a list are created when they are accessed,
//! and read a field when it is accessed.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PySlice, PyTuple};
use wxlink::{Endpoint, LinkStatus};

use crate::ending::Inside;

/// Parses JSON.
pub fn loads<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let _inside = Inside::enter(py);
    LOADS.import(py, "json", "loads")?.call1((json,))
}

/// WeChat's response to a successful call.
#[pyclass(frozen, module = "wxlink")]
pub struct Response(pub wxlink::Response);

#[pymethods]
impl Response {
    /// WeChat's errcode.
    #[getter]
    fn errcode(&self) -> i32 {
        self.0.errcode()
    }

    /// WeChat's free text. Do not base decisions on it.
    #[getter]
    fn errmsg(&self) -> &str {
        self.0.errmsg()
    }

    /// The request id that WeChat's support asks for; empty if there is none.
    #[getter]
    fn rid(&self) -> &str {
        self.0.rid()
    }

    /// The HTTP status.
    #[getter]
    fn http_status(&self) -> u16 {
        self.0.http_status()
    }

    /// The body, byte for byte.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.body())
    }

    /// Every attempt with host, phase and milliseconds, as JSON.
    #[getter]
    fn trace(&self) -> String {
        self.0.trace()
    }

    /// The body as Python objects.
    fn json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &self.0.json().to_string())
    }

    fn __repr__(&self) -> String {
        format!("Response(errcode={})", self.0.errcode())
    }
}

/// The mini programs that are linked to an Official Account or pending: a sequence.
#[pyclass(frozen, sequence, module = "wxlink")]
pub struct LinkList(Arc<wxlink::LinkList>);

impl LinkList {
    pub fn new(list: wxlink::LinkList) -> LinkList {
        LinkList(Arc::new(list))
    }

    fn item(&self, at: usize) -> MiniProgram {
        MiniProgram {
            list: self.0.clone(),
            at,
        }
    }
}

#[pymethods]
impl LinkList {
    /// The response that contained the list.
    #[getter]
    fn response(&self) -> Response {
        Response(self.0.response().clone())
    }

    /// The first item with that appid or original id (`gh_…`), or None.
    fn find(&self, appid_or_gh_id: &str) -> Option<MiniProgram> {
        let mut items = self.0.items();
        let at = items.position(|i| i.matches_id(appid_or_gh_id))?;
        Some(self.item(at))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        index: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let length = self.0.len();
        if let Ok(slice) = index.cast::<PySlice>() {
            let range = slice.indices(isize::try_from(length)?)?;
            let at = |i: usize| range.start + isize::try_from(i).unwrap_or(0) * range.step;
            let items = (0..range.slicelength)
                .map(|i| usize::try_from(at(i)).map(|at| self.item(at)))
                .collect::<Result<Vec<_>, _>>()?;
            return Ok(PyTuple::new(py, items)?.into_any());
        }
        let index: isize = index.extract()?;
        let at = if index < 0 {
            index.checked_add_unsigned(length)
        } else {
            Some(index)
        };
        match at.and_then(|at| usize::try_from(at).ok()) {
            Some(at) if at < length => Ok(Bound::new(py, self.item(at))?.into_any()),
            _ => Err(PyIndexError::new_err("there is no such item")),
        }
    }

    fn __iter__(&self) -> Items {
        Items {
            list: LinkList(self.0.clone()),
            next: AtomicUsize::new(0),
        }
    }

    fn __repr__(&self) -> String {
        format!("<LinkList of {}>", self.0.len())
    }
}

/// The iterator of a list.
#[pyclass(frozen)]
struct Items {
    list: LinkList,
    next: AtomicUsize,
}

#[pymethods]
impl Items {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self) -> Option<MiniProgram> {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        (at < self.list.0.len()).then(|| self.list.item(at))
    }
}

/// One item of the list. A field that WeChat left out is None.
#[pyclass(frozen, module = "wxlink")]
pub struct MiniProgram {
    list: Arc<wxlink::LinkList>,
    at: usize,
}

impl MiniProgram {
    fn item(&self) -> wxlink::MiniProgram<'_> {
        self.list.get(self.at).expect("a place in the list")
    }
}

#[pymethods]
impl MiniProgram {
    /// The state of the link: 1 linked, 2 awaiting the mini program's administrator, 3 refused, 12
    /// awaiting the Official Account's administrator; see LinkStatus.
    #[getter]
    fn status(&self) -> Option<i64> {
        self.item().status().map(LinkStatus::code)
    }

    /// The original id, `gh_…`.
    #[getter]
    fn username(&self) -> Option<Cow<'_, str>> {
        self.item().username()
    }

    /// The appid. A refused item has none.
    #[getter]
    fn appid(&self) -> Option<Cow<'_, str>> {
        self.item().appid()
    }

    /// Seen as `SOURCE_NORMAL`; WeChat does not document its meaning.
    #[getter]
    fn source(&self) -> Option<Cow<'_, str>> {
        self.item().source()
    }

    /// The display name.
    #[getter]
    fn nickname(&self) -> Option<Cow<'_, str>> {
        self.item().nickname()
    }

    /// 1: shown on the Official Account's page.
    #[getter]
    fn selected(&self) -> Option<i64> {
        self.item().selected()
    }

    /// 1: shown in "nearby mini programs", which forbids unlinking.
    #[getter]
    fn nearby_display_status(&self) -> Option<i64> {
        self.item().nearby_display_status()
    }

    /// 1: published.
    #[getter]
    fn released(&self) -> Option<i64> {
        self.item().released()
    }

    /// The URL of the picture.
    #[getter]
    fn headimg_url(&self) -> Option<Cow<'_, str>> {
        self.item().headimg_url()
    }

    /// WeChat verification (id 1), WeChat Pay (id 2) and the like.
    #[getter]
    fn func_infos<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let infos = self.item().func_infos().into_iter().map(FuncInfo);
        PyTuple::new(py, infos.collect::<Vec<_>>())
    }

    /// Seen as 1; WeChat does not document its meaning.
    #[getter]
    fn copy_verify_status(&self) -> Option<i64> {
        self.item().copy_verify_status()
    }

    /// The e-mail address of the mini program.
    #[getter]
    fn email(&self) -> Option<Cow<'_, str>> {
        self.item().email()
    }

    /// All other fields, and fields whose value has an unexpected type.
    #[getter]
    fn extra<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &serde_json::json!(self.item().extra()).to_string())
    }

    /// Whether the item has this appid or original id.
    fn matches_id(&self, appid_or_gh_id: &str) -> bool {
        self.item().matches_id(appid_or_gh_id)
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.item() == other.item()
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        (self.item().username(), self.item().appid()).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        let item = self.item();
        let text = |t: Option<Cow<'_, str>>| t.map_or("None".into(), |t| format!("{t:?}"));
        let status = item
            .status()
            .map_or("None".into(), |s| s.code().to_string());
        format!(
            "MiniProgram(appid={}, username={}, status={status})",
            text(item.appid()),
            text(item.username()),
        )
    }
}

/// A capability of a mini program.
#[pyclass(frozen, eq, module = "wxlink")]
#[derive(PartialEq)]
pub struct FuncInfo(wxlink::FuncInfo);

#[pymethods]
impl FuncInfo {
    /// 1: WeChat verification. 2: WeChat Pay.
    #[getter]
    fn id(&self) -> Option<i64> {
        self.0.id
    }

    /// 0: closed. 1: open.
    #[getter]
    fn status(&self) -> Option<i64> {
        self.0.status
    }

    /// The name, in Chinese.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    fn __repr__(&self) -> String {
        let number = |n: Option<i64>| n.map_or("None".into(), |n| n.to_string());
        format!(
            "FuncInfo(id={}, status={})",
            number(self.0.id),
            number(self.0.status)
        )
    }
}

/// The state of a link.
#[pyclass(frozen, module = "wxlink")]
pub struct LinkProgress(pub wxlink::LinkProgress);

#[pymethods]
impl LinkProgress {
    /// `OK`, `PENDING`, `DECLINED`, `VANISHED` or `IN_DOUBT`; of a failed call, its error's status.
    #[getter]
    fn status(&self) -> &'static str {
        self.0.status().name()
    }

    /// `linked`, `pending`, `declined`, `vanished`, `in_doubt` or `unknown`.
    #[getter]
    fn state(&self) -> &'static str {
        self.0.state().as_str()
    }

    /// Whether it is linked.
    #[getter]
    fn linked(&self) -> bool {
        self.0.state() == wxlink::LinkState::Linked
    }

    /// Whose administrator has to act: `official_account` or `mini_program`; empty if none has.
    #[getter]
    fn waits_for(&self) -> &'static str {
        self.0.state().waits_for()
    }

    /// How many links were posted of which WeChat may have seen anything.
    #[getter]
    fn posts(&self) -> u32 {
        self.0.posts()
    }

    /// Seconds for which an earlier invitation may still take effect; 0 unless in doubt.
    #[getter]
    fn retry_after(&self) -> f64 {
        self.0.retry_after().as_secs_f64()
    }

    /// The list's item as it was last seen, with all its fields; None if it was not in the list.
    #[getter]
    fn item(&self) -> PyResult<Option<MiniProgram>> {
        let Some(item) = self.0.item() else {
            return Ok(None);
        };
        let list = serde_json::json!({"errcode": 0, "wxopens": {"items": [item]}});
        let list = read_list(list.to_string().into_bytes())?;
        Ok(Some(list.item(0)))
    }

    /// What happened and what to do; empty if linked.
    #[getter]
    fn message(&self) -> String {
        self.0.message()
    }

    /// Whether WeChat may have seen the request: `never sent`, `unknown` or `answered`.
    #[getter]
    fn delivery(&self) -> &'static str {
        self.0.delivery().as_str()
    }

    /// Every attempt with host, phase and milliseconds, as JSON.
    #[getter]
    fn trace(&self) -> String {
        self.0.trace()
    }

    /// All of it as Python objects.
    fn json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &self.0.json().to_string())
    }

    fn __repr__(&self) -> String {
        format!(
            "LinkProgress(state={:?}, waits_for={:?}, posts={})",
            self.state(),
            self.waits_for(),
            self.posts()
        )
    }
}

/// Reads the list from the bytes of a response, like a call does.
#[pyfunction]
pub fn read_list(body: Vec<u8>) -> PyResult<LinkList> {
    wxlink::Response::from_bytes(Endpoint::Get, 200, body)
        .and_then(|response| wxlink::LinkList::from_response(response).ok_or("no list".into()))
        .map(LinkList::new)
        .map_err(PyValueError::new_err)
}
