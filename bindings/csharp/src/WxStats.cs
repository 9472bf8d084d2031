using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;

namespace Wxlink
{
    /// <summary>
    /// What a client, and the clients that share its connections, have done since it was created.
    /// It does not change: any number of threads may read it.
    /// </summary>
    public sealed class WxStats
    {
        private WxStats(ResultHandle result)
        {
            Since = DateTimeOffset.FromUnixTimeSeconds(ResultReader.NumberOrZero(result, "/since"));
            var endpoints = new Dictionary<Endpoint, EndpointStats>();
            foreach (Endpoint endpoint in Enum.GetValues(typeof(Endpoint)))
            {
                string place = "/endpoints/" + endpoint.Word();
                if (ResultReader.NumberOrZero(result, place + "/calls") > 0)
                {
                    endpoints.Add(endpoint, new EndpointStats(result, place));
                }
            }
            Endpoints = new ReadOnlyDictionary<Endpoint, EndpointStats>(endpoints);
            InDoubt = ResultReader.NumberOrZero(result, "/in_doubt");
            TokensFetched = ResultReader.NumberOrZero(result, "/tokens_fetched");
            ConnectionsOpened = ResultReader.NumberOrZero(result, "/connections/opened");
            ConnectionsReused = ResultReader.NumberOrZero(result, "/connections/reused");
            ConnectionsIdle = ResultReader.NumberOrZero(result, "/connections/idle");
        }

        /// <summary>When the client was created.</summary>
        public DateTimeOffset Since { get; private set; }

        /// <summary>The calls of each endpoint that was called.</summary>
        public IReadOnlyDictionary<Endpoint, EndpointStats> Endpoints { get; private set; }

        /// <summary>The calls of <see cref="WxClient.EnsureLinked"/> that ended in doubt.</summary>
        public long InDoubt { get; private set; }

        /// <summary>
        /// The access tokens that were fetched from the client's token source.
        /// </summary>
        public long TokensFetched { get; private set; }

        /// <summary>The connections that were opened.</summary>
        public long ConnectionsOpened { get; private set; }

        /// <summary>The attempts that used a connection of an earlier one.</summary>
        public long ConnectionsReused { get; private set; }

        /// <summary>The connections that are open now and not in use.</summary>
        public long ConnectionsIdle { get; private set; }

        internal static WxStats Read(Status status, ResultHandle result)
        {
            return new WxStats(result);
        }
    }

    /// <summary>
    /// The calls of one endpoint. A call includes the fetch of its token, its retries and their
    /// pauses. Calls with an invalid argument are not counted.
    /// </summary>
    public sealed class EndpointStats
    {
        internal EndpointStats(ResultHandle result, string place)
        {
            Calls = ResultReader.NumberOrZero(result, place + "/calls");
            var outcomes = new Dictionary<Status, long>();
            foreach (Status status in Enum.GetValues(typeof(Status)))
            {
                long calls =
                    ResultReader.NumberOrZero(result, place + "/outcomes/" + status.Name());
                if (calls > 0)
                {
                    outcomes.Add(status, calls);
                }
            }
            Outcomes = new ReadOnlyDictionary<Status, long>(outcomes);
            Retries = ResultReader.NumberOrZero(result, place + "/retries");
            DeliveryUnknown = ResultReader.NumberOrZero(result, place + "/delivery_unknown");
            string latency = place + "/latency";
            Total = Microseconds(result, latency + "/sum_us");
            Longest = Microseconds(result, latency + "/max_us");
            var buckets = new List<LatencyBucket>();
            while (true)
            {
                string bucket = latency + "/buckets/" + ResultReader.Digits(buckets.Count);
                long calls = ResultReader.NumberOrZero(result, bucket + "/calls");
                if (calls == 0)
                {
                    break;
                }
                buckets.Add(new LatencyBucket(Microseconds(result, bucket + "/below_us"), calls));
            }
            Buckets = buckets.AsReadOnly();
        }

        /// <summary>How many calls there were.</summary>
        public long Calls { get; private set; }

        /// <summary>How many calls ended with each status.</summary>
        public IReadOnlyDictionary<Status, long> Outcomes { get; private set; }

        /// <summary>
        /// The attempts after the first ones of their calls, at the same or another host.
        /// </summary>
        public long Retries { get; private set; }

        /// <summary>The calls whose request was sent and not answered by WeChat.</summary>
        public long DeliveryUnknown { get; private set; }

        /// <summary>How long all calls took together.</summary>
        public TimeSpan Total { get; private set; }

        /// <summary>How long the longest call took.</summary>
        public TimeSpan Longest { get; private set; }

        /// <summary>How long the calls took, in ascending order.</summary>
        public IReadOnlyList<LatencyBucket> Buckets { get; private set; }

        private static TimeSpan Microseconds(ResultHandle result, string place)
        {
            const long TicksPerMicrosecond = TimeSpan.TicksPerMillisecond / 1000;
            return new TimeSpan(ResultReader.NumberOrZero(result, place) * TicksPerMicrosecond);
        }
    }

    /// <summary>
    /// The calls that took less than <see cref="Below"/>, and not less than that of the bucket
    /// before it. The limits of a bucket differ by at most an eighth. Empty buckets are left out.
    /// </summary>
    public sealed class LatencyBucket
    {
        internal LatencyBucket(TimeSpan below, long calls)
        {
            Below = below;
            Calls = calls;
        }

        /// <summary>The shortest time that is too long for the bucket.</summary>
        public TimeSpan Below { get; private set; }

        /// <summary>How many calls it has.</summary>
        public long Calls { get; private set; }
    }
}
