using System;
using System.Diagnostics;
using System.Text;
using System.Threading.Tasks;

namespace Wxlink.Tests
{
    /// <summary>Runs the samples as a user does.</summary>
    internal sealed class SamplesTests
    {
        private const string Appid = Sandbox.Appid;
        private const string Expired = "SANDBOX-EXPIRED";
        private readonly Sandbox sandbox = new Sandbox();
        private string token = Sandbox.Token;
        private string baseUrl = new Sandbox().Http;
        private string output;
        private string errors;

        /// <summary>Runs a sample to its end and returns its exit code.</summary>
        private int Run(string arguments)
        {
            string checkout = Sandbox.Address("WXLINK_CHECKOUT");
            var start = new ProcessStartInfo(checkout + "/bindings/csharp/run.sh", arguments)
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                StandardOutputEncoding = Encoding.UTF8,
                StandardErrorEncoding = Encoding.UTF8,
            };
            start.EnvironmentVariables["WXLINK_BASE_URL"] = baseUrl;
            start.EnvironmentVariables.Remove("WXLINK_ACCESS_TOKEN");
            // The samples print UTF-8 in every locale.
            start.EnvironmentVariables["LC_ALL"] = "C";
            if (token != null)
            {
                start.EnvironmentVariables["WXLINK_ACCESS_TOKEN"] = token;
            }
            using (Process process = Process.Start(start))
            {
                Task<string> read = Task.Run(() => process.StandardError.ReadToEnd());
                output = process.StandardOutput.ReadToEnd();
                errors = read.Result;
                process.WaitForExit();
                return process.ExitCode;
            }
        }

        private void Prints(string text, int code, string arguments)
        {
            int actual = Run(arguments);
            Check.That(actual == code, "exit code " + actual + ": " + errors);
            Check.That(output.StartsWith(text, StringComparison.Ordinal), output);
            Check.Equal(output.Length - 1, output.IndexOf('\n'));
            Check.Equal("", errors);
        }

        private void Fails(string text, int code, string arguments)
        {
            Check.Equal(code, Run(arguments));
            Check.Equal("", output);
            Check.That(errors.StartsWith(text, StringComparison.Ordinal), errors);
            Check.Equal(errors.Length - 1, errors.IndexOf('\n'));
        }

        [Test]
        public void LinkAndUnlink()
        {
            Prints("The invitation is out.\n", 0, "link " + Appid + " 0 1");
            Prints("linkMiniprogram: WeChat answered 89010 ", 0, "link " + Appid + " 0 1");
            Fails("linkMiniprogram: WeChat answered 89013 ", 1, "link wx0b000000000000e1 0 1");
            Fails("unlinkMiniprogram: ", 1, "unlink " + Appid);
            sandbox.Decide("official_account", "agree");
            sandbox.Decide("mini_program", "agree");
            Prints("linkMiniprogram: WeChat answered 89015 ", 0, "link " + Appid + " 0 1");
            Prints(
                "The Official Account's administrator has been asked.\n", 0, "unlink " + Appid);
            Prints("unlinkMiniprogram: WeChat answered 89018 ", 0, "unlink " + Appid);
        }

        [Test]
        public void TheList()
        {
            token = Sandbox.FullToken;
            Check.Equal(0, Run("list"));
            string[] rows =
            {
                Row("APPID", "ORIGINAL ID", "STATUS", "NAME"),
                Row("wx0b00000000000011", "gh_000000000011", "linked", "示例小程序11"),
                Row(
                    "wx0b00000000000012",
                    "gh_000000000012",
                    "waiting for the Official Account's administrator",
                    "示例小程序12"),
                Row(
                    "wx0b00000000000013",
                    "gh_000000000013",
                    "waiting for the mini program's administrator",
                    "示例小程序13"),
                Row(
                    "-",
                    "gh_000000000014",
                    "refused by the mini program's administrator",
                    "示例小程序14"),
                Row("wx0b00000000000015", "gh_000000000015", "linked", "示例小程序15"),
                Row("wx0a00000000000004", "gh_000000000004", "linked", "示例服务号"),
            };
            Check.Equal(string.Concat(rows), output);
            token = Sandbox.Token;
            Check.Equal(0, Run("list"));
            Check.That(output.EndsWith("NAME\n  (none)\n", StringComparison.Ordinal), output);
            token = Expired;
            Fails("getLinkMiniprogram: WeChat answered 42001 ", 1, "list");
        }

        private static string Row(string appid, string id, string status, string name)
        {
            return "  " + appid.PadRight(18) + "  " + id.PadRight(18) + "  " + status.PadRight(48)
                + "  " + name + "\n";
        }

        [Test]
        public void Refusals()
        {
            Prints("done: the invitation is out\n", 0, "refusal " + Appid);
            Prints("done: linkMiniprogram: WeChat answered 89010 ", 0, "refusal " + Appid);
            Prints(
                "action_required: linkMiniprogram: WeChat answered 89013 ",
                1,
                "refusal wx0b000000000000e1");
            Answer(89016);
            Prints("quota: call again when it is renewed\n", 4, "refusal " + Appid);
            Answer(-1);
            Prints("busy: wait a little, then call again\n", 4, "refusal " + Appid);
            Answer(40013);
            Prints(
                "invalid_request: linkMiniprogram: WeChat answered 40013 ", 1, "refusal " + Appid);
            Answer(123456);
            Prints("unknown: linkMiniprogram: ", 5, "refusal " + Appid);
            sandbox.Fault("link", "before", "{'drop':'close'}");
            Prints("unknown: linkMiniprogram: ", 5, "refusal " + Appid);
            token = Expired;
            Prints("token: get another access token, then call again\n", 3, "refusal " + Appid);
        }

        private void Answer(int errcode)
        {
            sandbox.Fault("link", "before", "{'errcode':{'code':" + errcode + "}}");
        }

        [Test]
        public void WrongArgumentsAndOptions()
        {
            Fails("usage: ", 2, "link " + Appid + " 0");
            Fails("usage: ", 2, "link " + Appid + " 2 1");
            Fails("usage: ", 2, "unlink");
            Fails("usage: ", 2, "refusal");
            Fails("usage: ", 2, "nothing");
            baseUrl = "http://example.com";
            Fails("BAD_OPTION: ", 2, "link " + Appid + " 0 1");
            Fails("BAD_OPTION: ", 2, "list");
            Fails("BAD_OPTION: ", 2, "unlink " + Appid);
            Fails("BAD_OPTION: ", 2, "refusal " + Appid);
            token = null;
            Fails("usage: ", 2, "list");
            Check.Equal(0, sandbox.Received("link"));
        }
    }
}
