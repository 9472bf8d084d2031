package wxlink;

import com.sun.jna.Pointer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What a client, and the clients that share its connections, have done since it was created.
 *
 * <p>Immutable: any number of threads may read it.
 */
public final class Stats {
    private final Instant since;
    private final Map<Endpoint, Calls> endpoints = new EnumMap<>(Endpoint.class);
    private final long inDoubt;
    private final long tokensFetched;
    private final long connectionsOpened;
    private final long connectionsReused;
    private final long connectionsIdle;

    /** Copies a native result, which the caller still owns. */
    Stats(Pointer result) {
        since = Instant.ofEpochSecond(Result.number(result, "/since"));
        for (Endpoint endpoint : Endpoint.values()) {
            String place = "/endpoints/" + endpoint.word();
            if (Result.number(result, place + "/calls") > 0) {
                endpoints.put(endpoint, new Calls(result, place));
            }
        }
        inDoubt = Result.number(result, "/in_doubt");
        tokensFetched = Result.number(result, "/tokens_fetched");
        connectionsOpened = Result.number(result, "/connections/opened");
        connectionsReused = Result.number(result, "/connections/reused");
        connectionsIdle = Result.number(result, "/connections/idle");
    }

    /** When the client was created. */
    public Instant since() {
        return since;
    }

    /** The calls of each endpoint that was called. Cannot be changed. */
    public Map<Endpoint, Calls> endpoints() {
        return Collections.unmodifiableMap(endpoints);
    }

    /** How many calls of ensure ended as {@link LinkState#IN_DOUBT}. */
    public long inDoubt() {
        return inDoubt;
    }

    /** How many access tokens were fetched from the client's token source. */
    public long tokensFetched() {
        return tokensFetched;
    }

    /** How many connections were opened. */
    public long connectionsOpened() {
        return connectionsOpened;
    }

    /** How many attempts used a connection of an earlier one. */
    public long connectionsReused() {
        return connectionsReused;
    }

    /** How many connections are open now and not in use. */
    public long connectionsIdle() {
        return connectionsIdle;
    }

    /**
     * The calls of one endpoint. A call includes the fetch of its token, its retries and their
     * pauses. Calls with an invalid argument are not counted.
     */
    public static final class Calls {
        private final long count;
        private final Map<Status, Long> outcomes = new EnumMap<>(Status.class);
        private final long retries;
        private final long deliveryUnknown;
        private final Duration total;
        private final Duration longest;
        private final ArrayList<Bucket> buckets = new ArrayList<>();

        private Calls(Pointer result, String place) {
            count = Result.number(result, place + "/calls");
            for (Status status : Status.values()) {
                long calls = Result.number(result, place + "/outcomes/" + status.name());
                if (calls > 0) {
                    outcomes.put(status, calls);
                }
            }
            retries = Result.number(result, place + "/retries");
            deliveryUnknown = Result.number(result, place + "/delivery_unknown");
            String latency = place + "/latency";
            total = microseconds(result, latency + "/sum_us");
            longest = microseconds(result, latency + "/max_us");
            for (int i = 0; ; i++) {
                String bucket = latency + "/buckets/" + i;
                long calls = Result.number(result, bucket + "/calls");
                if (calls == 0) {
                    break;
                }
                buckets.add(new Bucket(microseconds(result, bucket + "/below_us"), calls));
            }
        }

        private static Duration microseconds(Pointer result, String place) {
            return Duration.ofNanos(1000 * Result.number(result, place));
        }

        /** How many calls there were. */
        public long count() {
            return count;
        }

        /** How many calls ended with each status. Cannot be changed. */
        public Map<Status, Long> outcomes() {
            return Collections.unmodifiableMap(outcomes);
        }

        /** How many attempts followed the first ones of their calls, also at another host. */
        public long retries() {
            return retries;
        }

        /** How many calls were sent and not answered by WeChat. */
        public long deliveryUnknown() {
            return deliveryUnknown;
        }

        /** How long all calls took together. */
        public Duration total() {
            return total;
        }

        /** How long the longest call took. */
        public Duration longest() {
            return longest;
        }

        /** How long the calls took, in ascending order. Cannot be changed. */
        public List<Bucket> buckets() {
            return Collections.unmodifiableList(buckets);
        }
    }

    /**
     * The calls that took less than {@link #below}, and not less than that of the bucket before it.
     * The limits of a bucket differ by at most an eighth. Empty buckets are left out.
     */
    public static final class Bucket {
        private final Duration below;
        private final long calls;

        private Bucket(Duration below, long calls) {
            this.below = below;
            this.calls = calls;
        }

        /** The shortest duration that is too long for the bucket. */
        public Duration below() {
            return below;
        }

        /** How many calls it has. */
        public long calls() {
            return calls;
        }
    }
}
