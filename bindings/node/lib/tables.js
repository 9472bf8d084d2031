'use strict';

const { native } = require('./native.js');

/** Looks up an errcode; null if it is unknown. */
function explain(errcode, { endpoint = null, lang = 'en' } = {}) {
  const found = native.explain(errcode, endpoint, lang);
  return found ? Object.freeze(JSON.parse(found)) : null;
}

module.exports = { explain };
