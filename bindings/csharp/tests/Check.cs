using System;
using System.Threading;
using System.Threading.Tasks;

namespace Wxlink.Tests
{
    /// <summary>Assertions.</summary>
    internal static class Check
    {
        internal static void That(bool condition, string text)
        {
            if (!condition)
            {
                throw new InvalidOperationException(text);
            }
        }

        internal static void Equal<T>(T expected, T actual)
        {
            That(Equals(expected, actual), "expected " + Show(expected) + ", got " + Show(actual));
        }

        internal static void Contains(string part, string text)
        {
            That(text.Contains(part), "no " + part + " in " + text);
        }

        /// <summary>
        /// Makes sure that exactly this exception is thrown, and that none of its texts contains a
        /// token.
        /// </summary>
        internal static T Throws<T>(Action action)
            where T : Exception
        {
            try
            {
                action();
            }
            catch (T e) when (e.GetType() == typeof(T))
            {
                That(e.Message.Length > 0, "no message");
                var failed = e as WxException;
                string texts = e.ToString();
                if (failed != null)
                {
                    texts += failed.Result.Json + failed.Result.Trace + failed.Result;
                }
                That(!texts.Contains("SANDBOX-"), "a token in " + texts);
                return e;
            }
            throw new InvalidOperationException("no " + typeof(T).Name);
        }

        /// <summary>As <see cref="Throws"/>, for what a task ends with.</summary>
        internal static T Throws<T>(Task task)
            where T : Exception
        {
            return Throws<T>(() => task.GetAwaiter().GetResult());
        }

        /// <summary>Waits until a condition holds.</summary>
        internal static void Eventually(string what, Func<bool> condition)
        {
            DateTime end = DateTime.UtcNow.AddSeconds(60);
            while (!condition())
            {
                That(DateTime.UtcNow < end, "not within a minute: " + what);
                Thread.Sleep(5);
            }
        }

        private static string Show(object value)
        {
            return value == null ? "null" : "\"" + value + "\"";
        }
    }
}
