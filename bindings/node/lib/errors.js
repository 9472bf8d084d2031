'use strict';

/**
 * The errors of wxlink. `index.d.ts` shows their tree.
 */

const { OPTIONS, STATUS_NUMBERS } = require('./generated.js');
const { LinkProgress, codeOf } = require('./results.js');

class WxError extends Error {
  constructor(fields) {
    super(fields.message);
    this.code = codeOf(fields.status);
    this.errno = fields.errno;
    this.endpoint = fields.endpoint;
    this.delivery = fields.delivery;
    this.httpStatus = fields.httpStatus;
    this.trace = fields.trace;
    this.progress = fields.progress ? new LinkProgress(fields.progress) : null;
  }
}

class ArgumentError extends WxError {}

class NotSentError extends WxError {}
class NotSentTimeoutError extends NotSentError {}
class TicketError extends NotSentError {}

class OutcomeUnknownError extends WxError {}
class OutcomeUnknownTimeoutError extends OutcomeUnknownError {}
class BadAnswerError extends OutcomeUnknownError {}

class ApiError extends WxError {
  constructor(fields, body) {
    super(fields);
    Object.assign(this, fields.answer);
    // Not enumerable: it would fill logs.
    Object.defineProperty(this, 'body', { value: body });
  }
}

class PendingError extends ApiError {}
class TokenError extends ApiError {}
class BusyError extends ApiError {}
class QuotaError extends ApiError {}
class ActionRequiredError extends ApiError {}
class InvalidRequestError extends ApiError {}

class CallCancelledError extends WxError {}
class InternalError extends WxError {}

const CLASSES = {
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
};

for (const [name, kind] of Object.entries(CLASSES)) {
  Object.defineProperty(kind.prototype, 'name', {
    value: name,
    configurable: true,
    writable: true,
  });
}

const BY_ERROR_CLASS = {
  ok: PendingError,
  pending: PendingError,
  token: TokenError,
  busy: BusyError,
  quota: QuotaError,
  action_required: ActionRequiredError,
  invalid_request: InvalidRequestError,
};

const BY_STATUS = {
  TIMEOUT_UNSENT: NotSentTimeoutError,
  TIMEOUT: OutcomeUnknownTimeoutError,
  CONNECTION_LOST: OutcomeUnknownError,
  CANCELLED: CallCancelledError,
};

// A status without a class of its own has that of its group, so that new statuses have one too.
const BY_GROUP = [
  [-19, ArgumentError],
  [-39, NotSentError],
  [-59, OutcomeUnknownError],
  [-69, BadAnswerError],
];

function kindOf({ status, errno, answer }) {
  if (status === 'API') {
    return BY_ERROR_CLASS[answer.errorClass] ?? ApiError;
  }
  if (status === 'NO_TOKEN' && answer?.errorClass === 'ticket') {
    return TicketError;
  }
  const group = BY_GROUP.find(([lowest]) => errno >= lowest);
  return BY_STATUS[status] ?? group?.[1] ?? InternalError;
}

/** The message of the core with the names that options have in JavaScript. */
function messageIn({ message, status }) {
  let text = message;
  // Other messages may contain texts of WeChat's, which has some of these names too.
  const renamed = OPTIONS.filter((o) => status === 'BAD_OPTION' || o.kind === 'milliseconds');
  for (const option of renamed) {
    text = text.replace(new RegExp(`\\b${option.key}\\b`, 'g'), option.name);
  }
  return text;
}

/** The error for what the native part reports. */
function fromNative(fields, body) {
  const Kind = kindOf(fields);
  return new Kind({ ...fields, message: messageIn(fields) }, body);
}

/** The error for a failure before a call was made. */
function beforeCall(status, message) {
  const fields = {
    message,
    status,
    errno: STATUS_NUMBERS[status],
    endpoint: null,
    delivery: 'never sent',
    httpStatus: 0,
    trace: '{}',
  };
  const Kind = kindOf(fields);
  return new Kind(fields);
}

/** Marks the error of a call that a signal ended, as Node's own functions do. */
function markAborted(error, signal) {
  Object.defineProperty(error, 'name', {
    value: 'AbortError',
    configurable: true,
    writable: true,
  });
  Object.defineProperty(error, 'cause', {
    value: signal.reason,
    configurable: true,
    writable: true,
  });
  return error;
}

module.exports = { ...CLASSES, beforeCall, fromNative, markAborted };
