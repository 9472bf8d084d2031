using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;

namespace Wxlink.Tests
{
    internal sealed class ClientTests
    {
        private const string Token = Sandbox.Token;
        private const string Appid = Sandbox.Appid;
        private readonly Sandbox sandbox = new Sandbox();

        private static WxResult Link(WxClient client, string appid = Appid, string token = Token)
        {
            return client.LinkMiniProgram(token, appid, NotifyUsers.No, ShowProfile.Yes);
        }

        private static LinkProgress Ensure(WxClient client, int waitSeconds = 0)
        {
            return client.EnsureLinked(
                Token,
                Appid,
                NotifyUsers.No,
                ShowProfile.Yes,
                TimeSpan.FromSeconds(waitSeconds));
        }

        [Test]
        public void ALinkFromInvitationToUnlinking()
        {
            using (WxClient client = sandbox.Client())
            {
                WxResult yes = Link(client);
                Check.Equal(Status.Ok, yes.Status);
                Check.Equal(0, yes.Errcode);
                Check.Equal(ErrorClass.Ok, yes.ErrorClass);
                Check.Equal(Delivery.Answered, yes.Delivery);
                Check.Equal(200, yes.HttpStatus);
                Check.Equal("", yes.Message);
                Check.Equal("OK", yes.ToString());
                Check.Contains("\"errcode\":0", yes.Json);
                Check.Contains("\"endpoint\":\"link\"", yes.Trace);

                var again = Check.Throws<WxPendingException>(() => Link(client));
                Check.Equal(Status.Api, again.Status);
                Check.Equal(89010, again.Errcode);
                Check.Equal(ErrorClass.Pending, again.ErrorClass);
                Check.Equal(Delivery.Answered, again.Delivery);
                Check.Equal(null, again.Progress);
                Check.That(again.Rid.Length > 0, "no rid");
                Check.Contains(again.Rid, again.Message);

                sandbox.Decide("official_account", "agree");
                Check.Equal(
                    LinkStatus.AwaitingMiniProgram, client.GetLinked(Token).Items[0].Status);
                sandbox.Decide("mini_program", "agree");
                Check.Equal(LinkState.Linked, client.WaitLinked(Token, Appid).State);

                Check.Equal(Status.Ok, client.UnlinkMiniProgram(Token, Appid).Status);
                var asked = Check.Throws<WxPendingException>(
                    () => client.UnlinkMiniProgram(Token, Appid));
                Check.Equal(89018, asked.Errcode);
            }
        }

        [Test]
        public void AClientCountsItsCalls()
        {
            DateTimeOffset before = DateTimeOffset.UtcNow.AddSeconds(-1);
            using (WxClient client = sandbox.Client())
            {
                Check.Equal(0, client.Stats().Endpoints.Count);
                client.GetLinked(Token);
                using (WxClient derived = client.Derive())
                {
                    derived.GetLinked(Token);
                }
                Check.Throws<WxTokenException>(() => client.GetLinked("wrong"));
                client.LinkMiniProgramAsync(Token, Appid, NotifyUsers.No, ShowProfile.Yes).Wait();
                WxStats stats = client.Stats();
                Check.That(
                    stats.Since > before && stats.Since <= DateTimeOffset.UtcNow,
                    stats.Since.ToString());
                Check.Equal(2, stats.Endpoints.Count);
                Check.Equal(1L, stats.Endpoints[Endpoint.Link].Calls);
                EndpointStats lists = stats.Endpoints[Endpoint.Get];
                Check.Equal(3L, lists.Calls);
                Check.Equal(2, lists.Outcomes.Count);
                Check.Equal(2L, lists.Outcomes[Status.Ok]);
                Check.Equal(1L, lists.Outcomes[Status.Api]);
                Check.Equal(0L, lists.Retries);
                Check.Equal(0L, lists.DeliveryUnknown);
                Check.That(lists.Longest > TimeSpan.Zero, "no time");
                Check.That(lists.Longest < lists.Total, "longer than all together");
                Check.Equal(3L, lists.Buckets.Sum(bucket => bucket.Calls));
                Check.That(lists.Longest < lists.Buckets.Last().Below, "not in the last bucket");
                Check.Equal(0L, stats.InDoubt);
                Check.Equal(0L, stats.TokensFetched);
                Check.Equal(4L, stats.ConnectionsOpened + stats.ConnectionsReused);
                Check.Equal(1L, stats.ConnectionsIdle);
            }
        }

        [Test]
        public void TheListIsTyped()
        {
            using (WxClient client = sandbox.Client())
            {
                MiniProgramList list = client.GetLinked(Sandbox.FullToken);
                Check.Equal(6, list.Items.Count);
                MiniProgram linked = list.Items[0];
                Check.Equal(LinkStatus.Linked, linked.Status);
                Check.Equal("wx0b00000000000011", linked.Appid);
                Check.Equal("gh_000000000011", linked.Username);
                Check.Equal("示例小程序11", linked.Nickname);
                Check.That(linked.HeadimgUrl.StartsWith("http"), linked.HeadimgUrl);
                Check.That(linked.FuncInfos[0].Id != null, "no id");
                Check.That(linked.FuncInfos[0].Name != null, "no name");
                MiniProgram refused = list.Items[3];
                Check.Equal(LinkStatus.Refused, refused.Status);
                Check.Equal(null, refused.Appid);
                Check.Equal(linked, list.Find("wx0b00000000000011"));
                Check.Equal(refused, list.Find("gh_000000000014"));
                Check.Equal(null, list.Find("wx0b00000000000099"));
                Check.Equal(null, list.Find(null));
                Check.Throws<NotSupportedException>(
                    () => ((IList<MiniProgram>)list.Items).RemoveAt(0));
                Check.Equal(0, client.GetLinked(Token).Items.Count);
            }
        }

        [Test]
        public void UnusualItemsAreReadAsFarAsPossible()
        {
            string name = string.Concat(Enumerable.Repeat("名字", 200));
            string body = "{'errcode':0,'wxopens':{'items':["
                + "{'status':'77','released':true,'new':[1],'nickname':'" + name
                + "','email':'a\\\\u0000b','func_info':["
                + "{'id':2,'status':1,'name':'微信支付'},{}]},"
                + "{'nickname':'null','appid':null},{}]}}";
            string text = body.Replace("'", "\\\"");
            sandbox.Fault("get", "before", "{'body':{'text':'" + text + "'}}");
            using (WxClient client = sandbox.Client())
            {
                IReadOnlyList<MiniProgram> items = client.GetLinked(Token).Items;
                Check.Equal(3, items.Count);
                MiniProgram odd = items[0];
                Check.Equal((LinkStatus)77, odd.Status);
                Check.Equal("77", odd.Status.ToString());
                Check.Equal(null, odd.Released);
                Check.Equal(name, odd.Nickname);
                Check.Equal("a\ufffdb", odd.Email);
                Check.Contains("\"new\":[1]", odd.Json);
                Check.Equal(2, odd.FuncInfos.Count);
                Check.Equal(2L, odd.FuncInfos[0].Id);
                Check.Equal(1L, odd.FuncInfos[0].Status);
                Check.Equal("微信支付", odd.FuncInfos[0].Name);
                Check.Equal(null, odd.FuncInfos[1].Id);
                Check.Equal("null", items[1].Nickname);
                Check.Equal(null, items[1].Appid);
                Check.Equal(null, items[2].Status);
                Check.Equal("{}", items[2].Json);
                Check.Equal(0, items[2].FuncInfos.Count);
            }
        }

        [Test]
        public void LongNamesAndCharactersBeyondTheBmpAreExact()
        {
            // 4 MiB is the largest response that is read unless the options set another limit.
            var name = new StringBuilder();
            while (name.Length < 1 << 20)
            {
                name.Append("😀𠮷é汉\u2028");
            }
            string body = "{'errcode':0,'wxopens':{'items':[{'nickname':'" + name + "'}]}}";
            string base64 = Convert.ToBase64String(
                Encoding.UTF8.GetBytes(body.Replace('\'', '"')));
            sandbox.Fault("get", "before", "{'body':{'base64':'" + base64 + "'}}");
            using (WxClient client = sandbox.Client())
            {
                MiniProgramList list = client.GetLinked(Token);
                Check.That(list.Items[0].Nickname == name.ToString(), "another name");
                Check.That(list.Json == body.Replace('\'', '"'), "another body");
            }
        }

        [Test]
        public void TextsArriveUnchanged()
        {
            using (WxClient client = sandbox.Client())
            {
                string[] appids = { "wx示例", "wx😀𠮷", "wx\u00e9\u0301%20+&\"\\" };
                foreach (string appid in appids)
                {
                    sandbox.Admin("DELETE", "journal");
                    Check.Throws<WxInvalidRequestException>(() => Link(client, appid));
                    string json = sandbox.Admin("GET", "journal");
                    string seen = appid.Replace("\\", "\\\\").Replace("\"", "\\\"");
                    seen = seen.Replace("\\", "\\\\").Replace("\"", "\\\"");
                    Check.Contains(seen, json);
                }
            }
        }

        [Test]
        public void ADamagedNameIsReplacedAndABodyKeepsItsBytes()
        {
            using (WxClient client = sandbox.Client())
            {
                string body = "{'errcode':0,'wxopens':{'items':["
                    + "{'appid':'wx1','nickname':'a\nb'},{'appid':'wx2','nickname':'a\u00ff\0b'},"
                    + "{'appid':'wx3','nickname':'a\\ud83d','new':'\u00ff'}]}}";
                sandbox.NextList(body);
                MiniProgramList list = client.GetLinked(Token);
                byte[] bytes = list.GetJsonBytes();
                Check.Equal(
                    body.Replace('\'', '"'), Encoding.GetEncoding("ISO-8859-1").GetString(bytes));
                bytes[0] = 0;
                Check.Equal((byte)'{', list.GetJsonBytes()[0]);
                Check.Equal("a\ufffdb", list.Items[0].Nickname);
                Check.Equal("a\ufffd\ufffdb", list.Items[1].Nickname);
                Check.Equal("a\ufffd", list.Items[2].Nickname);
                Check.Equal("wx3", list.Items[2].Appid);
                Check.Contains("\"new\":\"\ufffd\"", list.Items[2].Json);
            }
        }

        [Test]
        public void AListThatCannotBeReadIsThrown()
        {
            string[] bodies =
            {
                "{'errcode':0,'wxopens':'x'}",
                "{'errcode':0,'wxopens':{'items':[5]}}",
                "{'errcode':0,'wxopens':{'items':[{'appid':'a\u00ff'}]}}",
                "{'errcode':0,'wxopens':{'items':[{'status':'linked'}]}}",
            };
            WxOptions options = sandbox.Options();
            options.MaxRetries = 0;
            using (var client = new WxClient(options))
            {
                foreach (string body in bodies)
                {
                    sandbox.NextList(body);
                    var e = Check.Throws<WxBadAnswerException>(() => client.GetLinked(Token));
                    Check.Equal(Status.BadAnswer, e.Status);
                }
            }
        }

        [Test]
        public void LargeNumbersAndLongListsAreExact()
        {
            IEnumerable<string> many =
                Enumerable.Range(0, 500).Select(i => "{'appid':'wx" + i + "'}");
            using (WxClient client = sandbox.Client())
            {
                sandbox.NextList("{'errcode':0,'wxopens':{'items':["
                    + "{'status':4294967297,'selected':9007199254740993,"
                    + "'released':'9223372036854775807','copy_verify_status':9223372036854775808,"
                    + "'func_info':[{'id':4294967298}]}]}}");
                MiniProgram item = client.GetLinked(Token).Items[0];
                Check.Equal((LinkStatus)4294967297, item.Status);
                Check.Equal(9007199254740993, item.Selected);
                Check.Equal(long.MaxValue, item.Released);
                Check.Equal(null, item.CopyVerifyStatus);
                Check.Contains(":9223372036854775808", item.Json);
                Check.Equal(4294967298, item.FuncInfos[0].Id);

                sandbox.NextList(
                    "{'errcode':0,'wxopens':{'items':[" + string.Join(",", many) + "]}}");
                IReadOnlyList<MiniProgram> items = client.GetLinked(Token).Items;
                Check.Equal(500, items.Count);
                for (int i = 0; i < items.Count; i++)
                {
                    Check.Equal("wx" + i, items[i].Appid);
                }
            }
        }

        [Test]
        public void TheCultureOfTheThreadChangesNothing()
        {
            CultureInfo before = Thread.CurrentThread.CurrentCulture;
            var odd = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            odd.NumberFormat.NegativeSign = "minus";
            odd.NumberFormat.NumberGroupSeparator = "";
            Thread.CurrentThread.CurrentCulture = odd;
            try
            {
                sandbox.NextList("{'errcode':0,'wxopens':{'items':[{'selected':-5}]}}");
                WxOptions options = sandbox.Options();
                options.Timeout = TimeSpan.FromSeconds(9);
                using (var client = new WxClient(options))
                {
                    Check.Equal(-5L, client.GetLinked(Token).Items[0].Selected);
                }
                Check.Throws<WxArgumentException>(() => options.MaxRetries = -1);
            }
            finally
            {
                Thread.CurrentThread.CurrentCulture = before;
            }
        }

        [Test]
        public void EveryRefusalHasAnException()
        {
            using (WxClient client = sandbox.Client())
            {
                Check.Throws<WxTokenException>(() => Link(client, Appid, "SANDBOX-EXPIRED"));
                Check.Throws<WxActionRequiredException>(() => Link(client, "wx0b000000000000e1"));
                Answer(-1);
                var busy = Check.Throws<WxBusyException>(() => Link(client));
                Check.Equal(Status.Api, busy.Status);
                Check.Equal(-1, busy.Errcode);
                Answer(89016);
                Check.Throws<WxQuotaException>(() => Link(client));
                Answer(40013);
                Check.Throws<WxInvalidRequestException>(() => Link(client));
                Answer(89015);
                Check.Equal(
                    ErrorClass.Ok, Check.Throws<WxPendingException>(() => Link(client)).ErrorClass);
                Answer(123456);
                var unknown = Check.Throws<WxApiException>(() => Link(client));
                Check.Equal(123456, unknown.Errcode);
                Check.Equal(ErrorClass.None, unknown.ErrorClass);
            }
        }

        private void Answer(int errcode)
        {
            sandbox.Fault("link", "before", "{'errcode':{'code':" + errcode + "}}");
        }

        [Test]
        public void ALostAnswerIsUnknownAndEnsureFindsTheInvitation()
        {
            using (WxClient client = sandbox.Client())
            {
                sandbox.Fault("link", "after", "{'drop':'reset'}");
                var lost = Check.Throws<WxOutcomeUnknownException>(() => Link(client));
                Check.Equal(Status.ConnectionLost, lost.Status);
                Check.Equal((int)Status.ConnectionLost, lost.Errcode);
                Check.Equal(Delivery.Unknown, lost.Delivery);
                Check.Equal(ErrorClass.None, lost.ErrorClass);
                Check.That(!lost.IsTimeout, "no timeout");

                LinkProgress pending = Ensure(client);
                Check.Equal(Status.Pending, pending.Status);
                Check.Equal(ErrorClass.Pending, pending.ErrorClass);
                Check.That(pending.Message.Length > 0, "no message");
                Check.Equal(LinkState.Pending, pending.State);
                Check.Equal(Administrator.OfficialAccount, pending.WaitsFor);
                Check.Equal(LinkState.Pending, pending.Found);
                Check.Equal(0, pending.Posts);
                Check.Equal(TimeSpan.Zero, pending.RetryAfter);
                Check.Equal(Appid, pending.Item.Appid);
                Check.Equal(1, sandbox.Received("link"));
            }
        }

        [Test]
        public void EnsureWaitsForTheAdministrators()
        {
            sandbox.Admin(
                "PUT",
                "policy",
                "{'official_account':{'when':{'polls':1}},'mini_program':{'when':{'polls':1}}}");
            using (WxClient client = sandbox.Client())
            {
                LinkProgress linked = Ensure(client, waitSeconds: 60);
                Check.Equal(LinkState.Linked, linked.State);
                Check.Equal(Administrator.None, linked.WaitsFor);
                Check.Equal(LinkState.Absent, linked.Found);
                Check.Equal(1, linked.Posts);
                LinkProgress vanished = client.WaitLinked(Token, "wx0b00000000000002");
                Check.Equal(Status.Vanished, vanished.Status);
                Check.Equal(LinkState.Vanished, vanished.State);
                Check.Equal(null, vanished.Item);
            }
        }

        [Test]
        public void ADoubtIsAStateWithATime()
        {
            WxOptions options = sandbox.Options();
            options.Settle = TimeSpan.FromSeconds(60);
            options.Timeout = TimeSpan.FromSeconds(5);
            // An appid of its own: the claim outlives this test.
            const string Program = "wx0b00000000000003";
            using (var client = new WxClient(options))
            {
                sandbox.Fault("link", "before", "{'drop':'reset'}");
                var lost = Check.Throws<WxOutcomeUnknownException>(() => client.EnsureLinked(
                    Token, Program, NotifyUsers.No, ShowProfile.Yes));
                Check.Equal(LinkState.InDoubt, lost.Progress.State);
                Check.Equal(1, lost.Progress.Posts);
                LinkProgress doubt = client.EnsureLinked(
                    Token, Program, NotifyUsers.No, ShowProfile.Yes);
                Check.Equal(LinkState.InDoubt, doubt.State);
                Check.Equal("in_doubt", doubt.State.Word());
                Check.That(doubt.RetryAfter > TimeSpan.Zero, "no time");
                Check.That(doubt.RetryAfter <= TimeSpan.FromSeconds(60), "more than settle");
                Check.Equal(1, sandbox.Received("link"));
                Check.Equal(2L, client.Stats().InDoubt);
            }
        }

        [Test]
        public void ARefusalIsAStateAndAFailureIsThrown()
        {
            using (WxClient client = sandbox.Client())
            {
                Link(client);
                sandbox.Decide("official_account", "agree");
                sandbox.Decide("mini_program", "refuse");
                LinkProgress declined = client.WaitLinked(Token, "gh_000000000001");
                Check.Equal(Status.Declined, declined.Status);
                Check.Equal(LinkState.Declined, declined.State);
                Check.Equal(ErrorClass.ActionRequired, declined.ErrorClass);

                var expired = Check.Throws<WxTokenException>(
                    () => client.WaitLinked("SANDBOX-EXPIRED", Appid));
                Check.Equal(LinkState.Unknown, expired.Progress.State);
                Check.Equal(0, expired.Progress.Posts);
            }
        }

        [Test]
        public void WithoutAConnectionNothingIsSent()
        {
            var unused = new TcpListener(IPAddress.Loopback, 0);
            unused.Start();
            int port = ((IPEndPoint)unused.LocalEndpoint).Port;
            unused.Stop();
            var options = new WxOptions
            {
                BaseUrl = "http://127.0.0.1:" + port,
                MaxRetries = 0,
            };
            using (var client = new WxClient(options))
            {
                var e = Check.Throws<WxNotSentException>(() => Link(client));
                Check.Equal(Status.Connect, e.Status);
                Check.Equal(Delivery.NeverSent, e.Delivery);
                Check.Equal(0, e.Result.HttpStatus);
            }
        }

        [Test]
        public void HttpsTrustsTheCertificatesOfCaFile()
        {
            var options = new WxOptions { BaseUrl = sandbox.Https, MaxRetries = 0 };
            using (var client = new WxClient(options))
            {
                Check.Equal(
                    Status.Tls,
                    Check.Throws<WxNotSentException>(() => client.GetLinked(Token)).Status);
            }
            options.CaFile = sandbox.CaFile;
            using (var client = new WxClient(options))
            {
                Check.Equal(0, client.GetLinked(Token).Errcode);
                // On the small stack of a thread of its own, too.
                Check.Equal(0, client.GetLinkedAsync(Token).Result.Errcode);
            }
        }

        [Test]
        public void TheLibraryChecksOptions()
        {
            var options = new WxOptions();
            var unknown = Check.Throws<WxArgumentException>(() => options.Set("no_such_key", "1"));
            Check.Equal(Status.BadOption, unknown.Status);
            Check.Equal(Delivery.NeverSent, unknown.Delivery);
            Check.Contains("timeout_ms", unknown.Message);
            Check.Throws<WxArgumentException>(() => options.Set("timeout_ms", 0));
            Check.Throws<WxArgumentException>(() => options.Timeout = TimeSpan.Zero);
            Check.Throws<WxArgumentException>(() => options.Timeout = TimeSpan.MaxValue);
            Check.Throws<WxArgumentException>(() => options.Settle = TimeSpan.FromTicks(-1));
            Check.Throws<WxArgumentException>(() => options.Lang = (Lang)9);
            Check.Throws<ArgumentNullException>(() => options.Set("lang", null));
            Check.Throws<ArgumentNullException>(() => options.Set(null, "1"));
            Check.Throws<ArgumentNullException>(() => options.Account = null);
            Check.Throws<ArgumentException>(() => options.UserAgent = "a\0b");
            Check.Throws<ArgumentException>(() => options.Set("user_agent", "\ude00"));
            options.Timeout = TimeSpan.FromTicks(1); // 1 ms
            options.CaFile = "/nonexistent/示例.pem";
            var missing = Check.Throws<WxArgumentException>(() => new WxClient(options));
            Check.Contains("示例", missing.Message);
            Check.Throws<WxArgumentException>(
                () => new WxClient(new WxOptions { ComponentAppid = "wx0c00000000000001" }));
        }

        [Test]
        public void ArgumentsAreChecked()
        {
            using (WxClient client = sandbox.Client())
            {
                // Null and empty both stand for the token source, which this client has not.
                Check.Equal(
                    Status.NullPointer,
                    Check.Throws<WxArgumentException>(() => client.GetLinked(null)).Status);
                Check.Throws<WxArgumentException>(() => client.GetLinked(""));
                Check.Throws<WxArgumentException>(() => client.GetLinked(Token + " 2"));
                Check.Throws<WxArgumentException>(() => Link(client, ""));
                Check.Throws<WxArgumentException>(() => client.LinkMiniProgram(
                    Token, Appid, (NotifyUsers)7, ShowProfile.Yes));
                Check.Throws<ArgumentNullException>(() => Link(client, null));
                Check.Throws<ArgumentNullException>(() => client.UnlinkMiniProgram(Token, null));
                Check.Throws<ArgumentNullException>(() => client.WaitLinked(Token, null));
                Check.Throws<ArgumentNullException>(() => client.SetTicket(null));
                Check.Throws<ArgumentNullException>(() => client.AddAccount(Appid, null));
                Check.Throws<ArgumentNullException>(() => client.AcceptPush("", null));
                Check.Throws<ArgumentNullException>(() => client.AcceptAuthorization(null));
                // A text that C would not receive unchanged.
                Check.Throws<ArgumentException>(() => client.GetLinked(Token + "\0"));
                Check.Throws<ArgumentException>(() => client.GetLinked(Token + "\ud83d"));
                Check.Throws<ArgumentException>(() => Link(client, "\0"));
                Check.Throws<ArgumentOutOfRangeException>(
                    () => client.WaitLinked(Token, Appid, TimeSpan.FromMilliseconds(-1)));
                Check.Throws<ArgumentOutOfRangeException>(
                    () => client.WaitLinked(Token, Appid, TimeSpan.FromDays(50)));
                // An asynchronous method throws them immediately.
                Check.Throws<ArgumentNullException>((Action)(() =>
                    client.UnlinkMiniProgramAsync(Token, null)));
                Check.Throws<WxArgumentException>(client.GetLinkedAsync(""));
                Check.Equal(0, sandbox.Received("get") + sandbox.Received("link"));
            }
        }

        [Test]
        public void MessagesCanBeChinese()
        {
            WxOptions options = sandbox.Options();
            options.Lang = Lang.Zh;
            using (var client = new WxClient(options))
            {
                var e = Check.Throws<WxTokenException>(() => client.GetLinked("SANDBOX-EXPIRED"));
                string remedy = WxLibrary.ErrcodeText(
                    Endpoint.Get, 42001, ErrcodeField.Remedy, Lang.Zh);
                Check.That(remedy.Length > 0, "no remedy");
                Check.Contains(remedy, e.Message);
            }
        }

        [Test]
        public void ADerivedClientHasItsOwnLimitsAndCancellation()
        {
            using (WxClient client = sandbox.Client())
            {
                var limits = new WxOptions
                {
                    Timeout = TimeSpan.FromSeconds(1),
                    MaxRetries = 0,
                };
                using (WxClient hurried = client.Derive(limits))
                {
                    sandbox.Fault("get", "before", "'hang'");
                    var e = Check.Throws<WxOutcomeUnknownException>(
                        () => hurried.GetLinked(Token));
                    Check.Equal(Status.Timeout, e.Status);
                    Check.That(e.IsTimeout, "a timeout");
                }
                using (WxClient own = client.Derive())
                {
                    own.Cancel();
                    own.Cancel();
                    var e = Check.Throws<WxCanceledException>(() => own.GetLinked(Token));
                    Check.Equal(Delivery.NeverSent, e.Delivery);
                    Check.Equal(CancellationToken.None, e.CancellationToken);
                    Check.Throws<WxCanceledException>(own.GetLinkedAsync(Token));
                }
                Check.Equal(0, client.GetLinked(Token).Errcode);
                var shared = Check.Throws<WxArgumentException>(
                    () => client.Derive(sandbox.Options()));
                Check.Equal(Status.BadOption, shared.Status);
            }
        }
    }
}
