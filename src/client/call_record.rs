//! Earlier calls, by the ids of their requests (`rid`).

use super::client::Client;
use crate::error::Error;
use crate::model::endpoint::Endpoint;
use crate::retry::RequestBody;
use crate::token::{CallRecord, RidBody};

/// The longest rid, in bytes. WeChat's have 26.
const MAX_RID_BYTES: usize = 64;

impl Client {
    /// WeChat's record of a call that was made with an access token of this handle's account
    /// (WeChat's `rid/get`). WeChat keeps it for 7 days.
    ///
    /// # Errors
    /// - [`Status::Api`](crate::Status::Api): WeChat does not know the rid (76001), it is invalid
    ///   (76002), or the call was made with a token of another account or kind (76003).
    /// - As [`get_linked`](Client::get_linked).
    #[doc(hidden)]
    pub fn call_record(&self, rid: &str) -> Result<CallRecord, Error> {
        self.check_text("rid", rid, MAX_RID_BYTES)
            .map_err(|e| e.with_endpoint(Endpoint::Rid))?;
        let body = RequestBody::new(&RidBody { rid });
        let response = self.call(Endpoint::Rid, None, &body, self.deadline())?;
        CallRecord::read(&response, &self.pool.secrets(), self.lang())
    }

    /// The same for a call that was made with the platform's own token, or to get it.
    ///
    /// # Errors
    /// As [`call_record`](Client::call_record).
    #[doc(hidden)]
    pub fn platform_call_record(&self, rid: &str) -> Result<CallRecord, Error> {
        self.check_text("rid", rid, MAX_RID_BYTES)
            .map_err(|e| e.with_endpoint(Endpoint::Rid))?;
        self.with_platform(|platform| platform.call_record(rid, self.deadline(), &self.cancel))
    }
}
