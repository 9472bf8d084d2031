/* The SQL objects of the extension. docs/postgresql.md describes them. */

-- psql runs this line and stops; CREATE EXTENSION ignores it.
\echo Use "CREATE EXTENSION wxlink" to load this file. \quit

/*
 * Every function calls WeChat and may wait for it: none may run twice or in a parallel worker
 * (VOLATILE, PARALLEL UNSAFE), and conditions that cost nothing are evaluated first (COST).
 * None is STRICT: a NULL is an error, and not a call that silently does nothing.
 */

CREATE FUNCTION @extschema@.link_miniprogram(
    account text,
    appid text,
    notify_users boolean,
    show_profile boolean,
    access_token text DEFAULT NULL,
    raise boolean DEFAULT true
) RETURNS jsonb
AS 'MODULE_PATHNAME', 'wxlink_link_miniprogram'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION @extschema@.link_miniprogram IS
    'invites a mini program to be linked to an Official Account';

CREATE FUNCTION @extschema@.unlink_miniprogram(
    account text,
    appid text,
    access_token text DEFAULT NULL,
    raise boolean DEFAULT true
) RETURNS jsonb
AS 'MODULE_PATHNAME', 'wxlink_unlink_miniprogram'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION @extschema@.unlink_miniprogram IS
    'requests that a mini program be unlinked from an Official Account';

CREATE FUNCTION @extschema@.ensure_linked(
    account text,
    appid text,
    notify_users boolean,
    show_profile boolean,
    wait_ms integer DEFAULT 0,
    access_token text DEFAULT NULL,
    raise boolean DEFAULT true
) RETURNS jsonb
AS 'MODULE_PATHNAME', 'wxlink_ensure_linked'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION @extschema@.ensure_linked IS
    'makes sure that a mini program is linked to an Official Account, or at least invited';

CREATE FUNCTION @extschema@.wait_linked(
    account text,
    appid_or_gh_id text,
    wait_ms integer,
    access_token text DEFAULT NULL,
    raise boolean DEFAULT true
) RETURNS jsonb
AS 'MODULE_PATHNAME', 'wxlink_wait_linked'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION @extschema@.wait_linked IS
    'waits until a mini program is linked or its administrator has refused';

CREATE FUNCTION @extschema@.get_linked(
    account text,
    access_token text DEFAULT NULL,
    OUT status integer,
    OUT appid text,
    OUT username text,
    OUT nickname text,
    OUT item jsonb
) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'wxlink_get_linked'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 50;
COMMENT ON FUNCTION @extschema@.get_linked IS
    'lists the mini programs that are linked to an Official Account or invited';

CREATE FUNCTION @extschema@.library_version() RETURNS text
AS 'MODULE_PATHNAME', 'wxlink_library_version'
LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.library_version IS
    'the version of the library libwxlink that is loaded';

/*
 * A call can message every follower of an account: only roles that it is granted to may make it.
 */
REVOKE ALL ON FUNCTION
    @extschema@.link_miniprogram,
    @extschema@.unlink_miniprogram,
    @extschema@.ensure_linked,
    @extschema@.wait_linked,
    @extschema@.get_linked,
    @extschema@.library_version
FROM PUBLIC;
