using System;
using System.IO;
using System.Text;
using Wxlink;

/// <summary>
/// Links one mini program to an Official Account.
///
///     WXLINK_ACCESS_TOKEN=... link APPID NOTIFY_USERS SHOW_PROFILE
///
/// The token comes from the environment, because every user of the machine can see arguments.
/// WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the simulator's. Exits with 0
/// if the mini program is linked or invited, 1 if not, 2 after wrong arguments or options.
/// </summary>
internal static class Link
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
        if (token == null || args.Length != 3 || !IsFlag(args[1]) || !IsFlag(args[2]))
        {
            Console.Error.WriteLine(
                "usage: WXLINK_ACCESS_TOKEN=... link APPID NOTIFY_USERS(0|1) SHOW_PROFILE(0|1)");
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
                client.LinkMiniProgram(
                    token,
                    args[0],
                    args[1] == "1" ? NotifyUsers.Yes : NotifyUsers.No,
                    args[2] == "1" ? ShowProfile.Yes : ShowProfile.No);
            }
            Console.WriteLine("The invitation is out.");
            return 0;
        }
        catch (WxPendingException e)
        {
            Console.WriteLine(e.Message); // already invited or linked
            return 0;
        }
        catch (WxException e)
        {
            Console.Error.WriteLine(e.Message);
            return e.Status == Status.BadOption ? 2 : 1;
        }
    }

    private static bool IsFlag(string arg)
    {
        return arg == "0" || arg == "1";
    }
}
