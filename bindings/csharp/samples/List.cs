using System;
using System.IO;
using System.Text;
using Wxlink;

/// <summary>
/// Lists the mini programs that are linked to an Official Account, and the invitations.
///
///     WXLINK_ACCESS_TOKEN=... list
///
/// WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the simulator's. Exits with
/// 0, 1 if the list could not be read, 2 after wrong arguments or options.
/// </summary>
internal static class List
{
    private const string Row = "  {0,-18}  {1,-18}  {2,-48}  {3}";

    private static int Main()
    {
        try
        {
            Console.OutputEncoding = new UTF8Encoding(false);
        }
        catch (IOException)
        {
            // There is no console: the list goes to a file or another program, in UTF-8, too.
            var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false));
            output.AutoFlush = true;
            Console.SetOut(output);
        }
        string token = Environment.GetEnvironmentVariable("WXLINK_ACCESS_TOKEN");
        string baseUrl = Environment.GetEnvironmentVariable("WXLINK_BASE_URL");
        if (token == null)
        {
            Console.Error.WriteLine("usage: WXLINK_ACCESS_TOKEN=... list");
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
                Print(client.GetLinked(token));
            }
            return 0;
        }
        catch (WxException e)
        {
            Console.Error.WriteLine(e.Message);
            return e.Status == Status.BadOption ? 2 : 1;
        }
    }

    private static void Print(MiniProgramList list)
    {
        Console.WriteLine(Row, "APPID", "ORIGINAL ID", "STATUS", "NAME");
        foreach (MiniProgram item in list.Items)
        {
            Console.WriteLine(
                Row,
                OrDash(item.Appid),
                OrDash(item.Username),
                Describe(item.Status),
                OrDash(item.Nickname));
        }
        if (list.Items.Count == 0)
        {
            Console.WriteLine("  (none)");
        }
    }

    /// <summary>Every field may be missing.</summary>
    private static string OrDash(string text)
    {
        return string.IsNullOrEmpty(text) ? "-" : text;
    }

    private static string Describe(LinkStatus? status)
    {
        switch (status)
        {
            case null:
                return "-";
            case LinkStatus.Linked:
                return "linked";
            case LinkStatus.AwaitingMiniProgram:
                return "waiting for the mini program's administrator";
            case LinkStatus.Refused:
                return "refused by the mini program's administrator";
            case LinkStatus.AwaitingOfficialAccount:
                return "waiting for the Official Account's administrator";
            default:
                return status.ToString(); // the digits of a number that WeChat has added
        }
    }
}
