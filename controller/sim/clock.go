package sim

import (
	"context"
	"sync"
	"time"
)

// Clock is simulated time: whoever sleeps moves it. It implements flow.Clock
// and is safe for several goroutines.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts on a fixed day.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 11, 22, 15, 53, 0, 0, time.UTC)} }

// Now is the simulated time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Sleep moves the time on, unless the context has ended.
func (c *Clock) Sleep(ctx context.Context, until time.Time) {
	if ctx.Err() == nil {
		c.set(until)
	}
}

// Pass lets time pass.
func (c *Clock) Pass(d time.Duration) { c.set(c.Now().Add(d)) }

func (c *Clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.now) {
		c.now = t
	}
}
