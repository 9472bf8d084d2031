'use strict';

const { Client } = require('./lib/client.js');
const errors = require('./lib/errors.js');
const { LinkStatus } = require('./lib/generated.js');
const { native } = require('./lib/native.js');
const { LinkList, LinkProgress, Response } = require('./lib/results.js');
const { explain } = require('./lib/tables.js');

module.exports = {
  Client,
  LinkList,
  LinkProgress,
  LinkStatus,
  Response,
  explain,
  version: native.version(),
  ActionRequiredError: errors.ActionRequiredError,
  ApiError: errors.ApiError,
  ArgumentError: errors.ArgumentError,
  BadAnswerError: errors.BadAnswerError,
  BusyError: errors.BusyError,
  CallCancelledError: errors.CallCancelledError,
  InternalError: errors.InternalError,
  InvalidRequestError: errors.InvalidRequestError,
  NotSentError: errors.NotSentError,
  NotSentTimeoutError: errors.NotSentTimeoutError,
  OutcomeUnknownError: errors.OutcomeUnknownError,
  OutcomeUnknownTimeoutError: errors.OutcomeUnknownTimeoutError,
  PendingError: errors.PendingError,
  QuotaError: errors.QuotaError,
  TicketError: errors.TicketError,
  TokenError: errors.TokenError,
  WxError: errors.WxError,
};
