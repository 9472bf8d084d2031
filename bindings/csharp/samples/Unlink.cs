using System;
using System.IO;
using System.Text;
using Wxlink;

/// <summary>
/// Asks to unlink one mini program from an Official Account.
///
///     WXLINK_ACCESS_TOKEN=... unlink APPID
///
/// WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the simulator's. Exits with 0
/// if the administrator has been asked, now or before, 1 if not, 2 after wrong arguments or
/// options.
/// </summary>
internal static class Unlink
{
    private static int Main(string[] args)
    {
        try
        {
            Console.OutputEncoding = new UTF8Encoding(false);
        }
        catch (IOException)
        {
            // There is no console, and so no encoding to change.
        }
        string token = Environment.GetEnvironmentVariable("WXLINK_ACCESS_TOKEN");
        string baseUrl = Environment.GetEnvironmentVariable("WXLINK_BASE_URL");
        if (token == null || args.Length != 1)
        {
            Console.Error.WriteLine("usage: WXLINK_ACCESS_TOKEN=... unlink APPID");
            return 2;
        }
        try
        {
            var options = new WxOptions();
            if (baseUrl != null)
            {
                options.BaseUrl = baseUrl;
            }
            using (var client = new WxClient(options))
            {
                client.UnlinkMiniProgram(token, args[0]);
            }
            Console.WriteLine("The Official Account's administrator has been asked.");
            return 0;
        }
        catch (WxPendingException e)
        {
            Console.WriteLine(e.Message); // already asked
            return 0;
        }
        catch (WxException e)
        {
            Console.Error.WriteLine(e.Message);
            return e.Status == Status.BadOption ? 2 : 1;
        }
    }
}
