//! The Python module `wxlink._core`: the core's client and responses as Python objects.
//!
//! Keyword arguments, exceptions and asyncio are written in Python, in the package around this
//! module.
//!
//! # Layout
//!
//! From bottom to top; a module imports only from modules listed before it:
//!
//! - `ending`: the exit of the interpreter.
//! - `responses`: responses, lists and progress as Python objects.
//! - `errors`: the core's errors as Python exceptions.
//! - `handle`: the client.
//! - `command`: runs the command `wxlink`.
//! - `bulk`: jobs of many links.

mod bulk;
mod command;
mod ending;
mod errors;
mod handle;
mod responses;

use std::sync::atomic::{AtomicI64, Ordering};

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;

use handle::Handle;
use responses::{LinkList, LinkProgress, Response};

/// Refuses every interpreter of the process except the first: the exceptions and other objects that
/// the module keeps belong to one interpreter.
fn claim_interpreter() -> PyResult<()> {
    static FIRST: AtomicI64 = AtomicI64::new(-1);
    // SAFETY: called while a running interpreter imports the module.
    let this = unsafe { pyo3::ffi::PyInterpreterState_GetID(pyo3::ffi::PyInterpreterState_Get()) };
    match FIRST.compare_exchange(-1, this, Ordering::SeqCst, Ordering::SeqCst) {
        Err(first) if first != this => Err(PyImportError::new_err(
            "wxlink can be used in one interpreter of a process, and another interpreter has \
             imported it. Use it from \
             that one, or from another process; with mod_wsgi set WSGIApplicationGroup %{GLOBAL}.",
        )),
        _ => Ok(()),
    }
}

#[pymodule(gil_used = false)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    claim_interpreter()?;
    ending::register(module)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<Handle>()?;
    module.add_class::<bulk::Job>()?;
    module.add_class::<Response>()?;
    module.add_class::<LinkList>()?;
    module.add_class::<responses::MiniProgram>()?;
    module.add_class::<responses::FuncInfo>()?;
    module.add_class::<LinkProgress>()?;
    module.add_class::<handle::OptionEntry>()?;
    module.add_class::<errors::ErrcodeEntry>()?;
    module.add_function(wrap_pyfunction!(handle::check_option, module)?)?;
    module.add_function(wrap_pyfunction!(handle::options_table, module)?)?;
    module.add_function(wrap_pyfunction!(command::command, module)?)?;
    module.add_function(wrap_pyfunction!(errors::explain, module)?)?;
    module.add_function(wrap_pyfunction!(responses::read_list, module)?)
}
