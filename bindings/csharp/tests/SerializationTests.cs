using System.IO;
using System.Runtime.Serialization.Formatters.Binary;

namespace Wxlink.Tests
{
    /// <summary>
    /// .NET Framework and Mono serialize what passes between application domains.
    /// </summary>
    internal sealed class SerializationTests
    {
        private readonly Sandbox sandbox = new Sandbox();

        [Test]
        public void ResultsAndExceptionsCanBeSerialized()
        {
            using (WxClient client = sandbox.Client())
            {
                var e = Check.Throws<WxTokenException>(
                    () => client.WaitLinked("wrong", Sandbox.Appid));
                WxTokenException copy = Copy(e);
                Check.Equal(e.Message, copy.Message);
                Check.Equal(e.Rid, copy.Rid);
                Check.Equal(ErrorClass.Token, copy.ErrorClass);
                Check.Equal(LinkState.Unknown, copy.Progress.State);
                MiniProgramList list = Copy(client.GetLinked(Sandbox.FullToken));
                Check.Equal("示例小程序11", list.Items[0].Nickname);
                client.Cancel();
                var cancelled = Check.Throws<WxCanceledException>(
                    () => client.GetLinked(Sandbox.Token));
                Check.Equal(Delivery.NeverSent, Copy(cancelled).Delivery);
            }
        }

        private static T Copy<T>(T value)
        {
            var formatter = new BinaryFormatter();
            using (var stream = new MemoryStream())
            {
                formatter.Serialize(stream, value);
                stream.Position = 0;
                return (T)formatter.Deserialize(stream);
            }
        }
    }
}
