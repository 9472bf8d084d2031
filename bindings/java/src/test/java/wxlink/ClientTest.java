package wxlink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

@Timeout(60)
class ClientTest {
    private static final String TOKEN = "SANDBOX-TOKEN";
    private static final String ACCOUNT = "wx0a00000000000001";
    private static final String APPID = "wx0b00000000000001";

    private static final Sandbox sandbox = new Sandbox();
    private static ExecutorService threads;

    @BeforeAll
    static void start() throws Exception {
        threads = Executors.newCachedThreadPool();
    }

    @AfterAll
    static void stop() throws Exception {
        threads.shutdownNow();
    }

    @BeforeEach
    void reset() throws Exception {
        sandbox.reset();
    }

    private static Result link(Client client, String token, String appid) throws WxException {
        return client.linkMiniprogram(token, appid, NotifyUsers.NO, ShowProfile.YES);
    }

    private static WxException refused(Executable call) {
        WxException e = assertThrows(WxException.class, call);
        assertFalse(e.getMessage().isEmpty());
        for (String text : new String[] {e.toString(), e.result().json(), e.result().trace()}) {
            assertFalse(text.contains("SANDBOX-"), text);
        }
        return e;
    }

    @Test
    void aLinkFromInvitationToUnlinking() throws Exception {
        try (Client client = new Client(sandbox.options())) {
            Result yes = link(client, TOKEN, APPID);
            assertEquals(Status.OK, yes.status());
            assertEquals(0, yes.errcode());
            assertEquals(ErrorClass.OK, yes.errorClass());
            assertEquals(Delivery.ANSWERED, yes.delivery());
            assertEquals(200, yes.httpStatus());
            assertEquals("", yes.message());
            assertTrue(yes.json().contains("\"errcode\":0"), yes.json());
            assertTrue(yes.trace().contains("\"endpoint\":\"link\""), yes.trace());

            WxException again = refused(() -> link(client, TOKEN, APPID));
            assertEquals(Status.API, again.status());
            assertEquals("API", again.status().name());
            assertEquals(89010, again.errcode());
            assertEquals(ErrorClass.PENDING, again.errorClass());
            assertEquals(Delivery.ANSWERED, again.delivery());
            assertFalse(again.rid().isEmpty());
            assertTrue(again.getMessage().contains(again.rid()), again.getMessage());

            sandbox.agree(ACCOUNT, APPID, "official_account");
            assertEquals(
                    LinkStatus.AWAITING_MINI_PROGRAM,
                    client.getLinked(TOKEN).items().get(0).linkStatus());
            sandbox.agree(ACCOUNT, APPID, "mini_program");
            assertEquals(LinkState.LINKED, client.waitLinked(TOKEN, APPID, Duration.ZERO).state());

            assertEquals(Status.OK, client.unlinkMiniprogram(TOKEN, APPID).status());
            WxException asked = refused(() -> client.unlinkMiniprogram(TOKEN, APPID));
            assertEquals(89018, asked.errcode());
            assertEquals(ErrorClass.PENDING, asked.errorClass());
        }
    }

    @Test
    void aClientCountsItsCalls() throws Exception {
        Instant before = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        try (Client client = new Client(sandbox.options())) {
            client.getLinked(TOKEN);
            client.derive(new Options()).getLinked(TOKEN);
            refused(() -> client.getLinked("wrong"));
            link(client, TOKEN, APPID);
            Stats stats = client.stats();
            assertFalse(stats.since().isBefore(before));
            assertFalse(stats.since().isAfter(Instant.now()));
            assertEquals(2, stats.endpoints().size());
            assertEquals(1, stats.endpoints().get(Endpoint.LINK).count());
            Stats.Calls lists = stats.endpoints().get(Endpoint.GET);
            assertEquals(3, lists.count());
            assertEquals(2, lists.outcomes().size());
            assertEquals(2, lists.outcomes().get(Status.OK));
            assertEquals(1, lists.outcomes().get(Status.API));
            assertEquals(0, lists.retries());
            assertEquals(0, lists.deliveryUnknown());
            assertTrue(lists.longest().compareTo(lists.total()) < 0);
            assertEquals(3, lists.buckets().stream().mapToLong(Stats.Bucket::calls).sum());
            Stats.Bucket last = lists.buckets().get(lists.buckets().size() - 1);
            assertTrue(lists.longest().compareTo(last.below()) < 0);
            assertEquals(0, stats.inDoubt());
            assertEquals(0, stats.tokensFetched());
            assertEquals(4, stats.connectionsOpened() + stats.connectionsReused());
            assertEquals(1, stats.connectionsIdle());
        }
    }

    @Test
    void aPlatformGetsItsTokens() throws Exception {
        Options options = sandbox.options()
                .set("component_appid", "wx0c00000000000001")
                .set("component_appsecret", "SANDBOX-COMPONENT-SECRET")
                .set("account", ACCOUNT);
        try (Client client = new Client(options)) {
            assertEquals(Status.NO_TOKEN, refused(() -> client.getLinked("")).status());
            assertEquals(Status.BAD_VALUE, refused(() -> client.setTicket("")).status());
            client.setTicket("REFUSED-TICKET");
            WxException refused = refused(() -> client.getLinked(""));
            assertEquals(Status.NO_TOKEN, refused.status());
            assertEquals(ErrorClass.TICKET, refused.errorClass());
            assertEquals(Delivery.NEVER_SENT, refused.delivery());
            client.setTicket("SANDBOX-TICKET");
            client.addAccount(ACCOUNT, "SANDBOX-REFRESH-1");
            assertEquals(Status.OK, client.getLinked("").status());
        }
    }

    @Test
    void theListIsTyped() throws Exception {
        try (Client client = new Client(sandbox.options())) {
            Result list = client.getLinked("SANDBOX-TOKEN-3");
            assertEquals(6, list.items().size());
            MiniProgram linked = list.items().get(0);
            assertEquals(LinkStatus.LINKED, linked.linkStatus());
            assertEquals(OptionalLong.of(1), linked.status());
            assertEquals(Optional.of("wx0b00000000000011"), linked.appid());
            assertEquals(Optional.of("gh_000000000011"), linked.username());
            assertEquals(Optional.of("示例小程序11"), linked.nickname());
            assertTrue(linked.headimgUrl().get().startsWith("http"));
            assertFalse(linked.funcInfos().isEmpty());
            assertTrue(linked.funcInfos().get(0).id().isPresent());
            assertTrue(linked.funcInfos().get(0).name().isPresent());
            MiniProgram refused = list.items().get(3);
            assertEquals(LinkStatus.REFUSED, refused.linkStatus());
            assertEquals(Optional.empty(), refused.appid());
            assertThrows(UnsupportedOperationException.class, () -> list.items().clear());

            assertEquals(Collections.emptyList(), client.getLinked(TOKEN).items());
        }
    }

    @Test
    void unusualItemsAreReadAsFarAsPossible() throws Exception {
        StringBuilder name = new StringBuilder();
        for (int i = 0; i < 200; i++) {
            name.append("名字");
        }
        String body = "{'errcode':0,'state':'linked','posts':1,'wxopens':{'items':["
                + "{'status':'77','released':true,'new':[1],"
                + "'nickname':'" + name + "','email':'a\\\\u0000b','func_info':["
                + "{'id':2,'status':1,'name':'微信支付'},{}]},"
                + "{'nickname':'null','appid':null},{}]}}";
        sandbox.fault("get", "before",
                "{\"body\":{\"text\":\"" + body.replace("'", "\\\"") + "\"}}");
        try (Client client = new Client(sandbox.options())) {
            Result list = client.getLinked(TOKEN);
            // Not those of ensure.
            assertEquals(LinkState.UNKNOWN, list.state());
            assertEquals(0, list.posts());
            List<MiniProgram> items = list.items();
            assertEquals(3, items.size());
            MiniProgram odd = items.get(0);
            assertEquals(OptionalLong.of(77), odd.status());
            assertEquals(LinkStatus.OTHER, odd.linkStatus());
            assertEquals(OptionalLong.empty(), odd.released());
            assertEquals(Optional.of(name.toString()), odd.nickname());
            assertEquals(Optional.of("a\ufffdb"), odd.email());
            assertTrue(odd.json().contains("\"new\":[1]"), odd.json());
            assertEquals(2, odd.funcInfos().size());
            assertEquals(OptionalLong.of(2), odd.funcInfos().get(0).id());
            assertEquals(OptionalLong.of(1), odd.funcInfos().get(0).status());
            assertEquals(Optional.of("微信支付"), odd.funcInfos().get(0).name());
            assertEquals(OptionalLong.empty(), odd.funcInfos().get(1).id());
            assertEquals(Optional.of("null"), items.get(1).nickname());
            assertEquals(Optional.empty(), items.get(1).appid());
            assertEquals(OptionalLong.empty(), items.get(2).status());
            assertEquals("{}", items.get(2).json());
        }
    }

    /** Reads a list whose bytes are the characters of the text, with " for each '. */
    private static Result listOf(Client client, String body) throws Exception {
        byte[] bytes = body.replace('\'', '"').getBytes(StandardCharsets.ISO_8859_1);
        String base64 = Base64.getEncoder().encodeToString(bytes);
        sandbox.fault("get", "before", "{\"body\":{\"base64\":\"" + base64 + "\"}}");
        return client.getLinked(TOKEN);
    }

    @Test
    void aDamagedNameIsReplacedAndABodyKeepsItsBytes() throws Exception {
        try (Client client = new Client(sandbox.options())) {
            String body = "{'errcode':0,'wxopens':{'items':["
                    + "{'appid':'wx1','nickname':'a\nb'},{'appid':'wx2','nickname':'a\u00ff\0b'},"
                    + "{'appid':'wx3','nickname':'a\\ud83d','new':'\u00ff'}]}}";
            Result list = listOf(client, body);
            assertArrayEquals(
                    body.replace('\'', '"').getBytes(StandardCharsets.ISO_8859_1),
                    list.jsonBytes());
            List<MiniProgram> items = list.items();
            assertEquals(3, items.size());
            assertEquals(Optional.of("a\ufffdb"), items.get(0).nickname());
            assertEquals(Optional.of("a\ufffd\ufffdb"), items.get(1).nickname());
            assertEquals(Optional.of("a\ufffd"), items.get(2).nickname());
            assertEquals(Optional.of("wx3"), items.get(2).appid());
            assertTrue(items.get(2).json().contains("\"new\":\"\ufffd\""), items.get(2).json());
        }
    }

    @Test
    void aListThatCannotBeReadIsThrown() throws Exception {
        String[] bodies = {
            "{'errcode':0,'wxopens':'x'}",
            "{'errcode':0,'wxopens':{'items':[5]}}",
            "{'errcode':0,'wxopens':{'items':[{'appid':'a\u00ff'}]}}",
            "{'errcode':0,'wxopens':{'items':[{'status':'linked'}]}}",
        };
        try (Client client = new Client(sandbox.options().set("max_retries", 0))) {
            for (String body : bodies) {
                WxException e = refused(() -> listOf(client, body));
                assertEquals(Status.BAD_ANSWER, e.status(), body);
                assertEquals(Collections.emptyList(), e.result().items());
            }
        }
    }

    @Test
    void largeNumbersAndLongListsAreExact() throws Exception {
        StringBuilder many = new StringBuilder();
        for (int i = 0; i < 500; i++) {
            many.append(i == 0 ? "" : ",").append("{'appid':'wx").append(i).append("'}");
        }
        try (Client client = new Client(sandbox.options())) {
            List<MiniProgram> large = listOf(client, "{'errcode':0,'wxopens':{'items':["
                    + "{'status':4294967297,'selected':9007199254740993,"
                    + "'released':'9223372036854775807','copy_verify_status':9223372036854775808,"
                    + "'func_info':[{'id':4294967298}]}]}}").items();
            MiniProgram item = large.get(0);
            assertEquals(OptionalLong.of(4294967297L), item.status());
            assertEquals(LinkStatus.OTHER, item.linkStatus());
            assertEquals(OptionalLong.of(9007199254740993L), item.selected());
            assertEquals(OptionalLong.of(Long.MAX_VALUE), item.released());
            assertEquals(OptionalLong.empty(), item.copyVerifyStatus());
            assertTrue(item.json().contains(":9223372036854775808"), item.json());
            assertEquals(OptionalLong.of(4294967298L), item.funcInfos().get(0).id());

            List<MiniProgram> items =
                    listOf(client, "{'errcode':0,'wxopens':{'items':[" + many + "]}}").items();
            assertEquals(500, items.size());
            for (int i = 0; i < 500; i++) {
                assertEquals(Optional.of("wx" + i), items.get(i).appid());
            }
        }
    }

    @Test
    void everyRefusalHasAClass() throws Exception {
        try (Client client = new Client(sandbox.options())) {
            WxException token =
                    refused(() -> link(client, "SANDBOX-EXPIRED", APPID));
            assertEquals(ErrorClass.TOKEN, token.errorClass());
            WxException forbidden =
                    refused(() -> link(client, TOKEN, "wx0b000000000000e1"));
            assertEquals(ErrorClass.ACTION_REQUIRED, forbidden.errorClass());
            sandbox.fault("link", "before", "{\"errcode\":{\"code\":-1}}");
            WxException busy = refused(() -> link(client, TOKEN, APPID));
            assertEquals(Status.API, busy.status());
            assertEquals(-1, busy.errcode());
            assertEquals(ErrorClass.BUSY, busy.errorClass());
        }
    }

    @Test
    void aLostAnswerIsUnknownAndEnsureFindsTheInvitation() throws Exception {
        try (Client client = new Client(sandbox.options())) {
            sandbox.fault("link", "after", "{\"drop\":\"reset\"}");
            WxException lost = refused(() -> link(client, TOKEN, APPID));
            assertEquals(Status.CONNECTION_LOST, lost.status());
            assertEquals(Status.CONNECTION_LOST.code(), lost.errcode());
            assertEquals(Delivery.UNKNOWN, lost.delivery());
            assertEquals(ErrorClass.NONE, lost.errorClass());

            Result pending = client.ensureLinked(
                    TOKEN, APPID, NotifyUsers.NO, ShowProfile.YES, Duration.ZERO);
            assertEquals(Status.PENDING, pending.status());
            assertEquals(ErrorClass.PENDING, pending.errorClass());
            assertFalse(pending.message().isEmpty());
            assertEquals(LinkState.PENDING, pending.state());
            assertEquals(Administrator.OFFICIAL_ACCOUNT, pending.waitsFor());
            assertEquals(LinkState.PENDING, pending.found());
            assertEquals(0, pending.posts());
            assertEquals(Optional.of(APPID), pending.item().get().appid());
            assertEquals(1, pending.items().size());
            assertEquals(1, sandbox.received("link"));
        }
    }

    @Test
    void ensureWaitsForTheAdministrators() throws Exception {
        sandbox.admin("PUT", "policy", "{\"official_account\":{\"when\":{\"polls\":1}},"
                + "\"mini_program\":{\"when\":{\"polls\":1}}}");
        try (Client client = new Client(sandbox.options())) {
            Result linked = client.ensureLinked(
                    TOKEN, APPID, NotifyUsers.NO, ShowProfile.YES, Duration.ofSeconds(2));
            assertEquals(LinkState.LINKED, linked.state());
            assertEquals(Administrator.NONE, linked.waitsFor());
            assertEquals(LinkState.ABSENT, linked.found());
            assertEquals(1, linked.posts());
            Result vanished = client.waitLinked(TOKEN, "wx0b00000000000002", Duration.ZERO);
            assertEquals(Status.VANISHED, vanished.status());
            assertEquals(LinkState.VANISHED, vanished.state());
            assertEquals(Optional.empty(), vanished.item());
        }
    }

    @Test
    void aRefusalIsAStateAndAFailureIsThrown() throws Exception {
        try (Client client = new Client(sandbox.options())) {
            link(client, TOKEN, APPID);
            sandbox.agree(ACCOUNT, APPID, "official_account");
            String refusal = "{'account':'" + ACCOUNT + "','appid':'" + APPID
                    + "','by':'mini_program','decision':'refuse'}";
            sandbox.admin("POST", "approvals", refusal.replace('\'', '"'));
            Result declined = client.waitLinked(TOKEN, "gh_000000000001", Duration.ZERO);
            assertEquals(Status.DECLINED, declined.status());
            assertEquals(LinkState.DECLINED, declined.state());
            assertEquals(ErrorClass.ACTION_REQUIRED, declined.errorClass());

            WxException expired =
                    refused(() -> client.waitLinked("SANDBOX-EXPIRED", APPID, Duration.ZERO));
            assertEquals(ErrorClass.TOKEN, expired.errorClass());
            assertEquals(LinkState.UNKNOWN, expired.result().state());
        }
    }

    @Test
    void withoutAConnectionNothingIsSent() throws Exception {
        int port;
        try (ServerSocket unused = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            port = unused.getLocalPort();
        }
        Options options =
                new Options().set("base_url", "http://127.0.0.1:" + port).set("max_retries", 0);
        try (Client client = new Client(options)) {
            WxException e = refused(() -> link(client, TOKEN, APPID));
            assertEquals(Status.CONNECT, e.status());
            assertEquals(Delivery.NEVER_SENT, e.delivery());
            assertEquals(0, e.result().httpStatus());
        }
    }

    @Test
    void httpsTrustsTheCertificatesOfCaFile() throws Exception {
        Options https = new Options().set("base_url", sandbox.https()).set("max_retries", 0);
        try (Client client = new Client(https)) {
            assertEquals(Status.TLS, refused(() -> client.getLinked(TOKEN)).status());
        }
        try (Client client = new Client(https.set("ca_file", sandbox.caFile()))) {
            assertEquals(0, client.getLinked(TOKEN).errcode());
        }
    }

    @Test
    void theLibraryChecksOptions() throws Exception {
        Options options = new Options();
        WxException unknown =
                assertThrows(WxException.class, () -> options.set("no_such_key", "1"));
        assertEquals(Status.BAD_OPTION, unknown.status());
        assertEquals(Delivery.NEVER_SENT, unknown.delivery());
        assertTrue(unknown.getMessage().contains("timeout_ms"), "the message lists the options");
        assertThrows(WxException.class, () -> options.set("timeout_ms", 0));
        assertEquals(Status.NULL_POINTER,
                assertThrows(WxException.class, () -> options.set("lang", null)).status());
        options.set("ca_file", "/nonexistent.pem");
        assertEquals(Status.BAD_OPTION,
                assertThrows(WxException.class, () -> new Client(options)).status());
    }

    @Test
    void theLibraryChecksArguments() throws Exception {
        try (Client client = new Client(sandbox.options())) {
            assertEquals(Status.NULL_POINTER, refused(() -> client.getLinked(null)).status());
            assertEquals(Status.BAD_VALUE, refused(() -> client.getLinked(TOKEN + " 2")).status());
            assertEquals(Status.BAD_VALUE,
                    refused(() -> link(client, TOKEN, "")).status());
            // A text that C would not receive unchanged is refused in Java.
            assertThrows(IllegalArgumentException.class, () -> client.getLinked(TOKEN + "\0"));
            assertThrows(IllegalArgumentException.class, () -> client.getLinked(TOKEN + "\ud83d"));
            assertThrows(IllegalArgumentException.class,
                    () -> client.waitLinked(TOKEN, APPID, Duration.ofMillis(-1)));
            assertThrows(IllegalArgumentException.class,
                    () -> client.waitLinked(TOKEN, APPID, Duration.ofDays(50)));
            assertEquals(0, sandbox.received("get") + sandbox.received("link"));
        }
    }

    @Test
    void messagesCanBeChinese() throws Exception {
        try (Client client = new Client(sandbox.options().set("lang", "zh"))) {
            WxException e = refused(() -> client.getLinked("SANDBOX-EXPIRED"));
            String remedy = Wxlink.errcodeText(Endpoint.GET, 42001, ErrcodeField.REMEDY, Lang.ZH);
            assertFalse(remedy.isEmpty());
            assertTrue(e.getMessage().contains(remedy), e.getMessage());
        }
    }

    @Test
    void aDerivedClientHasItsOwnLimitsAndCancellation() throws Exception {
        try (Client client = new Client(sandbox.options())) {
            Client hurried =
                    client.derive(new Options().set("timeout_ms", 200).set("max_retries", 0));
            sandbox.fault("get", "before", "\"hang\"");
            assertEquals(Status.TIMEOUT, refused(() -> hurried.getLinked(TOKEN)).status());
            hurried.close();

            Client own = client.derive(new Options());
            sandbox.fault("link", "after", "\"hang\"");
            Future<Result> call =
                    threads.submit(() -> link(own, TOKEN, APPID));
            sandbox.awaitReceived("link", 1);
            own.cancel();
            ExecutionException ended = assertThrows(ExecutionException.class, call::get);
            WxException cancelled = (WxException) ended.getCause();
            assertEquals(Status.CANCELLED, cancelled.status());
            assertEquals(Delivery.UNKNOWN, cancelled.delivery());
            assertEquals(Delivery.NEVER_SENT, refused(() -> own.getLinked(TOKEN)).delivery());
            assertEquals(1, client.getLinked(TOKEN).items().size());
            own.close();

            WxException shared =
                    assertThrows(WxException.class, () -> client.derive(sandbox.options()));
            assertEquals(Status.BAD_OPTION, shared.status());
        }
    }

    @Test
    void anInterruptEndsACallMadeForIt() throws Exception {
        try (Client client = new Client(sandbox.options())) {
            assertEquals(0, client.interruptibly(own -> own.getLinked(TOKEN)).errcode());
            IllegalStateException own = new IllegalStateException();
            IllegalStateException thrown =
                    assertThrows(IllegalStateException.class, () -> client.interruptibly(c -> {
                        throw own;
                    }));
            assertSame(own, thrown);

            sandbox.fault("link", "after", "\"hang\"");
            List<Object> seen = new ArrayList<>();
            Thread caller = new Thread(() -> {
                try {
                    client.interruptibly(c -> link(c, TOKEN, APPID));
                } catch (WxException e) {
                    seen.add(e.status());
                    seen.add(e.delivery());
                    seen.add(Thread.currentThread().isInterrupted());
                }
            });
            caller.start();
            sandbox.awaitReceived("link", 1);
            caller.interrupt();
            caller.join();
            assertEquals(3, seen.size());
            assertEquals(Status.CANCELLED, seen.get(0));
            assertEquals(Delivery.UNKNOWN, seen.get(1));
            assertEquals(true, seen.get(2));
        }
    }

    @Test
    void closingDoesNotWaitAndLosesNoAnswer() throws Exception {
        Client client = new Client(sandbox.options());
        sandbox.fault("link", "after", "{\"delay_ms\":300}");
        Future<Result> call = threads.submit(() -> link(client, TOKEN, APPID));
        sandbox.awaitReceived("link", 1);
        client.close();
        client.close();
        assertThrows(IllegalStateException.class, () -> client.getLinked(TOKEN));
        assertThrows(IllegalStateException.class, () -> client.derive(new Options()));
        assertEquals(0, call.get().errcode());
        client.cancel();
        assertEquals(0, sandbox.received("get"));
    }

    @Test
    void manyThreadsShareAClientUntilOneClosesIt() throws Exception {
        Client client = new Client(sandbox.options());
        List<Future<Integer>> calls = new ArrayList<>();
        for (int thread = 0; thread < 8; thread++) {
            calls.add(threads.submit(() -> {
                int answered = 0;
                try {
                    while (true) {
                        answered += client.getLinked("SANDBOX-TOKEN-3").items().size() / 6;
                    }
                } catch (IllegalStateException closed) {
                    return answered;
                }
            }));
        }
        sandbox.awaitReceived("get", 200);
        for (int i = 0; i < 4; i++) {
            threads.submit(client::close);
        }
        int answered = 0;
        for (Future<Integer> call : calls) {
            answered += call.get(20, TimeUnit.SECONDS);
        }
        assertEquals(sandbox.processed("get"), answered);
    }

    @Test
    void anExceptionCanBeSerialized() throws Exception {
        try (Client client = new Client(sandbox.options())) {
            WxException e = refused(() -> client.getLinked("SANDBOX-EXPIRED"));
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            new ObjectOutputStream(bytes).writeObject(e);
            ObjectInputStream in =
                    new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()));
            WxException copy = (WxException) in.readObject();
            assertEquals(e.getMessage(), copy.getMessage());
            assertEquals(e.rid(), copy.rid());
            assertEquals(ErrorClass.TOKEN, copy.errorClass());
        }
    }
}
