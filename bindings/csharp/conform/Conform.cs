using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;

namespace Wxlink.Conform
{
    /// <summary>
    /// Makes the calls of the shared test vectors: one request per line on stdin, one reply per
    /// line on stdout. tests/conformance.rs describes the lines.
    /// </summary>
    internal sealed class Conform
    {
        private readonly string verb;
        private readonly Dictionary<string, byte[]> request = new Dictionary<string, byte[]>();
        private readonly StringBuilder reply = new StringBuilder();

        private Conform(string line)
        {
            string[] fields = line.Split('\t');
            verb = fields[0];
            for (int i = 1; i < fields.Length; i++)
            {
                int end = fields[i].IndexOf('=');
                request[fields[i].Substring(0, end)] = Decoded(fields[i].Substring(end + 1));
            }
        }

        private static void Main()
        {
            using (var input = new StreamReader(Console.OpenStandardInput(), Encoding.ASCII))
            using (var output = new StreamWriter(Console.OpenStandardOutput(), Encoding.ASCII))
            {
                output.NewLine = "\n";
                string line;
                while ((line = input.ReadLine()) != null)
                {
                    output.WriteLine(new Conform(line).Answer());
                    output.Flush();
                }
            }
        }

        private static byte[] Decoded(string text)
        {
            var bytes = new List<byte>();
            for (int i = 0; i < text.Length; i++)
            {
                if (text[i] == '%')
                {
                    bytes.Add(Convert.ToByte(text.Substring(i + 1, 2), 16));
                    i += 2;
                }
                else
                {
                    bytes.Add((byte)text[i]);
                }
            }
            return bytes.ToArray();
        }

        private string Answer()
        {
            switch (verb)
            {
                case "option":
                    SetOption();
                    break;
                case "errcodes":
                    Explain();
                    break;
                default:
                    MakeCall();
                    break;
            }
            return reply.ToString();
        }

        private void SetOption()
        {
            try
            {
                new WxOptions().Set(Text("key"), Text("value"));
                Put("status", Status.Ok.Name());
            }
            catch (WxException e)
            {
                Put("status", e.Status.Name());
                Put("message", e.Message);
            }
        }

        private void Explain()
        {
            var endpoint = (Endpoint)Enum.Parse(
                typeof(Endpoint), Text("endpoint").Replace("_", ""), ignoreCase: true);
            int errcode = Number("errcode");
            string name = WxLibrary.ErrcodeText(endpoint, errcode, ErrcodeField.Name);
            Put("status", (name.Length == 0 ? Status.NotFound : Status.Ok).Name());
            ErrcodeField[] fields =
            {
                ErrcodeField.Name, ErrcodeField.Class, ErrcodeField.Meaning, ErrcodeField.Remedy,
            };
            foreach (ErrcodeField field in fields)
            {
                string text = WxLibrary.ErrcodeText(endpoint, errcode, field);
                Put(field.ToString().ToLowerInvariant(), text);
            }
        }

        private void MakeCall()
        {
            try
            {
                using (var client = new WxClient(Options()))
                {
                    Put(MakeCall(client));
                }
            }
            catch (WxException e)
            {
                Put(e.Result);
            }
            catch (ArgumentException e)
            {
                // The binding refuses what C would not receive unchanged, before it calls the
                // library.
                Put("status", Status.BadValue.Name());
                Put("delivery", Word(Delivery.NeverSent));
                Put("message", e.Message);
            }
        }

        private WxOptions Options()
        {
            const string Prefix = "option.";
            var options = new WxOptions();
            foreach (string key in request.Keys)
            {
                if (key.StartsWith(Prefix, StringComparison.Ordinal))
                {
                    options.Set(key.Substring(Prefix.Length), Text(key));
                }
            }
            return options;
        }

        private WxResult MakeCall(WxClient client)
        {
            string token = Text("access_token");
            string appid = Text("appid");
            var notify = (NotifyUsers)Number("notify_users");
            var show = (ShowProfile)Number("show_profile");
            TimeSpan wait = TimeSpan.FromMilliseconds(Number("wait_ms"));
            switch (verb)
            {
                case "link":
                    return client.LinkMiniProgram(token, appid, notify, show);
                case "get":
                    return client.GetLinked(token);
                case "unlink":
                    return client.UnlinkMiniProgram(token, appid);
                case "ensure":
                    return client.EnsureLinked(token, appid, notify, show, wait);
                case "wait":
                    return client.WaitLinked(token, appid, wait);
                case "push":
                    return client.AcceptPush(Text("query"), request["body"]);
                default:
                    throw new InvalidOperationException("unknown verb " + verb);
            }
        }

        private string Text(string key)
        {
            byte[] value;
            return request.TryGetValue(key, out value) ? Encoding.UTF8.GetString(value) : null;
        }

        private int Number(string key)
        {
            return int.Parse(Text(key) ?? "0", CultureInfo.InvariantCulture);
        }

        private void Put(WxResult result)
        {
            Put("status", result.Status.Name());
            if (result.Status == Status.Ok || result.Status == Status.Api)
            {
                Put("errcode", result.Errcode);
            }
            Put("class", result.ErrorClass.Word());
            Put("delivery", Word(result.Delivery));
            Put("http_status", result.HttpStatus);
            Put("rid", result.Rid);
            Put("message", result.Message);
            Put("body", result.GetJsonBytes());
            var progress = result as LinkProgress;
            if (progress != null)
            {
                Put("state", progress.State.Word());
                Put("waits_for", progress.WaitsFor.Word());
                Put("posts", progress.Posts);
            }
            var list = result as MiniProgramList;
            if (list != null)
            {
                Put(list.Items);
            }
        }

        private void Put(IReadOnlyList<MiniProgram> items)
        {
            Put("items", items.Count);
            for (int i = 0; i < items.Count; i++)
            {
                MiniProgram item = items[i];
                string name = "item." + i + ".";
                Put(name + "status", (long?)item.Status);
                Put(name + "username", item.Username);
                Put(name + "appid", item.Appid);
                Put(name + "source", item.Source);
                Put(name + "nickname", item.Nickname);
                Put(name + "selected", item.Selected);
                Put(name + "nearby_display_status", item.NearbyDisplayStatus);
                Put(name + "released", item.Released);
                Put(name + "headimg_url", item.HeadimgUrl);
                Put(name + "copy_verify_status", item.CopyVerifyStatus);
                Put(name + "email", item.Email);
                Put(name + "func_infos", item.FuncInfos.Count);
                for (int j = 0; j < item.FuncInfos.Count; j++)
                {
                    FuncInfo info = item.FuncInfos[j];
                    Put(name + "func_infos." + j + ".id", info.Id);
                    Put(name + "func_infos." + j + ".status", info.Status);
                    Put(name + "func_infos." + j + ".name", info.Name);
                }
            }
        }

        /// <summary>The words of the vectors, such as "never sent".</summary>
        private static string Word(Delivery delivery)
        {
            return delivery.Word().Replace('_', ' ');
        }

        private void Put(string key, long? number)
        {
            if (number != null)
            {
                Put(key, number.Value.ToString(CultureInfo.InvariantCulture));
            }
        }

        private void Put(string key, string text)
        {
            if (text != null)
            {
                Put(key, Encoding.UTF8.GetBytes(text));
            }
        }

        private void Put(string key, byte[] value)
        {
            reply.Append(reply.Length == 0 ? "" : "\t").Append(key).Append('=');
            foreach (byte b in value)
            {
                if (b < ' ' || b > '~' || b == '%')
                {
                    reply.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
                }
                else
                {
                    reply.Append((char)b);
                }
            }
        }
    }
}
