using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Wxlink.Tests
{
    /// <summary>
    /// What is declared in C# is what the header declares and the library returns.
    /// </summary>
    internal sealed class HeaderTests
    {
        private static readonly string Checkout = Sandbox.Address("WXLINK_CHECKOUT");

        private static MethodInfo[] Functions()
        {
            return typeof(WxClient).Assembly.GetType("Wxlink.NativeMethods", true)
                .GetMethods(BindingFlags.Static | BindingFlags.NonPublic);
        }

        [Test]
        public void EveryFunctionIsThereExceptExec()
        {
            string header = File.ReadAllText(Path.Combine(Checkout, "include", "wxlink.h"));
            var theirs = new SortedSet<string>();
            foreach (Match function in Regex.Matches(header, @"(?m)^\w[\w *]*?(wx_\w+)\("))
            {
                // For Visual Basic and the like.
                if (function.Value.Contains("__stdcall"))
                {
                    continue;
                }
                theirs.Add(function.Groups[1].Value);
            }
            Check.That(theirs.Remove("wx_exec"), "wx_exec is for hosts without handles");
            IEnumerable<string> ours = Functions().Select(method => method.Name);
            Check.Equal(string.Join(" ", theirs), string.Join(" ", ours.OrderBy(
                name => name, StringComparer.Ordinal)));
        }

        /// <summary>
        /// Every parameter has the size that the header declares on every platform, and no text is
        /// converted by the runtime.
        /// </summary>
        [Test]
        public void TheTypesAreThoseOfTheHeader()
        {
            string header = File.ReadAllText(Path.Combine(Checkout, "include", "wxlink.h"));
            foreach (MethodInfo method in Functions())
            {
                Match declared = Regex.Match(
                    header, @"(?m)^(\w[\w *]*?)" + method.Name + @"\(([^)]*)\);");
                Check.Equal(Ours(method.ReturnType, method.Name), Theirs(declared.Groups[1].Value));
                string[] parameters = declared.Groups[2].Value == "void"
                    ? new string[0]
                    : declared.Groups[2].Value.Split(',');
                Check.Equal(parameters.Length, method.GetParameters().Length);
                for (int i = 0; i < parameters.Length; i++)
                {
                    string type = Regex.Replace(parameters[i].Trim(), @"\w+$", "");
                    Check.Equal(
                        method.Name + " " + Theirs(type),
                        method.Name + " " + Ours(method.GetParameters()[i].ParameterType, ""));
                }
                var import = (DllImportAttribute)method.GetCustomAttributes(
                    typeof(DllImportAttribute), false).Single();
                Check.Equal(CallingConvention.Cdecl, import.CallingConvention);
                Check.That(import.ExactSpelling, method.Name + " may have another name");
            }
        }

        /// <summary>
        /// File names of Windows ignore case, and the runtime looks for the native library beside
        /// the assembly first: with one name for both it would find the assembly.
        /// </summary>
        [Test]
        public void TheNativeLibraryHasAnotherNameThanTheAssembly()
        {
            Assembly assembly = typeof(WxClient).Assembly;
            Check.Equal("Wxlink.Net", assembly.GetName().Name);
            Check.Equal("Wxlink.Net.dll", Path.GetFileName(assembly.Location));
            foreach (MethodInfo method in Functions())
            {
                var import = (DllImportAttribute)method.GetCustomAttributes(
                    typeof(DllImportAttribute), false).Single();
                // The name of the file in the archives for Windows, without .dll.
                Check.Equal("wxlink", import.Value);
                Check.That(
                    !assembly.GetName().Name.Equals(
                        import.Value, StringComparison.OrdinalIgnoreCase),
                    method.Name + " is imported from the assembly itself");
            }
        }

        private static string Theirs(string type)
        {
            string plain = Regex.Replace(type, @"\bconst\b|\s", "");
            return Regex.Replace(plain, @"^(wx_(client|options|result)|char)\*$", "pointer");
        }

        private static string Ours(Type type, string function)
        {
            bool isOut = type.IsByRef;
            if (isOut)
            {
                type = type.GetElementType();
            }
            string name;
            if (typeof(SafeHandle).IsAssignableFrom(type))
            {
                string native = "wx_" + type.Name.Replace("Handle", "").ToLowerInvariant();
                name = isOut ? native + "*" : "pointer";
            }
            else if (type == typeof(byte[]) || type == typeof(IntPtr))
            {
                name = "pointer";
            }
            else if (type == typeof(UIntPtr))
            {
                name = "size_t";
            }
            else if (type == typeof(void))
            {
                name = "void";
            }
            else
            {
                name = type.Name.Replace("UInt32", "uint32_t").Replace("Int32", "int32_t");
            }
            return isOut ? name + "*" : name;
        }

        [Test]
        public void TheLibraryKnowsEveryStatusAndClass()
        {
            foreach (Status status in Enum.GetValues(typeof(Status)))
            {
                string name = status.Name();
                Check.Equal(name.Replace("_", ""), status.ToString().ToUpperInvariant());
                Check.That(status.Text().StartsWith(name + ": "), status.Text());
            }
            Check.Equal("", ((Status)12345).Name());
            Check.Equal("", ((Status)12345).Text());
            MethodInfo text = Functions().Single(method => method.Name == "wx_class_text");
            foreach (ErrorClass known in Enum.GetValues(typeof(ErrorClass)))
            {
                var word = (IntPtr)text.Invoke(null, new object[] { (int)known, null, null });
                Check.Equal(Marshal.PtrToStringAnsi(word), known.Word());
            }
        }

        [Test]
        public void ClosedSetsHaveWords()
        {
            Check.Equal("action_required", ErrorClass.ActionRequired.Word());
            Check.Equal("", ErrorClass.None.Word());
            Check.Equal("", ((ErrorClass)77).Word());
            Check.Equal("never_sent", Delivery.NeverSent.Word());
            Check.Equal("in_doubt", LinkState.InDoubt.Word());
            Check.Equal("official_account", Administrator.OfficialAccount.Word());
            Check.Equal("", Administrator.None.Word());
            Check.Equal("create_preauthcode", Endpoint.CreatePreauthcode.Word());
            Check.Equal("zh", Lang.Zh.Word());
            Check.Equal("bundled", Trust.Bundled.Word());
        }

        [Test]
        public void TheErrcodesCanBeRead()
        {
            Check.That(WxLibrary.AbiVersion >= 1, "no version");
            Check.Equal(
                "LINK_MESSAGE_SENT",
                WxLibrary.ErrcodeText(Endpoint.Link, 89010, ErrcodeField.Name));
            Check.Equal("pending", WxLibrary.ErrcodeText(null, 89010, ErrcodeField.Class));
            foreach (ErrcodeField field in Enum.GetValues(typeof(ErrcodeField)))
            {
                foreach (Lang lang in Enum.GetValues(typeof(Lang)))
                {
                    string text = WxLibrary.ErrcodeText(Endpoint.Link, 89010, field, lang);
                    Check.That(text.Length > 0, field + " " + lang);
                }
            }
            Check.Equal("", WxLibrary.ErrcodeText(Endpoint.Link, -5, ErrcodeField.Name));
            Check.Contains("\"LINK_MESSAGE_SENT\"", WxLibrary.ErrcodesJson);
        }
    }
}
