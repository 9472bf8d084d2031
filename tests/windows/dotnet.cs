using System;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Wxlink;

/// <summary>
/// Calls the library as a .NET program for Windows does, and prints the results as lines of
/// NAME=VALUE in UTF-8:
///
///     dotnet BASE_URL TOKEN APPID ACCOUNT FOLDER
///
/// It waits for a byte of its input before it lists, and before it cancels its wait.
/// </summary>
internal static class Dotnet
{
    private static readonly Stream Input = Console.OpenStandardInput();

    // Apart from the console, which may have another encoding.
    private static readonly StreamWriter Output =
        new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false));

    private static void Main(string[] args)
    {
        string token = args[1];
        string appid = args[2];
        var options = new WxOptions
        {
            BaseUrl = args[0],
            Account = args[3],
            Lang = Lang.Zh,
            Store = "file:" + args[4] + "/令牌.db",
        };
        Print("platform", Environment.OSVersion.Platform.ToString());
        Print("library", WxLibrary.Version);
        using (var client = new WxClient(options))
        {
            LinkProgress link = client.EnsureLinked(
                token, appid, NotifyUsers.No, ShowProfile.Yes);
            Print("ensured", link.State + " " + link.WaitsFor + " " + link.Posts);
            Input.ReadByte();
            foreach (MiniProgram item in client.GetLinked(token).Items)
            {
                Print("item", item.Appid + " " + item.Nickname);
            }
            Print("refused", Failure(() => client.UnlinkMiniProgram(token, "wx-none")));
        }
        options.Store = "file:" + args[4] + "/没有/store.db";
        using (var client = new WxClient(options))
        {
            // One that is not invited yet, so that the store is needed.
            const string Other = "wx0b00000000000002";
            Print("missing", Failure(
                () => client.EnsureLinked(token, Other, NotifyUsers.No, ShowProfile.Yes)));
        }
        options.Store = "memory";
        using (var client = new WxClient(options))
        using (var source = new CancellationTokenSource())
        {
            Task<LinkProgress> wait = client.WaitLinkedAsync(
                token, appid, TimeSpan.FromMinutes(10), source.Token);
            Print("completed", wait.IsCompleted.ToString());
            Input.ReadByte();
            source.Cancel();
            try
            {
                Print("ended", wait.GetAwaiter().GetResult().State.ToString());
            }
            catch (WxCanceledException e)
            {
                Print("cancelled", (e.CancellationToken == source.Token).ToString());
            }
        }
    }

    private static string Failure(Action call)
    {
        try
        {
            call();
            return "none";
        }
        catch (WxException e)
        {
            return e.GetType().Name + " " + e.Message;
        }
    }

    private static void Print(string name, string value)
    {
        Output.Write(name + "=" + value + "\n");
        Output.Flush();
    }
}
