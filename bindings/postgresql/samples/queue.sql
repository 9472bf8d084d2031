-- The links to make. A business transaction inserts a row; nothing is sent before it has committed.
CREATE TABLE links (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account text NOT NULL,
    appid text NOT NULL,
    state text NOT NULL DEFAULT 'waiting',
    message text,
    next_try timestamptz NOT NULL DEFAULT now(),
    UNIQUE (account, appid)
);

-- Makes the links that are due, each in a transaction of its own. Any number of sessions may run it.
CREATE PROCEDURE make_links() LANGUAGE plpgsql AS $$
DECLARE
    link links;
    result jsonb;
BEGIN
    LOOP
        SELECT * INTO link FROM links
        WHERE state NOT IN ('linked', 'refused', 'declined', 'vanished') AND next_try <= now()
        ORDER BY next_try LIMIT 1 FOR UPDATE SKIP LOCKED;
        EXIT WHEN NOT FOUND;
        result := wxlink.ensure_linked(link.account, link.appid, false, true, raise => false);
        UPDATE links
        SET state = CASE WHEN result->>'class' IN ('action_required', 'invalid_request')
                         THEN 'refused' ELSE result->>'state' END,
            message = result->>'message',
            next_try = now() + interval '10 minutes'
        WHERE id = link.id;
        COMMIT;
    END LOOP;
END $$;
