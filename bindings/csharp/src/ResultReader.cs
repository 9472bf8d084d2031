using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Wxlink
{
    /// <summary>Reads values from a native result.</summary>
    internal static class ResultReader
    {
        /// <summary>
        /// The text of a string at a JSON pointer, or the JSON of another value; null if there is
        /// no value.
        /// </summary>
        internal static string Text(ResultHandle result, string pointer)
        {
            byte[] place = Utf8.FromText("pointer", pointer);
            int length = NativeMethods.wx_result_get(result, place, null, UIntPtr.Zero);
            if (length < 0)
            {
                return null;
            }
            byte[] value = new byte[length + 1];
            NativeMethods.wx_result_get(result, place, value, new UIntPtr((uint)value.Length));
            return Utf8.ToText(value, length);
        }

        /// <summary>As <see cref="Text"/>, with the empty text for a missing value.</summary>
        internal static string TextOrEmpty(ResultHandle result, string pointer)
        {
            return Text(result, pointer) ?? "";
        }

        /// <summary>A whole number at a JSON pointer; null if there is none.</summary>
        internal static long? Number(ResultHandle result, string pointer)
        {
            return Number(Text(result, pointer));
        }

        /// <summary>A whole number at a JSON pointer; 0 if there is none.</summary>
        internal static long NumberOrZero(ResultHandle result, string pointer)
        {
            return Number(result, pointer) ?? 0;
        }

        /// <summary>The whole decimal number that a text is; null for any other text.</summary>
        internal static long? Number(string text)
        {
            long number;
            bool isNumber = long.TryParse(
                text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
            return isNumber ? number : (long?)null;
        }

        /// <summary>true or false at a JSON pointer; null if there is neither.</summary>
        internal static bool? Flag(ResultHandle result, string pointer)
        {
            switch (Text(result, pointer))
            {
                case "true":
                    return true;
                case "false":
                    return false;
                default:
                    return null;
            }
        }

        /// <summary>The numbers of an array at a JSON pointer; null if there is no array.</summary>
        internal static IReadOnlyList<long> Numbers(ResultHandle result, string pointer)
        {
            if (!TextOrEmpty(result, pointer).StartsWith("[", StringComparison.Ordinal))
            {
                return null;
            }
            var numbers = new List<long>();
            while (true)
            {
                long? number = Number(result, pointer + "/" + Digits(numbers.Count));
                if (number == null)
                {
                    return numbers.AsReadOnly();
                }
                numbers.Add(number.Value);
            }
        }

        /// <summary>The names of an object's fields. The library has made its JSON.</summary>
        internal static List<string> Names(string json)
        {
            var names = new List<string>();
            int depth = 0;
            for (int i = 0; i < json.Length; i++)
            {
                switch (json[i])
                {
                    case '{':
                    case '[':
                        depth++;
                        break;
                    case '}':
                    case ']':
                        depth--;
                        break;
                    case '"':
                        string text = StringAt(json, ref i);
                        if (depth == 1 && i + 1 < json.Length && json[i + 1] == ':')
                        {
                            names.Add(text);
                        }
                        break;
                }
            }
            return names;
        }

        /// <summary>
        /// The text of the JSON string that starts at i, which becomes the place of its end.
        /// </summary>
        private static string StringAt(string json, ref int i)
        {
            var text = new StringBuilder();
            for (i++; json[i] != '"'; i++)
            {
                if (json[i] != '\\')
                {
                    text.Append(json[i]);
                    continue;
                }
                i++;
                int escape = "bfnrt".IndexOf(json[i]);
                if (escape >= 0)
                {
                    text.Append("\b\f\n\r\t"[escape]);
                }
                else if (json[i] == 'u')
                {
                    text.Append((char)Convert.ToInt32(json.Substring(i + 1, 4), 16));
                    i += 4;
                }
                else
                {
                    text.Append(json[i]);
                }
            }
            return text.ToString();
        }

        /// <summary>A number as the C interface writes it, whatever the culture is.</summary>
        internal static string Digits(long number)
        {
            return number.ToString(CultureInfo.InvariantCulture);
        }
    }
}
