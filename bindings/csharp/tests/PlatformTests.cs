using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Wxlink.Tests
{
    /// <summary>A third-party platform: tickets, accounts, pushes, authorisations.</summary>
    internal sealed class PlatformTests
    {
        private readonly Sandbox sandbox = new Sandbox();

        [Test]
        public void APlatformGetsItsTokens()
        {
            WxOptions options = sandbox.PlatformOptions();
            options.Account = Sandbox.Account;
            using (var client = new WxClient(options))
            {
                var missing = Check.Throws<WxNotSentException>(() => client.GetLinked(""));
                Check.Equal(Status.NoToken, missing.Status);
                Check.Equal(
                    Status.BadValue,
                    Check.Throws<WxArgumentException>(() => client.SetTicket("")).Status);
                client.SetTicket("REFUSED-TICKET");
                var refused = Check.Throws<WxTicketException>(() => client.GetLinked(null));
                Check.Equal(Status.NoToken, refused.Status);
                Check.Equal(ErrorClass.Ticket, refused.ErrorClass);
                Check.Equal(Delivery.NeverSent, refused.Delivery);
                client.SetTicketAsync("SANDBOX-TICKET").Wait();
                client.AddAccountAsync(Sandbox.Account, "SANDBOX-REFRESH-1").Wait();
                Check.Equal(Status.Ok, client.GetLinked("").Status);
                Check.Equal(1L, client.Stats().Endpoints[Endpoint.AuthorizerToken].Calls);
                Check.That(client.Stats().TokensFetched > 0, "no token was fetched");
            }
        }

        [Test]
        public void AnAccountAuthorisesThePlatform()
        {
            using (var client = new WxClient(sandbox.PlatformOptions()))
            {
                const string Uri = "https://shop.example/authorised?a=1&b=示例";
                var none = Check.Throws<WxNotSentException>(() => client.AuthorizationUrl(Uri));
                Check.Equal(Status.NoToken, none.Status);
                client.SetTicket("SANDBOX-TICKET");
                AuthorizationUrls urls = client.AuthorizationUrl(Uri);
                Check.Contains("pre_auth_code=", urls.ComputerUrl);
                Check.Contains("pre_auth_code=", urls.PhoneUrl);
                Check.That(urls.ExpiresIn > TimeSpan.FromMinutes(1), urls.ExpiresIn.ToString());
                Check.That(!urls.ToString().Contains("pre_auth_code"), "a code in a log");
                AuthorizationUrls one = client.AuthorizationUrlAsync(Uri, Sandbox.Account).Result;
                Check.Contains(Sandbox.Account, one.ComputerUrl);
                Check.Throws<WxArgumentException>(() => client.AuthorizationUrl("no URL"));

                string given = sandbox.Admin(
                    "POST", "authorizations", "{'account':'" + Sandbox.Account + "'}");
                string code = Sandbox.Field(given, "authorization_code");
                Authorization authorization = client.AcceptAuthorization(code);
                Check.Equal(Sandbox.Account, authorization.Account);
                Check.Equal(true, authorization.MayLink);
                Check.That(authorization.PermissionSets.Contains(33), "no set 33");
                // A browser loads its page again.
                Check.Equal(
                    Sandbox.Account, client.AcceptAuthorizationAsync(code).Result.Account);
                var refused = Check.Throws<WxActionRequiredException>(
                    () => client.AcceptAuthorization("x"));
                Check.Equal(Delivery.Answered, refused.Delivery);

                AccountInfo info = client.AccountInfo(Sandbox.Account);
                Check.Equal(Sandbox.Account, info.Account);
                Check.Equal(AccountKind.OfficialAccount, info.Kind);
                Check.Equal(AccountStatus.Normal, info.AccountStatus);
                Check.Equal(2L, info.ServiceType);
                Check.That(info.GhId.StartsWith("gh_"), info.GhId);
                Check.That(info.Name.Length > 0 && info.Subject.Length > 0, "no name or subject");
                Check.Equal(true, info.MayLink);
                Check.Equal(
                    info.Name, client.AccountInfoAsync(Sandbox.Account).Result.Name);
            }
        }

        [Test]
        public void PushesAreAcceptedAndOthersRefused()
        {
            const string PushToken = "token0123456789";
            const string AesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
            WxOptions options = sandbox.PlatformOptions();
            options.PushToken = PushToken;
            options.PushAesKey = AesKey;
            options.Account = Sandbox.Account;
            using (var client = new WxClient(options))
            using (var receiver = new PushReceiver())
            {
                // WeChat pushes a ticket as soon as it has the URL.
                sandbox.Admin(
                    "PUT",
                    "component/push",
                    "{'url':'" + receiver.Url + "','token':'" + PushToken + "','aes_key':'" + AesKey
                        + "'}");
                PushEvent ticket = receiver.Next(client.AcceptPush);
                Check.Equal("component_verify_ticket", ticket.Event);
                Check.Equal(PushAction.TicketStored, ticket.Action);
                Check.Equal(null, ticket.Account);
                Check.Equal(null, ticket.Fields);
                Check.Equal("", ticket.Reason);
                Check.That(ticket.CreateTime.Year > 2000, ticket.CreateTime.ToString());

                string notice =
                    "{'info_type':'notify_new','fields':{'status':0,'msg':'名字 \\\\ 😀'}}";
                sandbox.Admin("POST", "pushes", notice);
                PushEvent unknown = receiver.Next(
                    (query, body) => client.AcceptPushAsync(query, body).Result);
                Check.Equal("notify_new", unknown.Event);
                Check.Equal(PushAction.Unhandled, unknown.Action);
                Check.Equal("名字 \\ 😀", unknown.Fields["msg"]);
                Check.Equal("0", unknown.Fields["status"]);
                Check.That(!unknown.Fields.ContainsKey("none"), "a field too many");

                sandbox.Admin("POST", "faults", "{'fault':{'push':'wrong_signature'}}");
                sandbox.Admin("POST", "pushes", notice);
                receiver.Next((query, body) =>
                {
                    var e = Check.Throws<WxArgumentException>(
                        () => client.AcceptPush(query, body));
                    Check.Equal(Status.BadPush, e.Status);
                    return null;
                });
                Check.Throws<WxArgumentException>(() => client.AcceptPush("", new byte[0]));
                Check.Throws<WxArgumentException>(
                    () => client.AcceptPush("a=\u4e2d", new byte[300000]));
            }
        }

        /// <summary>
        /// A web server that receives the simulator's pushes, one after the other.
        /// </summary>
        private sealed class PushReceiver : IDisposable
        {
            private readonly TcpListener listener = new TcpListener(IPAddress.Loopback, 0);

            internal PushReceiver()
            {
                listener.Start();
            }

            internal string Url
            {
                get { return "http://" + listener.LocalEndpoint + "/"; }
            }

            /// <summary>
            /// Passes the next push on, and answers success if there is an event.
            /// </summary>
            internal PushEvent Next(Func<string, byte[], PushEvent> accept)
            {
                using (TcpClient connection = listener.AcceptTcpClient())
                using (NetworkStream stream = connection.GetStream())
                {
                    string[] head = Line(stream).Split(' ');
                    int length = 0;
                    string header;
                    while ((header = Line(stream)).Length > 0)
                    {
                        string[] field = header.Split(new[] { ':' }, 2);
                        if (field[0].Equals("content-length", StringComparison.OrdinalIgnoreCase))
                        {
                            length = int.Parse(field[1]);
                        }
                    }
                    byte[] body = new byte[length];
                    for (int read = 0; read < length;)
                    {
                        read += stream.Read(body, read, length - read);
                    }
                    PushEvent accepted = accept(head[1].Substring(head[1].IndexOf('?') + 1), body);
                    string answer = accepted == null
                        ? "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n"
                        : "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n";
                    byte[] bytes = Encoding.ASCII.GetBytes(
                        answer + "Connection: close\r\n\r\n" + (accepted == null ? "" : "success"));
                    stream.Write(bytes, 0, bytes.Length);
                    return accepted;
                }
            }

            public void Dispose()
            {
                listener.Stop();
            }

            private static string Line(Stream stream)
            {
                var line = new StringBuilder();
                while (true)
                {
                    int next = stream.ReadByte();
                    if (next < 0 || next == '\n')
                    {
                        return line.ToString().TrimEnd('\r');
                    }
                    line.Append((char)next);
                }
            }
        }
    }
}
