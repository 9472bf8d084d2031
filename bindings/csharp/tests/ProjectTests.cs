using System;
using System.IO;
using System.Reflection;
using System.Xml;

namespace Wxlink.Tests
{
    /// <summary>
    /// The project file cannot be built where the .NET SDK is missing, but it can be read.
    /// </summary>
    internal sealed class ProjectTests
    {
        [Test]
        public void TheProjectFileIsWellFormedAndHasTheVersion()
        {
            string path = Path.Combine(
                Sandbox.Address("WXLINK_CHECKOUT"), "bindings", "csharp", "src", "Wxlink.csproj");
            var project = new XmlDocument();
            project.Load(path);
            XmlElement root = project.DocumentElement;
            Check.Equal("Microsoft.NET.Sdk", root.GetAttribute("Sdk"));
            XmlElement properties = root["PropertyGroup"];
            Check.Equal("netstandard2.0", properties["TargetFramework"].InnerText);
            Assembly assembly = typeof(WxClient).Assembly;
            Check.Equal(assembly.GetName().Name, properties["AssemblyName"].InnerText);
            Check.Equal(typeof(WxClient).Namespace, properties["RootNamespace"].InnerText);
            var company = (AssemblyCompanyAttribute)assembly.GetCustomAttributes(
                typeof(AssemblyCompanyAttribute), false)[0];
            Check.Equal(company.Company, properties["Authors"].InnerText);
            string version = properties["Version"].InnerText;
            Check.Equal(WxLibrary.Version, version);
            Version ours = assembly.GetName().Version;
            Check.Equal(version, ours.ToString(3));
        }
    }
}
