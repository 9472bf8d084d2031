package wxlink

// #include <wxlink.h>
import "C"

import (
	"encoding/json"
	"runtime"
	"time"
)

// Stats is what a client and the clients that share its connections have done since it was made.
type Stats struct {
	Since time.Time
	// Endpoints has the endpoints that were called.
	Endpoints map[Endpoint]EndpointStats
	// InDoubt is the number of calls of [Client.EnsureLinked] that ended with [StateInDoubt].
	InDoubt int64
	// TokensFetched is the number of access tokens fetched from the client's token source.
	TokensFetched int64
	Connections   ConnectionStats
}

// EndpointStats are the calls of one endpoint. A call includes the fetch of its token, its retries
// and their pauses. Calls with an invalid argument are not counted.
type EndpointStats struct {
	Calls    int64
	Outcomes map[Status]int64
	// Retries is the number of attempts after the first ones of their calls.
	Retries int64
	// DeliveryUnknown is the number of calls whose request was sent and not answered by WeChat.
	DeliveryUnknown int64
	Latency         Latency
}

// Latency is how long calls took. It has the buckets that are not empty, in ascending order.
type Latency struct {
	Sum, Max time.Duration
	Buckets  []LatencyBucket
}

// A LatencyBucket has the calls that took less than Below, and not less than the limit of the
// bucket before it. The limits of a bucket differ by at most an eighth.
type LatencyBucket struct {
	Below time.Duration
	Calls int64
}

// ConnectionStats are the connections of a client.
type ConnectionStats struct {
	Opened int64
	Reused int64 // the attempts that used a connection of an earlier one
	Idle   int   // those that are open now and not in use
}

// Stats returns what the client has done so far, in numbers. It makes no request and does not wait.
func (c *Client) Stats() (Stats, error) {
	h, missing := c.open()
	if missing != nil {
		return Stats{}, missing
	}
	if err := h.begin(); err != nil {
		return Stats{}, err
	}
	defer runtime.KeepAlive(c)
	defer h.calls.Done()
	var result *C.wx_result
	status := Status(C.wx_client_stats(h.client, &result))
	defer C.wx_result_free(result)
	r := read(result, status)
	if status != StatusOK {
		return Stats{}, &Error{Result: r}
	}
	return readStats(r.JSON), nil
}

// readStats reads the library's JSON.
func readStats(text []byte) Stats {
	var from struct {
		Since     int64
		Endpoints map[Endpoint]struct {
			Calls           int64
			Outcomes        map[string]int64
			Retries         int64
			DeliveryUnknown int64 `json:"delivery_unknown"`
			Latency         struct {
				SumUs   int64 `json:"sum_us"`
				MaxUs   int64 `json:"max_us"`
				Buckets []struct {
					BelowUs int64 `json:"below_us"`
					Calls   int64
				}
			}
		}
		InDoubt       int64 `json:"in_doubt"`
		TokensFetched int64 `json:"tokens_fetched"`
		Connections   ConnectionStats
	}
	_ = json.Unmarshal(text, &from) // The library wrote it.
	s := Stats{
		Since:         time.Unix(from.Since, 0),
		Endpoints:     map[Endpoint]EndpointStats{},
		InDoubt:       from.InDoubt,
		TokensFetched: from.TokensFetched,
		Connections:   from.Connections,
	}
	for name, e := range from.Endpoints {
		to := EndpointStats{
			Calls:           e.Calls,
			Outcomes:        map[Status]int64{},
			Retries:         e.Retries,
			DeliveryUnknown: e.DeliveryUnknown,
			Latency:         Latency{Sum: microseconds(e.Latency.SumUs), Max: microseconds(e.Latency.MaxUs)},
		}
		for _, status := range statuses {
			if n := e.Outcomes[status.String()]; n > 0 {
				to.Outcomes[status] = n
			}
		}
		for _, b := range e.Latency.Buckets {
			to.Latency.Buckets = append(to.Latency.Buckets,
				LatencyBucket{microseconds(b.BelowUs), b.Calls})
		}
		s.Endpoints[name] = to
	}
	return s
}

func microseconds(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
