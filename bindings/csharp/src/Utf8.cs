using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Wxlink
{
    /// <summary>Converts between texts and the UTF-8 of the C interface.</summary>
    internal static class Utf8
    {
        private static readonly UTF8Encoding Strict = new UTF8Encoding(false, true);
        private static readonly UTF8Encoding Lenient = new UTF8Encoding(false, false);

        /// <summary>The text with a NUL at its end, as C takes it. Null remains null.</summary>
        /// <exception cref="ArgumentException">C would receive another text.</exception>
        internal static byte[] FromText(string name, string text)
        {
            if (text == null)
            {
                return null;
            }
            if (text.IndexOf('\0') >= 0)
            {
                throw new ArgumentException("The text contains a NUL.", name);
            }
            try
            {
                byte[] bytes = new byte[Strict.GetByteCount(text) + 1];
                Strict.GetBytes(text, 0, text.Length, bytes, 0);
                return bytes;
            }
            catch (EncoderFallbackException)
            {
                // Without this exception as the cause: it may contain a character of a secret.
                throw new ArgumentException("The text contains half a surrogate pair.", name);
            }
        }

        /// <summary>As <see cref="FromText"/>, for an argument that must not be null.</summary>
        internal static byte[] Required(string name, string text)
        {
            if (text == null)
            {
                throw new ArgumentNullException(name);
            }
            return FromText(name, text);
        }

        /// <summary>A text of the library that ends with a NUL.</summary>
        internal static string ToText(IntPtr text)
        {
            int length = 0;
            while (Marshal.ReadByte(text, length) != 0)
            {
                length++;
            }
            return ToText(ToBytes(text, length), length);
        }

        /// <summary>The text of bytes, with U+FFFD in place of what is not UTF-8.</summary>
        internal static string ToText(byte[] bytes, int length)
        {
            return Lenient.GetString(bytes, 0, length);
        }

        internal static byte[] ToBytes(IntPtr text, int length)
        {
            byte[] bytes = new byte[length];
            Marshal.Copy(text, bytes, 0, length);
            return bytes;
        }
    }
}
