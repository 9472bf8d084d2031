package wxlink

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"
)

// log writes the record of a call that has ended, if the client has a logger.
func (c *Client) log(ctx context.Context, name string, started time.Time, r Result) {
	if c == nil || c.handle == nil || c.handle.logger == nil || ctx == nil {
		return
	}
	logger := c.handle.logger
	if !logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("call", name),
		slog.String("status", r.Status.String()),
		slog.Int("errcode", r.Errcode),
		slog.String("class", string(r.Class)),
		slog.String("delivery", r.Delivery.String()),
		slog.Duration("duration", time.Since(started)),
	}
	if r.RID != "" {
		attrs = append(attrs, slog.String("rid", r.RID))
	}
	if json.Valid(r.Trace) {
		attrs = append(attrs, slog.Any("trace", r.Trace))
	}
	if r.Message != "" {
		attrs = append(attrs, slog.String("message", r.Message))
	}
	logger.LogAttrs(ctx, slog.LevelDebug, "wxlink call", attrs...)
}
