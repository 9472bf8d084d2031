using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text;
using System.Threading;

namespace Wxlink.Tests
{
    /// <summary>Marks a method that is a test. It is called on an object of its own.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    internal sealed class TestAttribute : Attribute
    {
    }

    /// <summary>
    /// Runs the tests of all classes, or of those that the arguments name, one after the other.
    /// Exits with 0 if all have passed.
    /// </summary>
    internal static class Program
    {
        private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

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
            int passed = 0;
            int failed = 0;
            foreach (MethodInfo test in Tests(args))
            {
                Exception failure = Run(test);
                string name = test.DeclaringType.Name + "." + test.Name;
                if (failure == null)
                {
                    passed++;
                    Console.WriteLine("ok " + name);
                }
                else
                {
                    failed++;
                    Console.WriteLine("FAILED " + name + "\n" + failure);
                }
            }
            Console.WriteLine("{0} passed, {1} failed", passed, failed);
            return failed == 0 && passed > 0 ? 0 : 1;
        }

        private static IEnumerable<MethodInfo> Tests(string[] classes)
        {
            return from type in typeof(Program).Assembly.GetTypes()
                   where classes.Length == 0 || classes.Contains(type.Name)
                   from method in type.GetMethods()
                   where method.IsDefined(typeof(TestAttribute), false)
                   orderby type.Name, method.Name
                   select method;
        }

        private static Exception Run(MethodInfo test)
        {
            Exception failure = null;
            var thread = new Thread(() =>
            {
                try
                {
                    new Sandbox().Reset();
                    test.Invoke(Activator.CreateInstance(test.DeclaringType), null);
                }
                catch (TargetInvocationException e)
                {
                    failure = e.InnerException;
                }
                catch (Exception e)
                {
                    failure = e;
                }
            });
            thread.IsBackground = true;
            thread.Start();
            return thread.Join(Limit) ? failure : new TimeoutException("It did not end.");
        }
    }
}
