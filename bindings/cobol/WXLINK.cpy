      *----------------------------------------------------------------*
      * WXLINK: the records that a program shares with WXCALL.         *
      *                                                                *
      *     INITIALIZE WX-CALL                                         *
      *     SET WX-OP-LINK TO TRUE                                     *
      *     MOVE ... TO WX-ACCESS-TOKEN, WX-APPID, ...                 *
      *     CALL "WXCALL" USING WX-CALL WX-RESULT                      *
      *                                                                *
      * Texts are UTF-8, padded with spaces. WX-CALL keeps its fields: *
      * for the next call, move only those that change.                *
      *                                                                *
      * To keep the whole of longer answers:                           *
      *     COPY WXLINK REPLACING ==X(262144)== BY ==X(1048576)==.     *
      *----------------------------------------------------------------*
       01  WX-CALL.
      *    The request.
           05  WX-OP                     PIC X(8).
               88  WX-OP-LINK            VALUE "link".
               88  WX-OP-LIST            VALUE "list".
               88  WX-OP-UNLINK          VALUE "unlink".
               88  WX-OP-ENSURE          VALUE "ensure".
               88  WX-OP-WAIT            VALUE "wait".
      *        For a third-party platform, with a file or Redis in the
      *        option store. docs/cobol.md shows the JSON of WX-RESULT.
      *        push: WX-PUSH-QUERY, WX-PUSH-BODY and its length.
               88  WX-OP-PUSH            VALUE "push".
      *        url: WX-REDIRECT-URI; WX-APPID, or spaces for any
      *        account.
               88  WX-OP-URL             VALUE "url".
      *        code: WX-CODE.
               88  WX-OP-CODE            VALUE "code".
      *        info: WX-APPID.
               88  WX-OP-INFO            VALUE "info".
      *    One byte longer than the library allows, so that a text that
      *    is too long is refused and not truncated.
           05  WX-ACCESS-TOKEN           PIC X(4097).
           05  WX-APPID                  PIC X(257).
      *    For push: the query string of WeChat's request, unchanged.
           05  WX-PUSH-QUERY             PIC X(4097).
      *    For push: the body of WeChat's request, unchanged, and its
      *    length in bytes.
           05  WX-PUSH-BODY-LEN          BINARY-DOUBLE UNSIGNED.
           05  WX-PUSH-BODY              PIC X(65536).
      *    For url: where WeChat redirects to, with auth_code.
           05  WX-REDIRECT-URI           PIC X(2049).
      *    For code: auth_code of the redirect.
           05  WX-CODE                   PIC X(1025).
      *    For link and ensure. 1 messages every follower; 0 does not.
           05  WX-NOTIFY-USERS           PIC X.
      *    For link and ensure. 1 shows it in the account's page.
           05  WX-SHOW-PROFILE           PIC X.
      *    For ensure and wait, in milliseconds.
           05  WX-WAIT-MS                PIC 9(9).
      *    Options of the library, such as timeout_ms and 5000. A key
      *    of spaces is no option.
           05  WX-OPTION                 OCCURS 12.
               10  WX-OPTION-KEY         PIC X(20).
      *    BEGIN generated: options, by `make generate`; do not edit.
      *        WeChat's API hosts, the preferred one first. If a request
      *        could not be sent to one host, the next is tried. Takes 1
      *        to 16 URLs separated by commas: https://HOST[:PORT], or
      *        http://HOST[:PORT] if HOST is a loopback address.
      *        Default: https://api.weixin.qq.com.
               88  WX-OPT-BASE-URL       VALUE "base_url".
      *        Time limit for a whole call: name resolution, connecting,
      *        retries and reading the response. Takes 1 to 3600000 ms.
      *        Default: 10000.
               88  WX-OPT-TIMEOUT-MS     VALUE "timeout_ms".
      *        Time limit for opening one connection: name resolution,
      *        TCP, proxy and TLS handshakes. Takes 1 to 3600000 ms.
      *        Default: 3000.
               88  WX-OPT-CONNECT-TIMEOUT-MS
                                         VALUE "connect_timeout_ms".
      *        How often a call retries automatically. Only requests
      *        that cannot take effect twice are retried: those that
      *        were never sent, and reads. Takes 0 to 10. Default: 2.
               88  WX-OPT-MAX-RETRIES    VALUE "max_retries".
      *        How long after a post no other one is made for the same
      *        account and mini program by the calls that ensure a link:
      *        an invitation may take effect long after its request
      *        seemed to fail. See reliability.md. Takes 0 to 3600000
      *        ms; 0 switches link claims and the memory of invitations
      *        off. Default: 90000.
               88  WX-OPT-SETTLE-MS      VALUE "settle_ms".
      *        Whether a mini program whose earlier invitation is no
      *        longer in the list is invited again. The store remembers
      *        invitations for 90 days. Takes no or yes. Default: no.
               88  WX-OPT-REINVITE       VALUE "reinvite".
      *        How long an idle connection is kept open for later calls.
      *        Takes 0 to 3600000 ms; 0 opens a new connection for every
      *        call. Default: 15000.
               88  WX-OPT-KEEP-ALIVE-MS  VALUE "keep_alive_ms".
      *        The proxy for https hosts. With env, the client reads
      *        HTTPS_PROXY (or ALL_PROXY) and NO_PROXY once, when it is
      *        created, by curl's rules. Plain http is used for loopback
      *        hosts only and never through a proxy. Takes none, env,
      *        http://[USER:PASSWORD@]HOST:PORT or
      *        socks5://[USER:PASSWORD@]HOST:PORT; percent-encode
      *        special characters in USER and PASSWORD. Default: none.
               88  WX-OPT-PROXY          VALUE "proxy".
      *        CA certificates to trust in addition to the roots that
      *        trust selects. Read when the client is created. Takes a
      *        path to a PEM file; empty for none.
               88  WX-OPT-CA-FILE        VALUE "ca_file".
      *        The root certificates to trust: system uses the operating
      *        system's, and the bundled ones if it has none; bundled
      *        uses Mozilla's, which are part of the library. Takes
      *        system or bundled. Default: system.
               88  WX-OPT-TRUST          VALUE "trust".
      *        The User-Agent header of every request. Takes 1 to 256
      *        printable ASCII characters. Default: wxlink/VERSION.
               88  WX-OPT-USER-AGENT     VALUE "user_agent".
      *        The largest response that is read. A call fails if the
      *        response is larger. Takes 1024 to 1073741824 bytes.
      *        Default: 4194304.
               88  WX-OPT-MAX-RESPONSE-BYTES
                                         VALUE "max_response_bytes".
      *        The language of messages: English or Chinese. Takes en or
      *        zh. Default: en.
               88  WX-OPT-LANG           VALUE "lang".
      *        The Official Account for calls that pass no access token.
      *        Its token comes from one of three sources: access_token,
      *        token_command or component_appid. Of a token that is
      *        passed it names the owner, so that invitations are
      *        remembered. Takes the appid of an Official Account; empty
      *        for none.
               88  WX-OPT-ACCOUNT        VALUE "account".
      *        Token source 1: this access token, for calls that pass
      *        none. Takes an access token; empty for none.
               88  WX-OPT-ACCESS-TOKEN   VALUE "access_token".
      *        Token source 2: a program that prints an access token. It
      *        reads the lines account=APPID and refused_token=TOKEN,
      *        then an empty line, from standard input. It prints the
      *        token alone, or the lines access_token=TOKEN and
      *        expires_in=SECONDS, or JSON with these two fields. It is
      *        killed after timeout_ms. See tokens.md. Takes a shell
      *        command; empty for none.
               88  WX-OPT-TOKEN-COMMAND  VALUE "token_command".
      *        Token source 3: this third-party platform. The client
      *        fetches and refreshes the access tokens of the accounts
      *        that authorised it. Needs component_appsecret. Takes the
      *        appid of a third-party platform; empty for none.
               88  WX-OPT-COMPONENT-APPID
                                         VALUE "component_appid".
      *        The appsecret of the platform that component_appid names.
      *        Takes the platform's appsecret; empty for none.
               88  WX-OPT-COMPONENT-APPSECRET
                                         VALUE "component_appsecret".
      *        The token in the platform's settings that signs WeChat's
      *        pushes. To change it, set the new one and the previous
      *        one: pushes signed with either are accepted. See
      *        authorization.md. Takes 1 to 8 tokens separated by
      *        commas, the current one first; empty for none.
               88  WX-OPT-PUSH-TOKEN     VALUE "push_token".
      *        The EncodingAESKey in the platform's settings that
      *        encrypts WeChat's pushes. To change it, set the new one
      *        and the previous one. Takes 1 to 8 keys of 43 characters
      *        separated by commas, the current one first; empty for
      *        none.
               88  WX-OPT-PUSH-AES-KEY   VALUE "push_aes_key".
      *        Where link claims, and a platform's tickets and tokens,
      *        are kept: memory for this process only, file for all
      *        processes of one machine, redis or rediss (TLS) for
      *        several machines. Takes memory, file:PATH,
      *        redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://...
      *        Default: memory.
               88  WX-OPT-STORE          VALUE "store".
      *    END generated: options.
               10  WX-OPTION-VALUE       PIC X(1024).
      *    The result. A later library may return more statuses, so each
      *    group has a condition name, too.
           05  WX-STATUS                 BINARY-LONG.
      *    BEGIN generated: statuses, by `make generate`; do not edit.
               88  WX-OK                 VALUE 0.
      *        -1 to -19: an argument is invalid; nothing was changed.
               88  WX-E-ARGUMENT         VALUES -19 THRU -1.
               88  WX-E-NULL-POINTER     VALUE -1.
               88  WX-E-NOT-UTF8         VALUE -2.
               88  WX-E-BAD-VALUE        VALUE -3.
               88  WX-E-BAD-OPTION       VALUE -4.
               88  WX-E-BUFFER           VALUE -5.
               88  WX-E-NOT-FOUND        VALUE -6.
               88  WX-E-BAD-PUSH         VALUE -7.
      *        -20 to -39: nothing was sent; calling again is safe.
               88  WX-E-NOTHING-SENT     VALUES -39 THRU -20.
               88  WX-E-RESOLVE          VALUE -20.
               88  WX-E-CONNECT          VALUE -21.
               88  WX-E-TLS              VALUE -22.
               88  WX-E-PROXY            VALUE -23.
               88  WX-E-TIMEOUT-UNSENT   VALUE -24.
               88  WX-E-NO-TOKEN         VALUE -25.
               88  WX-E-STORE            VALUE -26.
      *        -40 to -69: WeChat may have acted; read the list before
      *        calling again.
               88  WX-E-OUTCOME-UNKNOWN  VALUES -69 THRU -40.
               88  WX-E-TIMEOUT          VALUE -40.
               88  WX-E-CONNECTION-LOST  VALUE -41.
               88  WX-E-IN-DOUBT         VALUE -42.
               88  WX-E-BAD-ANSWER       VALUE -60.
               88  WX-E-TOO-LARGE        VALUE -61.
               88  WX-E-API              VALUE -70.
               88  WX-E-PENDING          VALUE -80.
               88  WX-E-DECLINED         VALUE -81.
               88  WX-E-VANISHED         VALUE -82.
               88  WX-E-CANCELLED        VALUE -90.
               88  WX-E-FORKED           VALUE -91.
               88  WX-E-INTERNAL         VALUE -99.
      *    END generated: statuses.
      *    WeChat's errcode if the status is WX-E-API.
           05  WX-ERRCODE                BINARY-LONG.
      *    What to do about it. Spaces: WeChat did not answer, or
      *    answered an errcode that the library does not know.
           05  WX-CLASS                  PIC X(16).
      *    BEGIN generated: classes, by `make generate`; do not edit.
      *        Done, or done before: continue.
               88  WX-CLASS-OK           VALUE "ok".
      *        Not a failure, it is in progress: wait for the
      *        administrators and read the list; do not repeat the call.
               88  WX-CLASS-PENDING      VALUE "pending".
      *        Get another access token and call again, once.
               88  WX-CLASS-TOKEN        VALUE "token".
      *        Wait and try again, a bounded number of times; read the
      *        list before repeating a link or unlink.
               88  WX-CLASS-BUSY         VALUE "busy".
      *        Call again when the minute, the day or the month is over.
               88  WX-CLASS-QUOTA        VALUE "quota".
      *        An administrator or operator must act first.
               88  WX-CLASS-ACTION-REQUIRED
                                         VALUE "action_required".
      *        Correct the call; the same call would be refused again.
               88  WX-CLASS-INVALID-REQUEST
                                         VALUE "invalid_request".
      *        Pass on the component_verify_ticket that WeChat pushes to
      *        the platform, then call again.
               88  WX-CLASS-TICKET       VALUE "ticket".
      *    END generated: classes.
      *    If it is unknown, read the list before you link again.
           05  WX-DELIVERY               PIC 9.
      *    BEGIN generated: deliveries, by `make generate`; do not edit.
      *        Nothing was sent: calling again cannot do anything twice.
               88  WX-DELIVERY-NEVER-SENT
                                         VALUE 0.
      *        The request was sent, but no answer came from WeChat:
      *        read the list before calling again.
               88  WX-DELIVERY-UNKNOWN   VALUE 1.
      *        WeChat answered with an errcode, which is the outcome of
      *        the request.
               88  WX-DELIVERY-ANSWERED  VALUE 2.
      *    END generated: deliveries.
           05  WX-HTTP-STATUS            PIC 9(3).
      *    The id that WeChat's support asks for.
           05  WX-RID                    PIC X(64).
      *    What happened and what to do, for people. Length 0 after a
      *    success.
           05  WX-MESSAGE-LEN            PIC 9(4) COMP-5.
           05  WX-MESSAGE                PIC X(4096).
      *    Set by ensure and wait.
           05  WX-STATE                  PIC X(8).
               88  WX-STATE-LINKED       VALUE "linked".
               88  WX-STATE-PENDING      VALUE "pending".
               88  WX-STATE-DECLINED     VALUE "declined".
               88  WX-STATE-VANISHED     VALUE "vanished".
               88  WX-STATE-IN-DOUBT     VALUE "in_doubt".
               88  WX-STATE-UNKNOWN      VALUE "unknown".
           05  WX-WAITS-FOR              PIC X(16).
               88  WX-WAITS-FOR-ACCOUNT  VALUE "official_account".
               88  WX-WAITS-FOR-PROGRAM  VALUE "mini_program".
           05  WX-POSTS                  PIC 9(4).
           05  WX-RETRY-AFTER-MS         PIC 9(8).
      *    The length of WeChat's answer in bytes, also if it is longer
      *    than WX-RESULT.
           05  WX-RESULT-LEN             BINARY-DOUBLE UNSIGNED.
      *    The list that WXITEM reads, and the item it reads next.
           05  WX-LIST-NUMBER            BINARY-LONG UNSIGNED.
           05  WX-ITEM-INDEX             BINARY-LONG UNSIGNED.

      * WeChat's answer byte for byte, or JSON made by the library. It
      * is cut if it is longer; WXITEM reads long lists nevertheless.
       01  WX-RESULT                     PIC X(262144).

      * An item of the list, from WXITEM. A missing field is spaces,
      * a missing number too. A name that is too long is cut between
      * two characters; any other value that is too long is spaces.
       01  WX-ITEM.
           05  WX-ITEM-END               PIC X.
               88  WX-NO-MORE-ITEMS      VALUE "Y".
           05  WX-ITEM-STATUS            PIC X(20).
      *    BEGIN generated: links, by `make generate`; do not edit.
      *        The mini program is linked.
               88  WX-ITEM-LINKED        VALUE "1".
      *        The mini program's administrator has to agree.
               88  WX-ITEM-WAITS-PROGRAM VALUE "2".
      *        The mini program's administrator refused.
               88  WX-ITEM-REFUSED       VALUE "3".
      *        The Official Account's administrator has to agree.
               88  WX-ITEM-WAITS-ACCOUNT VALUE "12".
      *    END generated: links.
      *    The original id, gh_...
           05  WX-ITEM-USERNAME          PIC X(256).
      *    A refused item has none.
           05  WX-ITEM-APPID             PIC X(256).
           05  WX-ITEM-SOURCE            PIC X(32).
           05  WX-ITEM-NICKNAME          PIC X(256).
      *    1: shown in the account's page.
           05  WX-ITEM-SELECTED          PIC X(20).
      *    1: shown in nearby mini programs, which forbids unlinking.
           05  WX-ITEM-NEARBY            PIC X(20).
      *    1: published.
           05  WX-ITEM-RELEASED          PIC X(20).
           05  WX-ITEM-HEADIMG-URL       PIC X(512).
           05  WX-ITEM-COPY-VERIFY       PIC X(20).
           05  WX-ITEM-EMAIL             PIC X(256).
      *    Capabilities, the first 10. Id 1: WeChat verification, 2:
      *    WeChat Pay. Status 0: closed, 1: open.
           05  WX-ITEM-FUNC-COUNT        PIC 99.
           05  WX-ITEM-FUNC              OCCURS 10.
               10  WX-ITEM-FUNC-ID       PIC X(20).
               10  WX-ITEM-FUNC-STATUS   PIC X(20).
               10  WX-ITEM-FUNC-NAME     PIC X(64).
