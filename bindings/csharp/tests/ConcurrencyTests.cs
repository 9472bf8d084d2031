using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace Wxlink.Tests
{
    /// <summary>
    /// Tasks, cancellation, and clients that many threads share, dispose or forget.
    /// </summary>
    internal sealed class ConcurrencyTests
    {
        private const string Token = Sandbox.Token;
        private const string FullToken = Sandbox.FullToken;
        private const string Appid = Sandbox.Appid;
        private const int Threads = 64;
        private const int Forgotten = 150;
        private readonly Sandbox sandbox = new Sandbox();

        /// <summary>
        /// Runs an action on many threads at once, and throws what any of them threw.
        /// </summary>
        private static void OnThreads(int count, Action<int> action)
        {
            var failures = new List<Exception>();
            Thread[] threads = Enumerable.Range(0, count).Select(i => new Thread(() =>
            {
                try
                {
                    action(i);
                }
                catch (Exception e)
                {
                    lock (failures)
                    {
                        failures.Add(e);
                    }
                }
            })).ToArray();
            foreach (Thread thread in threads)
            {
                thread.Start();
            }
            foreach (Thread thread in threads)
            {
                thread.Join();
            }
            if (failures.Count > 0)
            {
                throw new AggregateException(failures);
            }
        }

        private static int OpenFiles()
        {
            return Directory.GetFileSystemEntries("/proc/self/fd").Length;
        }

        private static int SystemThreads()
        {
            return Directory.GetDirectories("/proc/self/task").Length;
        }

        /// <summary>
        /// No test can use up the system's threads; one that runs already cannot be started either.
        /// </summary>
        [Test]
        public void AThreadThatCannotBeStartedIsAnInternalFault()
        {
            MethodInfo start = typeof(WxClient).GetMethod(
                "Start", BindingFlags.Static | BindingFlags.NonPublic);
            var thrown = Check.Throws<TargetInvocationException>(
                () => start.Invoke(null, new object[] { Thread.CurrentThread }));
            var failure = (WxInternalException)thrown.InnerException;
            Check.Equal(Status.Internal, failure.Status);
            Check.Equal(Delivery.NeverSent, failure.Delivery);
            Check.Contains("could not start a thread", failure.Message);
        }

        [Test]
        public void EveryCallHasATask()
        {
            using (WxClient client = sandbox.Client())
            {
                Task<WxResult> link = client.LinkMiniProgramAsync(
                    Token, Appid, NotifyUsers.No, ShowProfile.Yes);
                Check.Equal(Status.Ok, link.Result.Status);
                var again = Check.Throws<WxPendingException>(client.LinkMiniProgramAsync(
                    Token, Appid, NotifyUsers.No, ShowProfile.Yes));
                Check.Equal(89010, again.Errcode);
                Check.Equal(6, client.GetLinkedAsync(FullToken).Result.Items.Count);
                LinkProgress pending = client.EnsureLinkedAsync(
                    Token, Appid, NotifyUsers.No, ShowProfile.Yes).Result;
                Check.Equal(LinkState.Pending, pending.State);
                Check.Equal(
                    Administrator.OfficialAccount,
                    client.WaitLinkedAsync(Token, Appid).Result.WaitsFor);
                var refused = Check.Throws<WxTokenException>(client.EnsureLinkedAsync(
                    "SANDBOX-EXPIRED", Appid, NotifyUsers.No, ShowProfile.Yes));
                Check.Equal(LinkState.Unknown, refused.Progress.State);
                var unlink = Check.Throws<WxInvalidRequestException>(
                    client.UnlinkMiniProgramAsync(Token, Appid));
                Check.Equal(40013, unlink.Errcode);
            }
        }

        [Test]
        public void ATokenCancelsItsCallAlone()
        {
            using (WxClient client = sandbox.Client())
            using (var source = new CancellationTokenSource())
            {
                sandbox.Fault("link", "after", "'hang'");
                Task<WxResult> link = client.LinkMiniProgramAsync(
                    Token, Appid, NotifyUsers.No, ShowProfile.Yes, source.Token);
                sandbox.AwaitReceived("link", 1);
                source.Cancel();
                var e = Check.Throws<WxCanceledException>(link);
                Check.That(link.IsCanceled, "the task is " + link.Status);
                Check.Equal(source.Token, e.CancellationToken);
                Check.Equal(Status.Cancelled, e.Result.Status);
                Check.Equal(Delivery.Unknown, e.Delivery);
                Check.Equal(null, e.Progress);

                // A token that was cancelled before: nothing is sent.
                Task<LinkProgress> ensure = client.EnsureLinkedAsync(
                    Token, Appid, NotifyUsers.No, ShowProfile.Yes, TimeSpan.Zero, source.Token);
                var early = Check.Throws<WxCanceledException>(ensure);
                Check.That(ensure.IsCanceled, "the task is " + ensure.Status);
                Check.Equal(Delivery.NeverSent, early.Delivery);
                Check.Equal(0, early.Progress.Posts);
                Check.Equal(0, sandbox.Received("get"));
                Check.Equal(1, client.GetLinked(Token).Items.Count);
            }
        }

        [Test]
        public void CancellingAClientEndsItsTasksAndBlockingCalls()
        {
            using (WxClient client = sandbox.Client())
            using (WxClient other = client.Derive())
            {
                sandbox.Fault("get", "before", "'hang'", 2);
                Task task = client.GetLinkedAsync(Token);
                Task blocking = Task.Factory.StartNew(
                    () => client.GetLinked(Token), TaskCreationOptions.LongRunning);
                sandbox.AwaitReceived("get", 2);
                client.Cancel();
                Check.Throws<WxCanceledException>(task);
                Check.Throws<WxCanceledException>(blocking);
                Check.Throws<WxCanceledException>(client.GetLinkedAsync(Token));
                Check.Equal(0, other.GetLinked(Token).Errcode);
            }
        }

        [Test]
        public void DisposingDoesNotWaitAndLosesNoAnswer()
        {
            WxClient client = sandbox.Client();
            sandbox.Fault("link", "after", "{'delay_ms':300}", 2);
            Task<WxResult> blocking = Task.Factory.StartNew(
                () => client.LinkMiniProgram(Token, Appid, NotifyUsers.No, ShowProfile.Yes),
                TaskCreationOptions.LongRunning);
            Task<WxResult> task = client.LinkMiniProgramAsync(
                Token, "wx0b00000000000002", NotifyUsers.No, ShowProfile.Yes);
            sandbox.AwaitReceived("link", 2);
            client.Dispose();
            client.Dispose();
            Check.Throws<ObjectDisposedException>(() => client.GetLinked(Token));
            Check.Throws<ObjectDisposedException>(client.GetLinkedAsync(Token));
            Check.Throws<ObjectDisposedException>(() => client.Derive());
            Check.Throws<ObjectDisposedException>(() => client.Stats());
            Check.Equal(0, blocking.Result.Errcode);
            Check.Equal(0, task.Result.Errcode);
            client.Cancel();
            Check.Equal(0, sandbox.Received("get"));
        }

        [Test]
        public void ADisposedClientCanStillBeCancelled()
        {
            WxClient client = sandbox.Client();
            sandbox.Fault("get", "before", "'hang'", 2);
            Task blocking = Task.Factory.StartNew(
                () => client.GetLinked(Token), TaskCreationOptions.LongRunning);
            Task task = client.GetLinkedAsync(Token);
            sandbox.AwaitReceived("get", 2);
            client.Dispose();
            client.Cancel();
            Check.Throws<WxCanceledException>(blocking);
            Check.Throws<WxCanceledException>(task);
        }

        [Test]
        public void ManyThreadsShareAClientUntilOneDisposesIt()
        {
            WxClient client = sandbox.Client();
            int answered = 0;
            var dispose = new Thread(() =>
            {
                sandbox.AwaitReceived("get", 500);
                client.Dispose();
            });
            dispose.Start();
            OnThreads(Threads, i =>
            {
                try
                {
                    while (true)
                    {
                        Check.Equal(6, client.GetLinked(FullToken).Items.Count);
                        Interlocked.Increment(ref answered);
                    }
                }
                catch (ObjectDisposedException)
                {
                }
            });
            dispose.Join();
            Check.Equal(sandbox.Processed("get"), answered);
        }

        [Test]
        public void TenThousandCallsLeakNothing()
        {
            const int Calls = 10000;
            MakeCalls(Calls / 5);
            Collect();
            int files = OpenFiles();
            int threads = SystemThreads();
            long memory = Memory();
            MakeCalls(Calls);
            Collect();
            Check.Eventually("the files are closed", () => OpenFiles() <= files + 8);
            Check.Eventually("the threads end", () => SystemThreads() <= threads + 8);
            // If results were not freed it would be 90 MB.
            Check.That(
                Memory() - memory < 40 << 20,
                "from " + memory + " to " + Memory() + " bytes of memory");
        }

        /// <summary>
        /// Makes calls on one client with many threads: calls that block, that are tasks, that
        /// fail, and that are cancelled.
        /// </summary>
        private void MakeCalls(int count)
        {
            using (WxClient client = sandbox.Client())
            {
                OnThreads(Threads, thread =>
                {
                    for (int i = thread; i < count; i += Threads)
                    {
                        switch (i / Threads % 4)
                        {
                            case 0:
                                Check.Equal(6, client.GetLinked(FullToken).Items.Count);
                                break;
                            case 1:
                                Check.Equal(
                                    6, client.GetLinkedAsync(FullToken).Result.Items.Count);
                                break;
                            case 2:
                                Check.Throws<WxTokenException>(() => client.GetLinked("wrong"));
                                break;
                            default:
                                using (WxClient own = client.Derive())
                                {
                                    own.Cancel();
                                    Check.Throws<WxCanceledException>(
                                        () => own.WaitLinked(Token, Appid));
                                }
                                break;
                        }
                    }
                });
            }
        }

        /// <summary>
        /// The memory of this process that no file backs, after a collection.
        /// </summary>
        private static long Memory()
        {
            string line = File.ReadLines("/proc/self/status")
                .First(text => text.StartsWith("RssAnon:", StringComparison.Ordinal));
            string digits = new string(line.Where(char.IsDigit).ToArray());
            return long.Parse(digits) * 1024;
        }

        private static void Collect()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
        }

        [Test]
        public void ForgottenClientsAreFreedWhileCallsRun()
        {
            using (WxClient client = sandbox.Client())
            {
                client.GetLinked(Token);
                Collect();
                int files = OpenFiles();
                bool isOver = false;
                int running = 0;
                var callers = new Thread(() => OnThreads(8, i =>
                {
                    Interlocked.Increment(ref running);
                    while (!Volatile.Read(ref isOver))
                    {
                        Check.Equal(6, client.GetLinked(FullToken).Items.Count);
                    }
                }));
                callers.Start();
                Check.Eventually("the callers run", () => Volatile.Read(ref running) == 8);
                // On a thread that ends: Mono takes what a stack has kept for references.
                OnThreads(1, thread =>
                {
                    for (int i = 0; i < Forgotten / 3; i++)
                    {
                        Forget(client);
                    }
                });
                Volatile.Write(ref isOver, true);
                callers.Join();
                Check.Eventually("the files are closed", () =>
                {
                    Collect();
                    // Every client has a file. Ten connections of callers may be left, and a client
                    // that looks referenced.
                    return OpenFiles() < files + Forgotten / 3;
                });
                Check.Equal(6, client.GetLinked(FullToken).Items.Count);
            }
        }

        /// <summary>
        /// Makes three clients, one with a task that runs, and keeps no reference to them.
        /// </summary>
        [MethodImpl(MethodImplOptions.NoInlining)]
        private void Forget(WxClient client)
        {
            client.Derive().GetLinked(Token);
            sandbox.Client().GetLinked(Token);
            Task<MiniProgramList> task = client.Derive().GetLinkedAsync(FullToken);
            GC.Collect();
            Check.Equal(6, task.Result.Items.Count);
        }

        [Test]
        public void TasksDoNotOccupyTheThreadPool()
        {
            using (WxClient client = sandbox.Client())
            using (var source = new CancellationTokenSource())
            {
                sandbox.Fault("get", "before", "'hang'", Threads);
                Task[] calls = Enumerable.Range(0, Threads)
                    .Select(i => (Task)client.GetLinkedAsync(Token, source.Token))
                    .ToArray();
                // The pool would add its threads slowly.
                sandbox.AwaitReceived("get", Threads);
                int available;
                int most;
                int ports;
                ThreadPool.GetAvailableThreads(out available, out ports);
                ThreadPool.GetMaxThreads(out most, out ports);
                Check.That(most - available < Threads / 2, most - available + " threads are used");
                source.Cancel();
                foreach (Task call in calls)
                {
                    Check.Throws<WxCanceledException>(call);
                }
            }
        }

        [Test]
        public void AContextDoesNotDeadlockABlockedThread()
        {
            using (WxClient client = sandbox.Client())
            {
                var context = new StuckContext();
                SynchronizationContext.SetSynchronizationContext(context);
                try
                {
                    Check.Equal(6, client.GetLinkedAsync(FullToken).Result.Items.Count);
                }
                finally
                {
                    SynchronizationContext.SetSynchronizationContext(null);
                }
                Check.Equal(0, context.Posts);
            }
        }

        /// <summary>As that of a window whose thread is blocked: it runs nothing.</summary>
        private sealed class StuckContext : SynchronizationContext
        {
            internal int Posts { get; private set; }

            public override void Post(SendOrPostCallback callback, object state)
            {
                Posts++;
            }
        }
    }
}
