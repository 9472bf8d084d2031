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
        private const string PushToken = "token0123456789";
        private const string AesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

        /// <summary>
        /// Pushes of the InfoType notify_new: their CreateTime, their signature and the encrypted
        /// message. The first has the last second of the year 9999, the last has no time.
        /// </summary>
        private static readonly string[][] TimedPushes =
        {
            new[]
            {
                "253402300799",
                "b668b0589daa35394b3bcd17b0ae1b55faa98d0d",
                "Q3stYC6hdFzMh9T8HCvyDBZUOPfIauPZftwvyOPjpf/EIxxMmfosdGkxZtH+pVYHATFZ+sgz"
                    + "NfZEYwq7GFX2pReHZnUv9Ag8rP77ePpsMP7a5ltTRVqP8GwEkX88rGAZcH2/9MkPZ9VfSTFT"
                    + "+S640JgoljOLOGoiY4mhhvMhOS0o7HRfezlfDHxHZHE4i0EA9lTc2gp5fnuAJdbniARYHw==",
            },
            new[]
            {
                "253402300800",
                "abfc7373afe3ff6afd7305cae199c8d359de652d",
                "Q3stYC6hdFzMh9T8HCvyDBZUOPfIauPZftwvyOPjpf/EIxxMmfosdGkxZtH+pVYHATFZ+sgz"
                    + "NfZEYwq7GFX2pVVrYCVVWM5UkaAqaxvX8QZWCxCjwEcz1zzXY5Z9HQRAWcdEXMzkLd0kzbGY"
                    + "qA+rEwyJHDfe3vXjwIGHGrIP9UcvPLOAQLBLCfbj33cuf3xnjSPYYI9cjQWx/Z+wJ1bNxQ==",
            },
            new[]
            {
                "1790000000000",
                "9e44d0adbd81af4a4dc52fb33cb68f62840a5ee8",
                "Q3stYC6hdFzMh9T8HCvyDBoTm6rvEXGfuC8UgJnuyr4w10JFqZjrjmYDxdC+SPUM6zRX1sRZ"
                    + "B8IocT9RZXlTWv/L2haJPv2ZLzY5JA7EP/YQoCdm+QPSOlQI7hj74Xngc0IgaR0aTW4ZteHu"
                    + "knGzEnNuuPWh2CiqyaZUG0xknWP5lZtCF1ca2o7Cm+jDIduDSEgjtZvmVvmjCWyKGQYWDw==",
            },
            new[]
            {
                "18446744073709551615",
                "b3e60631064f74d6c40d934ec3d8a015c9b2f609",
                "Q3stYC6hdFzMh9T8HCvyDHAUU/15g1/pmjL3sFMWRFSabrLqMxCm7jIvySy9MDZXbQg4vvXK"
                    + "ZBsF4kPeVIXyq++qPNiJzCtsw9SdSFK6Z+Qg+gL4ov8R2xnpj6mR5dfBJCUL115ycQeHWc6X"
                    + "qROLEa1BOyrLFreuGkHvxRDelVvaOTSmffYTaMsE3Wx7cqmctx52kY6NDC5iRNqbwW2BTQ==",
            },
            new[]
            {
                "",
                "4a6dfc295994834983804df789364f9ee4610818",
                "Q3stYC6hdFzMh9T8HCvyDJXt/mftLQda99ZeCVov0nlI7OsQSktNIDDTHpPnzA9VK6C6ScN8"
                    + "c+KALleYyctqgfKCZelfzBJqd2mQFeuESiWDvlR0u4q09mIvDXOFsq78zmzSjKalngcpiNf+"
                    + "NDyYntG2XWe8SGhSZhCyHFvzFQY=",
            },
        };

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
                sandbox.Fault(
                    "pre_auth_code",
                    "before",
                    "{'body':{'text':'{\\'pre_auth_code\\':\\'x\\',\\'expires_in\\':"
                        + long.MaxValue + "}'}}");
                AuthorizationUrls lasting = client.AuthorizationUrl(Uri);
                Check.Contains("pre_auth_code=x&", lasting.ComputerUrl);
                Check.That(lasting.ExpiresIn.TotalDays > 1e6, lasting.ExpiresIn.ToString());

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
            using (WxClient client = PushClient())
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
                Check.That(ticket.CreateTime.Value.Year > 2000, ticket.CreateTime.ToString());

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
        /// The library has accepted a push when its time is read: no time may cause an exception.
        /// </summary>
        [Test]
        public void ATimeThatDotNetCannotRepresentIsMissing()
        {
            using (WxClient client = PushClient())
            {
                for (int i = 0; i < TimedPushes.Length; i++)
                {
                    string[] push = TimedPushes[i];
                    PushEvent accepted = client.AcceptPush(
                        "timestamp=1790000000&nonce=1455013172&msg_signature=" + push[1],
                        Encoding.ASCII.GetBytes(
                            "<xml><AppId>" + Sandbox.Platform + "</AppId><Encrypt>" + push[2]
                                + "</Encrypt></xml>"));
                    Check.Equal("notify_new", accepted.Event);
                    Check.Contains(
                        "\"create_time\":" + (push[0].Length > 0 ? push[0] : "0") + ",",
                        accepted.Json);
                    long? expected = i == 0 ? long.Parse(push[0]) : (long?)null;
                    Check.Equal(expected, accepted.CreateTime?.ToUnixTimeSeconds());
                }
            }
        }

        private WxClient PushClient()
        {
            WxOptions options = sandbox.PlatformOptions();
            options.PushToken = PushToken;
            options.PushAesKey = AesKey;
            options.Account = Sandbox.Account;
            return new WxClient(options);
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
