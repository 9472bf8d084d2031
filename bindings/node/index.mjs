// The same for `import`: tests/module.test.js compares the names.
import wxlink from './index.js';

export const {
  Client,
  LinkList,
  LinkProgress,
  LinkStatus,
  Response,
  explain,
  version,
  ActionRequiredError,
  ApiError,
  ArgumentError,
  BadAnswerError,
  BusyError,
  CallCancelledError,
  InternalError,
  InvalidRequestError,
  NotSentError,
  NotSentTimeoutError,
  OutcomeUnknownError,
  OutcomeUnknownTimeoutError,
  PendingError,
  QuotaError,
  TicketError,
  TokenError,
  WxError,
} = wxlink;
