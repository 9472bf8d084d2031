using System;
using System.IO;
using System.Text;
using Wxlink;

/// <summary>
/// Links one mini program and decides by the exception's class, not by WeChat's many errcodes, what
/// to do after a refusal.
///
///     WXLINK_ACCESS_TOKEN=... refusal APPID
///
/// WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the simulator's. Exits with 0
/// if the mini program is linked or invited, 1 if a person must act first, 2 after wrong arguments
/// or options, 3 if another token is needed, 4 if the call may be repeated later, 5 if the outcome
/// is unknown.
/// </summary>
internal static class Refusal
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
            Console.Error.WriteLine("usage: WXLINK_ACCESS_TOKEN=... refusal APPID");
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
                client.LinkMiniProgram(token, args[0], NotifyUsers.No, ShowProfile.Yes);
            }
            return Print("done: the invitation is out", 0);
        }
        catch (WxPendingException e)
        {
            return Print("done: " + e.Message, 0);
        }
        catch (WxTokenException)
        {
            return Print("token: get another access token, then call again", 3);
        }
        catch (WxBusyException)
        {
            return Print("busy: wait a little, then call again", 4);
        }
        catch (WxQuotaException)
        {
            return Print("quota: call again when it is renewed", 4);
        }
        catch (WxActionRequiredException e)
        {
            return Print("action_required: " + e.Message, 1);
        }
        catch (WxInvalidRequestException e)
        {
            return Print("invalid_request: " + e.Message, 1);
        }
        catch (WxException e) when (e.Status == Status.BadOption)
        {
            Console.Error.WriteLine(e.Message);
            return 2;
        }
        catch (WxException e)
        {
            // No answer, or an unknown errcode: read the list before linking again.
            return Print("unknown: " + e.Message, 5);
        }
    }

    private static int Print(string line, int exitCode)
    {
        Console.WriteLine(line);
        return exitCode;
    }
}
