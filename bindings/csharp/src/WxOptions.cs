using System;

namespace Wxlink
{
    /// <summary>
    /// The options of a client. Each is checked when it is set. Clients copy the options, which may
    /// be used for several clients.
    /// </summary>
    /// <remarks>
    /// The properties can be set and not read: several options are secrets, which a logger or
    /// serializer must not find.
    /// </remarks>
    /// <example>
    /// <code>
    /// var options = new WxOptions { Timeout = TimeSpan.FromSeconds(5), Lang = Lang.Zh };
    /// </code>
    /// </example>
    public sealed partial class WxOptions
    {
        /// <summary>Also the lock: one thread at a time may use native options.</summary>
        private readonly OptionsHandle handle = NativeMethods.wx_options_new();

        internal delegate int Maker(OptionsHandle options, out ClientHandle client);

        /// <summary>
        /// Sets one option by its key, such as timeout_ms; docs/options.md lists all keys.
        /// </summary>
        /// <returns>These options.</returns>
        /// <exception cref="WxArgumentException">
        /// The key is unknown or the value is invalid; the option keeps its earlier value.
        /// </exception>
        public WxOptions Set(string key, string value)
        {
            byte[] name = Utf8.Required("key", key);
            byte[] text = Utf8.Required("value", value);
            lock (handle)
            {
                Check(NativeMethods.wx_options_set(handle, name, text));
            }
            return this;
        }

        /// <summary>
        /// Sets an option whose value is a number: of milliseconds, bytes or retries.
        /// </summary>
        /// <returns>These options.</returns>
        /// <exception cref="WxArgumentException">
        /// The key is unknown or the value is invalid; the option keeps its earlier value.
        /// </exception>
        public WxOptions Set(string key, long value)
        {
            return Set(key, ResultReader.Digits(value));
        }

        private void Set(string key, TimeSpan time)
        {
            Set(key, Milliseconds(time));
        }

        private void Set(string key, bool isOn)
        {
            Set(key, isOn ? "yes" : "no");
        }

        /// <summary>
        /// A time in milliseconds. A part of one counts as one: a short time must not become 0,
        /// which has another meaning.
        /// </summary>
        internal static long Milliseconds(TimeSpan time)
        {
            long rest = time.Ticks % TimeSpan.TicksPerMillisecond;
            return time.Ticks / TimeSpan.TicksPerMillisecond + Math.Sign(rest);
        }

        /// <summary>Makes a client with the options.</summary>
        internal ClientHandle Make(Maker maker)
        {
            lock (handle)
            {
                ClientHandle client;
                Check(maker(handle, out client));
                return client;
            }
        }

        private void Check(int status)
        {
            if (status == (int)Status.Ok)
            {
                return;
            }
            string message = Utf8.ToText(NativeMethods.wx_options_message(handle));
            throw WxException.For(new WxResult((Status)status, message));
        }
    }
}
