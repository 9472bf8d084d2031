using System;
using System.Text;

namespace Wxlink
{
    /// <summary>
    /// The words that the library's JSON, the command and the other languages use for the values
    /// of the enums.
    /// </summary>
    public static class WxWords
    {
        /// <summary>
        /// The name of a status, such as CONNECTION_LOST; empty for a number that the library
        /// does not know.
        /// </summary>
        public static string Name(this Status status)
        {
            string text = status.Text();
            int end = text.IndexOf(':');
            return end < 0 ? "" : text.Substring(0, end);
        }

        /// <summary>
        /// What a status means and what to do next, in English: "NAME: text". Empty for a number
        /// that the library does not know.
        /// </summary>
        public static string Text(this Status status)
        {
            return Utf8.ToText(NativeMethods.wx_status_text((int)status));
        }

        /// <summary>The class, such as action_required; empty for None.</summary>
        public static string Word(this ErrorClass errorClass)
        {
            return errorClass == ErrorClass.None ? "" : Of(errorClass);
        }

        /// <summary>Whether WeChat may have seen the request, such as never_sent.</summary>
        public static string Word(this Delivery delivery)
        {
            return Of(delivery);
        }

        /// <summary>The state, such as in_doubt.</summary>
        public static string Word(this LinkState state)
        {
            return Of(state);
        }

        /// <summary>The administrator, such as official_account; empty for None.</summary>
        public static string Word(this Administrator administrator)
        {
            return administrator == Administrator.None ? "" : Of(administrator);
        }

        /// <summary>The endpoint, such as query_auth.</summary>
        public static string Word(this Endpoint endpoint)
        {
            return Of(endpoint);
        }

        /// <summary>The value of the option lang: en or zh.</summary>
        public static string Word(this Lang lang)
        {
            return Of(lang);
        }

        /// <summary>The value of the option trust: system or bundled.</summary>
        public static string Word(this Trust trust)
        {
            return Of(trust);
        }

        /// <summary>
        /// The word for a value of an enum: InDoubt is in_doubt. Empty for a number without a
        /// name.
        /// </summary>
        internal static string Of<T>(T value)
            where T : struct
        {
            if (!Enum.IsDefined(typeof(T), value))
            {
                return "";
            }
            var word = new StringBuilder();
            foreach (char letter in value.ToString())
            {
                if (letter >= 'A' && letter <= 'Z')
                {
                    word.Append(word.Length == 0 ? "" : "_").Append((char)(letter - 'A' + 'a'));
                }
                else
                {
                    word.Append(letter);
                }
            }
            return word.ToString();
        }

        /// <summary>
        /// The value of an enum that a word stands for; the first one, such as Unknown, if there
        /// is none.
        /// </summary>
        internal static T Parse<T>(string word)
            where T : struct
        {
            foreach (T value in Enum.GetValues(typeof(T)))
            {
                if (Of(value) == word)
                {
                    return value;
                }
            }
            return default(T);
        }
    }
}
