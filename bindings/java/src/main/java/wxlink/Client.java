package wxlink;

import static wxlink.Lib.LIB;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.ToIntFunction;

/**
 * Calls WeChat; keeps connections for the calls to come. Make one and share it.
 *
 * <p>Any number of threads may use it at once, and any of them may cancel or close it. A client that
 * is forgotten rather than closed keeps its connections and a file descriptor until the process
 * ends: nothing is left to the garbage collector.
 *
 * <p>Linking can message every follower of an account, so a link or unlink of which anything was
 * sent is never posted again by itself; only {@link #ensureLinked} does so, after two looks at the
 * list without a trace.
 */
public final class Client implements AutoCloseable {
    private static final long MAX_WAIT_MS = 0xFFFF_FFFFL;

    /** Null once it is freed. Freed by close, or by the last call that was running then. */
    private Pointer handle;

    private int running;
    private boolean closed;

    /** Makes a client with every option at its default. */
    public Client() throws WxException {
        this(new Options());
    }

    /**
     * Makes a client. Nothing is connected yet; certificates are read here and never again.
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
            if (status != Status.OK) {
                throw new WxException(Result.ofOptions(status, copy));
            }
            handle = made.getValue();
        } finally {
            LIB.wx_options_free(copy);
        }
    }

    /**
     * Makes a client on the same connections, with its own cancellation and, where the options set
     * them, its own {@code timeout_ms}, {@code connect_timeout_ms}, {@code max_retries} and
     * {@code lang}. Cheap: make one for each call that somebody may want to end. Close it before or
     * after this one.
     *
     * @param options copied
     * @throws WxException BAD_OPTION if the options set what is a matter of the connections
     */
    public Client with(Options options) throws WxException {
        Pointer client = enter();
        try {
            return new Client(options, (copy, made) -> LIB.wx_client_derive(client, copy, made));
        } finally {
            leave();
        }
    }

    /**
     * Keeps the component_verify_ticket that WeChat pushes to a third-party platform every 10
     * minutes.
     *
     * @param ticket as pushed
     * @throws WxException NO_TOKEN if the store of the option {@code store} cannot be used
     */
    public void setTicket(String ticket) throws WxException {
        String pushed = Lib.text("ticket", ticket);
        put(client -> LIB.wx_client_set_ticket(client, pushed));
    }

    /**
     * Keeps the refresh token that an Official Account gave when it authorised the platform.
     *
     * @param appid the account's
     * @param refreshToken the account's authorizer_refresh_token
     * @throws WxException NO_TOKEN if the store of the option {@code store} cannot be used
     */
    public void addAccount(String appid, String refreshToken) throws WxException {
        String account = Lib.text("appid", appid);
        String token = Lib.text("refreshToken", refreshToken);
        put(client -> LIB.wx_client_add_account(client, account, token));
    }

    private void put(ToIntFunction<Pointer> put) throws WxException {
        Pointer client = enter();
        try {
            int status = put.applyAsInt(client);
            if (status != Status.OK) {
                throw new WxException(Result.ofStatus(status));
            }
        } finally {
            leave();
        }
    }

    /**
     * Invites a mini program to be linked to an Official Account. Success means that the invitation
     * is out: the Official Account's administrator agrees, then the mini program's, and only the
     * list tells when.
     *
     * @param accessToken the Official Account's authorizer_access_token
     * @param appid the mini program's
     * @param notifyUsers whether WeChat messages every follower of the account
     * @param showProfile whether the mini program is shown in the account's page
     * @throws WxException class pending or ok if an invitation is out already or it is linked
     */
    public Result linkMiniprogram(
            String accessToken, String appid, boolean notifyUsers, boolean showProfile)
            throws WxException {
        String token = Lib.text("accessToken", accessToken);
        String program = Lib.text("appid", appid);
        return call((client, result) -> LIB.wx_link_miniprogram(
                client, token, program, flag(notifyUsers), flag(showProfile), result));
    }

    /**
     * Lists the mini programs linked to an Official Account and those on their way: see
     * {@link Result#items}. Reading changes nothing, so it is safe to call again after any failure.
     *
     * @param accessToken the Official Account's authorizer_access_token
     */
    public Result getLinked(String accessToken) throws WxException {
        String token = Lib.text("accessToken", accessToken);
        return call((client, result) -> LIB.wx_get_linked(client, token, result));
    }

    /**
     * Asks to unlink a mini program. Success means that the Official Account's administrator has
     * been asked; it stays in the list until they agree.
     *
     * @param accessToken the Official Account's authorizer_access_token
     * @param appid the mini program's
     * @throws WxException class pending if the administrator has been asked already
     */
    public Result unlinkMiniprogram(String accessToken, String appid) throws WxException {
        String token = Lib.text("accessToken", accessToken);
        String program = Lib.text("appid", appid);
        return call((client, result) -> LIB.wx_unlink_miniprogram(client, token, program, result));
    }

    /**
     * Sees to it that a mini program is linked: what callers really want. Asks the list, posts a link
     * if that shows no trace, and waits for the administrators if asked to. Safe to repeat, whatever
     * happened before. {@link Result#state} tells how far it came, also after a failure.
     *
     * @param accessToken the Official Account's authorizer_access_token
     * @param appid the mini program's
     * @param notifyUsers whether WeChat messages every follower of the account
     * @param showProfile whether the mini program is shown in the account's page
     * @param wait how long to wait for the administrators, to the millisecond; zero not at all. The
     *     call ends within this and {@code timeout_ms} together
     * @throws WxException PENDING if an invitation is out, DECLINED if it was refused, VANISHED if it
     *     was in the list and is there no more; or as {@link #linkMiniprogram}
     */
    public Result ensureLinked(
            String accessToken, String appid, boolean notifyUsers, boolean showProfile, Duration wait)
            throws WxException {
        String token = Lib.text("accessToken", accessToken);
        String program = Lib.text("appid", appid);
        int waitMs = waitMs(wait);
        return call((client, result) -> LIB.wx_ensure_linked(
                client, token, program, flag(notifyUsers), flag(showProfile), waitMs, result));
    }

    /**
     * Waits until a mini program is linked, or will not be. Posts nothing.
     *
     * @param accessToken the Official Account's authorizer_access_token
     * @param appidOrGhId the mini program's appid or original id
     * @param wait how long, to the millisecond; zero looks once
     * @throws WxException as {@link #ensureLinked}; VANISHED also if the list shows no trace of it
     */
    public Result waitLinked(String accessToken, String appidOrGhId, Duration wait)
            throws WxException {
        String token = Lib.text("accessToken", accessToken);
        String program = Lib.text("appidOrGhId", appidOrGhId);
        int waitMs = waitMs(wait);
        return call((client, result) -> LIB.wx_wait_linked(client, token, program, waitMs, result));
    }

    /**
     * Makes a call that {@link Thread#interrupt} ends. Other calls do not notice an interrupt, since
     * the thread is then inside the native library.
     *
     * <pre>{@code
     * Result result = client.interruptibly(own -> own.getLinked(token));
     * }</pre>
     *
     * <p>The call runs on a thread and a client of its own. If the calling thread is interrupted, the
     * call is cancelled, and this returns or throws what became of it: mostly {@link
     * Status#CANCELLED}, whose delivery says whether anything was sent. The thread is then
     * interrupted still.
     */
    public <T> T interruptibly(Call<T> call) throws WxException {
        try (Client own = with(new Options())) {
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

    /** What {@link #interruptibly} runs. */
    @FunctionalInterface
    public interface Call<T> {
        T on(Client client) throws WxException;
    }

    /**
     * Ends the calls that run on this client, within 100 ms, and all later ones, with {@link
     * Status#CANCELLED}. Clients that share its connections go on.
     */
    public synchronized void cancel() {
        LIB.wx_client_cancel(handle); // null, once it is freed, is fine
    }

    /**
     * Closes the client: no call begins any more. Does not wait; calls that are running go on to
     * their end, and the last one frees the connections. To end them at once, cancel first. Closing
     * again does nothing.
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
        PointerByReference out = new PointerByReference();
        Pointer client = enter();
        try {
            int status = verb.call(client, out);
            Result result = new Result(status, out.getValue());
            if (status != Status.OK) {
                throw new WxException(result);
            }
            return result;
        } finally {
            LIB.wx_result_free(out.getValue());
            leave();
        }
    }

    private static int flag(boolean flag) {
        return flag ? 1 : 0;
    }

    /** C takes 32 bits without a sign. */
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
        throw (RuntimeException) thrown; // a Call throws nothing else
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
