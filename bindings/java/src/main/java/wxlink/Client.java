package wxlink;

import static wxlink.Lib.LIB;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.BiFunction;

/**
 * Calls WeChat and keeps connections for later calls. Make one client and share it.
 *
 * <p>Any number of threads may use a client at once, and any of them may cancel or close it. Close
 * it: the garbage collector frees neither its connections nor its file descriptor.
 *
 * <p>Linking can message every follower of an account. Once anything of a link or unlink was sent,
 * the library does not send it again. Only {@link #ensureLinked} may post again, after it has read
 * the list twice without finding the mini program.
 */
public final class Client implements AutoCloseable {
    private static final long MAX_WAIT_MS = 0xFFFF_FFFFL;

    /** Null after it is freed: by close, or by the last call that was running at that time. */
    private Pointer handle;

    private int running;
    private boolean closed;

    /** Makes a client with every option at its default. */
    public Client() throws WxException {
        this(new Options());
    }

    /**
     * Makes a client. Nothing is connected yet; certificates are read here and not again.
     *
     * @param options copied
     * @throws WxException BAD_OPTION if {@code ca_file} or the environment's proxy cannot be used;
     *     INTERNAL if the process has no file descriptor left
     */
    public Client(Options options) throws WxException {
        this(options, LIB::wx_client_new);
    }

    private Client(Options options, Maker maker) throws WxException {
        Pointer copy = options.toNative();
        try {
            PointerByReference made = new PointerByReference();
            int status = maker.make(copy, made);
            if (status != Status.OK.code()) {
                throw new WxException(Result.fromOptions(status, copy));
            }
            handle = made.getValue();
        } finally {
            LIB.wx_options_free(copy);
        }
    }

    /**
     * Makes a client that shares this client's connections but has its own cancellation and, if the
     * options set them, its own {@code timeout_ms}, {@code connect_timeout_ms}, {@code
     * max_retries}, {@code lang} and {@code account}. It is cheap: make one for each call that may
     * have to be cancelled. Close it before or after this client.
     *
     * @param options copied
     * @throws WxException BAD_OPTION if the options set anything else, which the connections share
     */
    public Client derive(Options options) throws WxException {
        Pointer client = enter();
        try {
            return new Client(options, (copy, made) -> LIB.wx_client_derive(client, copy, made));
        } finally {
            leave();
        }
    }

    /**
     * Stores the component_verify_ticket that WeChat pushes to a third-party platform every 10
     * minutes.
     *
     * @param ticket as pushed
     * @throws WxException STORE if the store of the option {@code store} cannot be used
     */
    public void setTicket(String ticket) throws WxException {
        String pushed = Lib.text("ticket", ticket);
        call((client, result) -> LIB.wx_client_set_ticket(client, pushed, result));
    }

    /**
     * Stores the refresh token that an Official Account gave when it authorised the platform.
     *
     * @param appid the account's appid
     * @param refreshToken the account's authorizer_refresh_token
     * @throws WxException STORE if the store of the option {@code store} cannot be used
     */
    public void addAccount(String appid, String refreshToken) throws WxException {
        String account = Lib.text("appid", appid);
        String token = Lib.text("refreshToken", refreshToken);
        call((client, result) ->
                LIB.wx_client_add_account(client, account, token, result));
    }

    /**
     * Accepts a push of WeChat's to a third-party platform. Answer with HTTP 200 and the body
     * {@code success} if it returns; with 403 if it throws {@link Status#BAD_PUSH}, else with 503,
     * so that WeChat sends the push again.
     *
     * <p>{@link Result#json} has the event, its account and what was done, in the form that {@code
     * wx_client_accept_push} of {@code wxlink.h} describes.
     *
     * @param query the raw query string of WeChat's request to the platform's URL
     * @param body its body, unchanged
     * @throws WxException BAD_PUSH if it is not a push of WeChat's to this platform; STORE if it
     *     could not be stored in time
     */
    public Result acceptPush(String query, byte[] body) throws WxException {
        String parameters = Lib.text("query", query);
        Lib.SizeT length = new Lib.SizeT(body.length);
        // JNA passes an empty array as null.
        byte[] bytes = body.length == 0 ? new byte[1] : body;
        return call((client, result) ->
                LIB.wx_client_accept_push(client, parameters, bytes, length, result));
    }

    /**
     * Makes the URLs of the pages on which an Official Account's administrator authorises the
     * platform. {@link Result#json} has the fields computer_url, phone_url and expires_in. Call it
     * when the administrator clicks: the URLs contain a code that is valid once and for a short
     * time.
     *
     * @param redirectUri a whole URL, to which WeChat redirects with the parameter auth_code
     * @param account the appid of the account to authorise; null for any
     * @throws WxException NO_TOKEN if the platform has no ticket
     */
    public Result authorizationUrl(String redirectUri, String account) throws WxException {
        String uri = Lib.text("redirectUri", redirectUri);
        String one = Lib.text("account", account);
        return call((client, result) ->
                LIB.wx_client_authorization_url(client, uri, one, result));
    }

    /**
     * Exchanges the code of a redirect for the account's tokens and stores them. {@link
     * Result#json} has the fields account, permission_sets and may_link. The same code may be
     * passed again.
     *
     * @param code the parameter auth_code, decoded
     * @throws WxException API if WeChat refuses the code
     */
    public Result acceptAuthorization(String code) throws WxException {
        String passed = Lib.text("code", code);
        return call((client, result) ->
                LIB.wx_client_accept_authorization(client, passed, result));
    }

    /**
     * Describes an account that has authorised the platform. {@link Result#json} has the fields
     * that {@code wx_client_account_info} of {@code wxlink.h} describes.
     *
     * @param appid the account's appid
     * @throws WxException API if WeChat refuses
     */
    public Result accountInfo(String appid) throws WxException {
        String account = Lib.text("appid", appid);
        return call((client, result) -> LIB.wx_client_account_info(client, account, result));
    }

    /**
     * Returns what this client, and the clients that share its connections, have done so far, in
     * numbers. Makes no request and does not wait.
     *
     * @throws WxException INTERNAL if the library is defective
     */
    public Stats stats() throws WxException {
        return call(LIB::wx_client_stats, false, (result, pointer) -> new Stats(pointer));
    }

    /**
     * Invites a mini program to be linked to an Official Account. Posts once. Success means that
     * the invitation is out: the Official Account's administrator must agree, then the mini
     * program's. Read the list, or use {@link #waitLinked}, to learn when they have.
     *
     * @param accessToken the Official Account's authorizer_access_token; empty if the options name
     *     a source of tokens
     * @param appid the mini program's appid
     * @param notifyUsers whether WeChat messages every follower of the account
     * @param showProfile whether the mini program is shown in the account's page
     * @throws WxException {@link ErrorClass#PENDING} if an invitation is already out, {@link
     *     ErrorClass#OK} if the mini program is already linked
     */
    public Result linkMiniprogram(
            String accessToken, String appid, NotifyUsers notifyUsers, ShowProfile showProfile)
            throws WxException {
        String token = Lib.text("accessToken", accessToken);
        String program = Lib.text("appid", appid);
        return call((client, result) -> LIB.wx_link_miniprogram(
                client, token, program, notifyUsers.flag(), showProfile.flag(), result));
    }

    /**
     * Reads the list of mini programs that are linked to an Official Account or on their way: see
     * {@link Result#items}. It is safe to call again after any failure.
     *
     * @param accessToken the Official Account's authorizer_access_token
     */
    public Result getLinked(String accessToken) throws WxException {
        String token = Lib.text("accessToken", accessToken);
        return call((client, result) -> LIB.wx_get_linked(client, token, result));
    }

    /**
     * Asks to unlink a mini program. Posts once. Success means that the Official Account's
     * administrator has been asked; the mini program stays in the list until they agree.
     *
     * @param accessToken the Official Account's authorizer_access_token
     * @param appid the mini program's appid
     * @throws WxException {@link ErrorClass#PENDING} if the administrator was already asked
     */
    public Result unlinkMiniprogram(String accessToken, String appid) throws WxException {
        String token = Lib.text("accessToken", accessToken);
        String program = Lib.text("appid", appid);
        return call((client, result) -> LIB.wx_unlink_miniprogram(client, token, program, result));
    }

    /**
     * Makes sure that a mini program is linked to an Official Account. Reads the list, posts a link
     * if the list does not show the mini program, and waits for the administrators as long as
     * asked. Calls that share a store (option store; the default is this process's memory) can
     * repeat it safely, whatever an earlier call did.
     *
     * <p>A link that is pending, declined, vanished or in doubt is returned, not thrown: look at
     * {@link Result#state} and {@link Result#waitsFor}.
     *
     * @param accessToken the Official Account's authorizer_access_token
     * @param appid the mini program's appid
     * @param notifyUsers whether WeChat messages every follower of the account
     * @param showProfile whether the mini program is shown in the account's page
     * @param wait how long to wait for the administrators, in whole milliseconds; zero does not
     *     wait. The call ends within {@code timeout_ms} plus this
     * @throws WxException if the state of the link is not known, or WeChat refused the link; its
     *     result has the state so far
     */
    public Result ensureLinked(
            String accessToken,
            String appid,
            NotifyUsers notifyUsers,
            ShowProfile showProfile,
            Duration wait)
            throws WxException {
        String token = Lib.text("accessToken", accessToken);
        String program = Lib.text("appid", appid);
        int waitMs = waitMs(wait);
        return callWithProgress((client, result) -> LIB.wx_ensure_linked(
                client, token, program, notifyUsers.flag(), showProfile.flag(), waitMs, result));
    }

    /**
     * Waits until a mini program is linked, declined or vanished. Posts nothing. The state is
     * {@link LinkState#VANISHED} also if the list never showed the mini program.
     *
     * @param accessToken the Official Account's authorizer_access_token
     * @param appidOrGhId the mini program's appid or original id (gh_...)
     * @param wait how long to wait, in whole milliseconds; zero reads the list once
     * @throws WxException if the state of the link is not known
     */
    public Result waitLinked(String accessToken, String appidOrGhId, Duration wait)
            throws WxException {
        String token = Lib.text("accessToken", accessToken);
        String program = Lib.text("appidOrGhId", appidOrGhId);
        int waitMs = waitMs(wait);
        return callWithProgress((client, result) ->
                LIB.wx_wait_linked(client, token, program, waitMs, result));
    }

    /**
     * Makes a call that {@link Thread#interrupt} ends. Without this method an interrupt has no
     * effect on a running call, because the thread is inside the native library.
     *
     * <pre>{@code
     * Result result = client.interruptibly(own -> own.getLinked(token));
     * }</pre>
     *
     * <p>The call runs on its own thread, with a derived client. If the calling thread is
     * interrupted, that client is cancelled, and this method returns or throws the result of the
     * call: usually {@link Status#CANCELLED}, whose delivery shows whether anything was sent. The
     * interrupt status of the calling thread stays set.
     */
    public <T> T interruptibly(Call<T> call) throws WxException {
        try (Client own = derive(new Options())) {
            FutureTask<T> task = new FutureTask<>(() -> call.on(own));
            Thread thread = new Thread(task, "wxlink");
            thread.setDaemon(true);
            thread.start();
            boolean interrupted = false;
            try {
                while (true) {
                    try {
                        return task.get();
                    } catch (InterruptedException e) {
                        interrupted = true;
                        own.cancel();
                    }
                }
            } catch (ExecutionException e) {
                throw asThrown(e.getCause());
            } finally {
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    /** A call for {@link #interruptibly} to run on the client it is given. */
    @FunctionalInterface
    public interface Call<T> {
        T on(Client client) throws WxException;
    }

    /**
     * Ends the running calls of this client within 100 ms, and all later ones, with {@link
     * Status#CANCELLED}. Other clients on the same connections are not affected.
     */
    public synchronized void cancel() {
        LIB.wx_client_cancel(handle); // The library ignores null: a client that is freed.
    }

    /**
     * Closes the client: later calls throw {@link IllegalStateException}. Does not wait: running
     * calls finish, and the last one frees the connections. To end them immediately, cancel first.
     * Closing again does nothing.
     */
    @Override
    public synchronized void close() {
        closed = true;
        freeIfIdle();
    }

    private synchronized Pointer enter() {
        if (closed) {
            throw new IllegalStateException("the client is closed");
        }
        running++;
        return handle;
    }

    private synchronized void leave() {
        running--;
        freeIfIdle();
    }

    private void freeIfIdle() {
        if (closed && running == 0) {
            LIB.wx_client_free(handle);
            handle = null;
        }
    }

    private Result call(Verb verb) throws WxException {
        return call(verb, false, (result, pointer) -> result);
    }

    /** Makes a call of ensure or wait, whose result has the state of the link. */
    private Result callWithProgress(Verb verb) throws WxException {
        return call(verb, true, (result, pointer) -> result);
    }

    /** Makes a call, and reads its result, which is freed afterwards. */
    private <T> T call(Verb verb, boolean hasProgress, BiFunction<Result, Pointer, T> reader)
            throws WxException {
        PointerByReference out = new PointerByReference();
        Pointer client = enter();
        try {
            int status = verb.call(client, out);
            Result result = new Result(status, out.getValue(), hasProgress);
            if (!isState(result.status())) {
                throw new WxException(result);
            }
            return reader.apply(result, out.getValue());
        } finally {
            LIB.wx_result_free(out.getValue());
            leave();
        }
    }

    /**
     * Whether the status is a success or a known state of a link, which is returned, not thrown.
     */
    private static boolean isState(Status status) {
        return status == Status.OK
                || status == Status.PENDING
                || status == Status.DECLINED
                || status == Status.VANISHED
                || status == Status.IN_DOUBT;
    }

    /** The wait as C's unsigned 32 bits, which int has too. */
    private static int waitMs(Duration wait) {
        if (wait.isNegative() || wait.compareTo(Duration.ofMillis(MAX_WAIT_MS)) > 0) {
            throw new IllegalArgumentException("wait must be from 0 to " + MAX_WAIT_MS + " ms");
        }
        return (int) wait.toMillis();
    }

    private static WxException asThrown(Throwable thrown) {
        if (thrown instanceof WxException) {
            return (WxException) thrown;
        }
        if (thrown instanceof Error) {
            throw (Error) thrown;
        }
        throw (RuntimeException) thrown; // A Call throws no other checked exception.
    }

    @FunctionalInterface
    private interface Maker {
        int make(Pointer options, PointerByReference client);
    }

    @FunctionalInterface
    private interface Verb {
        int call(Pointer client, PointerByReference result);
    }
}
