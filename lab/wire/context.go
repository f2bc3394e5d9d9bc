package wire

import (
	"context"
	"slices"
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

type refusedKey struct{}

// WithRefused tells a service which late questions of a call were answered no.
func WithRefused(ctx context.Context, refused []Check) context.Context {
	return context.WithValue(ctx, refusedKey{}, refused)
}

// Refused tells whether a late question of the call was answered no.
func Refused(ctx context.Context, action, resource string) bool {
	refused, _ := ctx.Value(refusedKey{}).([]Check)
	return slices.ContainsFunc(refused, func(c Check) bool { return c.Action == action && c.Resource == resource })
}
