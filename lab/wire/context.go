package wire

import (
	"context"
	"time"
)

type stuckKey struct{}

// WithStuck tells a service that the transition which this call starts shall not end
// before d has passed, whatever the rules say.
func WithStuck(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, stuckKey{}, d)
}

// StuckFor is how long the transition that this call starts is held up; mostly zero.
func StuckFor(ctx context.Context) time.Duration {
	d, _ := ctx.Value(stuckKey{}).(time.Duration)
	return d
}
