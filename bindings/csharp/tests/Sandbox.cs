using System;
using System.Globalization;
using System.IO;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace Wxlink.Tests
{
    /// <summary>
    /// The WeChat simulator that tools/with_sandbox.py started, and its admin interface. All tests
    /// share it, one after the other: each starts with a reset.
    /// </summary>
    internal sealed class Sandbox
    {
        internal const string Token = "SANDBOX-TOKEN";
        internal const string FullToken = "SANDBOX-TOKEN-3";
        internal const string Account = "wx0a00000000000001";
        internal const string Appid = "wx0b00000000000001";
        internal const string Platform = "wx0c00000000000001";

        internal string Http
        {
            get { return Address("WXLINK_BASE_URL"); }
        }

        internal string Https
        {
            get { return Address("WXLINK_SANDBOX_HTTPS"); }
        }

        internal string CaFile
        {
            get { return Address("WXLINK_SANDBOX_CA_FILE"); }
        }

        /// <summary>
        /// Options whose client calls the simulator. Claims would outlive its resets.
        /// </summary>
        internal WxOptions Options()
        {
            return new WxOptions { BaseUrl = Http, Settle = TimeSpan.Zero };
        }

        internal WxOptions PlatformOptions()
        {
            WxOptions options = Options();
            options.ComponentAppid = Platform;
            options.ComponentAppsecret = "SANDBOX-COMPONENT-SECRET";
            return options;
        }

        internal WxClient Client()
        {
            return new WxClient(Options());
        }

        /// <summary>
        /// Sends one request to the admin interface and returns the JSON of the response. In the
        /// body ' stands for ".
        /// </summary>
        internal string Admin(string method, string path, string body = "")
        {
            var request = (HttpWebRequest)WebRequest.Create(
                Address("WXLINK_SANDBOX_ADMIN") + path);
            request.Method = method;
            request.Proxy = null;
            request.ContentType = "application/json";
            if (body.Length > 0)
            {
                byte[] bytes = Encoding.UTF8.GetBytes(body.Replace('\'', '"'));
                using (Stream stream = request.GetRequestStream())
                {
                    stream.Write(bytes, 0, bytes.Length);
                }
            }
            using (WebResponse response = request.GetResponse()) // throws for a 4xx status
            using (var reader = new StreamReader(response.GetResponseStream(), Encoding.UTF8))
            {
                return reader.ReadToEnd();
            }
        }

        internal void Reset()
        {
            Admin("POST", "reset", "{}");
        }

        /// <summary>Makes the next requests to an endpoint fail in a certain way.</summary>
        internal void Fault(string endpoint, string when, string fault, int times = 1)
        {
            Admin(
                "POST",
                "faults",
                "{'endpoint':'" + endpoint + "','when':'" + when + "','times':" + times
                    + ",'fault':" + fault + "}");
        }

        /// <summary>
        /// Makes the next list be these bytes: the characters of the text, with " for each '.
        /// </summary>
        internal void NextList(string body)
        {
            byte[] bytes = Encoding.GetEncoding("ISO-8859-1").GetBytes(body.Replace('\'', '"'));
            string base64 = Convert.ToBase64String(bytes);
            Fault("get", "before", "{'body':{'base64':'" + base64 + "'}}");
        }

        internal void Decide(string by, string decision, string appid = Appid)
        {
            Admin(
                "POST",
                "approvals",
                "{'account':'" + Account + "','appid':'" + appid + "','by':'" + by
                    + "','decision':'" + decision + "'}");
        }

        /// <summary>
        /// How many requests to an endpoint have arrived since the reset.
        /// </summary>
        internal int Received(string endpoint)
        {
            return Count("received", endpoint);
        }

        /// <summary>How many of them took effect.</summary>
        internal int Processed(string endpoint)
        {
            return Count("processed", endpoint);
        }

        /// <summary>Waits until that many requests to an endpoint have arrived.</summary>
        internal void AwaitReceived(string endpoint, int count)
        {
            Check.Eventually(
                count + " requests to " + endpoint, () => Received(endpoint) >= count);
        }

        /// <summary>The text of a field of a JSON text.</summary>
        internal static string Field(string json, string name)
        {
            Match match = Regex.Match(json, "\"" + name + "\":\"([^\"]*)\"");
            Check.That(match.Success, "no " + name + " in " + json);
            return match.Groups[1].Value;
        }

        internal static string Address(string variable)
        {
            string value = Environment.GetEnvironmentVariable(variable);
            Check.That(value != null, variable + " is not set: run bindings/csharp/test.sh");
            return value;
        }

        private int Count(string what, string endpoint)
        {
            string counts = Admin("GET", "journal/counts");
            string pattern = "\"" + what + "\":\\{[^}]*\"" + endpoint + "\":(\\d+)";
            Match match = Regex.Match(counts, pattern);
            Check.That(match.Success, "no " + pattern + " in " + counts);
            return int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
        }
    }
}
